package store_test

import (
	"context"
	"testing"
)

func TestTheConnectionThatWritesAwaitsTheDisk(t *testing.T) {
	s := newStore(t)
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} { // 2 = FULL
		var got string
		if err := s.WriterConn().QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", pragma, got, err, want)
		}
	}
}
