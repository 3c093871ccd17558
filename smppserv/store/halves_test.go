package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"

	"github.com/rs/zerolog"
)

var errRow, errAway = errors.New("this row is refused"), errors.New("the database is away")

// failing is a database whose next writes of outcomes fail with these errors, one each.
type failing struct {
	store.Database
	errs []error
}

func (f *failing) Write(b *store.Batch) error {
	if len(f.errs) > 0 && len(b.Tried)+len(b.Ended) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return err
	}
	return f.Database.Write(b)
}

func (f *failing) RefusesRow(err error) bool {
	return errors.Is(err, errRow) || f.Database.RefusesRow(err)
}

func TestASecondHalfIsNotWrittenBeforeTheFirstOne(t *testing.T) {
	ctx := context.Background()
	d, err := sqlite.OpenDatabase(ctx, sqlite.Options{File: filepath.Join(t.TempDir(), "messages.db"), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.New(ctx, &failing{d, []error{errRow, errAway}}, zerolog.Nop()) // the batch, and its first half
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(ctx)
	m := text()
	if err := <-add(s, m); err != nil {
		t.Fatal(err)
	}
	try, tried := outcome(road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: 1, Reason: "busy", At: time.Now(), DueAt: time.Now()})
	end, ended := outcome(road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered, Attempts: 2, At: time.Now()})
	s.Together(try, end)
	<-tried
	<-ended
	tries, err := s.Tries(ctx, m.ID)
	if err != nil || len(tries) != 2 || tries[0].Reason != "busy" {
		t.Errorf("of the try and the end behind it there are %+v, %v", tries, err)
	}
}
