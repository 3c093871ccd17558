package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
)

// noted is a store in which an earlier version noted that client wrote from numbers to campaign, and wrote days ago.
func noted(t *testing.T, n int, client, campaign string, days func(i int) float64) *store.Store {
	t.Helper()
	file := filepath.Join(t.TempDir(), "messages.db")
	if err := must(t, file).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		at := time.Now().Add(-time.Duration(days(i) * 24 * float64(time.Hour))).UnixMilli()
		if _, err := tx.Exec("INSERT INTO conversations VALUES (?, ?, ?, 2, 3, 4, 5, ?)", notedNumber(i), campaign, client, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return must(t, file)
}

func notedNumber(i int) string { return fmt.Sprint(33600000000 + i) }

func TestWhatAnEarlierVersionNotedCountsUntilSomebodyWrites(t *testing.T) {
	s := noted(t, 2, "old", "3600", func(int) float64 { return 1 })
	defer s.Close(context.Background())
	want := func(i int, client string, a sms.Address) {
		t.Helper()
		c, ok, err := s.LastWriter(t.Context(), notedNumber(i), "3600")
		if err != nil || !ok || c.Client != client || c.Number != a {
			t.Errorf("number %d was written from by %+v, %v, %v", i, c, ok, err)
		}
		if used, ok, err := s.LastUse(t.Context(), client, notedNumber(i)); err != nil || !ok || used != a {
			t.Errorf("%s used number %d as %+v, %v, %v", client, i, used, ok, err)
		}
	}
	old := func(i int) sms.Address { return sms.Address{TON: 2, NPI: 3, Number: notedNumber(i)} }
	want(0, "old", old(0))
	want(1, "old", old(1))
	m := storetest.Sample()
	m.Submitter, m.Source.Number, m.Dest.Number = "new", notedNumber(1), "3600"
	storetest.Add(t, s, m)
	want(0, "old", old(0))
	want(1, "new", m.Source)
	if used, ok, err := s.LastUse(t.Context(), "old", notedNumber(1)); err != nil || !ok || used != old(1) {
		t.Errorf("the old client used number 1 as %+v, %v, %v", used, ok, err)
	}
}

func TestAPurgeForgetsWhatAnEarlierVersionNotedLongAgo(t *testing.T) {
	const all = 1000 // more than one step has
	// One that went on had its time from the day before at worst.
	s := noted(t, all, "old", "3600", func(i int) float64 {
		if i%3 == 0 {
			return 32
		}
		return 30.5
	})
	defer s.Close(context.Background())
	for range 2 { // the answers that are known are forgotten, too
		for i := range all {
			if _, ok, err := s.LastWriter(t.Context(), notedNumber(i), "3600"); err != nil || !ok {
				t.Fatalf("number %d is known: %v, %v", i, ok, err)
			}
		}
	}
	if _, err := s.Purge(t.Context(), time.Now().Add(-30*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if _, ok, err := s.LastWriter(t.Context(), notedNumber(i), "3600"); err != nil || ok != (i%3 != 0) {
			t.Fatalf("number %d is known: %v, %v", i, ok, err)
		}
	}
}
