package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
)

// inFiles tells how often words stand in the database and in its log.
func inFiles(t *testing.T, file string, words ...string) (n int) {
	t.Helper()
	for _, name := range []string{file, file + "-wal"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			n += bytes.Count(data, []byte(word))
		}
	}
	return n
}

func TestWhatIsPurgedIsInNoFileAnyMore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	defer s.Close(context.Background())
	const text, number, kept = "wordofthepurged", "33612345678", "wordofthekept"
	var ids []sms.ID
	for i := range 600 {
		m := storetest.Sample()
		m.Source.Number, m.Part, m.Content = number, sms.Part{}, []byte(strings.Repeat(text+" ", 1+i%3*200)) // some on pages of their own
		if i%5 == 0 {
			m.Source.Number, m.Content = "33698765432", []byte(kept)
		}
		storetest.Add(t, s, m)
		if i%5 != 0 {
			ids = append(ids, m.ID)
		}
		if i%2 == 0 { // the row grows, and moves
			storetest.Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: 1, Error: 500, Reason: text + strings.Repeat("x", 150), At: time.Now(), Through: "hermes"})
		}
	}
	storetest.Finish(s, road.Transition{IDs: ids, State: sms.Delivered})
	if n := inFiles(t, file, text, number); n < 600 {
		t.Fatalf("before, they stand there %d times", n)
	}
	if n, err := s.Purge(t.Context(), time.Now().Add(time.Hour)); n != len(ids) || err != nil {
		t.Fatalf("%d are purged, %v", n, err)
	}
	// The reason of those that are kept bears the word.
	if n := inFiles(t, file, number); n > 0 {
		t.Errorf("the number still stands there %d times", n)
	}
	if n := inFiles(t, file, text+" "); n > 0 {
		t.Errorf("the text still stands there %d times", n)
	}
	if n := inFiles(t, file, kept); n < 120 {
		t.Errorf("what is kept stands there %d times", n)
	}
}

func TestAReaderHoldsUpTheOverwritingAndNothingElse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	defer s.Close(context.Background())
	m := storetest.Sample()
	storetest.Add(t, s, m)
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM messages").Scan(&n); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	storetest.Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	if err := s.EraseMessages(t.Context(), []sms.ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := s.Scrub(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while somebody reads: %v", err)
	}
	storetest.Add(t, s, storetest.Sample())
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
}
