package store_test

import (
	"context"
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
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Close(ended); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not on disk") {
		t.Errorf("Close: %v", err)
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
