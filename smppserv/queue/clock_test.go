package queue

import (
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

const day = 24 * time.Hour

// whenTheClockIsSet runs a test with each way in which the clock can be set about a worker.
func whenTheClockIsSet(t *testing.T, test func(t *testing.T, r *rig, set func(by time.Duration))) {
	for name, set := range map[string]func(r *rig, by time.Duration){
		"while it runs": func(r *rig, by time.Duration) { r.setClock(by) },
		"before a restart": func(r *rig, by time.Duration) {
			r.setClock(by)
			r.restart()
		},
		"while nobody runs": func(r *rig, by time.Duration) {
			r.close()
			r.clock.step(by)
			r.open()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			test(t, r, func(by time.Duration) { set(r, by) })
		})
	}
}

// lasting is a text whose validity nobody asked for.
func (r *rig) lasting(text string, validity time.Duration) *sms.Message {
	m := r.text(text)
	m.ExpiresAt, m.Period = m.ReceivedAt.Add(validity), true
	return m
}

// forAdmin is the same from Hermès to the client "admin".
func (r *rig) forAdmin(text string, validity time.Duration) *sms.Message {
	m := r.answerTo(text)
	m.ExpiresAt, m.Period = m.ReceivedAt.Add(validity), true
	return m
}

func (r *rig) admin() *outbox {
	return r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 10, Retry: []time.Duration{10 * time.Minute}})
}

func TestAClockSetBackHoldsNoMessageForAnAbsentClient(t *testing.T) {
	whenTheClockIsSet(t, func(t *testing.T, r *rig, set func(time.Duration)) {
		r.add(r.forAdmin("for one who is away", day))
		set(-2 * time.Hour)
		r.admin().next("for one who is away").done()
		r.emptied()
	})
}

func TestAClockSetBackHoldsNoReceipt(t *testing.T) {
	whenTheClockIsSet(t, func(t *testing.T, r *rig, set func(time.Duration)) {
		h := r.hermes()
		m := r.text("with a receipt")
		m.RegisteredDelivery = 1
		r.add(m)
		h.next("with a receipt").done()
		r.wantState(m, sms.Delivered)
		testkit.Await(t, "the receipt waits", func() bool { return r.q.Pending("admin") == 1 })
		set(-2 * time.Hour)
		r.admin().next("with a receipt").done()
		r.emptied()
	})
}

// The answer's time is the session's, whose clock is not ours.
func TestAReceiptForAnotherSessionWaitsNoLongerWhenTheClockIsSetBack(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("m")
	m.RegisteredDelivery = 1
	s := newSubmission()
	s.answer(7, time.Now())
	if err := r.q.Add(m, 0, s); err != nil {
		t.Fatal(err)
	}
	c := r.admin()
	try := h.next("m")
	r.setClock(-2 * time.Hour)
	try.done()
	c.next("m").done()
	r.emptied()
}

func TestAClockSetForwardExpiresNothingThatIsSecondsOld(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	receipted := r.text("with a receipt")
	receipted.RegisteredDelivery = 1
	r.add(receipted)
	h.next("with a receipt").done()
	testkit.Await(t, "the receipt waits", func() bool { return r.q.Pending("admin") == 1 })
	h.Detach()
	m := r.lasting("m", day)
	m.Submitter = "another"
	r.add(m)
	for _, restart := range []bool{false, true, true} {
		r.setClock(3 * day)
		if restart {
			r.restart()
			r.setClock(0)
		}
		if n := r.q.Pending("admin") + r.q.Pending("another"); n != 2 {
			t.Fatalf("after a restart (%v) %d messages wait", restart, n)
		}
	}
	r.admin().next("with a receipt").done()
	r.hermes().next("m").done()
	r.emptied()
}

