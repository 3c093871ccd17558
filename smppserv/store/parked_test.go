package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/sqlite/sqlitetest"
	"hnetsmpp/smppserv/testkit"
)

// refusing is a store whose database refuses rows.
type refusing struct {
	*store.Store
	t    *testing.T
	disk *faulty
	log  *testkit.Log
	file string
}

func newRefusing(t *testing.T) *refusing {
	t.Helper()
	r := &refusing{t: t, log: &testkit.Log{}, file: sqlitetest.Blank(t, t.TempDir())}
	r.Store, r.disk = openFaulty(t, r.file, zerolog.New(r.log))
	t.Cleanup(func() { r.Close(context.Background()) })
	return r
}

// refuse lets the database refuse an operation: "UPDATE ON messages WHEN old.id = 1", say. mend takes it back.
func (r *refusing) refuse(what string) {
	r.t.Helper()
	sqlite3(r.t, r.file, "CREATE TRIGGER refuse BEFORE "+what+" BEGIN SELECT RAISE(ABORT, 'no such row'); END")
}

func (r *refusing) mend() {
	r.t.Helper()
	sqlite3(r.t, r.file, "DROP TRIGGER refuse")
}

func (r *refusing) add() *sms.Message {
	r.t.Helper()
	m := text()
	if err := testkit.Receive(r.t, add(r.Store, m), "an addition"); err != nil {
		r.t.Fatal(err)
	}
	return m
}

func (r *refusing) addMany(n int) (ms []*sms.Message) {
	r.t.Helper()
	var ops []store.Op
	done := make(chan error, n)
	for range n {
		ms = append(ms, text())
		ops = append(ops, store.AddOp(&awaited{m: ms[len(ms)-1], done: done}))
	}
	r.Together(ops...)
	for range n {
		if err := testkit.Receive(r.t, done, "an addition"); err != nil {
			r.t.Fatal(err)
		}
	}
	return ms
}

// watched is a Transition and what the store says of it.
type watched struct {
	*road.Transition
	done, parked chan struct{}
}

func finished(v road.Transition) watched {
	o := watched{&v, make(chan struct{}), make(chan struct{})}
	v.Done, v.Parked = func() { close(o.done) }, func() { close(o.parked) }
	return o
}

// taken asks for the store's state, as /readyz does again and again, until the outcome is on disk.
func (r *refusing) taken(o watched) {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		if err := r.Check(); err != nil {
			r.t.Error(err)
		}
		select {
		case <-o.done:
			return
		case <-time.After(20 * time.Millisecond):
			if time.Now().After(end) {
				r.t.Fatal("waited in vain for the outcome")
			}
		}
	}
}

func (r *refusing) state(m *sms.Message, want sms.State) {
	r.t.Helper()
	if got, err := r.Get(context.Background(), m.ID); err != nil || got.State != want {
		r.t.Errorf("message %d is %v, %v, want %v", m.ID, got.State, err, want)
	}
}

func (r *refusing) told(line string, times int) {
	r.t.Helper()
	if got := r.log.String(); strings.Count(got, line) != times {
		r.t.Errorf("%q is told %d times, want %d:\n%s", line, strings.Count(got, line), times, got)
	}
}

