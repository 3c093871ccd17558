package queue

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestASerialWayHasOneTryOfAConversationAtATime(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	r.texts("1", "2", "3")
	first := h.next("1")
	r.nothing(h, sms.Hermes) // other conversations go on
	first.done()
	h.next("2").done()
	h.next("3").done()
	r.emptied()
}

func TestAMessageToBeTriedAgainHoldsBackThoseBehindIt(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	ms := r.texts("1", "2")
	h.next("1").report(sms.Outcome{Verdict: sms.TryAgain, Code: 503, Reason: "busy", After: time.Minute})
	r.nothing(h, sms.Hermes)
	if got := r.wantState(ms[0], sms.Enroute); got.Attempts > 1 {
		t.Fatalf("got %+v", got)
	}
	r.elapse(time.Minute)
	h.next("1").done()
	h.next("2").done()
	if got := r.wantState(ms[0], sms.Delivered); got.Attempts != 2 {
		t.Fatalf("got %+v", got)
	}
	r.emptied()
}

func TestAWindowIsFilledInOrderAndAFailureHoldsBackWhatIsNotSent(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 3, Retry: []time.Duration{30 * time.Millisecond}})
	for i := range 6 {
		r.add(r.answerTo(fmt.Sprint(i)))
	}
	t0, t1, t2 := c.next("0"), c.next("1"), c.next("2")
	t0.again()
	t1.done()
	// 0 waits; 2 is in flight; 3 may not go before 0.
	testkit.Await(t, "1 is written", func() bool { return r.q.Stats().Unwritten == 0 && r.q.Stats().InFlight == 1 })
	if again := c.next("0"); again.at.Sub(t0.at) < 30*time.Millisecond {
		t.Fatalf("tried again after %v", again.at.Sub(t0.at))
	} else {
		c.next("3")
		again.done()
	}
	t2.done()
	c.next("4")
	c.next("5")
}

func TestAMessageOvertakesWhileOneBeforeItWaitsForItsNextTry(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 3, Retry: []time.Duration{time.Hour}})
	for i := range 2 {
		r.add(r.answerTo(fmt.Sprint(i)))
	}
	elsewhere := r.answerTo("2")
	elsewhere.Source.Number = "3601"
	r.add(elsewhere)
	t0, t1, t2 := c.next("0"), c.next("1"), c.next("2")
	overtake := func(want ...bool) {
		t.Helper()
		for i, try := range []try{t0, t1, t2} {
			if got := c.Overtakes(try.ms[0]); got != want[i] {
				t.Errorf("%d overtakes: %v, want %v", i, got, want[i])
			}
		}
	}
	overtake(false, false, false)
	t0.again()
	overtake(false, true, false)
	c.Resume()
	t0 = c.next("0")
	overtake(false, false, false)
	t0.done()
	overtake(false, false, false)
	t1.done()
	t2.done()
	r.emptied()
}

func TestTheScheduleOfTriesIsKeptAndItsLastWaitRepeats(t *testing.T) {
	r := newRig(t, nil)
	retry := []time.Duration{10 * time.Millisecond, 40 * time.Millisecond}
	h := r.attach(road.OutletOptions{Window: 1, Serial: true, Retry: retry})
	m := r.texts("again")[0]
	last := h.next("again")
	for _, want := range []time.Duration{retry[0], retry[1], retry[1]} {
		last.again()
		next := h.next("again")
		if got := next.at.Sub(last.at); got < want {
			t.Fatalf("tried after %v, want %v", got, want)
		}
		last = next
	}
	last.report(sms.Outcome{Verdict: sms.TryAgain, After: 80 * time.Millisecond})
	next := h.next("again")
	if got := next.at.Sub(last.at); got < 80*time.Millisecond {
		t.Fatalf("tried after %v, the recipient asked for 80ms", got)
	}
	next.done()
	if got := r.wantState(m, sms.Delivered); got.Attempts != 5 {
		t.Fatalf("%d attempts", got.Attempts)
	}
}

