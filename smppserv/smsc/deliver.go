package smsc

import (
	"errors"

	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// Deliver implements road.Deliverer: the message goes out as one deliver_sm or several, and its outcome is the worst of theirs.
func (p *peer) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	m := ms[0]
	if m.Kind == sms.KindAlert {
		report(p.alert(m))
		return
	}
	c, _ := p.sv.registry.settings(p)
	pdus, err := p.esme(c).DeliverSM(m)
	if err != nil {
		report(sms.Outcome{Verdict: sms.Failed, State: sms.Rejected, Reason: err.Error()})
		return
	}
	p.sv.logMessage(m, "sent to the client")
	if len(pdus) == 1 {
		p.s.Send(pdus[0], func(a session.Answer) { report(outcome(a)) })
		return
	}
	p.s.SendAll(pdus, func(answers []session.Answer) { report(worst(answers)) })
}

// alert tells the client that a number it wrote to can be reached again (4.12). There is no answer to that.
func (p *peer) alert(m *sms.Message) sms.Outcome {
	if !p.s.Notify(translate.Alert(m)) {
		return sms.Outcome{Verdict: sms.Returned, Reason: session.ErrClosed.Error()}
	}
	return sms.Outcome{Verdict: sms.Done}
}

// worst is the outcome of a message whose parts were answered like this.
func worst(answers []session.Answer) (all sms.Outcome) {
	for _, a := range answers {
		if o := outcome(a); badness[o.Verdict] > badness[all.Verdict] {
			all = o
		}
	}
	return all
}

// badness puts verdicts in order: what is refused for good need not be sent again because of another part.
var badness = [...]int{sms.Done: 0, sms.Returned: 1, sms.TryAgain: 2, sms.Failed: 3}

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
