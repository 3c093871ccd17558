package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
	zombiezen "zombiezen.com/go/sqlite"
)

// More wait than are taken over at once.
func TestManyWaitingMessagesOfAnEarlierVersionAreTakenOverInSteps(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	data, err := os.ReadFile(filepath.Join("testdata", "1.db"))
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(file))
	if err != nil {
		t.Fatal(err)
	}
	const all = 3*takeOverStep + 7
	if _, err := db.Exec(fmt.Sprintf(`WITH RECURSIVE more(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM more WHERE n < %d)
		INSERT INTO messages SELECT n, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, final_at, attempts,
		error, reason, content, attributes FROM more, messages WHERE id = 2`, 9+all)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := openFile(t.Context(), Options{File: file, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if ids, err := d.KnownAs(t.Context(), 1); err != nil || len(ids) != 2+all {
		t.Errorf("%d are known by the first, want %d, %v", len(ids), 2+all, err)
	}
}

// The newest migrations add columns and tables: however many messages there are, none is rewritten.
func TestTheMessagesOfTheVersionBeforeAreNotRewritten(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "7.db"))
	if err != nil {
		t.Fatal(err)
	}
	var written [2]int64
	for i, all := range []int{10, 20_000} {
		file := filepath.Join(t.TempDir(), "messages.db")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", dsn(file))
		if err == nil {
			_, err = db.Exec(fmt.Sprintf(`WITH RECURSIVE more(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM more WHERE n < %d)
				INSERT INTO messages SELECT n, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, final_at, attempts,
				error, reason, content, attributes, push_key, wait, progress FROM more, messages WHERE id = 3`, 9+all))
		}
		if err == nil {
			_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		}
		if err = errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		d, err := openFile(t.Context(), Options{File: file, Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file + "-wal")
		if err == nil {
			written[i] = info.Size()
		}
		if err != nil {
			t.Fatal(err)
		}
		if row, err := ask(d.writer.conn, "SELECT sum(tried_at IS NULL AND took_ms IS NULL AND through IS NULL AND unjudged = 0) FROM messages"); err != nil || row[0] != int64(5+all) {
			t.Errorf("%v of %d have nothing in the new columns, %v", row, 5+all, err)
		}
		var check string
		err = rows(must(d.writer.conn.Prepare("PRAGMA integrity_check")), func(s *zombiezen.Stmt) error { check = s.ColumnText(0); return nil })
		if check != "ok" || err != nil {
			t.Errorf("the database is %s, %v", check, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if few, many := written[0], written[1]; few == 0 || many > few+16*4096 {
		t.Errorf("the log has %d octets after a few messages were taken over, %d after many", few, many)
	}
}

func must(s *zombiezen.Stmt, err error) *zombiezen.Stmt {
	if err != nil {
		panic(err)
	}
	return s
}

// A table that somebody has changed is not written over.
func TestATableThatIsNotOursIsNotGivenColumns(t *testing.T) {
	db, err := sql.Open("sqlite", dsn(filepath.Join(t.TempDir(), "messages.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE messages (id INTEGER PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := addTryColumns(t.Context(), tx); err == nil {
		t.Error("it was given columns")
	}
}
