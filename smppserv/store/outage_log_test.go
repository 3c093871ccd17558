package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
)

func TestAnOutageIsToldOnceAndSoIsItsEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	synctest.Test(t, func(t *testing.T) { outages(t, file) })
}

func outages(t *testing.T, file string) {
	ctx := context.Background()
	var log testkit.Log
	s, disk := openFaulty(t, file, zerolog.New(&log))
	defer s.Close(ctx)
	try := func(want error) {
		t.Helper()
		for range 3 {
			if err := testkit.Receive(t, add(s, text()), "an addition"); !errors.Is(err, want) {
				t.Fatalf("got %v, want %v", err, want)
			}
			synctest.Wait() // what comes before the committer is through shares the fate
		}
	}
	told := func(down, well, row int) {
		t.Helper()
		got := log.String()
		for line, want := range map[string]int{"the store cannot write": down, "the store writes again": well, "the store refuses one row": row} {
			if n := strings.Count(got, line); n != want {
				t.Errorf("%q is told %d times, want %d:\n%s", line, n, want, got)
			}
		}
	}
	try(nil)
	told(0, 0, 0)
	for outage := range 2 {
		disk.refuse(true)
		try(sms.ErrUnavailable)
		if err := s.Check(); !errors.Is(err, sms.ErrUnavailable) {
			t.Errorf("the store looks well: %v", err)
		}
		synctest.Wait()
		told(outage+1, outage, 0)
		disk.refuse(false)
		for s.Check() != nil { // what came before that may be refused still
		}
		try(nil)
		told(outage+1, outage+1, 0)
	}
	sqlite3(t, file, "CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'full'); END")
	try(sms.ErrUnavailable)
	told(2, 2, 3)
	sqlite3(t, file, "DROP TRIGGER full")
	try(nil)
	told(2, 2, 3)
}
