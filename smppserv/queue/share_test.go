package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// others are the other workers on the store, as a test has them.
type others struct {
	lapsed  atomic.Bool
	pending atomic.Int64
	handed  chan []sms.ID
	ended   chan sms.Epoch
	barred  chan struct{}
	replace chan [2]sms.ID // Supersede
	to      sms.Epoch

	mu  sync.Mutex
	err error
}

func newOthers() *others {
	return &others{handed: make(chan []sms.ID, 100), ended: make(chan sms.Epoch, 100), barred: make(chan struct{}, 100), replace: make(chan [2]sms.ID, 100)}
}

func (o *others) Holds() bool             { return !o.lapsed.Load() }
func (o *others) Ended(by sms.Epoch)      { o.ended <- by }
func (o *others) Apart()                  { o.barred <- struct{}{} }
func (o *others) Supersede(id, by sms.ID) { o.replace <- [2]sms.ID{id, by} }
func (o *others) Pending(string) int      { return int(o.pending.Load()) }
func (o *others) HandOn(ids []sms.ID, to sms.Epoch, done func(error)) {
	o.mu.Lock()
	err := o.err
	o.err, o.to = nil, to
	o.mu.Unlock()
	o.handed <- ids
	done(err)
}

// part is the first of two parts, which another worker has the text of.
func (r *rig) foreignPart() *sms.Message {
	m := r.text("part")
	m.Part, m.RegisteredDelivery = sms.Part{Ref: 7, Total: 2, Seq: 2}, 1
	m.Holder = 5
	return m
}

func TestNoTryBeginsWhileWhatIsHeldMayBeAnotherWorkers(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	h := r.hermes()
	o.lapsed.Store(true)
	r.add(r.text("waits"))
	if r.q.Stats().InFlight != 0 || len(h.tries) > 0 {
		t.Fatal("it is tried")
	}
	o.lapsed.Store(false)
	r.q.Look()
	h.next("waits").done()
	r.emptied()
}

func TestATryThatWasPickedBeforeTheProcessStoodStillIsNotMade(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	h := r.hermes()
	r.fault.set(func() { r.fault.onLoad = func() { o.lapsed.Store(true) } }) // it stands still after the choice
	m := r.text("text")
	m.Content = nil
	r.add(m)
	testkit.Await(t, "it is given back", func() bool { return o.lapsed.Load() && r.q.Stats().InFlight == 0 })
	if len(h.tries) > 0 {
		t.Fatal("it was tried")
	}
	r.fault.set(func() { r.fault.onLoad = nil })
	o.lapsed.Store(false)
	r.q.Look()
	h.next("").done()
	r.emptied()
}

func TestTheMessagesThatOthersHoldCountForTheirOwner(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	o.pending.Store(4)
	if err := r.q.Add(r.text("fifth"), 5, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.q.Add(r.text("sixth"), 5, nil); !errors.Is(err, sms.ErrQueueFull) {
		t.Fatalf("the sixth of five: %v", err)
	}
	o.pending.Store(0)
	if err := r.q.Add(r.text("sixth"), 5, nil); err != nil {
		t.Fatal(err)
	}
}

func TestAPartOfATextThatBeganElsewhereIsHandedOnAfterItsAnswer(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	h := r.hermes()
	s := newSubmission()
	s.answer(3, time.Now().Add(time.Hour)) // its answer is not 200 ms old
	m := r.foreignPart()
	if err := r.q.Add(m, 0, s); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "it is looked at", func() bool {
		r.q.mu.Lock()
		defer r.q.mu.Unlock()
		return r.q.passing.len() == 1 && (*r.q.passing.front()).at > 0
	})
	if r.q.Pending("admin") != 1 || len(o.handed) > 0 {
		t.Fatal("it went before its answer")
	}
	s.answer(3, time.Now().Add(-time.Second))
	r.q.wake()
	o.mu.Lock()
	o.err = errDisk // the first time
	o.mu.Unlock()
	testkit.Receive(t, o.handed, "the first time")
	ids := testkit.Receive(t, o.handed, "the second time")
	if len(ids) != 1 || ids[0] != m.ID || o.to != 5 {
		t.Fatalf("%v went to %d", ids, o.to)
	}
	testkit.Await(t, "it counts here no more", func() bool { return r.q.Pending("admin") == 0 })
	if len(h.tries) > 0 {
		t.Fatal("it was tried here, too")
	}
	if got := r.q.Abroad(); len(got) != 1 || got[0] != m.ID {
		t.Fatalf("%v are abroad", got)
	}
	m.State = sms.Delivered
	r.q.Ended([]*sms.Message{m}, nil)
	if out := testkit.Receive(t, s.concluded, "its end"); out.Verdict != sms.Done {
		t.Fatalf("it ended with %+v", out)
	}
	if len(r.q.Abroad()) > 0 {
		t.Fatal("it is still waited for")
	}
}

