package smsc

import (
	"errors"

	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// delivery is a message on its way to a client: one deliver_sm or several, each of which is settled by itself.
// It is guarded by its sender.
type delivery struct {
	m        *sms.Message
	parts    translate.Parts
	next     int // the next deliver_sm to send
	begun    bool
	flying   int // deliver_sm that are not answered yet
	worst    sms.Outcome
	settled  [32]byte // a bit for each deliver_sm of whose answer, or lack of one, the sender has heard
	stopped  bool     // no more of it is sent
	failing  bool     // it is among the sender's failing
	reported bool
	report   func(sms.Outcome)
}

// Deliver implements road.Deliverer.
func (p *peer) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	m := ms[0]
	if m.Kind == sms.KindAlert {
		report(p.alert(m))
		return
	}
	c, _ := p.sv.registry.settings(p)
	d := &delivery{m: m, report: report}
	var err error
	d.parts, err = p.esme(c).Parts(m, p.account.references.take)
	ref, several := d.parts.Reference()
	if err != nil {
		if several {
			p.account.references.release(ref)
		}
		report(sms.Outcome{Verdict: sms.Failed, State: sms.Rejected, Reason: err.Error()})
		return
	}
	if d.parts.Kept() {
		p.account.references.keep(ref)
	}
	p.sv.logMessage(m, "sent to the client")
	p.sender.send(d)
}

// alert tells the client that a number it wrote to can be reached again (4.12). There is no answer to that.
func (p *peer) alert(m *sms.Message) sms.Outcome {
	if !p.s.Notify(translate.Alert(m)) {
		return sms.Outcome{Verdict: sms.Returned, Reason: session.ErrClosed.Error()}
	}
	return sms.Outcome{Verdict: sms.Done}
}

// part is the next deliver_sm to send, -1 = there is none.
func (d *delivery) part() int {
	if d.stopped {
		return -1
	}
	for d.next < len(d.parts.PDUs) && d.parts.Taken(d.next) {
		d.next++
	}
	if d.next == len(d.parts.PDUs) {
		return -1
	}
	return d.next
}

// stop has no more of it sent, because of an outcome of one part. What is refused for good ends the text, whatever becomes of
// the other parts; else what the message is to wait for counts more than what says nothing of it.
func (d *delivery) stop(o sms.Outcome) {
	if !d.stopped || badness(o) > badness(d.worst) {
		d.worst = o
	}
	d.stopped = true
}

func (d *delivery) sameConversation(o *delivery) bool {
	return d.m.Source.Number == o.m.Source.Number && d.m.Dest.Number == o.m.Dest.Number
}

func badness(o sms.Outcome) int {
	switch {
	case o.Verdict == sms.Failed:
		return 3
	case o.Verdict == sms.TryAgain && !o.Unjudged:
		return 2
	case o.Verdict == sms.TryAgain:
		return 1
	}
	return 0
}

// outcome is what came of the whole message; ok is false while that is open.
func (d *delivery) outcome() (o sms.Outcome, ok bool) {
	switch {
	case d.flying > 0 || d.reported:
		return o, false
	case d.stopped:
		o = d.worst
		if o.Verdict != sms.Failed && d.begun {
			o.Progress = d.parts.Progress()
		}
	case d.part() >= 0:
		return o, false
	}
	d.reported = true
	return o, true
}

// outcome reads a client's answer to deliver_sm.
func outcome(a session.Answer) sms.Outcome {
	switch {
	case errors.Is(a.Err, session.ErrClosed):
		return sms.Outcome{Verdict: sms.Returned, Reason: a.Err.Error()}
	case a.Err != nil:
		return sms.Outcome{Verdict: sms.TryAgain, Reason: a.Err.Error()}
	}
	return translate.Outcome(a.Status, a.Nack)
}
