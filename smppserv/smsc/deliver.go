package smsc

import (
	"errors"
	"fmt"
	"sync"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
)

// Deliver implements sms.Deliverer: the message goes out as one deliver_sm or several, and its outcome is the worst of theirs.
func (p *peer) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	m := ms[0]
	switch m.Kind {
	case sms.KindWatch: // it only waited for the client
		report(sms.Outcome{Verdict: sms.Done})
		return
	case sms.KindAlert:
		report(p.alert(m))
		return
	}
	pdus, err := p.deliverSM(m)
	if err != nil {
		report(sms.Outcome{Verdict: sms.Failed, State: sms.Rejected, Reason: err.Error()})
		return
	}
	p.sv.logMessage(m, "sent to the client")
	if len(pdus) == 1 {
		p.s.Send(pdus[0], func(a session.Answer) { report(outcome(a)) })
		return
	}
	d := &delivery{left: len(pdus), report: report}
	for _, pdu := range pdus {
		p.s.Send(pdu, d.answered)
	}
}

// alert tells the client that a number it wrote to can be reached again (4.12). There is no answer to that.
func (p *peer) alert(m *sms.Message) sms.Outcome {
	if !p.s.Notify(&smpp.AlertNotification{Source: address(m.Source), ESME: address(m.Dest)}) {
		return sms.Outcome{Verdict: sms.Returned, Reason: session.ErrClosed.Error()}
	}
	return sms.Outcome{Verdict: sms.Done}
}

// delivery gathers the answers to the parts of one message.
type delivery struct {
	mu     sync.Mutex
	left   int
	worst  sms.Outcome
	report func(sms.Outcome)
}

func (d *delivery) answered(a session.Answer) {
	o := outcome(a)
	d.mu.Lock()
	if badness[o.Verdict] > badness[d.worst.Verdict] {
		d.worst = o
	}
	d.left--
	last := d.left == 0
	d.mu.Unlock()
	if last {
		d.report(d.worst)
	}
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
	alphabet := smstext.ForDataCoding(m.DataCoding, c.DefaultAlphabet)
	parts, err := smstext.SplitEncoded(alphabet, m.Content, smstext.SplitOptions{Header: smstext.HeaderConcat8})
	if err != nil {
		return nil, fmt.Errorf("too long for a 3.3 session: %w", err)
	}
	return concatenated(base, parts, byte(m.ID)), nil
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

const (
	dataCodingBinary = 0x04 // 5.2.19
	dataCodingUCS2   = 0x08
	maxOctets        = 140 // of user data in one short message (23.040)
)

// longOrShort puts a text into one deliver_sm, or into as many as it has parts. The reference is the message's own,
// so that a part that is sent again finds the others.
func longOrShort(base smpp.DeliverSM, long LongMessages, ref byte, whole []byte, parts [][]byte) ([]smpp.PDU, error) {
	switch {
	case len(parts) == 1:
		base.ShortMessage = parts[0]
		return []smpp.PDU{&base}, nil
	case len(parts) > smstext.MaxParts:
		return nil, smstext.ErrTooManyParts
	case long == LongPayload:
		base.ShortMessage = whole
		return payload(base), nil
	case long == LongSAR:
		var pdus []smpp.PDU
		for i, part := range parts {
			d := base
			d.ShortMessage = part
			d.TLVs = smpp.TLVs{smpp.TLVUint16(smpp.TagSarMsgRefNum, uint16(ref)), smpp.TLVUint8(smpp.TagSarTotalSegments, byte(len(parts))),
				smpp.TLVUint8(smpp.TagSarSegmentSeqnum, byte(i+1))}
			pdus = append(pdus, &d)
		}
		return pdus, nil
	}
	return concatenated(base, parts, ref), nil
}

// payload moves a text into message_payload.
func payload(d smpp.DeliverSM) []smpp.PDU {
	d.TLVs = append(d.TLVs[:len(d.TLVs):len(d.TLVs)], smpp.TLV{Tag: smpp.TagMessagePayload, Value: d.ShortMessage})
	d.ShortMessage = nil
	return []smpp.PDU{&d}
}

// concatenated writes one deliver_sm for each part, with a user data header of an 8-bit reference.
func concatenated(base smpp.DeliverSM, parts [][]byte, ref byte) []smpp.PDU {
	if len(parts) == 1 {
		base.ShortMessage = parts[0]
		return []smpp.PDU{&base}
	}
	var pdus []smpp.PDU
	for i, part := range parts {
		d := base
		d.ESMClass |= smpp.ESMUDHI
		d.ShortMessage = append(smstext.AppendConcat8(nil, ref, byte(len(parts)), byte(i+1)), part...)
		pdus = append(pdus, &d)
	}
	return pdus
}
