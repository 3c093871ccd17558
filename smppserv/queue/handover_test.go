package queue

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestWhatWaitsForOneClientIsHandedOverInItsOrderAndStaysSoOverARestart(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			r := newRig(t, nil)
			const n = 2*handOverStep + 10
			for i := range n {
				r.add(r.answerTo(fmt.Sprint(i)))
			}
			r.q.Hold("next", true)
			steps := 0
			moved, left, err := r.q.HandOver(t.Context(), "admin", "next", func(int) { steps++ })
			if moved != n || left != 0 || err != nil || steps < 3 {
				t.Fatalf("%d handed over, %d left, in %d steps: %v", moved, left, steps, err)
			}
			if from, to := r.backlogOf("admin"), r.backlogOf("next"); from.Count != 0 || to.Count != n || r.q.Pending("next") != n || r.q.Pending("admin") != 0 {
				t.Fatalf("from %+v, to %+v, pending %d", from, to, r.q.Pending("next"))
			}
			if restart {
				r.restart()
			}
			r.q.Hold("next", false)
			c := r.attach(road.OutletOptions{Recipient: "next", Session: 9, Window: 1, Serial: true})
			for i := range n {
				c.next(fmt.Sprint(i)).done()
			}
			r.emptied()
		})
	}
}

func TestWhatIsTriedDuringAHandOverFollowsWithWhatStandsBehindIt(t *testing.T) {
	r := newRig(t, nil)
	old := r.attach(road.OutletOptions{Recipient: "admin", Session: 7, Window: 1, Serial: true, Retry: []time.Duration{time.Hour}})
	first, second := r.answerTo("first"), r.answerTo("second")
	r.add(first)
	r.add(second)
	try := old.next("first")
	testkit.Await(t, "nothing is on its way to disk", func() bool {
		r.q.mu.Lock()
		defer r.q.mu.Unlock()
		return r.q.storing.Load() == 0
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, left, _ := r.q.HandOver(ctx, "admin", "next", nil); n != 0 || left != 2 {
		t.Fatalf("%d handed over, %d left while one is tried", n, left)
	}
	try.again()
	old.Detach()
	if n, left, err := r.q.HandOver(t.Context(), "admin", "next", nil); n != 2 || left != 0 || err != nil {
		t.Fatalf("%d handed over, %d left: %v", n, left, err)
	}
	if err := r.q.RetryNow(first.ID); err != nil {
		t.Fatal(err)
	}
	c := r.attach(road.OutletOptions{Recipient: "next", Session: 9, Window: 1, Serial: true})
	c.next("first").done()
	c.next("second").done()
	r.emptied()
}

func TestNothingIsTriedForTheOldClientWhileAHandOverGoesOn(t *testing.T) {
	r := newRig(t, nil)
	old := r.attach(road.OutletOptions{Recipient: "admin", Session: 7, Window: 1, Serial: true})
	tried := r.answerTo("of another conversation")
	tried.Source.Number = "3601"
	r.add(tried)
	try := old.next("of another conversation")
	const n = handOverStep + 10
	for i := range n {
		r.add(r.answerTo(fmt.Sprint(i)))
	}
	third := r.attach(road.OutletOptions{Recipient: "third", Session: 8, Window: 1})
	steps := 0
	moved, left, err := r.q.HandOver(t.Context(), "admin", "next", func(int) {
		if steps++; steps == 1 {
			try.done()
			r.wantState(tried, sms.Delivered)
			r.nothing(third, "third")
		}
	})
	if moved != n || left != 0 || err != nil || len(old.tries) != 0 {
		t.Fatalf("%d handed over, %d left, %d tried for the old client: %v", moved, left, len(old.tries), err)
	}
	r.nothing(old, "admin")
	c := r.attach(road.OutletOptions{Recipient: "next", Session: 9, Window: 1, Serial: true})
	for i := range n {
		c.next(fmt.Sprint(i)).done()
	}
	r.emptied()
}

func TestWhatIsHandedOverGoesBeforeWhatCameLater(t *testing.T) {
	r := newRig(t, nil)
	add := func(recipient string, texts ...string) {
		for _, text := range texts {
			m := r.answerTo(text)
			m.Recipient = recipient
			r.add(m)
		}
	}
	add("next", "1")
	add("admin", "2", "3")
	add("next", "4")
	add("admin", "5")
	add("next", "6")
	add("admin", "7")
	if n, left, err := r.q.HandOver(t.Context(), "admin", "next", nil); n != 4 || left != 0 || err != nil {
		t.Fatalf("%d handed over, %d left: %v", n, left, err)
	}
	c := r.attach(road.OutletOptions{Recipient: "next", Session: 9, Window: 1, Serial: true})
	for _, text := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		c.next(text).done()
	}
	r.emptied()
}

func TestAHandOverThatCannotBeWrittenChangesNothing(t *testing.T) {
	r := newRig(t, nil)
	r.add(r.answerTo("first"))
	r.fault.set(func() { r.fault.changeErr = errDisk })
	if n, left, err := r.q.HandOver(t.Context(), "admin", "next", nil); n != 0 || left != 1 || err == nil {
		t.Fatalf("%d handed over, %d left: %v", n, left, err)
	}
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 7, Window: 1})
	c.next("first").done()
	r.emptied()
}

