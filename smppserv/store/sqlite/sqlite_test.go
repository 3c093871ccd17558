package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
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
)

func openFile(file string) (*store.Store, error) {
	return sqlite.Open(context.Background(), sqlite.Options{File: file, Log: zerolog.Nop()})
}

func must(t testing.TB, file string) *store.Store {
	t.Helper()
	s, err := openFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		file := filepath.Join(t.TempDir(), "with space and é", "messages.db")
		return func() *store.Store { return must(t, file) }
	})
}

func TestASecondWorkerIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	if _, err := openFile(file); !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), file) {
		t.Fatalf("got %v", err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := must(t, file).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestADatabaseThatIsNotOursIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte("this is no database at all, but a text"), 0o600); err != nil {
		t.Fatal(err)
	}
	raw := func(name string, statements ...string) string {
		file := filepath.Join(dir, name)
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		return file
	}
	newer := filepath.Join(dir, "newer.db")
	if err := must(t, newer).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	raw("newer.db", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
	corrupt := filepath.Join(dir, "corrupt.db")
	if err := os.WriteFile(corrupt, append([]byte("SQLite format 3\x00"), make([]byte, 8192)...), 0o600); err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(dir, "torn.db")
	s := must(t, torn)
	storetest.Add(t, s, storetest.Sample())
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	pages, err := os.ReadFile(torn)
	if err != nil || len(pages) <= 4096 {
		t.Fatalf("%d octets, %v", len(pages), err)
	}
	copy(pages[4096:], bytes.Repeat([]byte("A"), len(pages)))
	if err := os.WriteFile(torn, pages, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ file, want string }{
		{torn, "damaged"},
		{text, "not a SQLite database"},
		{raw("foreign.db", "CREATE TABLE notes (x)"), "another program"},
		{raw("other-id.db", "PRAGMA application_id = 7"), "another program"},
		{newer, "newer version"},
		{corrupt, "damaged"},
	} {
		before, err := os.ReadFile(test.file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = openFile(test.file)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.file) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want a line with %q", test.file, err, test.want)
		}
		if after, err := os.ReadFile(test.file); err != nil || string(after) != string(before) {
			t.Errorf("%s was changed (%v)", test.file, err)
		}
	}
}

func TestADatabaseFromBeforeSubmitMultiWasIndexedIsTakenOver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	first, second, third := storetest.Sample(), storetest.Sample(), storetest.Sample()
	second.First, third.First = first, first
	for _, m := range []*sms.Message{first, second, third} {
		storetest.Add(t, s, m)
	}
	storetest.Finish(s, road.Transition{IDs: []sms.ID{third.ID}, State: sms.Delivered})
	beside, left := sms.NewDPF(first, false, time.Now(), time.Hour), sms.NewDPF(third, false, time.Now(), time.Hour)
	left.Receipt.Of = third.ID
	storetest.Add(t, s, left)
	storetest.Add(t, s, beside)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range append(slices.Clone(before8), "DROP TABLE run_pieces", "DROP TABLE runs", "DROP TABLE submit_multi", "DROP TABLE clock_steps", "DROP TABLE jobs", "ALTER TABLE messages DROP COLUMN wait",
		"ALTER TABLE messages DROP COLUMN push_key", "ALTER TABLE messages DROP COLUMN progress", "DELETE FROM goose_db_version WHERE version_id > 1") {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = must(t, file)
	defer s.Close(context.Background())
	// What is final is nobody's to cancel or replace, and there may be millions of it.
	if ids, err := s.KnownAs(context.Background(), first.ID); err != nil || !slices.Equal(ids, []sms.ID{first.ID, second.ID}) {
		t.Fatalf("got %v, %v", ids, err)
	}
	if _, err := s.Get(context.Background(), beside.ID); !errors.Is(err, sms.ErrUnknown) {
		t.Errorf("the delivery pending flag beside its message is still there: %v", err)
	}
	if got, err := s.Get(context.Background(), left.ID); err != nil || !got.Receipt.Away {
		t.Errorf("the delivery pending flag of a message that has ended is %+v, %v", got, err)
	}
	next := storetest.Sample()
	if storetest.Add(t, s, next); next.ID <= beside.ID {
		t.Errorf("the id %d comes again", next.ID)
	}
}

// before8 takes back what migrations 8 and later ones made.
var before8 = []string{"ALTER TABLE clock_steps DROP COLUMN on_their_way", "DROP TABLE content_keys", "DROP TABLE clients", "DROP TABLE audit", "DROP TABLE minutes", "DROP TABLE hourly", "DROP TABLE counted", "DROP TABLE failed", "DROP TABLE tries",
	"ALTER TABLE messages DROP COLUMN unjudged", "ALTER TABLE messages DROP COLUMN through", "ALTER TABLE messages DROP COLUMN took_ms", "ALTER TABLE messages DROP COLUMN tried_at"}

// What an earlier version pushed bore the id alone as its key, and is perhaps at Hermès under it.
func TestAMessageThatAnEarlierVersionStoredKeepsItsIDAsItsKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	m := storetest.Sample()
	storetest.Add(t, s, m)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	var attributes []byte
	if err := db.QueryRow("SELECT attributes FROM messages").Scan(&attributes); err != nil {
		t.Fatal(err)
	}
	const stored = 1 + 15 + 1 // where the first storing stands: behind version, fixed fields, flags and an id of 0
	attributes = slices.Delete(attributes, stored, stored+1)
	attributes[0] = 2
	for _, statement := range append(slices.Clone(before8), "ALTER TABLE messages DROP COLUMN push_key", "ALTER TABLE messages DROP COLUMN progress", "ALTER TABLE messages DROP COLUMN wait", "DROP TABLE clock_steps",
		"DROP TABLE jobs", "DROP TABLE run_pieces", "DROP TABLE runs", "DELETE FROM goose_db_version WHERE version_id > 3") {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec("UPDATE messages SET attributes = ?", attributes); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = must(t, file)
	defer s.Close(context.Background())
	got, err := s.Get(context.Background(), m.ID)
	if err != nil || got.Key() != m.ID.String() || got.Alphabet != m.Alphabet {
		t.Fatalf("got %+v, %v", got, err)
	}
	next := storetest.Sample()
	if storetest.Add(t, s, next); !strings.HasPrefix(next.Key(), next.ID.String()+"-") {
		t.Errorf("the key of a new one is %q", next.Key())
	}
}

func TestAFolderThatCannotBeMadeIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openFile(filepath.Join(file, "messages.db")); err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("got %v", err)
	}
}

func TestTheDatabaseIsForItsOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes: the folder's rights count")
	}
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	defer s.Close(context.Background())
	storetest.Add(t, s, storetest.Sample())
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(file + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("messages.db%s has mode %04o", suffix, mode)
		}
	}
}
