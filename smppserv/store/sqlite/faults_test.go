package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
