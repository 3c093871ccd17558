package sqlite

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
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
