package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"
)

func addition(m *sms.Message) (store.Op, <-chan error) {
	a := &awaited{m: m, done: make(chan error, 1)}
	return store.AddOp(a), a.done
}

func outcome(v road.Transition) (store.Op, <-chan struct{}) {
	done := make(chan struct{})
	v.Done = func() { close(done) }
	return store.FinishOp(&v), done
}

// various is a message of which some columns are like those of the one before, and some are not.
func various(i int) *sms.Message {
	at := time.UnixMilli(1_700_000_000_000 + int64(i/3))
	return &sms.Message{
		Submitter: fmt.Sprint("client", i%3), Recipient: fmt.Sprint("client", i/4), Content: fmt.Append(nil, "text", i/2),
		Source: sms.Address{TON: byte(i % 2), Number: fmt.Sprint(33600000000 + i)}, Dest: sms.Address{NPI: byte(i % 5), Number: fmt.Sprint(3600 + i/10)},
		ReceivedAt: at, DueAt: at.Add(time.Duration(i%4) * time.Second), ExpiresAt: at.Add(time.Hour), State: sms.Enroute,
		Attempts: i % 6, Error: i % 7, Reason: fmt.Sprint(i % 8), ServiceType: fmt.Sprint(i / 5),
	}
}

func TestManyRowsOfOneTransactionAreEachWrittenAsTheyAre(t *testing.T) {
	ctx := context.Background()
	for _, n := range []int{1, 3, 4, 5, 63, 64, 65, 85, 3*64 + 2*16 + 4 + 3} {
		s := newStore(t)
		var ms []*sms.Message
		var ids []sms.ID
		var ops []store.Op
		var added []<-chan error
		for i := range n {
			m := various(i)
			o, done := addition(m)
			ms, ops, added = append(ms, m), append(ops, o), append(added, done)
		}
		s.Together(ops...)
		for _, done := range added {
			if err := testkit.Receive(t, done, "an addition"); err != nil {
				t.Fatal(err)
			}
		}
		for i, m := range ms {
			if ids = append(ids, m.ID); m.ID != sms.ID(i+1) {
				t.Fatalf("of %d, message %d has id %d", n, i, m.ID)
			}
		}
		got, err := s.Load(ctx, ids)
		if err != nil || !reflect.DeepEqual(got, ms) {
			t.Fatalf("of %d, %d came back, %v, or other ones", n, len(got), err)
		}
		for _, m := range ms {
			want := sms.Conversation{Client: m.Submitter, Number: m.Source, Campaign: m.Dest}
			if c, ok, err := s.LastWriter(ctx, m.Source.Number, m.Dest.Number); err != nil || !ok || c != want {
				t.Fatalf("of %d, the last writer of message %d is %+v %v, %v", n, m.ID, c, ok, err)
			}
		}

		ops = nil
		var ended []<-chan struct{}
		end := func(i int) road.Transition {
			// Some differ in one thing alone.
			return road.Transition{IDs: ids[i : i+1], State: []sms.State{sms.Delivered, sms.Undeliverable}[i&1], Attempts: 1 + i>>1&1, Error: i >> 2 & 1, Reason: fmt.Sprint(i >> 3 & 1)}
		}
		for i := range n {
			o, done := outcome(end(i))
			ops, ended = append(ops, o), append(ended, done)
		}
		began := time.Now().Truncate(time.Millisecond)
		s.Together(ops...)
		for _, done := range ended {
			testkit.Receive(t, done, "an outcome")
		}
		for i, id := range ids {
			m, err := s.Get(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if want := end(i); m.State != want.State || m.Attempts != want.Attempts || m.Error != want.Error || m.Reason != want.Reason ||
				m.FinalAt.Before(began) || m.FinalAt.After(time.Now()) {
				t.Fatalf("of %d, message %d ended as %+v, want %+v", n, i, m, want)
			}
		}
		if left, err := s.WaitingIDs(ctx, 0, ids[n-1], n+1); err != nil || len(left) > 0 {
			t.Fatalf("of %d, %v wait, %v", n, left, err)
		}
	}
}

func TestMoreThanATransactionTakesIsWrittenInOrder(t *testing.T) {
	for _, n := range []int{store.MaxBatch - 1, store.MaxBatch, store.MaxBatch + 1, 2*store.MaxBatch + 1} {
		s := newStore(t)
		var ms []*sms.Message
		var ops []store.Op
		var added []<-chan error
		for range n {
			m := text()
			o, done := addition(m)
			ms, ops, added = append(ms, m), append(ops, o), append(added, done)
		}
		s.Together(ops...)
		for i, done := range added {
			if err := testkit.Receive(t, done, "an addition"); err != nil || ms[i].ID != sms.ID(i+1) {
				t.Fatalf("of %d, message %d has id %d, %v", n, i, ms[i].ID, err)
			}
		}
	}
}

func TestABadRowDoesNotTakeItsTransactionWithIt(t *testing.T) {
	// Either may leave the rows before it in its statement to the one who asked.
	for _, raise := range []string{"ABORT", "FAIL"} {
		t.Run(raise, func(t *testing.T) { badRow(t, raise) })
	}
}

func badRow(t *testing.T, raise string) {
	ctx := context.Background()
	f := folder(t.TempDir())
	s := f.open(t, zerolog.Nop())
	defer s.Close(ctx)
	sqlite3(t, f.database(), "CREATE TRIGGER bad BEFORE INSERT ON messages WHEN new.source = 'bad' BEGIN SELECT RAISE("+raise+", 'bad'); END")
	const n = 90
	ended, replaced := text(), text()
	for _, m := range []*sms.Message{ended, replaced} {
		if err := testkit.Receive(t, add(s, m), "an addition"); err != nil {
			t.Fatal(err)
		}
	}
	var ms []*sms.Message
	var ops []store.Op
	var added []<-chan error
	for i := range n {
		m := various(i)
		if i%7 == 0 {
			m.Content = bytes.Repeat([]byte{byte(i)}, 40_000)
		}
		if i == n/2 {
			m.Source.Number = "bad"
		}
		o, done := addition(m)
		ms, ops, added = append(ms, m), append(ops, o), append(added, done)
	}
	end, over := outcome(road.Transition{IDs: []sms.ID{ended.ID}, State: sms.Delivered})
	s.Together(append(ops, end)...)
	last := replaced.ID
	for i, done := range added {
		err := testkit.Receive(t, done, "an addition")
		if i == n/2 {
			if !errors.Is(err, sms.ErrUnavailable) || ms[i].ID != 0 {
				t.Errorf("the bad one is message %d, %v", ms[i].ID, err)
			}
			continue
		}
		if last++; err != nil || ms[i].ID != last {
			t.Errorf("addition %d is message %d, %v, want %d", i, ms[i].ID, err, last)
		}
	}
	testkit.Receive(t, over, "the outcome")
	if err := s.Check(); err != nil {
		t.Errorf("for one row the store looks down: %v", err)
	}
	left, err := s.WaitingIDs(ctx, 0, last, n+1)
	if err != nil || len(left) != n {
		t.Errorf("%v wait, %v", left, err)
	}
	kept, err := s.Load(ctx, left)
	if err != nil || len(kept) != n {
		t.Fatalf("%d are there, %v", len(kept), err)
	}
	for i, m := range append(append([]*sms.Message{replaced}, ms[:n/2]...), ms[n/2+1:]...) {
		if got := kept[i]; !bytes.Equal(got.Content, m.Content) || got.Source != m.Source || got.Reason != m.Reason || !bytes.Equal(got.TLVs, m.TLVs) {
			t.Errorf("message %d has %d octets from %v, want %d from %v", got.ID, len(got.Content), got.Source, len(m.Content), m.Source)
		}
	}
}

func TestAPurgeTakesAnyNumberAndNothingThatEndedSince(t *testing.T) {
	ctx := context.Background()
	for _, n := range []int{1, store.PurgeStep, store.PurgeStep + 1} {
		s := newStore(t)
		var ops []store.Op
		var ids []sms.ID
		var last <-chan error
		for i := range n {
			m := text()
			m.ReceivedAt = time.UnixMilli(1_700_000_000_000)
			var o store.Op
			o, last = addition(m)
			ops, ids = append(ops, o), append(ids, sms.ID(i+1))
		}
		s.Together(ops...)
		if err := testkit.Receive(t, last, "the last addition"); err != nil {
			t.Fatal(err)
		}
		o, done := outcome(road.Transition{IDs: ids, State: sms.Delivered})
		s.Together(o)
		testkit.Receive(t, done, "the outcome")
		m, err := s.Get(ctx, ids[n-1])
		if err != nil {
			t.Fatal(err)
		}
		if purged, err := s.Purge(ctx, m.FinalAt); err != nil || purged != 0 {
			t.Errorf("of %d, %d that ended at the limit went, %v", n, purged, err)
		}
		if purged, err := s.Purge(ctx, m.FinalAt.Add(time.Millisecond)); err != nil || purged != n {
			t.Errorf("of %d, %d went, %v", n, purged, err)
		}
		if left, err := s.Load(ctx, ids); err != nil || len(left) > 0 {
			t.Errorf("of %d, %d are left, %v", n, len(left), err)
		}
	}
}
