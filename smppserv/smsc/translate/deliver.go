package translate

import (
	"errors"
	"fmt"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// deliverSM writes a message as one deliver_sm, or as one for each part of a long text; c is how it is cut.
func (e ESME) deliverSM(m *sms.Message, c *cut) ([]smpp.PDU, error) {
	base := smpp.DeliverSM{ServiceType: m.ServiceType, Source: address(m.Source), Dest: address(m.Dest)}
	switch {
	case m.Kind != sms.KindText:
		e.receipt(&base, m)
		return []smpp.PDU{&base}, nil
	case m.FromHermes():
		return e.fromHermes(base, m, c)
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
	if e.Version >= smpp.V34 && !c.kept {
		return payload(base), nil
	}
	return e.segmented(base, m, c)
}

// Alert tells a client that a number it wrote to can be reached again (4.12).
func Alert(m *sms.Message) *smpp.AlertNotification {
	return &smpp.AlertNotification{Source: address(m.Source), ESME: address(m.Dest)}
}

// fromHermes writes an agent's text in the alphabet asked for, else in the client's own if it fits, else in UCS-2.
func (e ESME) fromHermes(base smpp.DeliverSM, m *sms.Message, c *cut) ([]smpp.PDU, error) {
	long, header := e.LongMessages, smstext.HeaderConcat8
	switch {
	case c.kept && !c.sar, e.Version < smpp.V34:
		long = LongUDH
	case c.kept:
		long = LongSAR
	}
	if !c.kept {
		var err error
		if c.alphabet, c.dcs, err = e.agentsAlphabet(m); err != nil {
			return nil, err
		}
		c.sar = long == LongSAR
	}
	alphabet := c.alphabet
	base.DataCoding = c.dcs
	if long == LongSAR {
		header = smstext.HeaderNone
	}
	if alphabet == smstext.Binary {
		return longOrShort(base, long, c, m.Content, smstext.SplitOctets(m.Content, maxOctets, smstext.Limit(alphabet, header)))
	}
	text := string(m.Content)
	parts, err := smstext.Split(alphabet, text, smstext.SplitOptions{Header: header})
	if err != nil && long != LongPayload {
		return nil, err
	}
	var whole []byte
	if long == LongPayload {
		whole, _ = smstext.Encode(alphabet, text)
	}
	return longOrShort(base, long, c, whole, parts)
}

// agentsAlphabet is how an agent's text is written for the client, and the data_coding that says so.
func (e ESME) agentsAlphabet(m *sms.Message) (a smstext.Alphabet, dcs byte, err error) {
	if m.Alphabet == "" {
		a, dcs = e.codings().Choose(string(m.Content))
		return a, dcs, nil
	}
	if a, err = smstext.ParseAlphabet(m.Alphabet); err != nil {
		return a, 0, err
	}
	dcs, ok := e.codings().DataCoding(a)
	switch {
	case !ok && a == smstext.Binary:
		return a, dataCodingBinary, nil
	case !ok:
		return a, 0, fmt.Errorf("alphabet %s %w", m.Alphabet, errNoDataCoding)
	}
	return a, dcs, nil
}

// surelyFits is how long a text may be that goes out in 255 parts, however it is written: in none of them does an octet of
// UTF-8 take more than two, or two septets, and no part loses more than a character of four octets at its end.
const surelyFits = smstext.MaxParts * (maxOctets - smstext.HeaderConcat8 - 4) / 2

// Fits tells why an agent's message can never be sent on a session of this version, in words that begin with the key
// of the TCP port's line that is at fault, and that a client's name may follow; nil = it can be sent.
func (e ESME) Fits(m *sms.Message) (err error) {
	switch {
	case len(m.Content) > surelyFits:
		_, err = e.DeliverSM(m)
	case m.Alphabet != "":
		_, _, err = e.agentsAlphabet(m)
	}
	key := "text"
	if m.Alphabet == smstext.Binary.String() {
		key = "data"
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, smstext.ErrTooManyParts):
		return fmt.Errorf("%s: does not fit in %d parts", key, smstext.MaxParts)
	case errors.Is(err, errTooLong):
		return fmt.Errorf("%s: does not fit in the %d octets of message_payload", key, maxPayload)
	case errors.Is(err, errNoDataCoding):
		return fmt.Errorf("alphabet: %s has no data_coding", m.Alphabet)
	}
	return fmt.Errorf("%s: cannot be sent: %w", key, err)
}
