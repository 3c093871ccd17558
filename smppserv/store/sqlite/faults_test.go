package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"hnetsmpp/smppserv/store"

	sqlite3 "modernc.org/sqlite/lib"
)

// fault makes SQLite fail at the last of the statements, on one connection.
func fault(t *testing.T, file string, statements ...string) error {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(file))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for i, s := range statements {
		if _, err = db.Exec(s); err != nil && i < len(statements)-1 {
			t.Fatal(err)
		}
	}
	if err == nil {
		t.Fatalf("%q did not fail", statements)
	}
	return err
}

func TestAFaultOfSQLiteIsOfTheRowOrOfTheDiskOrADamage(t *testing.T) {
	const table = "CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"
	dir := t.TempDir()
	torn := filepath.Join(dir, "torn.db")
	if err := os.WriteFile(torn, append([]byte("SQLite format 3\x00"), make([]byte, 8192)...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what        string
		err         error
		row, damage bool
	}{
		{"what must not be missing", fault(t, filepath.Join(dir, "1.db"), table, "INSERT INTO rows VALUES (1, NULL)"), true, false},
		{"the same id", fault(t, filepath.Join(dir, "2.db"), table, "INSERT INTO rows VALUES (1, '')", "INSERT INTO rows VALUES (1, '')"), true, false},
		{"a row that is too big", fault(t, filepath.Join(dir, "3.db"), table, "INSERT INTO rows VALUES (1, zeroblob(2000000000))"), true, false},
		{"an id that is no number", fault(t, filepath.Join(dir, "4.db"), table, "INSERT INTO rows VALUES ('one', '')"), true, false},
		{"a disk that is full", fault(t, filepath.Join(dir, "5.db"), table, "PRAGMA max_page_count = 2", "INSERT INTO rows VALUES (1, zeroblob(100000))"), false, false},
		{"a disk that cannot be written", fault(t, filepath.Join(dir, "6.db"), table, "PRAGMA query_only = on", "INSERT INTO rows VALUES (1, '')"), false, false},
		{"a file that cannot be opened", fault(t, filepath.Join(dir, "no such folder", "7.db"), table), false, false},
		{"a damaged file", fault(t, torn, table), false, true},
		{"a file of the system's", &os.PathError{Op: "open", Path: "x", Err: os.ErrPermission}, false, false},
		{"a start that was given up", context.Canceled, false, false},
	} {
		if got := (&database{}).RefusesRow(c.err); got != c.row {
			t.Errorf("%s: of the row: %v (%v)", c.what, got, c.err)
		}
		if c.row { // of no interest when the store is opened
			continue
		}
		if got := strings.Contains(explain("messages.db", c.err).Error(), "damaged"); got != c.damage {
			t.Errorf("%s: %v", c.what, explain("messages.db", c.err))
		}
	}
}

func TestEachFaultOfAnOpeningSaysWhatToDo(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		code int
		err  error
		want string
		held bool
	}{
		{sqlite3.SQLITE_BUSY, cause, "end the program", true},
		{sqlite3.SQLITE_LOCKED, cause, "end the program", true},
		{sqlite3.SQLITE_PROTOCOL, cause, "end the program", true},
		{sqlite3.SQLITE_CORRUPT, cause, RestoreCommand, false},
		{sqlite3.SQLITE_CORRUPT, cause, "or move it away with its -wal and -shm", false},
		{sqlite3.SQLITE_NOTADB, cause, RestoreCommand, false},
		{sqlite3.SQLITE_IOERR, cause, "look at the disk", false},
		{sqlite3.SQLITE_IOERR, cause, "make room", false}, // a full disk that cannot hold the index of the log
		{sqlite3.SQLITE_FULL, cause, "make room", false},
		{sqlite3.SQLITE_PERM, cause, "the right to", false},
		{sqlite3.SQLITE_AUTH, cause, "the right to", false},
		{sqlite3.SQLITE_READONLY, cause, "the right to", false},
		{sqlite3.SQLITE_CANTOPEN, cause, "the right to", false},
		{sqlite3.SQLITE_NOMEM, cause, "memory", false},
		{sqlite3.SQLITE_ERROR, cause, RestoreCommand, false},
		{0, errNotADatabase, RestoreCommand, false},
		{0, store.ErrForeign, "set store.dsn", false},
		{0, errNewer, "install that version again", false},
		{0, errForeignLog, RestoreCommand, false},
		{0, errOrphanLog, RestoreCommand, false},
		{0, errOrphanLog, "or move messages.db-wal away with it", false},
		{0, errInterrupted, RestoreCommand, false},
		{0, errNoLog, "set store.dsn", false},
		{0, &os.PathError{Op: "open", Path: "x", Err: syscall.ENOSPC}, "make room", false},
		{0, &os.PathError{Op: "open", Path: "x", Err: os.ErrPermission}, "the right to", false},
	} {
		err := explainCode("messages.db", c.code, c.err)
		if !errors.Is(err, c.err) || errors.Is(err, store.ErrHeld) != c.held || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d: %v, want %q", c.code, err, c.want)
		}
		damage := c.code == sqlite3.SQLITE_CORRUPT || c.code == sqlite3.SQLITE_NOTADB
		if errors.Is(err, errDamaged) != damage {
			t.Errorf("%d: %v: is said to be damaged: %v", c.code, err, !damage)
		}
	}
}

