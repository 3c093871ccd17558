package store

import (
	"context"
	"testing"
)

// Exec runs a statement on the connection that writes.
func (s *Store) Exec(query string) error { return s.writer.exec(query) }

func TestTheConnectionThatWritesAwaitsTheDisk(t *testing.T) {
	s := newStore(t)
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} { // 2 = FULL
		var got string
		if err := s.writer.conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", pragma, got, err, want)
		}
	}
}
