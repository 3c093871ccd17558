package translate

import (
	"fmt"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// DeliverSM writes a message as the client and the version of its session want it: as one deliver_sm, or as one for each
// part of a long text. The error says in words why it cannot be sent.
func (e ESME) DeliverSM(m *sms.Message) ([]smpp.PDU, error) {
	base := smpp.DeliverSM{ServiceType: m.ServiceType, Source: address(m.Source), Dest: address(m.Dest)}
	switch {
	case m.Kind != sms.KindText:
		e.receipt(&base, m)
		return []smpp.PDU{&base}, nil
	case m.FromHermes():
		return e.fromHermes(base, m)
	}
	base.ESMClass, base.ProtocolID, base.PriorityFlag, base.DataCoding = m.ESMClass&^smpp.ESMModeMask, m.ProtocolID, m.Priority, m.DataCoding
	base.RegisteredDelivery = m.RegisteredDelivery & smpp.RegSMEAckMask
	base.ShortMessage = m.Content
	if e.Version >= smpp.V34 {
		base.TLVs = smpp.ParseTLVs(m.TLVs)
	}
	if len(m.Content) <= maxShortMessage34 {
		return []smpp.PDU{&base}, nil
	}
	if e.Version >= smpp.V34 {
		return payload(base), nil
	}
	return e.segmented(base, m)
}

// Alert tells a client that a number it wrote to can be reached again (4.12).
func Alert(m *sms.Message) *smpp.AlertNotification {
	return &smpp.AlertNotification{Source: address(m.Source), ESME: address(m.Dest)}
}

// fromHermes writes an agent's text in the alphabet asked for, else in the client's own if it fits, else in UCS-2.
func (e ESME) fromHermes(base smpp.DeliverSM, m *sms.Message) ([]smpp.PDU, error) {
	long := e.LongMessages
	if e.Version < smpp.V34 {
		long = LongUDH
	}
	if m.Alphabet == smstext.Binary.String() {
		base.DataCoding = dataCodingBinary
		return longOrShort(base, long, byte(m.ID), m.Content, smstext.SplitOctets(m.Content, maxOctets, maxOctets-smstext.HeaderConcat8))
	}
	text := string(m.Content)
	alphabet, dcs := smstext.Choose(text, e.DefaultAlphabet)
	if m.Alphabet != "" {
		var err error
		if alphabet, err = smstext.ParseAlphabet(m.Alphabet); err != nil {
			return nil, err
		}
		var ok bool
		if dcs, ok = alphabet.DataCoding(e.DefaultAlphabet); !ok {
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
