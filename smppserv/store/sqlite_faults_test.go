package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
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
		if got := refusesTheRow(c.err); got != c.row {
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

func TestOutcomesThatCannotBeWrittenAreGivenUpByAStopAndTriedAfterTheNextStart(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "messages.db")
	s, err := Open(ctx, Options{Driver: "sqlite", DSN: file})
	if err != nil {
		t.Fatal(err)
	}
	m := text()
	if err := within(t, add(s, m), "the addition"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.conn.ExecContext(ctx, "PRAGMA query_only = on"); err != nil {
		t.Fatal(err)
	}
	s.Move(&sms.Move{IDs: []sms.ID{m.ID}, State: sms.Delivered, Done: func() { t.Error("it was written") }})
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Close(ended); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not on disk") {
		t.Errorf("Close: %v", err)
	}
	if err := within(t, add(s, text()), "the refusal"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
	s, err = Open(ctx, Options{Driver: "sqlite", DSN: file})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(ctx)
	if ids, err := s.WaitingIDs(ctx, m.ID); err != nil || len(ids) != 1 {
		t.Errorf("%v wait, %v", ids, err)
	}
}

func TestATimeThatIsNotSetIsZeroOnDisk(t *testing.T) {
	if got := milli(time.Time{}); got != 0 {
		t.Errorf("got %d", got)
	}
	if got := milli(time.UnixMilli(-1)); got != -1 {
		t.Errorf("got %d", got)
	}
}

func TestAFolderInThePlaceOfTheDatabaseIsNamed(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "messages.db")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{Driver: "sqlite", DSN: folder})
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
	s, err := Open(t.Context(), Options{Driver: "sqlite", DSN: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
