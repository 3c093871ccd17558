package sqlite

import (
	"path/filepath"
	"testing"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func TestTheConnectionThatWritesAwaitsTheDisk(t *testing.T) {
	d, err := openFile(t.Context(), Options{File: filepath.Join(t.TempDir(), "messages.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} { // 2 = FULL
		var got string
		err := sqlitex.ExecuteTransient(d.writer.conn, "PRAGMA "+pragma, &sqlitex.ExecOptions{
			ResultFunc: func(s *zombiezen.Stmt) error { got = s.ColumnText(0); return nil }})
		if err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", pragma, got, err, want)
		}
	}
}
