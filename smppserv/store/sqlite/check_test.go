package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

const stored = 4000

// filled is a database with messages of which every third waits, and with an index of numbers on disk.
func filled(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "messages.db")
	s, err := sqlite.OpenSmall(t.Context(), sqlite.Options{File: file, Log: zerolog.Nop()}, "", 500)
	if err != nil {
		t.Fatal(err)
	}
	var ended []sms.ID
	for i := range stored {
		m := storetest.Sample()
		m.Source.Number, m.Content = fmt.Sprint(33600000000+i), []byte(strings.Repeat("text ", 20))
		m.ReceivedAt = time.Now()
		if i == stored-1 {
			storetest.Add(t, s, m)
		} else {
			s.Add(unheard{m})
		}
	}
	for id := sms.ID(1); id <= stored; id++ {
		if id%3 != 0 {
			ended = append(ended, id)
		}
	}
	storetest.Finish(s, road.Transition{IDs: ended, State: sms.Delivered, Attempts: 1})
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "most of the index is on disk", func() bool { // a stop does not wait for it
		var last sms.ID
		err := db.QueryRow("SELECT coalesce(max(last_id), 0) FROM runs WHERE state = 2").Scan(&last)
		return err == nil && last >= stored*3/4
	})
	if err := errors.Join(db.Close(), s.Close(context.Background())); err != nil {
		t.Fatal(err)
	}
	return file
}

type unheard struct{ m *sms.Message }

func (u unheard) Message() *sms.Message      { return u.m }
func (u unheard) Replaces() *road.Transition { return nil }
func (u unheard) Added(bool, error)          {}

func TestACheckFindsNothingInAWholeDatabaseAlsoWhileTheServerRuns(t *testing.T) {
	file := filled(t)
	steps := map[string]bool{}
	c, err := sqlite.Check(t.Context(), file, true, func(step string, _ float64) { steps[step] = true })
	if err != nil || len(c.Faults) > 0 || len(c.Left) > 0 {
		t.Fatalf("%v: %q, left %q", err, c.Faults, c.Left)
	}
	if c.Messages != stored || c.Waiting != stored/3 || c.LastID != stored || c.Compared < stored/2 || c.Hours == 0 || c.Mark < stored {
		t.Errorf("got %+v", c)
	}
	if !steps["pages of messages"] || !steps["index of numbers"] || !steps["waiting messages"] {
		t.Errorf("told of %v", steps)
	}
	s := must(t, file)
	defer s.Close(context.Background())
	if c, err = sqlite.Check(t.Context(), file, false, nil); err != nil || len(c.Faults) > 0 || len(c.Left) != 1 {
		t.Errorf("while it runs: %v, %q, left %q", err, c.Faults, c.Left)
	}
}

func TestACheckSaysWhatIsWrong(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	for name, c := range map[string]struct{ sql, want string }{
		"a counter that forgot messages":       {"UPDATE hourly SET n = 7 WHERE state = 1", "counters"},
		"an index without its pieces":          {"DELETE FROM run_pieces", "index of numbers"},
		"a message that cannot be read":        {"UPDATE messages SET attributes = x'FF' WHERE id = 3", "message 3 waits"},
		"a mark below what was given out":      {"UPDATE last_message_id SET id = 99999999", "high-water mark"},
		"an index of SQLite's that lost a row": {"PRAGMA writable_schema = on; UPDATE sqlite_schema SET sql = 'CREATE INDEX messages_waiting ON messages (id) WHERE final_at IS NOT NULL' WHERE name = 'messages_waiting'", "messages"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filled(t)
			execute(t, file, c.sql)
			got, err := sqlite.Check(t.Context(), file, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(got.Faults, func(f string) bool { return strings.Contains(f, c.want) }) {
				t.Errorf("got %q", got.Faults)
			}
		})
	}
}

// overwrite makes pages of the file useless.
func overwrite(t *testing.T, file string, pages ...int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if _, err := f.WriteAt([]byte(strings.Repeat("\xA5", 4096)), page*4096); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// recovered saves what it can, and opens it in the place of the damaged one.
func recovered(t *testing.T, file string) (sqlite.Recovered, map[sms.ID]sms.State) {
	t.Helper()
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "saved.db")
	r, err := sqlite.Recover(t.Context(), file, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Error("the damaged file was changed")
	}
	if _, err := sqlite.Restore(t.Context(), file, to, nil); err != nil {
		t.Fatalf("what was saved cannot be put in its place: %v", err)
	}
	s := must(t, file)
	defer s.Close(context.Background())
	there := map[sms.ID]sms.State{}
	for id := sms.ID(1); id <= stored; id++ {
		switch m, err := s.Get(t.Context(), id); {
		case err == nil:
			there[id] = m.State
		case !errors.Is(err, sms.ErrUnknown):
			t.Fatal(err)
		}
	}
	if c, err := sqlite.Check(t.Context(), file, false, nil); err != nil || len(c.Faults) > 0 {
		t.Errorf("of what was saved: %v, %q", err, c.Faults)
	}
	return r, there
}

