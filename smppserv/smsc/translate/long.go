package translate

import (
	"errors"
	"fmt"
	"slices"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

const (
	dataCodingBinary = 0x04 // 5.2.19
	dataCodingUCS2   = 0x08
	maxOctets        = 140   // of user data in one short message (23.040)
	maxPayload       = 65535 // 5.3.2.32
)

var (
	errTooLong      = errors.New("text does not fit in the 65535 octets of message_payload")
	errNoDataCoding = errors.New("has no data_coding for this client")
)

// longOrShort puts a text into one deliver_sm, or into as many as it has parts.
func longOrShort(base smpp.DeliverSM, long LongMessages, c *cut, whole []byte, parts [][]byte) ([]smpp.PDU, error) {
	switch {
	case len(parts) == 1:
		base.ShortMessage = parts[0]
		return []smpp.PDU{&base}, nil
	case long == LongPayload:
		if len(whole) > maxPayload {
			return nil, errTooLong
		}
		base.ShortMessage = whole
		return payload(base), nil
	case len(parts) > smstext.MaxParts:
		return nil, smstext.ErrTooManyParts
	case long == LongSAR:
		var pdus []smpp.PDU
		ref := c.number()
		for i, part := range parts {
			d := base
			d.ShortMessage = part
			d.TLVs = smpp.TLVs{smpp.TLVUint16(smpp.TagSarMsgRefNum, uint16(ref)), smpp.TLVUint8(smpp.TagSarTotalSegments, byte(len(parts))),
				smpp.TLVUint8(smpp.TagSarSegmentSeqnum, byte(i+1))}
			pdus = append(pdus, &d)
		}
		return pdus, nil
	}
	return concatenated(base, parts, c.number(), nil)
}

// payload moves a text into message_payload.
func payload(d smpp.DeliverSM) []smpp.PDU {
	d.TLVs = append(d.TLVs[:len(d.TLVs):len(d.TLVs)], smpp.TLV{Tag: smpp.TagMessagePayload, Value: d.ShortMessage})
	d.ShortMessage = nil
	return []smpp.PDU{&d}
}

// segmented cuts a client's long text for a 3.3 session, which has no message_payload.
func (p *Profile) segmented(base smpp.DeliverSM, m *sms.Message, c *cut) ([]smpp.PDU, error) {
	alphabet := c.alphabet
	if !c.kept {
		alphabet = p.codings().Alphabet(m.DataCoding)
	}
	text, header := m.Content, smstext.HeaderConcat8
	var own smstext.UDH
	if m.ESMClass&smpp.ESMUDHI != 0 {
		var err error
		if own, text, err = smstext.ParseUDH(m.Content); err != nil {
			return nil, err
		}
		length := len(m.Content) - len(text)
		header = length + concatElement
		if _, isPart := own.Concat(); isPart {
			return nil, fmt.Errorf("%d octets are too many for a 3.3 session, and a part of a concatenated text cannot be cut again", len(m.Content))
		}
		if header > maxOctets/2 {
			return nil, fmt.Errorf("too long for a 3.3 session, and its user data header of %d octets leaves no room to cut it", length)
		}
		if alphabet == smstext.GSM7Packed { // its septets are aligned to the header
			text = smstext.Pack(smstext.Unpack(text, -1, smstext.FillBits(length)), 0)
		}
	}
	if alphabet == smstext.ASCII {
		alphabet = smstext.JudgeASCII(text)
	}
	c.alphabet, c.dcs = alphabet, m.DataCoding
	parts, err := smstext.SplitEncoded(alphabet, text, smstext.SplitOptions{Header: header})
	if err != nil {
		return nil, fmt.Errorf("too long for a 3.3 session: %w", err)
	}
	return concatenated(base, parts, c.number(), own)
}

// concatElement is the length of an information element for concatenation with an 8-bit reference (23.040, 9.2.3.24.1).
const concatElement = 5

// concatenated writes one deliver_sm for each part. Its user data header has the text's own elements, and behind them
// the part's number with an 8-bit reference (23.040, 9.2.3.24: a header may have several elements).
func concatenated(base smpp.DeliverSM, parts [][]byte, ref byte, own smstext.UDH) ([]smpp.PDU, error) {
	var pdus []smpp.PDU
	for i, part := range parts {
		d := base
		d.ESMClass |= smpp.ESMUDHI
		number := smstext.Element{IEI: smstext.IEIConcat8, Data: []byte{ref, byte(len(parts)), byte(i + 1)}}
		header, err := append(slices.Clip(own), number).Append(nil)
		if err != nil {
			return nil, err
		}
		d.ShortMessage = append(header, part...)
		pdus = append(pdus, &d)
	}
	return pdus, nil
}