func TestAnOutcomeWhoseRowIsRefusedForGoodIsParkedAndHoldsNobodyUp(t *testing.T) {
	r := newRefusing(t)
	bad, good := r.add(), r.add()
	r.refuse(fmt.Sprintf("UPDATE ON messages WHEN old.id = %d", bad.ID))
	receipt := text()
	b := finished(road.Transition{IDs: []sms.ID{bad.ID}, State: sms.Delivered, Attempts: 1, Receipts: []*sms.Message{receipt}})
	g := finished(road.Transition{IDs: []sms.ID{good.ID}, State: sms.Delivered, Attempts: 1})
	r.Together(store.FinishOp(b.Transition), store.FinishOp(g.Transition))
	testkit.Receive(t, g.done, "the other outcome")
	testkit.Receive(t, b.parked, "the refusal for good")
	if b.Refused == nil || !strings.Contains(b.Refused.Error(), "no such row") {
		t.Errorf("refused because of %v", b.Refused)
	}
	r.add() // all that the refusal led to is through
	before := r.disk.written()
	for range 3 {
		var ops []store.Op
		var all []*awaited
		for range 100 {
			a := &awaited{m: text(), done: make(chan error, 1)}
			all, ops = append(all, a), append(ops, store.AddOp(a))
		}
		r.Together(ops...)
		for _, a := range all {
			if err := testkit.Receive(t, a.done, "an addition"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if commits := r.disk.written() - before; commits != 3 {
		t.Errorf("3 batches took %d transactions", commits)
	}
	if err := r.Check(); err != nil || r.Parked() != 1 {
		t.Errorf("%d are parked, %v", r.Parked(), err)
	}
	r.state(bad, sms.Enroute)
	r.told(`"message_id":"`+bad.ID.String()+`"`, 1)
	r.told("the store refuses one row", 1)
	r.mend()
	r.taken(b)
	r.state(bad, sms.Delivered)
	r.state(receipt, sms.Enroute)
	if r.Parked() != 0 {
		t.Errorf("%d are parked", r.Parked())
	}
	r.told("the store has taken the final state that it refused", 1)
}

func TestOfALongTextOneOfWhosePartsIsRefusedNothingIsWrittenUntilAllCanBe(t *testing.T) {
	for _, refused := range []string{"UPDATE ON messages WHEN old.id = 2", "INSERT ON messages WHEN new.kind <> 0"} {
		r := newRefusing(t)
		parts := []*sms.Message{r.add(), r.add(), r.add()}
		r.refuse(refused)
		receipt := text()
		receipt.Kind = sms.KindReceipt
		o := finished(road.Transition{IDs: []sms.ID{1, 2, 3}, State: sms.Delivered, Receipts: []*sms.Message{receipt}})
		r.Finish(o.Transition)
		testkit.Receive(t, o.parked, "the refusal for good")
		for _, p := range parts {
			r.state(p, sms.Enroute)
		}
		if receipt.ID != 0 {
			t.Errorf("the receipt has the id %d", receipt.ID)
		}
		r.told(`"messages":3`, 1)
		r.mend()
		r.taken(o)
		for _, p := range parts {
			r.state(p, sms.Delivered)
		}
		r.state(receipt, sms.Enroute)
	}
}

func TestANextTryWhoseRowIsRefusedForGoodIsGivenUp(t *testing.T) {
	r := newRefusing(t)
	m := r.add()
	r.refuse("UPDATE ON messages")
	o := finished(road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: 1})
	r.Finish(o.Transition)
	testkit.Receive(t, o.parked, "the refusal for good")
	if err := r.Check(); err != nil || r.Parked() != 0 {
		t.Errorf("%d are parked, %v", r.Parked(), err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWithMoreRefusedOutcomesThanAreParkedTheStoreCountsAsUnableToWrite(t *testing.T) {
	r := newRefusing(t)
	const all = store.MaxParked + 1
	var outcomes []watched
	for _, m := range r.addMany(all) {
		outcomes = append(outcomes, finished(road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered}))
	}
	r.refuse("UPDATE ON messages")
	for _, o := range outcomes[1:] {
		r.Finish(o.Transition)
	}
	for _, o := range outcomes[1:] {
		testkit.Receive(t, o.parked, "the refusal for good")
	}
	r.add()
	r.Finish(outcomes[0].Transition)
	var err error
	for end := time.Now().Add(10 * time.Second); err == nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
		err = r.Check()
	}
	if !errors.Is(err, sms.ErrUnavailable) || r.Parked() != store.MaxParked {
		t.Errorf("%d are parked, %v", r.Parked(), err)
	}
	if err := testkit.Receive(t, add(r.Store, text()), "the refusal of an addition"); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	r.told("the store refuses too many rows", 1)
	r.mend()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err = r.Check()
		select {
		case <-outcomes[0].done:
			for _, o := range outcomes {
				r.taken(o)
			}
		default:
			if time.Now().After(end) {
				t.Fatalf("waited in vain for the outcome: %v", err)
			}
			continue
		}
		break
	}
	r.add()
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	r.told("the store takes submits again", 1)

	// A thousand lines at once would hide all others.
	r.told("final state, for good", store.FirstNamed)
	r.told("the store has taken the final state that it refused", store.FirstNamed)
	for _, kind := range []string{"the store refuses for good the final states of more messages", "the store has taken the final states of more messages"} {
		more := 0
		for line := range strings.Lines(r.log.Lines(kind, all)) {
			var told struct{ Messages int }
			if err := json.Unmarshal([]byte(line), &told); err != nil {
				t.Fatal(err)
			}
			more += told.Messages
		}
		if more != store.MaxParked-store.FirstNamed {
			t.Errorf("%q: of %d", kind, more)
		}
	}
}

func TestAPurgeComesPastARowThatIsRefused(t *testing.T) {
	r := newRefusing(t)
	const all = 2*store.PurgeStep + 1
	ended := road.Transition{State: sms.Delivered}
	for _, m := range r.addMany(all) {
		ended.IDs = append(ended.IDs, m.ID)
	}
	o := finished(ended)
	r.Finish(o.Transition)
	testkit.Receive(t, o.done, "the outcome")
	r.refuse("DELETE ON messages WHEN old.id IN (7, 8, 300)")
	if _, err := r.Purge(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	ms, err := r.Load(t.Context(), ended.IDs)
	if err != nil || len(ms) != 3 || ms[0].ID != 7 || ms[2].ID != 300 {
		t.Errorf("%d are left, %v", len(ms), err)
	}
	r.told("the store refuses one row", 3)
}

func TestOfABatchOnlyTheAdditionWhoseOtherRowIsRefusedIsRefused(t *testing.T) {
	conversing := func() *sms.Message {
		m := text()
		m.Source, m.Dest = sms.Address{Number: "33612345678"}, sms.Address{Number: "3600"}
		return m
	}
	for what, c := range map[string]struct {
		refused  string
		replaces bool
	}{
		"that of the one it replaces":      {"UPDATE ON messages WHEN old.id = 1", true},
		"that of its external id's":        {"INSERT ON external_ids", false},
		"that of the receipt it calls for": {"INSERT ON messages WHEN new.kind <> 0", true},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRefusing(t)
			old := r.add()
			r.refuse(c.refused)
			bad := &awaited{m: conversing(), done: make(chan error, 1)}
			bad.m.ExternalID = "h-1"
			if c.replaces {
				receipt := text()
				receipt.Kind = sms.KindReceipt
				bad.replaces = &road.Transition{IDs: []sms.ID{old.ID}, State: sms.Deleted, Receipts: []*sms.Message{receipt}}
			}
			before, after := &awaited{m: text(), done: make(chan error, 1)}, &awaited{m: text(), done: make(chan error, 1)}
			r.Together(store.AddOp(before), store.AddOp(bad), store.AddOp(after))
			if err := testkit.Receive(t, bad.done, "the refusal"); !errors.Is(err, sms.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			for _, a := range []*awaited{before, after} {
				if err := testkit.Receive(t, a.done, "an addition"); err != nil {
					t.Error(err)
				}
				r.state(a.m, sms.Enroute)
			}
			r.state(old, sms.Enroute)
			r.mend()
			if err := testkit.Receive(t, add(r.Store, conversing()), "an addition"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAStopTriesParkedOutcomesOnceMoreAndTellsOfThoseThatAreRefused(t *testing.T) {
	for _, mended := range []bool{true, false} {
		r := newRefusing(t)
		m := r.add()
		r.refuse("UPDATE ON messages")
		o := finished(road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
		r.Finish(o.Transition)
		testkit.Receive(t, o.parked, "the refusal for good")
		if mended {
			r.mend()
		}
		err := r.Close(t.Context())
		if mended && err != nil || !mended && (err == nil || !strings.Contains(err.Error(), "not on disk")) {
			t.Errorf("mended %v: %v", mended, err)
		}
		s, err := sqlite.Open(t.Context(), sqlite.Options{File: r.file, Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		ids, err := s.WaitingIDs(t.Context(), 0, m.ID, 10)
		if err != nil || len(ids) == 1 == mended {
			t.Errorf("mended %v: %v wait, %v", mended, ids, err)
		}
		s.Close(t.Context())
	}
}
