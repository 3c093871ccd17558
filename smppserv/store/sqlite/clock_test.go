package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
)

func TestWhatAClientUsedLastCountsAlsoAfterTheClockWasSetBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	write := func(campaign string, ton byte) *sms.Message {
		m := storetest.Sample()
		m.Dest.Number, m.Source.TON, m.ReceivedAt = campaign, ton, time.Now()
		storetest.Add(t, s, m)
		return m
	}
	write("3600", 1)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE messages SET received_at = received_at + 7200000"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = must(t, file)
	defer s.Close(context.Background())
	for ton, campaign := range []string{"3601", "3602", "3600"} {
		last := write(campaign, byte(ton+2))
		if a, ok, err := s.LastUse(t.Context(), last.Submitter, last.Source.Number); err != nil || !ok || a != last.Source {
			t.Errorf("after %s: %+v, %v, %v", campaign, a, ok, err)
		}
	}
}

func TestARowWhoseTimesWereAllWrittenAnewNamesNoSchedule(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	m := storetest.Sample()
	m.ReceivedAt = time.Now()
	m.DueAt = m.ReceivedAt
	storetest.Add(t, s, m)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE messages SET received_at = received_at + 7200000, due_at = due_at + 7200000"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = must(t, file)
	defer s.Close(context.Background())
	if got, err := s.Get(t.Context(), m.ID); err != nil || got.Scheduled() || !got.FirstReceived().After(time.Now()) {
		t.Errorf("%+v, %v", got, err)
	}
}
