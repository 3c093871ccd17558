package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
)

func add(t *testing.T, s *store.Store) sms.ID {
	t.Helper()
	m := storetest.Sample()
	storetest.Add(t, s, m)
	return m.ID
}

func closed(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func backup(t *testing.T, file string) (copy string, c sqlite.Copy) {
	t.Helper()
	copy = filepath.Join(t.TempDir(), "copy.db")
	c, err := sqlite.Backup(t.Context(), file, copy, nil)
	if err != nil {
		t.Fatal(err)
	}
	return copy, c
}

// names lists what is in a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func waiting(t *testing.T, s *store.Store) (ids []sms.ID) {
	t.Helper()
	if err := s.Waiting(t.Context(), 0, func(m *sms.Message) error { ids = append(ids, m.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestABackupIsWholeWhileTheStoreIsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				add(t, s)
			}
		}
	}()
	first := add(t, s)
	for range 3 {
		copy, c := backup(t, file)
		after := add(t, s)
		if c.LastID < first || c.LastID >= after || c.Waiting != int(c.LastID) {
			t.Errorf("the copy has ids up to %d, and %d wait", c.LastID, c.Waiting)
		}
		info, err := os.Stat(copy)
		if err != nil || info.Size() != c.Octets || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info, err)
		}
		if all := names(t, filepath.Dir(copy)); len(all) != 1 {
			t.Errorf("beside the copy: %q", all)
		}
		of := must(t, copy)
		if ids := waiting(t, of); len(ids) != c.Waiting || ids[len(ids)-1] != c.LastID {
			t.Errorf("%d messages are in the copy, the last one is %d", len(ids), ids[len(ids)-1])
		}
		closed(t, of)
		first = after
	}
	close(stop)
	<-stopped
	closed(t, s)
	backup(t, file) // of a store that nobody has open
}

func TestABackupOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "messages.db")
	s := must(t, file)
	defer closed(t, s)
	add(t, s)
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{there, file, file + "-wal", file + "-journal", file + ".lock", dir, filepath.Join(dir, "last_message_id.messages.db"),
		filepath.Join(dir, "no such folder", "copy.db")} {
		before := names(t, dir)
		if _, err := sqlite.Backup(t.Context(), file, to, nil); err == nil || !strings.Contains(err.Error(), filepath.Dir(to)) {
			t.Errorf("%s: %v", to, err)
		}
		if after := names(t, dir); len(after) != len(before) {
			t.Errorf("%s: it leaves %q", to, after)
		}
	}
	if data, err := os.ReadFile(there); err != nil || string(data) != "mine" {
		t.Errorf("it is %q now, %v", data, err)
	}
	if _, err := sqlite.Backup(t.Context(), filepath.Join(dir, "other.db"), filepath.Join(dir, "copy.db"), nil); err == nil {
		t.Error("a copy was made of nothing")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	before := names(t, dir)
	if _, err := sqlite.Backup(ended, file, filepath.Join(dir, "copy.db"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if after := names(t, dir); len(after) != len(before) {
		t.Errorf("what was given up leaves %q", after)
	}
}

func TestARestoreKeepsTheOldDatabaseAndNoIDComesAgain(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "messages.db")
	s := must(t, file)
	first := add(t, s)
	add(t, s)
	copy, _ := backup(t, file)
	storetest.Finish(s, road.Transition{IDs: []sms.ID{first}, State: sms.Delivered})
	last := add(t, s)
	if _, err := sqlite.Restore(t.Context(), file, copy, nil); !errors.Is(err, store.ErrHeld) {
		t.Fatalf("under a running server: %v", err)
	}
	closed(t, s)
	before, err := os.ReadFile(copy)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sqlite.Restore(t.Context(), file, copy, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Waiting != 2 || r.LastID != 2 || r.Mark != last || r.Unread != nil || r.Skipped != 0 {
		t.Errorf("got %+v", r)
	}
	if after, err := os.ReadFile(copy); err != nil || string(after) != string(before) {
		t.Errorf("the copy was changed, %v", err)
	}
	s = must(t, file)
	if ids := waiting(t, s); len(ids) != 2 || ids[0] != first {
		t.Errorf("%d wait", ids)
	}
	if id := add(t, s); id != last+1 {
		t.Errorf("after %d comes %d", last, id)
	}
	closed(t, s)
	old := must(t, r.Aside)
	if ids := waiting(t, old); len(ids) != 2 || ids[1] != last {
		t.Errorf("the old database has %d", ids)
	}
	closed(t, old)
}

// killed copies what a kill would leave of a store that is open.
func killed(t *testing.T, file string) string {
	t.Helper()
	left := filepath.Join(t.TempDir(), "messages.db")
	for _, name := range []string{"messages.db", "messages.db-wal", "last_message_id.messages.db"} {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(file), name))
		if err == nil {
			err = os.WriteFile(filepath.Join(filepath.Dir(left), name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return left
}

func TestARestoreTakesAwayWhateverLiesThere(t *testing.T) {
	source := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, source)
	add(t, s)
	copy, _ := backup(t, source)
	last := add(t, s)
	defer closed(t, s)
	write := func(file string, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(copy)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		spoil          func(file string)
		aside          int // files that are kept
		unread, unsure bool
	}{
		"what a kill left":         {func(string) {}, 1, false, false},
		"nothing":                  {func(file string) { os.Remove(file); os.Remove(file + "-wal") }, 0, false, false},
		"a copy over it":           {func(file string) { write(file, data) }, 2, true, false},
		"a log without a database": {func(file string) { os.Remove(file) }, 1, true, false},
		"a text":                   {func(file string) { write(file, []byte("text")) }, 2, true, false},
		"pages of zeros": {func(file string) {
			os.Remove(file + "-wal")
			write(file, append([]byte("SQLite format 3\x00"), make([]byte, 8192)...))
		}, 1, true, false},
		"damage without a mark": {func(file string) {
			write(file, []byte("text"))
			os.Remove(filepath.Join(filepath.Dir(file), "last_message_id.messages.db"))
		}, 2, true, true},
	} {
		t.Run(what, func(t *testing.T) {
			file := killed(t, source)
			c.spoil(file)
			r, err := sqlite.Restore(t.Context(), file, copy, nil)
			if err != nil {
				t.Fatal(err)
			}
			if (r.Unread != nil) != c.unread || (r.Skipped > 0) != c.unsure || (r.Aside != "") != (c.aside > 0) {
				t.Errorf("got %+v", r)
			}
			kept := 0
			for _, name := range names(t, filepath.Dir(file)) {
				switch {
				case strings.Contains(name, "before-restore"):
					if !strings.HasSuffix(name, "-shm") {
						kept++
					}
				case name != "messages.db" && name != "messages.db.lock" && name != "last_message_id.messages.db":
					t.Errorf("%s is left", name)
				}
			}
			if kept != c.aside {
				t.Errorf("%d files are kept: %q", kept, names(t, filepath.Dir(file)))
			}
			s := must(t, file)
			defer closed(t, s)
			if id := add(t, s); id <= last {
				t.Errorf("after %d comes %d", last, id)
			}
			if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("%v %v", info, err)
			}
		})
	}
}

func TestARestoreRefusesWhatIsNoWholeCopyOfOursAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "messages.db")
	s := must(t, file)
	for range 50 {
		add(t, s)
	}
	good, _ := backup(t, file)
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	from := t.TempDir()
	named := func(name string, data []byte) string {
		path := filepath.Join(from, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	changed := func(name string, statements ...string) string {
		path := named(name, whole)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	torn := append([]byte(nil), whole...)
	for i := 3 * 4096; i < 4*4096; i++ {
		torn[i] = 'A'
	}
	used := filepath.Join(from, "used.db")
	other := must(t, used)
	defer closed(t, other)
	foreign := named("foreign.db", whole)
	log, err := os.ReadFile(used + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	named("foreign.db-wal", log)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	there := names(t, dir)
	for _, c := range []struct{ from, want string }{
		{filepath.Join(from, "missing.db"), "missing.db"},
		{named("empty.db", nil), "not a SQLite database"},
		{named("text.db", []byte(strings.Repeat("text", 100))), "not a SQLite database"},
		{named("cut.db", whole[:len(whole)/2]), "damaged"},
		{named("torn.db", torn), "damaged"},
		{changed("other.db", "PRAGMA application_id = 7"), "another program"},
		{changed("newer.db", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)"), "newer version"},
		{file, "the database itself"},
		{used, "held by another process"},
		{foreign, "write-ahead log beside it"},
		{from, "cannot be put back"},
	} {
		if r, err := sqlite.Restore(t.Context(), file, c.from, nil); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.from) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %+v, %v, want a line with %q", c.from, r, err, c.want)
		}
		if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
			t.Fatalf("%s: the database was changed (%v)", c.from, err)
		}
		if now := names(t, dir); len(now) != len(there) {
			t.Errorf("%s: it leaves %q", c.from, now)
		}
	}
}

func TestACopyWithTheLogBesideItIsPutBackWhole(t *testing.T) {
	source := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, source)
	add(t, s)
	last := add(t, s)
	left := killed(t, source)
	closed(t, s)
	file := filepath.Join(t.TempDir(), "data", "messages.db")
	r, err := sqlite.Restore(t.Context(), file, left, nil)
	if err != nil || r.Waiting != 2 || r.Mark != last {
		t.Fatalf("%+v, %v", r, err)
	}
	s = must(t, file)
	defer closed(t, s)
	if ids := waiting(t, s); len(ids) != 2 || ids[1] != last {
		t.Errorf("%d wait", ids)
	}
}

func TestARestoreThatWasInterruptedIsNoticed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	add(t, s)
	copy, _ := backup(t, file)
	last := add(t, s)
	closed(t, s)
	data, err := os.ReadFile(copy)
	if err == nil {
		err = os.WriteFile(file+".restore", data, 0o600)
	}
	if err == nil {
		err = os.Rename(file, file+".before-restore-1")
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openFile(file); err == nil || !strings.Contains(err.Error(), sqlite.RestoreCommand) {
		t.Fatalf("got %v", err)
	}
	if _, err := sqlite.Restore(t.Context(), file, copy, nil); err != nil {
		t.Fatal(err)
	}
	s = must(t, file)
	defer closed(t, s)
	if id := add(t, s); id <= last {
		t.Errorf("after %d comes %d", last, id)
	}
}

func TestADatabaseBehindASymbolicLinkIsOpenedCopiedAndRestored(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a symbolic link takes rights there, and Wine makes none")
	}
	dir, target := t.TempDir(), filepath.Join(t.TempDir(), "target.db")
	file := filepath.Join(dir, "messages.db")
	if err := os.Symlink(target, file); err != nil {
		t.Skip(err)
	}
	s := must(t, file)
	add(t, s)
	copy, c := backup(t, file)
	last := add(t, s)
	closed(t, s)
	if info, err := os.Stat(target); err != nil || info.Size() == 0 || c.Waiting != 1 {
		t.Errorf("%v, %v; %d wait in the copy", info, err, c.Waiting)
	}
	if _, err := sqlite.Restore(t.Context(), file, copy, nil); err != nil {
		t.Fatal(err)
	}
	s = must(t, file)
	defer closed(t, s)
	if ids := waiting(t, s); len(ids) != 1 {
		t.Errorf("%d wait", len(ids))
	}
	if id := add(t, s); id != last+1 {
		t.Errorf("after %d comes %d", last, id)
	}
	if info, err := os.Lstat(file); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is %v now, %v", info, err)
	}
}

func TestALogWithoutItsDatabaseIsNoticed(t *testing.T) {
	source := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, source)
	defer closed(t, s)
	add(t, s)
	for _, spoil := range []func(string) error{os.Remove, func(file string) error { return os.Truncate(file, 0) }} {
		file := killed(t, source)
		if err := spoil(file); err != nil {
			t.Fatal(err)
		}
		log, err := os.ReadFile(file + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		if s, err := openFile(file); err == nil {
			closed(t, s)
			t.Error("it opens")
		} else if !strings.Contains(err.Error(), file+"-wal") || !strings.Contains(err.Error(), sqlite.RestoreCommand) {
			t.Errorf("got %v", err)
		}
		if now, err := os.ReadFile(file + "-wal"); err != nil || string(now) != string(log) {
			t.Errorf("the log was changed, %v", err)
		}
	}
}