func TestResumeEndsTheWaitsOfWhatFailedButNotThoseAskedFor(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 2, Retry: []time.Duration{time.Hour}})
	r.add(r.answerTo("1"))
	r.add(r.answerTo("2"))
	asked := r.answerTo("asked")
	asked.Source.Number = "3601"
	t1, t2 := c.next("1"), c.next("2")
	t1.again()
	t2.again()
	r.add(asked)
	c.next("asked").report(sms.Outcome{Verdict: sms.TryAgain, After: time.Hour})
	c.Pause(time.Hour)
	r.add(r.answerTo("3"))
	c.Resume()
	c.next("1").done()
	c.next("2").done()
	c.next("3").done()
	r.nothing(c, "admin")
}

func TestReturnedIsNoAttemptAndKeepsThePlace(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 1})
	m := r.answerTo("1")
	r.add(m)
	r.add(r.answerTo("2"))
	c.next("1").report(sms.Outcome{Verdict: sms.Returned})
	c.next("1").done()
	c.next("2").done()
	if got := r.wantState(m, sms.Delivered); got.Attempts != 1 {
		t.Fatalf("%d attempts", got.Attempts)
	}
	r.emptied()
}

func TestADatagramIsTriedOnce(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("once")
	m.ESMClass = 1
	r.add(m)
	h.next("once").again()
	r.wantState(m, sms.Undeliverable)
	r.nothing(h, sms.Hermes)
	r.emptied()
}

func TestAPausedOutletStartsNothingUntilThePauseIsOver(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	from := time.Now()
	h.Pause(50 * time.Millisecond)
	r.texts("1")
	if try := h.next("1"); try.at.Sub(from) < 50*time.Millisecond {
		t.Fatalf("tried after %v", try.at.Sub(from))
	}
	h.Pause(time.Hour)
	h.Pause(10 * time.Millisecond) // the later one counts
	r.nothing(h, sms.Hermes)
}

func TestAWiderWindowTakesWhatWaits(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 0})
	for i := range 3 {
		r.add(r.answerTo(fmt.Sprint(i)))
	}
	c.SetWindow(2)
	c.next("0")
	c.next("1")
	if n := r.q.Stats().InFlight; n != 2 {
		t.Fatalf("%d in flight", n)
	}
	c.SetWindow(3)
	c.next("2")
}

func TestADetachedWayReportsAndAnotherTakesOverInOrder(t *testing.T) {
	r := newRig(t, nil)
	a := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 2})
	for i := range 4 {
		r.add(r.answerTo(fmt.Sprint(i)))
	}
	t0, t1 := a.next("0"), a.next("1")
	a.Detach()
	b := r.attach(road.OutletOptions{Recipient: "admin", Session: 2, Window: 2})
	r.nothing(b, "admin") // 2 waits for what becomes of 0 and 1
	t1.report(sms.Outcome{Verdict: sms.Returned})
	t0.done()
	b.next("1").done()
	b.next("2").done()
	b.next("3").done()
	r.emptied()
}

func TestALaneStaysWithItsSessionWhileItHasMessagesInFlight(t *testing.T) {
	r := newRig(t, nil)
	a := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 1})
	r.add(r.answerTo("0"))
	t0 := a.next("0")
	b := r.attach(road.OutletOptions{Recipient: "admin", Session: 2, Window: 5})
	r.add(r.answerTo("1"))
	r.nothing(b, "admin")
	t0.done()
	select {
	case try := <-a.tries:
		try.done()
	case try := <-b.tries:
		try.done()
	case <-time.After(testkit.Patience):
		t.Fatal("1 is not tried")
	}
	r.emptied()
}

func TestAScheduledMessageHoldsNobodyBack(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	later := r.text("later")
	later.DueAt = later.ReceivedAt.Add(30 * time.Minute)
	r.add(later)
	r.texts("now")
	h.next("now").done()
	r.elapse(29 * time.Minute)
	r.nothing(h, sms.Hermes)
	r.elapse(time.Minute)
	h.next("later").done()
	r.emptied()
}