// What was on its way to disk has its times from before.
func TestAMessageThatIsBeingStoredWhenTheClockIsSetForwardDoesNotExpireAfterARestart(t *testing.T) {
	r := newRig(t, nil)
	r.add(r.lasting("before", day))
	once := false
	r.fault.set(func() {
		r.fault.before = func() {
			if !once {
				once = true
				r.setClock(3 * day)
			}
		}
	})
	m := r.lasting("m", day)
	r.add(m)
	r.fault.set(func() { r.fault.before = nil })
	r.add(r.lasting("after", day))
	r.restart()
	r.elapse(day - time.Minute)
	if n := r.q.Pending("admin"); n != 3 {
		t.Fatalf("%d messages wait", n)
	}
	r.elapse(2 * time.Minute)
	r.wantState(m, sms.Expired)
	r.emptied()
}

func TestAMessageThatIsBeingStoredWhenTheClockIsSetTwiceDoesNotExpireAfterARestart(t *testing.T) {
	r := newRig(t, nil)
	r.add(r.lasting("before", day))
	m := r.lasting("m", day)
	stored := r.onItsWay(m)
	for n := range 2 {
		r.clock.step(3 * day)
		r.awaitSteps(n + 1)
	}
	stored()
	r.restart()
	r.elapse(day - time.Minute)
	if n := r.q.Pending("admin"); n != 2 {
		t.Fatalf("%d messages wait", n)
	}
	r.elapse(2 * time.Minute)
	r.wantState(m, sms.Expired)
	r.emptied()
}

// Its ID is above those that the queue knew when the clock was set. What comes when the clock shows that time again is another thing.
func TestAMessageThatIsBeingStoredWhenTheClockIsSetBackExpiresInItsTimeAfterARestart(t *testing.T) {
	r := newRig(t, nil)
	r.add(r.lasting("before", day))
	m := r.lasting("m", day)
	stored := r.onItsWay(m)
	r.clock.step(-time.Hour)
	r.awaitSteps(1)
	stored()
	r.elapse(time.Hour)
	again := r.lasting("an hour later", day)
	r.add(again)
	r.restart()
	r.elapse(day - time.Hour - time.Minute)
	if n := r.q.Pending("admin"); n != 3 {
		t.Fatalf("%d messages wait", n)
	}
	r.elapse(2 * time.Minute)
	r.wantState(m, sms.Expired)
	r.wantState(again, sms.Enroute)
	r.elapse(time.Hour)
	r.wantState(again, sms.Expired)
	r.emptied()
}

// Neither does it keep anything.
func TestAPeriodOfValidityElapsesWhateverTheClockIsSetTo(t *testing.T) {
	for _, by := range []time.Duration{3 * day, 2 * time.Hour, -2 * time.Hour, -3 * day} {
		for name, restart := range map[string]bool{"": false, " and a restart": true} {
			t.Run(by.String()+name, func(t *testing.T) {
				r := newRig(t, nil)
				m := r.lasting("m", day)
				r.add(m)
				r.elapse(12 * time.Hour)
				r.setClock(by)
				if restart {
					r.restart()
				}
				r.elapse(12*time.Hour - time.Minute)
				if n := r.q.Pending("admin"); n != 1 {
					t.Fatal("it has expired")
				}
				r.elapse(2 * time.Minute)
				r.wantState(m, sms.Expired)
				r.emptied()
			})
		}
	}
}

func TestWhatARowFromTheFutureMayLastIsItsPeriod(t *testing.T) {
	r := newRig(t, nil)
	m := r.lasting("m", day)
	r.add(m)
	r.close()
	r.clock.step(-3 * day)
	r.open()
	r.elapse(day - time.Minute)
	if r.q.Pending("admin") != 1 {
		t.Fatal("it has expired")
	}
	r.elapse(2 * time.Minute)
	r.wantState(m, sms.Expired)
}

func TestAValidityAskedForAsATimeFollowsTheClock(t *testing.T) {
	for name, restart := range map[string]bool{"while it runs": false, "and a restart": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			m := r.text("until then")
			m.ExpiresAt = m.ReceivedAt.Add(day)
			r.add(m)
			r.setClock(-2 * day)
			r.elapse(day + time.Hour)
			if restart {
				r.restart()
			}
			if r.q.Pending("admin") != 1 {
				t.Fatal("it has expired before its time")
			}
			r.setClock(2 * day)
			r.wantState(m, sms.Expired)
		})
	}
}

