package queue

import (
	"context"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// outgoing has the message "old" under way to worker 5.
func outgoing(t *testing.T) (r *rig, o *others, old *sms.Message, going try) {
	t.Helper()
	o = newOthers()
	r = newRig(t, func(op *Options) { op.Share = o })
	old = r.texts("old")[0]
	return r, o, old, r.attach(road.OutletOptions{Recipient: sms.Hermes, Window: 100, Serial: true, Holder: 5}).next("old")
}

// replace hands in what is to take the place of another message.
func (r *rig) replace(text string) *sms.Message {
	r.t.Helper()
	m, s := r.text(text), newSubmission()
	if err := r.q.AddReplacing(r.t.Context(), m, 0, s, nil); err != nil {
		r.t.Fatal(err)
	}
	if err := testkit.Receive(r.t, s.accepted, "Accepted"); err != nil {
		r.t.Fatal(err)
	}
	return m
}

func (o *others) wantSuperseded(t *testing.T, id, by sms.ID) {
	t.Helper()
	if got := testkit.Receive(t, o.replace, "what the others are told"); got != [2]sms.ID{id, by} {
		t.Fatalf("told %v, want %v", got, [2]sms.ID{id, by})
	}
}

func TestWhatIsReplacedWhileItIsHandedOnIsSupersededThere(t *testing.T) {
	r, o, old, going := outgoing(t)
	newer := r.replace("new")
	going.report(sms.Outcome{Verdict: sms.HandedOn})
	o.wantSuperseded(t, old.ID, newer.ID)
}

// The hand-on is known to have ended before the newer message is on disk.
func TestWhatHasJustGoneWhenItIsReplacedIsSupersededThere(t *testing.T) {
	r, o, old, going := outgoing(t)
	going.report(sms.Outcome{Verdict: sms.HandedOn})
	r.q.mu.Lock()
	r.q.succeed(old.ID, old.ID+1)
	r.q.mu.Unlock()
	o.wantSuperseded(t, old.ID, old.ID+1)
}

func TestWhatIsHandedOnWhileItsConversationIsCancelledIsSupersededThere(t *testing.T) {
	for name, taken := range map[string]struct {
		here, elsewhere int
	}{"with others here": {1, 0}, "with others elsewhere": {0, 1}, "with no other, as the request fails": {0, 0}} {
		t.Run(name, func(t *testing.T) {
			r, o, old, going := outgoing(t)
			for range taken.here {
				r.texts("another")
			}
			if n, err := r.cancelConversation("admin", "", taken.elsewhere); n != taken.here+taken.elsewhere || err != nil {
				t.Fatal(n, err)
			}
			going.report(sms.Outcome{Verdict: sms.HandedOn})
			if taken.here+taken.elsewhere > 0 {
				o.wantSuperseded(t, old.ID, 0)
			} else if len(o.replace) > 0 {
				t.Fatal("it is superseded")
			}
			r.emptied()
		})
	}
}

// Two workers that cancel at the same time ask each other.
func TestACancellationIsDoneForAnotherWorkerWhileThatIsAsked(t *testing.T) {
	r, o, old, going := outgoing(t)
	mine := r.texts("another")[0]
	like := r.text("")
	ended := make(chan road.Cancelled, 1)
	r.q.CancelConversation(t.Context(), like, func(ctx context.Context) (road.Cancelled, error) {
		asked := make(chan road.Cancelled, 1)
		r.q.CancelConversation(ctx, r.between("nothing"), nil, func(c road.Cancelled, _ error) { asked <- c })
		return testkit.Receive(t, asked, "what the other one asks for"), nil
	}, func(c road.Cancelled, _ error) { ended <- c })
	if c := testkit.Receive(t, ended, "the end"); c.N != 1 {
		t.Fatalf("%+v", c)
	}
	r.wantState(mine, sms.Deleted)
	going.report(sms.Outcome{Verdict: sms.HandedOn})
	o.wantSuperseded(t, old.ID, 0)
}

func TestWhatAnotherWorkerMissedIsSupersededIfTheRequestIsFulfilled(t *testing.T) {
	r, o, old, going := outgoing(t)
	like := r.text("")
	ended := make(chan road.Cancelled, 1)
	done := func(c road.Cancelled, _ error) { ended <- c }
	r.q.CancelConversation(t.Context(), like, nil, done) // as the one that is asked
	if c := testkit.Receive(t, ended, "the end"); c.N != 0 || len(c.Missed) != 1 || c.Missed[0] != old.ID {
		t.Fatalf("%+v", c)
	}
	r.texts("another") // and as the one that asks
	r.q.CancelConversation(t.Context(), like, func(context.Context) (road.Cancelled, error) { return road.Cancelled{Missed: []sms.ID{77}}, nil }, done)
	if c := testkit.Receive(t, ended, "the end"); c.N != 1 || len(c.Missed) != 0 {
		t.Fatalf("%+v", c)
	}
	o.wantSuperseded(t, 77, 0)
	going.report(sms.Outcome{Verdict: sms.HandedOn})
	o.wantSuperseded(t, old.ID, 0)
}

func TestAPartOnItsWayToAnotherWorkerIsCancelledThere(t *testing.T) {
	add := func(t *testing.T) (r *rig, o *others, m *sms.Message, s *submission) {
		o = newOthers()
		r = newRig(t, func(op *Options) { op.Share = o })
		m, s = r.foreignPart(), newSubmission()
		s.answer(3, time.Now().Add(time.Hour)) // it stays until its answer is older
		if err := r.q.Add(m, 0, s); err != nil {
			t.Fatal(err)
		}
		if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil {
			t.Fatal(err)
		}
		return r, o, m, s
	}
	goes := func(r *rig, s *submission) {
		s.answer(3, time.Now().Add(-time.Second))
		r.q.wake()
	}
	t.Run("by its id", func(t *testing.T) {
		r, o, m, s := add(t)
		ended := make(chan error, 1)
		go func() { ended <- r.q.Cancel(t.Context(), m.ID) }()
		goes(r, s)
		testkit.Receive(t, o.handed, "the hand-on")
		if err := testkit.Receive(t, ended, "the cancel's end"); err != sms.ErrNotWaiting {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("with its conversation", func(t *testing.T) {
		r, o, m, s := add(t)
		if n, err := r.cancelConversation("admin", "", 1); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		goes(r, s)
		o.wantSuperseded(t, m.ID, 0)
	})
}

func TestSupersede(t *testing.T) {
	for name, tc := range endsOfATry {
		t.Run("what is tried, "+name, func(t *testing.T) {
			r := newRig(t, nil)
			old := r.texts("old")[0]
			h := r.hermes()
			going := h.next("old")
			if err := r.q.Supersede(t.Context(), old.ID, old.ID+1); err != nil {
				t.Fatal(err)
			}
			going.report(tc.outcome)
			r.emptied()
			r.wantState(old, tc.want)
			r.nothing(h, sms.Hermes)
		})
	}
	t.Run("what waits", func(t *testing.T) {
		r := newRig(t, nil)
		old := r.texts("old")[0]
		if err := r.q.Supersede(t.Context(), old.ID, old.ID+1); err != nil {
			t.Fatal(err)
		}
		if got := r.wantState(old, sms.Deleted); got.Reason != "replaced by message "+(old.ID+1).String() {
			t.Fatalf("%+v", got)
		}
		if err := r.q.Supersede(t.Context(), old.ID, old.ID+1); err != sms.ErrNotWaiting {
			t.Fatalf("again: %v", err)
		}
	})
	t.Run("what is being changed", func(t *testing.T) {
		r := newRig(t, nil)
		old := r.texts("old")[0]
		err := r.q.Replace(t.Context(), old.ID, func(m *sms.Message) error {
			m.Content = []byte("changed")
			return r.q.Supersede(t.Context(), old.ID, 0)
		})
		if err != nil {
			t.Fatal(err)
		}
		r.emptied()
		r.wantState(old, sms.Deleted)
	})
}
