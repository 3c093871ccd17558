package queue

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestAddReplacingDeletesTheOldWhenTheNewIsOnDisk(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		old := r.texts("old", "between")[0]
		m, s := r.text("new"), newSubmission()
		if err := r.q.AddReplacing(t.Context(), m, 0, s, nil); err != nil {
			t.Fatal(err)
		}
		if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil || m.ID <= old.ID {
			t.Fatal(err, m.ID)
		}
		if got := r.wantState(old, sms.Deleted); got.Reason != "replaced by message "+m.ID.String() {
			t.Fatalf("got %+v", got)
		}
		h := r.hermes()
		h.next("between").done()
		h.next("new").done()
		r.emptied()
	})
}

func TestAddReplacingKeepsTheOldWhenTheNewIsRefused(t *testing.T) {
	r := newRig(t, nil)
	old := r.text("old")
	old.RegisteredDelivery = 1
	r.add(old)
	r.texts("another")
	if err := r.q.AddReplacing(t.Context(), r.text("new"), 1, newSubmission(), nil); err != sms.ErrQueueFull {
		t.Fatalf("got %v", err)
	}
	r.fault.set(func() { r.fault.addErr = errDisk })
	s := newSubmission()
	if err := r.q.AddReplacing(t.Context(), r.text("new"), 0, s, nil); err != nil {
		t.Fatalf("got %v", err)
	}
	if err := testkit.Receive(t, s.accepted, "Accepted"); err != errDisk {
		t.Fatalf("got %v", err)
	}
	h := r.hermes()
	h.next("old").done()
	h.next("another").done()
	if got := r.attach(road.OutletOptions{Recipient: "admin", Window: 1}).next("old"); got.ms[0].Receipt.State != sms.Delivered {
		t.Fatalf("got %+v", got.ms[0].Receipt)
	} else {
		got.done()
	}
	r.emptied()
}

func TestADuplicateReplacesNothing(t *testing.T) {
	r := newRig(t, nil)
	old, again := r.answerTo("old"), r.answerTo("again")
	old.ExternalID, again.ExternalID = "h-1", "h-1"
	r.add(old)
	s := newSubmission()
	if err := r.q.AddReplacing(t.Context(), again, 0, s, nil); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil || !s.duplicate {
		t.Fatal(err, s.duplicate)
	}
	r.attach(road.OutletOptions{Recipient: "admin", Window: 1}).next("old").done()
	r.emptied()
}

func TestTheEndOfAReplacedMessageIsOnDiskWhenTheNewOneIsAccepted(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		old := r.text("old")
		old.RegisteredDelivery = 1
		first := r.add(old)
		r.fault.set(func() { r.fault.slow = true }) // no other transaction comes to its help
		s := newSubmission()
		if err := r.q.AddReplacing(t.Context(), r.text("new"), 0, s, nil); err != nil {
			t.Fatal(err)
		}
		if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil {
			t.Fatal(err)
		}
		if got, err := r.store.Get(t.Context(), old.ID); err != nil || got.State != sms.Deleted {
			t.Fatalf("it is %v, %v", got.State, err)
		}
		if o := testkit.Receive(t, first.concluded, "Concluded"); o.State != sms.Deleted {
			t.Fatalf("got %+v", o)
		}
		r.restart()
		r.hermes().next("new").done()
		receipt := r.attach(road.OutletOptions{Recipient: "admin", Window: 1}).next("old")
		if got := receipt.ms[0].Receipt; got.Of != old.ID || got.State != sms.Deleted {
			t.Fatalf("got %+v", got)
		}
		receipt.done()
		r.emptied()
	})
}

