package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/testkit"
)

func TestOutcomesThatCannotBeWrittenAreGivenUpByAStopAndTriedAfterTheNextStart(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "messages.db")
	s, disk := openFaulty(t, file, zerolog.Nop())
	m := text()
	if err := testkit.Receive(t, add(s, m), "the addition"); err != nil {
		t.Fatal(err)
	}
	disk.refuse(true)
	s.Finish(&road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered, Done: func() { t.Error("it was written") }})
	testkit.Await(t, "it waits for the disk", func() bool { return s.Trouble() != nil })
	told := make(chan error, 1) // what is handed in meanwhile is not left without an answer
	s.End([]*road.Transition{{IDs: []sms.ID{m.ID}, State: sms.Deleted}}, nil, func(err error) { told <- err })
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Close(ended); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not on disk") {
		t.Errorf("Close: %v", err)
	}
	if err := testkit.Receive(t, told, "the end that was asked for"); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("an end that was asked for: %v", err)
	}
	if err := testkit.Receive(t, add(s, text()), "the refusal"); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
	s, err := sqlite.Open(ctx, sqlite.Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(ctx)
	if ids, err := s.WaitingIDs(ctx, 0, m.ID, 10); err != nil || len(ids) != 1 {
		t.Errorf("%v wait, %v", ids, err)
	}
}

func TestAStopWhileAnotherProgramHoldsTheDatabaseSaysSoAndNotThatTheDiskHangs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s, err := sqlite.Open(t.Context(), sqlite.Options{File: file, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	m := text()
	if err := testkit.Receive(t, add(s, m), "an addition"); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	s.Finish(&road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	testkit.Await(t, "the lock is met", func() bool { return s.Check() != nil })
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(over); err == nil || !strings.Contains(err.Error(), "locked") || strings.Contains(err.Error(), "hangs") {
		t.Errorf("got %v", err)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil && !strings.Contains(err.Error(), "not on disk") { // it is let go of
		t.Error(err)
	}
}