func TestWhoeverHandedAMessageOnIsToldThatItHasEnded(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	h := r.hermes()
	m := r.text("text")
	m.HandedBy = 4
	r.add(m)
	h.next("text").done()
	if by := testkit.Receive(t, o.ended, "the end"); by != 4 {
		t.Fatalf("%d is told", by)
	}
	r.wantState(m, sms.Delivered)
}

func TestWhatIsHandedOnIsGoneFromHere(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	away := r.attach(road.OutletOptions{Recipient: "admin", Window: 100})
	first, second := r.answerTo("one"), r.answerTo("two")
	s := r.add(first)
	r.add(second)
	one, two := away.next("one"), away.next("two")
	one.report(sms.Outcome{Verdict: sms.HandedOn})
	two.report(sms.Outcome{Verdict: sms.HandedOn})
	r.emptied()
	if len(s.concluded) > 0 {
		t.Fatal("it has not ended")
	}
	if err := r.q.Cancel(t.Context(), first.ID); !errors.Is(err, sms.ErrNotWaiting) {
		t.Fatalf("it is cancelled here: %v", err)
	}
	r.q.Ended(nil, []sms.ID{first.ID, second.ID})
	if len(r.q.Abroad()) > 0 {
		t.Fatal("what the store does not have is still waited for")
	}
}

func TestWhatComesFromOthersIsTakenUpOnce(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	m := r.answerTo("text")
	r.add(m)
	away := r.attach(road.OutletOptions{Recipient: "admin", Window: 1})
	away.next("text").report(sms.Outcome{Verdict: sms.HandedOn})
	r.emptied()
	for want := 1; want >= 0; want-- { // it comes back
		if n, err := r.q.TakeIn(t.Context(), []sms.ID{m.ID}); n != want || err != nil {
			t.Fatalf("%d, %v; want %d", n, err, want)
		}
	}
	away.next("text").done()
	r.wantState(m, sms.Delivered)
	r.emptied()
	again, foreign := r.answerTo("again"), r.foreignPart()
	r.unseen(again)
	r.unseen(foreign)
	n, err := r.q.TakeOver(t.Context(), func(_ context.Context, f func(*sms.Message) error) error {
		return errors.Join(f(again), f(foreign), f(again))
	})
	if n != 3 || err != nil || r.q.Stats().Waiting != 1 { // the part only passes through
		t.Fatalf("%d, %v, %d wait", n, err, r.q.Stats().Waiting)
	}
	if ids := testkit.Receive(t, o.handed, "the part"); ids[0] != foreign.ID {
		t.Fatalf("%v were handed on", ids)
	}
	away.next("again").done()
	r.wantState(again, sms.Delivered)
	r.emptied()
	if len(away.tries) > 0 {
		t.Fatal("what was read twice is tried twice")
	}
}

func TestAMessageThatCannotBeReadHoldsUpNoneOfThoseThatCameWithIt(t *testing.T) {
	var log testkit.Log
	r := newRig(t, func(op *Options) { op.Share, op.Log = newOthers(), zerolog.New(&log) })
	var ids []sms.ID
	for _, text := range []string{"first", "damaged", "third"} {
		m := r.text(text)
		r.unseen(m)
		ids = append(ids, m.ID)
	}
	r.fault.set(func() { r.fault.damaged = ids[1] })
	if n, err := r.q.TakeIn(t.Context(), ids); n != 2 || err != nil {
		t.Fatalf("%d came, %v", n, err)
	}
	h := r.hermes()
	h.next("first").done()
	h.next("third").done()
	r.emptied()
	if said := log.String(); strings.Count(said, "cannot be read here") != 1 || !strings.Contains(said, fmt.Sprintf(`"message_id":"%d"`, ids[1])) {
		t.Errorf("the log says %s", said)
	}
	r.fault.set(func() { r.fault.damaged, r.fault.loadErr = 0, errDisk })
	if n, err := r.q.TakeIn(t.Context(), ids[1:2]); n != 0 || !errors.Is(err, errDisk) { // that is looked at again
		t.Fatalf("without a disk: %d came, %v", n, err)
	}
}

func TestAMessageWhoseTextCannotBeReadHoldsUpNoOtherConversation(t *testing.T) {
	var log testkit.Log
	r := newRig(t, func(op *Options) { op.CacheOctets, op.Log = 1, zerolog.New(&log) })
	var ms []*sms.Message
	for i, text := range []string{"first", "damaged", "third"} {
		m := r.text(text)
		m.Source.Number = fmt.Sprint("3361", i)
		r.add(m)
		ms = append(ms, m)
	}
	r.fault.set(func() { r.fault.damaged = ms[1].ID })
	h := r.hermes()
	h.next("first").done()
	h.next("third").done()
	testkit.Await(t, "both are done", func() bool { return r.q.Stats().Waiting == 1 })
	r.fault.set(func() { r.fault.damaged = 0 })
	h.next("damaged").done()
	r.emptied()
	if n := strings.Count(log.String(), fmt.Sprintf(`"message_id":"%d"`, ms[1].ID)); n != 1 {
		t.Errorf("it was said %d times: %s", n, log.String())
	}
}