// Whoever opens the database while another program works on it is told so, and the launcher tries again: exit code 4.
func TestADatabaseThatAnotherProgramHoldsIsNotCalledDamaged(t *testing.T) {
	for what, statements := range map[string][]string{
		"a writer":                     {"BEGIN IMMEDIATE", "PRAGMA user_version = 3"},
		"one that wants it for itself": {"PRAGMA locking_mode = exclusive", "BEGIN EXCLUSIVE"},
		"a repair":                     {"PRAGMA journal_mode = delete", "BEGIN EXCLUSIVE"},
	} {
		file := filepath.Join(t.TempDir(), "messages.db")
		s, err := Open(t.Context(), Options{File: file})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", dsn(file))
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		for _, statement := range statements {
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		s, err = Open(t.Context(), Options{File: file})
		if err == nil {
			s.Close(t.Context())
		}
		if !errors.Is(err, store.ErrHeld) || strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: got %v", what, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(t.Context(), Options{File: file}); err != nil {
			t.Fatal(err)
		}
		s.Close(t.Context())
	}
}

func TestAnyPathOpens(t *testing.T) {
	for _, path := range []string{"//server/share/messages.db", "//server/a b/messages.db"} { // as of UNC, on Windows
		if got := dsn(path); !strings.HasPrefix(got, "file:////server/") {
			t.Errorf("%s becomes %s", path, got)
		}
	}
	for _, name := range []string{"messages.db", "with space.db", "é.db", "100%.db", "a#b.db", "a+b&c=d.db", "x;y.db"} {
		file := filepath.Join(t.TempDir(), name)
		paths := []string{file, filepath.Dir(file) + "/./" + name}
		if runtime.GOOS != "windows" {
			paths = append(paths, "/"+file, "//"+file, filepath.Join(filepath.Dir(file), "a?b.db"))
		}
		for _, path := range paths {
			s, err := Open(t.Context(), Options{File: path})
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if err := s.Close(t.Context()); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if info, err := os.Stat(path); err != nil || info.Size() == 0 {
				t.Errorf("%s is not where the database is, %v", path, err)
			}
		}
	}
}

func TestAFolderBesideTheDatabaseIsNotCalledDamage(t *testing.T) {
	for _, suffix := range append(suffixes, ".lock") {
		file := filepath.Join(t.TempDir(), "messages.db")
		if err := os.Mkdir(file+suffix, 0o700); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), Options{File: file})
		if err == nil {
			s.Close(t.Context())
			t.Logf("with a folder %s it opens", suffix)
			continue
		}
		if strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), filepath.Dir(file)) {
			t.Errorf("with a folder %s: %v", suffix, err)
		}
	}
}

func TestAFolderInThePlaceOfTheDatabaseIsNamed(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "messages.db")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{File: folder})
	var path *fs.PathError
	if !errors.As(err, &path) || path.Path != folder {
		t.Errorf("got %v", err)
	}
}

func TestADatabaseWithoutTablesIsTaken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	db, err := sql.Open("sqlite", dsn(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"CREATE TABLE rows (id INTEGER)", "DROP TABLE rows"} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
