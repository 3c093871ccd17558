package smsc

import (
	"errors"
	"fmt"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
)

// Deliver implements road.Deliverer: the message goes out as one deliver_sm or several, and its outcome is the worst of theirs.
func (p *peer) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	m := ms[0]
	if m.Kind == sms.KindAlert {
		report(p.alert(m))
		return
	}
	pdus, err := p.deliverSM(m)
	if err != nil {
		report(sms.Outcome{Verdict: sms.Failed, State: sms.Rejected, Reason: err.Error()})
		return
	}
	p.sv.logMessage(m, "sent to the client")
	p.s.SendAll(pdus, func(answers []session.Answer) { report(worst(answers)) })
}

// alert tells the client that a number it wrote to can be reached again (4.12). There is no answer to that.
func (p *peer) alert(m *sms.Message) sms.Outcome {
	if !p.s.Notify(&smpp.AlertNotification{Source: address(m.Source), ESME: address(m.Dest)}) {
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
	case a.Nack:
		return sms.Outcome{Verdict: sms.TryAgain, Code: int(a.Status), Reason: "generic_nack " + a.Status.String()}
	}
	switch a.Status {
	case smpp.ROK:
		return sms.Outcome{Verdict: sms.Done}
	case smpp.RXTAPPN, smpp.RMSGQFUL, smpp.RTHROTTLED, smpp.RSYSERR:
		return sms.Outcome{Verdict: sms.TryAgain, Code: int(a.Status), Reason: "the client answered " + a.Status.String()}
	}
	return sms.Outcome{Verdict: sms.Failed, State: sms.Undeliverable, Code: int(a.Status), Reason: "the client answered " + a.Status.String()}
}

// deliverSM writes a message as the client and the version of its session want it.
func (p *peer) deliverSM(m *sms.Message) ([]smpp.PDU, error) {
	c, _ := p.sv.registry.settings(p)
	version := p.s.Version()
	base := smpp.DeliverSM{ServiceType: m.ServiceType, Source: address(m.Source), Dest: address(m.Dest)}
	switch {
	case m.Kind != sms.KindText:
		receipt(&base, m, c, version)
		return []smpp.PDU{&base}, nil
	case m.FromHermes():
		return p.fromHermes(base, m, c, version)
	}
	base.ESMClass, base.ProtocolID, base.PriorityFlag, base.DataCoding = m.ESMClass&^smpp.ESMModeMask, m.ProtocolID, m.Priority, m.DataCoding
	base.RegisteredDelivery = m.RegisteredDelivery & smpp.RegSMEAckMask
	base.ShortMessage = m.Content
	if version >= smpp.V34 {
		base.TLVs = smpp.ParseTLVs(m.TLVs)
	}
	if len(m.Content) <= maxShortMessage34 {
		return []smpp.PDU{&base}, nil
	}
	if version >= smpp.V34 {
		return payload(base), nil
	}
	return segmented(base, m, c)
}

func address(a sms.Address) smpp.Address { return smpp.Address{TON: a.TON, NPI: a.NPI, Addr: a.Number} }

// fromHermes writes an agent's text in the alphabet asked for, else in the client's own if it fits, else in UCS-2.
func (p *peer) fromHermes(base smpp.DeliverSM, m *sms.Message, c *Client, version byte) ([]smpp.PDU, error) {
	long := c.LongMessages
	if version < smpp.V34 {
		long = LongUDH
	}
	if m.Alphabet == smstext.Binary.String() {
		base.DataCoding = dataCodingBinary
		return longOrShort(base, long, byte(m.ID), m.Content, smstext.SplitOctets(m.Content, maxOctets, maxOctets-smstext.HeaderConcat8))
	}
	text := string(m.Content)
	alphabet, dcs := smstext.Choose(text, c.DefaultAlphabet)
	if m.Alphabet != "" {
		var err error
		if alphabet, err = smstext.ParseAlphabet(m.Alphabet); err != nil {
			return nil, err
		}
		var ok bool
		if dcs, ok = alphabet.DataCoding(c.DefaultAlphabet); !ok {
			return nil, fmt.Errorf("alphabet %s has no data_coding for this client", m.Alphabet)
		}
	}
	base.DataCoding = dcs
	header := smstext.HeaderConcat8
	if long == LongSAR {
		header = smstext.HeaderNone
	}
	parts, err := smstext.Split(alphabet, text, smstext.SplitOptions{Header: header})
	if err != nil && long != LongPayload {
		return nil, err
	}
	var whole []byte
	if long == LongPayload {
		whole, _ = smstext.Encode(alphabet, text)
	}
	return longOrShort(base, long, byte(m.ID), whole, parts)
}