func TestValidityEndsWithoutAnyWayOut(t *testing.T) {
	r := newRig(t, nil)
	r.hermes()
	var all []*sms.Message
	add := func(change func(*sms.Message)) {
		m := r.answerTo("expires")
		m.ExpiresAt = m.ReceivedAt.Add(40 * time.Millisecond)
		change(m)
		r.add(m)
		all = append(all, m)
	}
	add(func(*sms.Message) {})
	add(func(m *sms.Message) { m.DueAt = m.ReceivedAt.Add(time.Hour) })
	add(func(m *sms.Message) { m.Source.Number = "3601" })
	for _, m := range all {
		if got := r.wantState(m, sms.Expired); got.Attempts != 0 {
			t.Fatalf("got %+v", got)
		}
	}
	r.emptied()
}

func TestValidityEndsBehindAMessageThatIsTriedAgain(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	first, second := r.text("first"), r.text("second")
	second.ExpiresAt = second.ReceivedAt.Add(50 * time.Millisecond)
	r.add(first)
	r.add(second)
	h.next("first").report(sms.Outcome{Verdict: sms.TryAgain, After: 200 * time.Millisecond})
	s := r.wantState(second, sms.Expired)
	if s.Attempts != 0 {
		t.Fatalf("got %+v", s)
	}
	h.next("first").done()
	r.emptied()
}

func TestAMessageThatKeepsFailingExpiresWithItsLastError(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("m")
	m.ExpiresAt = m.ReceivedAt.Add(10 * time.Minute)
	s := r.add(m)
	h.next("m").report(sms.Outcome{Verdict: sms.TryAgain, Code: 503, After: 2 * time.Hour})
	r.elapse(10 * time.Minute)
	if o := testkit.Receive(t, s.concluded, "Concluded"); o.State != sms.Expired || o.Code != 503 {
		t.Fatalf("got %+v", o)
	}
	if got := r.wantState(m, sms.Expired); got.Attempts != 1 || got.Error != 503 {
		t.Fatalf("got %+v", got)
	}
	r.emptied()
}

func TestATryInFlightIsNotExpired(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m, other := r.text("m"), r.text("other")
	m.ExpiresAt = m.ReceivedAt.Add(10 * time.Minute)
	other.Source.Number, other.DueAt = "33600000000", m.ReceivedAt.Add(20*time.Minute)
	r.add(m)
	r.add(other)
	try := h.next("m")
	r.elapse(20 * time.Minute)
	h.next("other").done()
	try.done()
	r.wantState(m, sms.Delivered)
	r.emptied()
}

func TestWhatIsTakenUpBetweenWhatIsHereStandsInItsPlace(t *testing.T) {
	for seed := range uint64(50) {
		dice := rand.New(rand.NewPCG(seed, 2))
		const n = 200
		q := waitingIn(t, rows{n: n, conversations: 1, change: func(i int, m *sms.Message) { m.ID = sms.ID(3 * (i + 1)) }})
		q.mu.Lock()
		lr := q.entries.at(q.byID.find(3)).lane
		ids := map[sms.ID]struct{}{}
		for id := sms.ID(3); id <= 3*n; id += 3 {
			ids[id] = struct{}{}
		}
		for id := sms.ID(1); id < 3*n+100; id++ { // in rising order, but for some
			at := id
			if dice.IntN(10) == 0 {
				at = sms.ID(dice.IntN(3*n) + 1)
			}
			if _, here := ids[at]; here || dice.IntN(3) == 0 {
				continue
			}
			m := &sms.Message{ID: at, Submitter: "admin", Source: sms.Address{Number: "33600000000"}, Dest: sms.Address{Number: "3600"}, ExpiresAt: time.Now().Add(time.Hour)}
			q.takeUp(m, keysOf(m), q.now(), q.now())
			ids[at] = struct{}{}
			if gone := sms.ID(dice.IntN(3*n) + 1); dice.IntN(4) == 0 { // the one that was put last may be it
				if r := q.byID.find(uint64(gone)); r != 0 {
					owner := q.owner(q.entries.at(r))
					q.leave(r)
					q.uncount(owner)
					q.forget(r)
					delete(ids, gone)
				}
			}
		}
		var got []sms.ID
		for r := q.lanes.at(lr).line; r != 0; r = q.entries.at(r).next {
			got = append(got, q.entries.at(r).id)
		}
		q.mu.Unlock()
		if want := slices.Sorted(maps.Keys(ids)); !slices.Equal(got, want) {
			t.Fatalf("seed %d: the line is %v, want %v", seed, got, want)
		}
	}
}