func TestAScheduledMessageFollowsTheClock(t *testing.T) {
	whenTheClockIsSet(t, func(t *testing.T, r *rig, set func(time.Duration)) {
		m := r.lasting("at that time", day)
		m.DueAt = m.ReceivedAt.Add(2 * time.Hour)
		m.ExpiresAt = m.DueAt.Add(day)
		r.add(m)
		set(-3 * day)
		h := r.hermes()
		r.elapse(2*day + 23*time.Hour) // by its period alone it would have expired
		r.nothing(h, sms.Hermes)
		h.Detach()
		set(-time.Hour)
		h = r.hermes()
		r.elapse(3 * time.Hour)
		r.nothing(h, sms.Hermes)
		h.Detach()
		set(10 * time.Hour)
		h = r.hermes()
		h.next("at that time").done()
		r.emptied()
	})
}

func TestAScheduledMessageKeepsItsValidityWhenTheClockPassesItsTime(t *testing.T) {
	for name, restart := range map[string]bool{"while it runs": false, "and a restart": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			m := r.lasting("at that time", day)
			m.DueAt = m.ReceivedAt.Add(2 * time.Hour)
			m.ExpiresAt = m.DueAt.Add(day)
			r.add(m)
			r.setClock(10 * day)
			r.elapse(time.Millisecond) // by then its time has come
			r.setClock(-time.Hour)
			if restart {
				r.restart()
			}
			r.elapse(day - time.Minute)
			if r.q.Pending("admin") != 1 {
				t.Fatal("it has expired")
			}
			r.elapse(2 * time.Minute)
			r.wantState(m, sms.Expired)
		})
	}
}

// A machine that slept has its wall clock set forward: nothing else tells the timers.
func TestAfterASleepTheScheduledMessageIsTriedWithinSeconds(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("m")
	m.DueAt, m.ExpiresAt = m.ReceivedAt.Add(50*time.Minute), m.ReceivedAt.Add(day)
	r.add(m)
	r.noticed()
	r.clock.step(time.Hour) // nobody wakes the queue
	h.next("m").done()
	r.emptied()
}

func TestAWaitForTheNextTryIsNoLongerThanItsSchedule(t *testing.T) {
	for _, c := range []struct {
		name        string
		asked, wait time.Duration
	}{{"the schedule's", 0, 10 * time.Minute}, {"asked for (Retry-After)", 45 * time.Minute, 45 * time.Minute}} {
		t.Run(c.name, func(t *testing.T) {
			whenTheClockIsSet(t, func(t *testing.T, r *rig, set func(time.Duration)) {
				attach := func() *outbox {
					return r.attach(road.OutletOptions{Window: 1, Retry: []time.Duration{10 * time.Minute}})
				}
				h := attach()
				r.add(r.lasting("m", day))
				h.next("m").report(sms.Outcome{Verdict: sms.TryAgain, Code: 503, After: c.asked})
				testkit.Await(t, "it is written", func() bool { return r.q.Stats().Unwritten == 0 })
				h.Detach()
				set(-5 * time.Hour)
				h = attach()
				r.elapse(c.wait - time.Minute)
				r.nothing(h, sms.Hermes)
				r.elapse(2 * time.Minute)
				h.next("m").done()
				r.emptied()
			})
		})
	}
}

func TestWhatHasJustBecomeDueWhenTheClockIsSetIsTried(t *testing.T) {
	for _, by := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		r := newRig(t, nil)
		h := r.attach(road.OutletOptions{Window: 1, Retry: []time.Duration{10 * time.Minute}})
		r.add(r.lasting("m", day))
		h.next("m").again()
		r.clock.elapse(11 * time.Minute) // nobody wakes the queue
		r.setClock(by)
		h.next("m").done()
		r.emptied()
	}
}

func TestAfterASleepTheNextTryIsMadeAtOnce(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 1, Retry: []time.Duration{10 * time.Minute}})
	r.add(r.lasting("m", day))
	h.next("m").again()
	r.setClock(8 * time.Hour)
	h.next("m").done()
	r.emptied()
}