func TestOfADamagedDatabaseWhatCanBeReadIsSavedAndTheRestIsNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	for name, damage := range map[string]func(t *testing.T, file string, pages int64){
		"one page": func(t *testing.T, file string, pages int64) { overwrite(t, file, pages/2) },
		"ten pages": func(t *testing.T, file string, pages int64) {
			overwrite(t, file, 40, 50, 51, 52, 60, 77, 90, 100, 120, 121)
		},
		"cut off":     func(t *testing.T, file string, pages int64) { cut(t, file, pages*3/4*4096) },
		"cut by half": func(t *testing.T, file string, pages int64) { cut(t, file, pages/2*4096+1000) },
	} {
		t.Run(name, func(t *testing.T) {
			file := filled(t)
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			damage(t, file, info.Size()/4096)
			r, there := recovered(t, file)
			lost := 0
			for _, l := range r.Lost {
				for id := l.From; id <= min(l.To, stored); id++ {
					if _, ok := there[id]; ok {
						t.Errorf("message %d is said to be lost, and is there", id)
					}
					lost++
				}
			}
			if len(there)+lost != stored || len(there) == 0 {
				t.Errorf("of %d messages %d are there, and %d are said to be lost: %v", stored, len(there), lost, r.Lost)
			}
			for id, state := range there {
				if waits := id%3 == 0; waits != (state == sms.Enroute) {
					t.Fatalf("message %d is %v", id, state)
				}
			}
			t.Logf("%s: %d of %d messages saved, %d lost in %d ranges", name, len(there), stored, lost, len(r.Lost))
		})
	}
}

func cut(t *testing.T, file string, octets int64) {
	t.Helper()
	if err := os.Truncate(file, octets); err != nil {
		t.Fatal(err)
	}
}

func TestARecoveryOverwritesNothingAndLeavesARunningServerAlone(t *testing.T) {
	file := filled(t)
	if _, err := sqlite.Recover(t.Context(), file, file, nil); err == nil {
		t.Error("it was recovered into itself")
	}
	s := must(t, file)
	if _, err := sqlite.Recover(t.Context(), file, filepath.Join(t.TempDir(), "saved.db"), nil); !errors.Is(err, store.ErrHeld) {
		t.Errorf("while it runs: %v", err)
	}
	s.Close(context.Background())
	first := filepath.Join(t.TempDir(), "first.db")
	if err := os.WriteFile(first, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Recover(t.Context(), first, filepath.Join(t.TempDir(), "saved.db"), nil); err == nil || !strings.Contains(err.Error(), "first page") {
		t.Errorf("of what is no database: %v", err)
	}
}

func TestBeforeItsSchemaChangesACopyIsMadeAndTheLastTwoStay(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("under Wine a copy that this process has made cannot be removed by it: a sharing violation with no handle left")
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "messages.db")
	for i, version := range []int{1, 3, 7} {
		data, err := os.ReadFile(filepath.Join("testdata", fmt.Sprint(version, ".db")))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := must(t, file).Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		copies, err := filepath.Glob(file + ".schema-*.backup")
		if err != nil || len(copies) != min(i+1, 2) || !slices.ContainsFunc(copies, func(c string) bool {
			return strings.HasPrefix(filepath.Base(c), fmt.Sprintf("messages.db.schema-%d-", version))
		}) {
			t.Fatalf("after schema %d: %v, %v", version, copies, err)
		}
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		for _, c := range copies {
			if strings.Contains(c, fmt.Sprintf("schema-%d-", version)) {
				if err := os.Chtimes(c, at, at); err != nil {
					t.Fatal(err)
				}
				// It is whole: the program that wrote it would go on with it.
				var has int
				query(t, c, "SELECT max(version_id) FROM goose_db_version", &has)
				if has != version {
					t.Errorf("the copy %s has the schema %d", c, has)
				}
			}
		}
		for _, name := range []string{file, file + "-wal", file + "-shm"} {
			os.Remove(name)
		}
	}
	if err := must(t, file).Close(context.Background()); err != nil { // a new one has nothing to keep
		t.Fatal(err)
	}
	if copies, _ := filepath.Glob(file + ".schema-*"); len(copies) != 2 {
		t.Errorf("got %v", copies)
	}
}

func open(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, file, statements string) {
	t.Helper()
	if _, err := open(t, file).Exec(statements); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, file, statement string, into any) {
	t.Helper()
	if err := open(t, file).QueryRow(statement).Scan(into); err != nil {
		t.Fatal(err)
	}
}