func TestAReplacementNeedsNoRoomOfItsOwn(t *testing.T) {
	r := newRig(t, nil)
	r.texts("old")
	if err := r.q.Add(r.text("one too many"), 1, newSubmission()); err != sms.ErrQueueFull {
		t.Fatalf("got %v", err)
	}
	for _, text := range []string{"newer", "newest"} {
		s := newSubmission()
		if err := r.q.AddReplacing(t.Context(), r.text(text), 1, s, nil); err != nil {
			t.Fatal(err)
		}
		if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.q.Pending("admin"); n != 1 {
		t.Errorf("%d messages count", n)
	}
	r.hermes().next("newest").done()
	r.emptied()
}

func TestOfThoseThatReplaceAtTheSameTimeOneIsLeft(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		const clients = 8
		for range 10 {
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					s := newSubmission()
					if err := r.q.AddReplacing(t.Context(), r.text("text"), 0, s, nil); err != nil {
						t.Error(err)
						return
					}
					if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if ms := r.conversation(sms.Hermes, "33612345678", "3600"); len(ms) != 1 {
				t.Fatalf("%d wait", len(ms))
			}
		}
	})
}

func TestAddReplacingWhatIsTriedOrEndedAddsAllTheSame(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	old := r.texts("old")[0]
	try := h.next("old")
	s := newSubmission()
	if err := r.q.AddReplacing(t.Context(), r.text("new"), 0, s, nil); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, s.accepted, "Accepted")
	try.done()
	h.next("new").done()
	if err := r.q.AddReplacing(t.Context(), r.text("newer"), 0, s, nil); err != nil {
		t.Fatal(err)
	}
	h.next("newer").done()
	r.wantState(old, sms.Delivered)
	r.emptied()
}

func TestAddReplacingFindsWhatIsOnItsWayToDisk(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		const n = 20
		var ms []*sms.Message
		s := newSubmission()
		s.accepted, s.concluded = make(chan error, n), make(chan sms.Outcome, n)
		for i := range n {
			m := r.text(fmt.Sprint(i))
			ms = append(ms, m)
			add := func() error { return r.q.AddReplacing(t.Context(), m, 0, s, nil) }
			if i == 0 {
				add = func() error { return r.q.Add(m, 0, s) }
			}
			if err := add(); err != nil {
				t.Fatal(err)
			}
		}
		for range n {
			if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil {
				t.Fatal(err)
			}
		}
		for _, old := range ms[:n-1] {
			r.wantState(old, sms.Deleted)
		}
		r.hermes().next(fmt.Sprint(n - 1)).done()
		r.emptied()
	})
}

func TestWhatIsTriedWhileItIsReplacedIsNotTriedAgain(t *testing.T) {
	for name, end := range map[string]func(try){
		"try again": try.again,
		"returned":  func(t try) { t.report(sms.Outcome{Verdict: sms.Returned}) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			h := r.hermes()
			old := r.text("old")
			old.RegisteredDelivery = 1
			r.add(old)
			first := h.next("old")
			m, s := r.text("new"), newSubmission()
			if err := r.q.AddReplacing(t.Context(), m, 0, s, nil); err != nil {
				t.Fatal(err)
			}
			if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil {
				t.Fatal(err)
			}
			end(first)
			h.next("new").done()
			if got := r.wantState(old, sms.Deleted); got.Reason != "replaced by message "+m.ID.String() {
				t.Errorf("got %+v", got)
			}
			got := r.attach(road.OutletOptions{Recipient: "admin", Window: 1}).next("old")
			if got.ms[0].Receipt.State != sms.Deleted {
				t.Errorf("got %+v", got.ms[0].Receipt)
			}
			got.done()
			r.emptied()
		})
	}
}

func TestATryThatFailsBeforeTheReplacementIsOnDiskIsNotMadeAgainAfterIt(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 32, Serial: true, Retry: []time.Duration{time.Hour}})
	old := r.texts("old")[0]
	first := h.next("old")
	m, s := r.text("new"), newSubmission()
	r.fault.set(func() { r.fault.before = func() { first.again() } })
	if err := r.q.AddReplacing(t.Context(), m, 0, s, nil); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil {
		t.Fatal(err)
	}
	h.next("new").done()
	r.wantState(old, sms.Deleted)
	r.emptied()
}

func TestATryThatSucceedsWhileItIsReplacedStands(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	old := r.texts("old")[0]
	first := h.next("old")
	s := newSubmission()
	if err := r.q.AddReplacing(t.Context(), r.text("new"), 0, s, nil); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, s.accepted, "Accepted")
	first.done()
	h.next("new").done()
	r.wantState(old, sms.Delivered)
	r.emptied()
}