func TestOfATextThatIsHandedOverNoPartCountsAsTaken(t *testing.T) {
	r := newRig(t, nil)
	old := r.attach(road.OutletOptions{Recipient: "admin", Session: 7, Window: 1, Retry: []time.Duration{time.Hour}})
	m := r.answerTo("in parts")
	r.add(m)
	old.next("in parts").report(sms.Outcome{Verdict: sms.TryAgain, Reason: "busy", Progress: "the first part"})
	testkit.Await(t, "what was taken is on disk", func() bool {
		kept, err := r.store.Get(t.Context(), m.ID)
		return err == nil && kept.Progress == "the first part"
	})
	old.Detach()
	if n, _, err := r.q.HandOver(t.Context(), "admin", "next", nil); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := r.q.RetryNow(m.ID); err != nil {
		t.Fatal(err)
	}
	try := r.attach(road.OutletOptions{Recipient: "next", Session: 9, Window: 1}).next("in parts")
	if try.ms[0].Progress != "" || try.ms[0].Recipient != "next" {
		t.Errorf("it is tried with progress %q for %q", try.ms[0].Progress, try.ms[0].Recipient)
	}
	try.done()
	r.emptied()
}

func TestAHandOverNamesTwoClients(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range [][2]string{{"admin", "admin"}, {sms.Hermes, "admin"}, {"admin", sms.Hermes}} {
		if _, _, err := r.q.HandOver(t.Context(), c[0], c[1], nil); err == nil {
			t.Errorf("from %q to %q: no error", c[0], c[1])
		}
	}
}

func TestADeliveryPendingFlagIsHandedOverToo(t *testing.T) {
	r := newRig(t, nil)
	m := r.answerTo("undeliverable")
	m.Submitter, m.SetDPF, m.RegisteredDelivery = "sender", true, 0
	m.ExpiresAt = m.ReceivedAt.Add(time.Second)
	r.add(m)
	r.clock.elapse(2 * time.Second)
	r.wantState(m, sms.Expired)
	testkit.Await(t, "the flag is set", func() bool { return r.q.Stats().Waiting == 1 })
	if n, left, err := r.q.HandOver(t.Context(), "admin", "next", nil); n != 1 || left != 0 || err != nil {
		t.Fatalf("%d handed over, %d left: %v", n, left, err)
	}
	sender := r.attach(road.OutletOptions{Recipient: "sender", Session: 5, Window: 1})
	r.attach(road.OutletOptions{Recipient: "next", Session: 9, Window: 1})
	testkit.Receive(t, sender.tries, "the alert").done()
	r.emptied()
}
