package queue

import (
	"maps"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// flagged is a text whose submitter asked to be alerted.
func (r *rig) flagged(text string) *sms.Message {
	m := r.text(text)
	m.SetDPF, m.RegisteredDelivery = true, 1
	return m
}

func (o *outbox) nextKind(kind sms.Kind) try {
	o.t.Helper()
	got := testkit.Receive(o.t, o.tries, "a try")
	if got.ms[0].Kind != kind {
		o.t.Fatalf("got kind %d, want %d: %+v", got.ms[0].Kind, kind, got.ms[0])
	}
	return got
}

// alerted checks that an alert about m comes next, and takes it.
func (o *outbox) alerted(m *sms.Message) {
	o.t.Helper()
	alert := o.nextKind(sms.KindAlert)
	if got := alert.ms[0]; got.Source != m.Dest || got.Dest != m.Source {
		o.t.Errorf("the alert is from %v to %v", got.Source, got.Dest)
	}
	alert.done()
}

// between is a text from the client "admin" to the client "other".
func (r *rig) between(text string) *sms.Message {
	m := r.flagged(text)
	m.Recipient = "other"
	return m
}

// settled checks that nothing is tried, or told, because of what happened so far.
func (r *rig) settled(c, h *outbox) {
	r.t.Helper()
	r.nothing(c, "admin")
	testkit.Await(r.t, "all outcomes are written", func() bool { return r.q.Stats().Unwritten == 0 })
	if len(c.tries) > 0 || len(h.tries) > 0 {
		r.t.Error("something came that must not")
	}
}

func TestAClientThatWasAbsentIsAnnouncedOnceItHasTheMessage(t *testing.T) {
	for name, restart := range map[string]bool{"at once": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			m := r.between("for one who is away")
			r.add(m)
			if restart {
				r.restart()
			}
			c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
			testkit.Await(t, "the absence has lasted", func() bool { return r.q.now() > m.DueAt.UnixMilli() })
			other := r.attach(road.OutletOptions{Recipient: "other", Window: 10})
			try := other.next("for one who is away")
			r.settled(c, other)
			try.done()
			receipt := c.nextKind(sms.KindReceipt)
			if !receipt.ms[0].Receipt.DPF {
				t.Error("the receipt does not tell that an alert follows")
			}
			receipt.done()
			c.alerted(m)
			r.emptied()
		})
	}
}

func TestARecipientThatFailedIsAnnouncedOnceItHasTheMessage(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	h := r.hermes()
	m := r.flagged("text")
	m.RegisteredDelivery = 0
	r.add(m)
	h.next("text").again()
	h.next("text").done()
	c.alerted(m)
	r.emptied()
}

// ends are messages whose end leaves its delivery pending flag behind.
var ends = map[string]func(r *rig, m *sms.Message, h *outbox, fail sms.Outcome){
	"expired": func(r *rig, m *sms.Message, h *outbox, fail sms.Outcome) {
		m.ExpiresAt = m.ReceivedAt.Add(time.Minute)
		r.add(m)
		h.next("text").report(fail)
		r.elapse(time.Minute)
		r.wantState(m, sms.Expired)
	},
	"tried once": func(r *rig, m *sms.Message, h *outbox, fail sms.Outcome) {
		m.ESMClass = 0x01
		r.add(m)
		h.next("text").report(fail)
		r.wantState(m, sms.Undeliverable)
	},
}

func TestARecipientThatRefusedAMessageIsAnnouncedWhenItTakesOneOfTheConversation(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
			h := r.attach(road.OutletOptions{Window: 32, Serial: true, Retry: []time.Duration{time.Hour}})
			m := r.flagged("text")
			m.RegisteredDelivery = 0
			end(r, m, h, sms.Outcome{Verdict: sms.TryAgain, Code: 500})
			r.nothing(h, sms.Hermes) // another conversation's delivery proves nothing
			r.settled(c, h)
			r.restart()
			c, h = r.attach(road.OutletOptions{Recipient: "admin", Window: 10}), r.hermes()
			r.texts("refused", "taken")
			h.next("refused").report(sms.Outcome{Verdict: sms.Failed, Code: 404})
			taken := h.next("taken")
			r.settled(c, h)
			taken.done()
			c.alerted(m)
			r.emptied()
		})
	}
}

func TestARecipientThatWasNotThereIsAnnouncedWhenItTakesAnyMessage(t *testing.T) {
	silent := sms.Outcome{Verdict: sms.TryAgain, Unreached: true}
	ends := maps.Clone(ends)
	ends["never tried"] = func(r *rig, m *sms.Message, h *outbox, _ sms.Outcome) {
		h.Pause(time.Hour)
		m.ExpiresAt = m.ReceivedAt.Add(20 * time.Millisecond)
		r.add(m)
		r.wantState(m, sms.Expired)
		h.Resume()
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			whileHeldOrNot(t, func(t *testing.T, r *rig) {
				r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
				h := r.attach(road.OutletOptions{Window: 32, Serial: true, Retry: []time.Duration{time.Hour}})
				m := r.flagged("text")
				m.RegisteredDelivery = 0
				end(r, m, h, silent)
				r.restart()
				c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
				h = r.hermes()
				r.settled(c, h)
				r.nothing(h, sms.Hermes)
				c.alerted(m)
				r.emptied()
			})
		})
	}
}

