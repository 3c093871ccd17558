package queue

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// many adds messages of one conversation.
func (r *rig) many(n int) []*sms.Message {
	r.t.Helper()
	s := newCountedSender(n)
	var ms []*sms.Message
	for range n {
		m := r.text("text")
		m.RegisteredDelivery = 1
		ms = append(ms, m)
		if err := r.q.Add(m, 0, s); err != nil {
			r.t.Fatal(err)
		}
	}
	testkit.Receive(r.t, s.allAccepted, "all accepted")
	return ms
}

func TestACancellationThatTheDiskRefusesCancelsNothing(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		ms := r.many(cancelStep + 10)
		r.fault.set(func() { r.fault.endErr = errDisk })
		if n, err := r.cancelConversation("admin", "", 0); n != 0 || !errors.Is(err, errDisk) {
			t.Fatalf("%d were cancelled, %v", n, err)
		}
		h := r.hermes()
		for range ms { // each is tried, in its turn
			h.next("text").done()
		}
		for _, m := range ms {
			r.wantState(m, sms.Delivered)
		}
	})
}

func TestMoreThanAreCancelledAtATimeAreLeft(t *testing.T) {
	r := newRig(t, nil)
	ms := r.many(11)
	r.q.maxCancelled = 10
	if n, err := r.cancelConversation("admin", "", 0); n != 0 || !errors.Is(err, sms.ErrTooMany) {
		t.Fatalf("%d were cancelled, %v", n, err)
	}
	r.q.maxCancelled = 11
	if n, err := r.cancelConversation("admin", "", 0); n != 11 || err != nil {
		t.Fatalf("%d were cancelled, %v", n, err)
	}
	for _, m := range ms {
		r.wantState(m, sms.Deleted)
	}
}

func TestWhatOtherWorkersHaveTakenBackIsToldThoughTheRestIsNot(t *testing.T) {
	for name, test := range map[string]struct {
		most int
		disk error
		want error
	}{"more wait here than are taken back": {10, nil, sms.ErrTooMany}, "the disk refuses it": {20, errDisk, errDisk}} {
		t.Run(name, func(t *testing.T) {
			log := &testkit.Log{}
			r := newRig(t, func(o *Options) { o.Share, o.Log = newOthers(), zerolog.New(log) })
			r.fault.set(func() { r.fault.endErr = test.disk })
			r.q.maxCancelled = test.most
			r.many(10)
			theirs := r.text("theirs")
			r.unseen(theirs)
			r.q.mu.Lock()
			r.q.o.Store = &foreign{Store: r.fault}
			r.q.mu.Unlock()
			type end struct {
				road.Cancelled
				err error
			}
			ended := make(chan end, 1)
			r.q.CancelConversation(t.Context(), r.text(""), func(ctx context.Context) (road.Cancelled, error) {
				_, err := r.q.TakeIn(ctx, []sms.ID{theirs.ID})
				return road.Cancelled{N: 3}, err
			}, func(c road.Cancelled, err error) { ended <- end{c, err} })
			if e := testkit.Receive(t, ended, "the end of the cancellation"); e.N != 3 || !errors.Is(e.err, test.want) {
				t.Errorf("%d were taken back, %v", e.N, e.err)
			}
			if strings.Contains(log.String(), "all of its messages wait") {
				t.Errorf("it is said that all wait:\n%s", log)
			}
		})
	}
}

func TestMoreThanAreCancelledAtATimeForAnotherWorkerAreLeftAndWait(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Share = newOthers() })
	ms := r.many(11)
	r.q.maxAsked = 10
	asked := func() (road.Cancelled, error) {
		type end struct {
			road.Cancelled
			err error
		}
		ended := make(chan end, 1)
		ctx := road.WithAnswer(road.WithAsk(t.Context(), 7), func(int) []byte { return nil })
		r.q.CancelConversation(ctx, r.text(""), nil, func(c road.Cancelled, err error) { ended <- end{c, err} })
		e := testkit.Receive(t, ended, "the end of the cancellation")
		return e.Cancelled, e.err
	}
	if c, err := asked(); c.N != 0 || !errors.Is(err, sms.ErrTooMany) || !strings.Contains(err.Error(), "11 wait, and no more than 10") {
		t.Fatalf("%d were cancelled, %v", c.N, err)
	}
	h := r.hermes()
	h.next("text").done() // nothing is claimed
	testkit.Await(t, "it is delivered", func() bool {
		m, err := r.store.Get(t.Context(), ms[0].ID)
		return err == nil && m.State == sms.Delivered
	})
	try := h.next("text")
	if c, err := asked(); c.N != 9 || err != nil {
		t.Fatalf("%d were cancelled, %v", c.N, err)
	}
	try.done()
	for _, m := range ms[2:] {
		r.wantState(m, sms.Deleted)
	}
}

// unseen stores a message past the queue, as another worker does.
func (r *rig) unseen(m *sms.Message) {
	r.t.Helper()
	s := newSubmission()
	r.store.Add(&addition{q: New(Options{Store: r.store}), m: m, owner: &party{}, submission: s})
	if err := testkit.Receive(r.t, s.accepted, "Accepted"); err != nil {
		r.t.Fatal(err)
	}
}

func TestWhatComesFromAnotherWorkerWhileItsConversationIsCancelledIsCancelledToo(t *testing.T) {
	for name, seen := range map[string]sms.ID{"its ids are higher": 0, "its ids are lower": 1 << 40} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.Share = newOthers() })
			first := r.texts("first")[0]
			r.q.mu.Lock()
			r.q.lastSeen = max(r.q.lastSeen, seen)
			r.q.o.Store = &foreign{Store: r.fault}
			r.q.mu.Unlock()
			theirs, after := r.text("theirs"), r.text("after")
			r.unseen(theirs)
			done := make(chan struct{})
			r.q.CancelConversation(t.Context(), r.text(""), func(ctx context.Context) (road.Cancelled, error) {
				r.add(after)
				n, err := r.q.TakeIn(ctx, []sms.ID{theirs.ID})
				if n != 1 {
					t.Errorf("%d came", n)
				}
				return road.Cancelled{}, err
			}, func(all road.Cancelled, err error) {
				if all.N != 2 || err != nil {
					t.Errorf("%d were cancelled, %v", all.N, err)
				}
				close(done)
			})
			testkit.Receive(t, done, "the end of the cancellation")
			r.wantState(first, sms.Deleted)
			r.wantState(theirs, sms.Deleted)
			r.hermes().next("after").done()
			r.wantState(after, sms.Delivered)
		})
	}
}

// endsOfATry are what may come of a message that was taken back while it was tried.
var endsOfATry = map[string]struct {
	outcome sms.Outcome
	want    sms.State
}{
	"and fails":    {sms.Outcome{Verdict: sms.TryAgain, Reason: "busy"}, sms.Deleted},
	"and succeeds": {sms.Outcome{Verdict: sms.Done}, sms.Delivered},
}

func TestWhatIsTriedWhenItsConversationIsCancelledIsNotTriedAgain(t *testing.T) {
	for name, report := range endsOfATry {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			h := r.hermes()
			ms := r.many(5)
			first := h.next("text")
			if n, err := r.cancelConversation("admin", "", 0); n != 4 || err != nil {
				t.Fatalf("%d were cancelled, %v", n, err)
			}
			first.report(report.outcome)
			testkit.Await(t, "it has ended", func() bool {
				got, err := r.store.Get(t.Context(), ms[0].ID)
				return err == nil && got.State == report.want
			})
			r.nothing(h, sms.Hermes)
		})
	}
}
