package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/testkit"
)

type awaited struct {
	m        *sms.Message
	replaces *road.Transition
	done     chan error
}

func (a *awaited) Message() *sms.Message      { return a.m }
func (a *awaited) Replaces() *road.Transition { return a.replaces }
func (a *awaited) Added(_ bool, err error)    { a.done <- err }
func add(s *store.Store, m *sms.Message) <-chan error {
	a := &awaited{m: m, done: make(chan error, 1)}
	s.Add(a)
	return a.done
}

func newStore(t *testing.T) *store.Store {
	t.Helper()
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Options{File: filepath.Join(t.TempDir(), "messages.db"), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(ctx) })
	return s
}

func text() *sms.Message {
	return &sms.Message{Submitter: "admin", Content: []byte("text"), ReceivedAt: time.Now(), State: sms.Enroute}
}

func TestWhileTheDiskRefusesAdditionsAreAnsweredAndOutcomesWait(t *testing.T) {
	ctx := context.Background()
	s, disk := openFaulty(t, filepath.Join(t.TempDir(), "messages.db"), zerolog.Nop())
	defer s.Close(ctx)
	const outcomes = 2*store.MaxBatch + 10 // more than go into one transaction
	ids := make([]sms.ID, outcomes)
	for i := range ids {
		m := text()
		if err := testkit.Receive(t, add(s, m), "an addition"); err != nil {
			t.Fatal(err)
		}
		ids[i] = m.ID
	}
	disk.refuse(true)
	written := make(chan struct{}, outcomes)
	for i := range ids {
		s.Finish(&road.Transition{IDs: ids[i : i+1], State: sms.Delivered, Attempts: 1, Done: func() { written <- struct{}{} }})
	}
	if err := testkit.Receive(t, add(s, text()), "the refusal"); !errors.Is(err, sms.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if err := testkit.Receive(t, add(s, text()), "the second refusal"); !errors.Is(err, sms.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	changed := make(chan error, 1)
	s.Change(text(), nil, func(err error) { changed <- err })
	if err := testkit.Receive(t, changed, "the refused change"); !errors.Is(err, sms.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if len(written) > 0 {
		t.Fatal("an outcome was reported as written")
	}
	if err := s.Check(); !errors.Is(err, sms.ErrUnavailable) {
		t.Fatalf("the store looks well: %v", err)
	}
	disk.refuse(false)
	for range ids {
		testkit.Receive(t, written, "an outcome")
	}
	if err := testkit.Receive(t, add(s, text()), "an addition after the outage"); err != nil {
		t.Fatal(err)
	}
	disk.refuse(true)
	if err := testkit.Receive(t, add(s, text()), "the third refusal"); !errors.Is(err, sms.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	disk.refuse(false)
	if err := s.Check(); err != nil { // though nothing was written since
		t.Fatalf("the store looks down: %v", err)
	}
	left, err := s.WaitingIDs(ctx, 0, 1<<62, 1<<20)
	if err != nil || len(left) != 1 {
		t.Fatalf("%d wait, %v", len(left), err)
	}
}

// SQLite writes nothing where nothing changes: a disk that is full would look well.
func TestAProbeWrites(t *testing.T) {
	f := folder(t.TempDir())
	s := f.open(t, zerolog.Nop())
	defer closed(t, s)
	last := fill(t, s, 1)
	size := func() int64 {
		info, err := os.Stat(f.database() + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before, done := size(), make(chan error, 1)
	s.Together(store.ProbeOp(func(err error) { done <- err }))
	if err := testkit.Receive(t, done, "the probe"); err != nil || size() <= before {
		t.Errorf("%v, and the log has %d octets, as before %d", err, size(), before)
	}
	if id := fill(t, s, 1); id != last+1 {
		t.Errorf("after %d comes %d", last, id)
	}
}

func TestATriedMessageIsNoLongerScheduled(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	m := &sms.Message{Submitter: "admin", ReceivedAt: time.Now(), State: sms.Scheduled}
	if err := testkit.Receive(t, add(s, m), "the addition"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	s.Finish(&road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: 1, Done: func() { close(done) }})
	testkit.Receive(t, done, "the outcome")
	if got, err := s.Get(ctx, m.ID); err != nil || got.State != sms.Enroute {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestAnAdditionThatFailsEndsNothingAndLendsNobodyItsID(t *testing.T) {
	ctx := context.Background()
	f := folder(t.TempDir())
	s := f.open(t, zerolog.Nop())
	defer s.Close(ctx)
	old, first, second, other := text(), text(), text(), text()
	second.First = first
	if err := testkit.Receive(t, add(s, old), "the addition"); err != nil {
		t.Fatal(err)
	}
	// The row of the new message is refused.
	sqlite3(t, f.database(), "CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'full'); END")
	a := &awaited{first, &road.Transition{IDs: []sms.ID{old.ID}, State: sms.Deleted}, make(chan error, 1)}
	s.Add(a)
	if err := testkit.Receive(t, a.done, "the refusal"); !errors.Is(err, sms.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	sqlite3(t, f.database(), "DROP TRIGGER full")
	for _, m := range []*sms.Message{other, second} {
		if err := testkit.Receive(t, add(s, m), "the addition"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Get(ctx, old.ID); err != nil || got.State != sms.Enroute {
		t.Errorf("the message that was to be replaced is %v, %v", got.State, err)
	}
	if got, err := s.Get(ctx, second.ID); err != nil || got.PublicID() != second.ID {
		t.Errorf("the second of a submit_multi is known by %d, which is another message", got.PublicID())
	}
}