func TestAClientIsAnnouncedWhenItBindsThoughTheMessageHasEnded(t *testing.T) {
	for name, end := range map[string]func(r *rig, m *sms.Message){
		"expired": func(r *rig, m *sms.Message) {
			m.ExpiresAt = m.ReceivedAt.Add(20 * time.Millisecond)
			r.add(m)
			r.wantState(m, sms.Expired)
		},
		"its transaction timed out": func(r *rig, m *sms.Message) {
			m.ESMClass = 0x02
			r.add(m)
			if err := r.q.Cancel(t.Context(), m.ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			whileHeldOrNot(t, func(t *testing.T, r *rig) {
				c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
				m := r.between("text")
				m.RegisteredDelivery = 0
				end(r, m)
				if r.q.Waits("other") {
					t.Error("a delivery pending flag is said to wait: the client would be called for nothing")
				}
				r.nothing(c, "admin")
				other := r.attach(road.OutletOptions{Recipient: "other", Window: 10})
				c.alerted(m)
				r.emptied()
				if len(other.tries) > 0 {
					t.Error("the delivery pending flag was tried")
				}
			})
		})
	}
}

func TestAClientThatBindsBeforeTheFlagIsOnDiskIsAnnouncedToo(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	m := r.between("text")
	m.RegisteredDelivery, m.ExpiresAt = 0, m.ReceivedAt.Add(time.Second)
	r.add(m)
	r.fault.set(func() { r.fault.slow = true })
	testkit.Await(t, "the end is on its way to disk", func() bool { return r.fault.waitingOutcomes() == 1 })
	ended := r.q.now()
	testkit.Await(t, "some time has passed", func() bool { return r.q.now() > ended })
	r.attach(road.OutletOptions{Recipient: "other", Window: 10})
	r.fault.heal()
	c.alerted(m)
	r.emptied()
}

func TestAFlagWhoseTextCannotBeReadIsReadLater(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	m := r.between("text")
	m.RegisteredDelivery, m.ExpiresAt = 0, m.ReceivedAt.Add(20*time.Millisecond)
	r.add(m)
	r.wantState(m, sms.Expired)
	testkit.Await(t, "the delivery pending flag is there", func() bool { return r.q.Stats().Waiting == 1 && r.q.Stats().Unwritten == 0 })
	loads := 0
	r.fault.set(func() { r.fault.loadErr, loads = errDisk, r.fault.loads })
	r.attach(road.OutletOptions{Recipient: "other", Window: 10})
	testkit.Await(t, "it was to be read", func() bool {
		r.fault.mu.Lock()
		defer r.fault.mu.Unlock()
		return r.fault.loads > loads
	})
	r.fault.set(func() { r.fault.loadErr = nil })
	c.alerted(m)
	r.emptied()
}

func TestNoAlertFollowsAMessageThatWasTakenBackOrIsNotDue(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	scheduled, cancelled := r.between("later"), r.between("cancelled")
	scheduled.DueAt = scheduled.ReceivedAt.Add(30 * time.Minute)
	cancelled.RegisteredDelivery = 0
	r.add(scheduled)
	if r.q.Waits("other") {
		t.Error("what is scheduled for later is said to wait")
	}
	r.add(cancelled)
	if err := r.q.Cancel(t.Context(), cancelled.ID); err != nil {
		t.Fatal(err)
	}
	if r.q.Waits("other") {
		t.Error("what was taken back is said to wait")
	}
	other := r.attach(road.OutletOptions{Recipient: "other", Window: 10})
	r.settled(c, other)
	now := func(m *sms.Message) error { m.DueAt = time.Now(); return nil }
	if err := r.q.Replace(t.Context(), scheduled.ID, now); err != nil {
		t.Fatal(err)
	}
	other.next("later").done() // there was nobody missing when it was due
	receipt := c.nextKind(sms.KindReceipt)
	if receipt.ms[0].Receipt.DPF {
		t.Error("the receipt tells of an alert")
	}
	receipt.done()
	r.emptied()
	if len(c.tries) > 0 {
		t.Error("an alert came")
	}
}

func TestACancelledFlagIsGone(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	m := r.between("text")
	m.RegisteredDelivery, m.ExpiresAt = 0, m.ReceivedAt.Add(20*time.Millisecond)
	r.add(m)
	r.wantState(m, sms.Expired)
	testkit.Await(t, "the delivery pending flag is there", func() bool { return r.q.Stats().Waiting == 1 && r.q.Stats().Unwritten == 0 })
	flag := m.ID + 1
	if err := r.q.Replace(t.Context(), flag, replaceText("x")); err != sms.ErrBeingTried {
		t.Errorf("got %v", err)
	}
	if err := r.q.Cancel(t.Context(), flag); err != nil {
		t.Fatal(err)
	}
	r.emptied()
	other := r.attach(road.OutletOptions{Recipient: "other", Window: 10})
	r.settled(c, other)
}

func TestWhoIsThereNeedsNoAlert(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	h := r.hermes()
	r.add(r.flagged("taken"))
	h.next("taken").done()
	c.nextKind(sms.KindReceipt).done()
	m := r.flagged("refused")
	m.RegisteredDelivery = 0
	r.add(m)
	h.next("refused").report(sms.Outcome{Verdict: sms.Failed, Code: 404})
	r.wantState(m, sms.Undeliverable)
	r.emptied()
	if len(h.tries) > 0 || len(c.tries) > 0 {
		t.Error("a flag or an alert that nobody needs")
	}
}