func TestAPartWhoseTextCannotBeReadHoldsUpNothingThatIsTakenUp(t *testing.T) {
	r := newRig(t, func(op *Options) { op.Share = newOthers() })
	var ms []*sms.Message
	for _, m := range []*sms.Message{r.part("a", 1, 2, 1), r.text("x"), r.part("b", 2, 2, 1), r.part("B", 2, 2, 2), r.part("A", 1, 2, 2)} {
		r.unseen(m)
		ms = append(ms, m)
	}
	r.fault.set(func() { r.fault.damaged = ms[0].ID })
	n, err := r.q.TakeOver(t.Context(), func(_ context.Context, f func(*sms.Message) error) error {
		for _, m := range ms {
			bare := *m
			bare.Content = nil
			if err := f(&bare); err != nil {
				return err
			}
		}
		return nil
	})
	if n != 4 || err != nil || r.q.Stats().Waiting != 4 {
		t.Fatalf("%d, %v, %d wait", n, err, r.q.Stats().Waiting)
	}
	h := r.hermes()
	h.next("x").done()
	h.next("bB").done()
}

func TestASweepLeavesWhatIsOnItsWayToAnotherWorker(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	s := newSubmission()
	s.answer(3, time.Now().Add(time.Hour)) // not yet
	if err := r.q.Add(r.foreignPart(), 0, s); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, s.accepted, "Accepted")
	r.q.mu.Lock()
	r.q.unswept = true
	r.q.mu.Unlock()
	if n, err := r.q.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("%d are taken up, %v", n, err)
	}
	s.answer(3, time.Now().Add(-time.Second))
	r.q.wake()
	if ids := testkit.Receive(t, o.handed, "hand on"); len(ids) != 1 {
		t.Errorf("%v are handed on", ids)
	}
	r.emptied()
}

func TestHowTheClockHereWasSetSaysNothingOfWhatAnotherWorkerAccepted(t *testing.T) {
	const validity = 30 * time.Minute
	for _, by := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			r := newRig(t, func(op *Options) { op.Share = newOthers() })
			r.texts("own")
			r.q.mu.Lock()
			r.q.last = 1000
			r.q.mu.Unlock()
			r.setClock(by)
			now, _ := r.clock.read()
			m := r.answerTo("theirs")
			m.ID, m.AcceptedBy, m.Period, m.ReceivedAt, m.DueAt, m.ExpiresAt = 500, 7, true, now.Add(-time.Minute), now.Add(-time.Minute), now.Add(validity-time.Minute)
			n, err := r.q.TakeOver(t.Context(), func(_ context.Context, f func(*sms.Message) error) error { return f(m) })
			if n != 1 || err != nil {
				t.Fatal(n, err)
			}
			r.q.mu.Lock()
			defer r.q.mu.Unlock()
			e := r.q.byID.find(500)
			if e == 0 {
				t.Fatal("it is gone")
			}
			if left := time.Duration(r.q.entries.at(e).expires-r.q.now()) * time.Millisecond; left < validity-2*time.Minute || left > validity {
				t.Errorf("it has %v left", left)
			}
		})
	}
}

func TestAHandOverCountsWhatGoesToAnotherWorkerMeanwhile(t *testing.T) {
	r := newRig(t, func(op *Options) { op.Share = newOthers() })
	r.add(r.answerTo("on its way"))
	away := r.attach(road.OutletOptions{Recipient: "admin", Window: 1, Serial: true, Holder: 5})
	try := away.next("on its way")
	type result struct {
		n, left int
		err     error
	}
	done := make(chan result, 1)
	go func() {
		n, left, err := r.q.HandOver(t.Context(), "admin", "next", nil)
		done <- result{n, left, err}
	}()
	testkit.Await(t, "it is handed over", func() bool {
		r.q.mu.Lock()
		defer r.q.mu.Unlock()
		return r.q.leaving["admin"] > 0
	})
	try.report(sms.Outcome{Verdict: sms.HandedOn})
	if got := testkit.Receive(t, done, "the result"); got != (result{0, 1, nil}) {
		t.Errorf("%+v, want one left", got)
	}
	if n, left, err := r.q.HandOver(t.Context(), "admin", "next", nil); n != 0 || left != 0 || err != nil {
		t.Errorf("again: %d, %d left, %v", n, left, err)
	}
}
