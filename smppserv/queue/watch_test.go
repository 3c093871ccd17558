package queue

import (
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

// watched is a text whose submitter asked to be alerted.
func (r *rig) watched(text string) *sms.Message {
	m := r.text(text)
	m.SetDPF, m.RegisteredDelivery = true, 1
	return m
}

func (o *outbox) nextKind(kind sms.Kind) try {
	o.t.Helper()
	got := receive(o.t, o.tries, "a try")
	if got.ms[0].Kind != kind {
		o.t.Fatalf("got kind %d, want %d: %+v", got.ms[0].Kind, kind, got.ms[0])
	}
	return got
}

func TestARecipientThatWasAbsentIsAnnouncedOnceItHasTheMessage(t *testing.T) {
	r := newRig(t, nil)
	m := r.watched("for one who is away")
	r.add(m)
	await(t, "the watch is there", func() bool { return r.q.Stats().Waiting == 2 })
	r.restart()
	c := r.attach(sms.Way{Recipient: "admin", Window: 10})
	h := r.hermes()
	h.next("for one who is away").done()
	h.nextKind(sms.KindWatch).done()
	receipt := c.nextKind(sms.KindReceipt)
	if !receipt.ms[0].Receipt.DPF {
		t.Error("the receipt does not tell that an alert follows")
	}
	receipt.done()
	alert := c.nextKind(sms.KindAlert)
	if got := alert.ms[0]; got.Source != m.Dest || got.Dest != m.Source {
		t.Errorf("the alert is from %v to %v", got.Source, got.Dest)
	}
	alert.done()
	r.emptied()
	if len(h.tries) > 0 || len(c.tries) > 0 {
		t.Error("something came twice")
	}
}

func TestTheAlertComesAlsoWhenTheMessageHasFailed(t *testing.T) {
	for name, end := range map[string]func(r *rig, m *sms.Message, h *outbox){
		"expired": func(r *rig, m *sms.Message, h *outbox) {
			m.ExpiresAt = m.ReceivedAt.Add(30 * time.Millisecond)
			r.add(m)
			h.next("text").again()
			h.next("text").again()
		},
		"tried once": func(r *rig, m *sms.Message, h *outbox) {
			m.ESMClass = 0x01
			r.add(m)
			h.next("text").again()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			c := r.attach(sms.Way{Recipient: "admin", Window: 10})
			h := r.attach(sms.Way{Window: 32, Serial: true, Retry: []time.Duration{20 * time.Millisecond}})
			m := r.watched("text")
			m.RegisteredDelivery = 0
			end(r, m, h)
			watch := h.nextKind(sms.KindWatch)
			watch.again() // still away
			h.nextKind(sms.KindWatch).done()
			c.nextKind(sms.KindAlert).done()
			r.emptied()
		})
	}
}

func TestWhoIsThereNeedsNoAlert(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(sms.Way{Recipient: "admin", Window: 10})
	h := r.hermes()
	r.add(r.watched("taken"))
	h.next("taken").done()
	c.nextKind(sms.KindReceipt).done()
	m := r.watched("refused")
	m.RegisteredDelivery = 0
	r.add(m)
	h.next("refused").report(sms.Outcome{Verdict: sms.Failed, Code: 404})
	r.wantState(m, sms.Undeliverable)
	r.emptied()
	if len(h.tries) > 0 || len(c.tries) > 0 {
		t.Error("a watch or an alert that nobody needs")
	}
}