func TestAfterASleepAPausedOutletIsTriedAtOnce(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	h.Pause(time.Hour)
	r.add(r.lasting("m", day))
	r.setClock(-2 * time.Hour)
	r.setClock(2 * time.Hour)
	h.next("m").done()
	r.emptied()
}

// Versions that did not write the wait left rows that tell only when it ends.
func TestARowThatDoesNotTellItsWaitWaitsAsLongAsAnyCouldAtMost(t *testing.T) {
	for _, c := range []struct {
		recipient     string
		longest, most time.Duration
	}{{sms.Hermes, 0, time.Hour}, {sms.Hermes, 5 * time.Minute, 5 * time.Minute}, {"admin", 5 * time.Minute, time.Minute}} {
		recipient, most := c.recipient, c.most
		r := newRig(t, func(o *Options) { o.LongestRetry = c.longest })
		m := r.text("m")
		if recipient != sms.Hermes {
			m = r.answerTo("m")
		}
		m.ExpiresAt, m.Attempts, m.DueAt = m.ReceivedAt.Add(day), 1, m.ReceivedAt.Add(5*time.Hour)
		r.add(m)
		r.restart()
		o := r.attach(road.OutletOptions{Recipient: recipient, Window: 1})
		r.elapse(most - 10*time.Second)
		r.nothing(o, recipient)
		r.elapse(20 * time.Second)
		o.next("m").done()
		r.emptied()
	}
}

func TestPartsWaitForTheOthersAsLongAsTheyShould(t *testing.T) {
	for _, by := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			whenTheClockIsSet(t, func(t *testing.T, r *rig, set func(time.Duration)) {
				if by > 0 && strings.HasSuffix(t.Name(), "nobody_runs") {
					return // that looks as if the time had passed
				}
				r.q.Configure(Settings{Reassemble: 30 * time.Minute})
				r.o.Settings.Reassemble = 30 * time.Minute
				part := func(text string, seq byte) *sms.Message {
					m := r.part(text, 1, 3, seq)
					m.ExpiresAt, m.Period = m.ReceivedAt.Add(day), true
					return m
				}
				r.add(part("a", 1))
				set(by)
				h := r.hermes()
				r.add(part("b", 2))
				r.elapse(25 * time.Minute)
				r.nothing(h, sms.Hermes)
				r.elapse(10 * time.Minute)
				try := h.next("ab")
				if !try.incomplete {
					t.Error("it is complete")
				}
				try.done()
				r.emptied()
			})
		})
	}
}

func TestADeliveryPendingFlagNeitherEndsNorStaysBecauseTheClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-2 * time.Hour, 3 * day} {
		t.Run(by.String(), func(t *testing.T) {
			r := newRig(t, nil)
			r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
			m := r.between("text")
			m.RegisteredDelivery, m.ExpiresAt, m.Period = 0, m.ReceivedAt.Add(time.Minute), true
			r.add(m)
			r.elapse(2 * time.Minute)
			testkit.Await(t, "its flag waits", func() bool { return r.q.Stats().Waiting == 1 && r.q.Stats().Unwritten == 0 })
			r.setClock(by)
			r.restart()
			c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
			r.elapse(r.o.ReceiptValidity - 10*time.Minute)
			r.attach(road.OutletOptions{Recipient: "other", Window: 10})
			c.alerted(m)
			r.emptied()
		})
	}
}

func TestARequestInTransactionModeIsAnsweredWhateverTheClockIsSetTo(t *testing.T) {
	for _, by := range []time.Duration{-2 * time.Hour, 3 * day} {
		r := newRig(t, nil)
		m := r.lasting("m", day)
		m.ESMClass = 2
		s := r.add(m)
		r.setClock(by)
		r.hermes().next("m").done()
		if o := testkit.Receive(t, s.concluded, "Concluded"); o.Verdict != sms.Done {
			t.Errorf("%v: %+v", by, o)
		}
		r.emptied()
	}
}
