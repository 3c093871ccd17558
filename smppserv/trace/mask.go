package trace

import (
	"bytes"
	"slices"
	"strings"

	"hnetsmpp/pkg/smpp"
)

// star stands for each octet that is not shown, so that all lengths stay as they were.
const star = '*'

// withoutPassword returns a copy whose password, if it has one, is not shown. Where a bind cannot be read, nobody knows what
// stands where.
func withoutPassword(pdu []byte) []byte {
	pdu = slices.Clone(pdu)
	h, body := smpp.ParseHeader(pdu), pdu[smpp.HeaderLen:]
	switch h.Command {
	case smpp.CmdBindReceiver, smpp.CmdBindTransmitter, smpp.CmdBindTransceiver, smpp.CmdOutbind:
	default:
		return pdu
	}
	from := bytes.IndexByte(body, 0) + 1 // behind system_id
	length := bytes.IndexByte(body[from:], 0)
	if _, err := smpp.Decode(h, body); err != nil || from == 0 || length < 0 {
		fill(body)
		return pdu
	}
	fill(body[from : from+length])
	return pdu
}

// withoutText returns a copy in which nothing that somebody wrote is shown. A body that cannot be read is not shown at all.
func withoutText(pdu []byte, out bool) []byte {
	pdu = slices.Clone(pdu)
	h, body := smpp.ParseHeader(pdu), pdu[smpp.HeaderLen:]
	p, err := smpp.Decode(h, body) // its octets are those of body
	if err != nil {
		fill(body)
		return pdu
	}
	switch p := p.(type) {
	case *smpp.SubmitSM:
		maskMessage(p, false)
	case *smpp.SubmitMulti:
		maskMessage(&p.SubmitSM, false)
	case *smpp.DeliverSM:
		s := smpp.SubmitSM(*p)
		maskMessage(&s, out)
	case *smpp.DataSM:
		maskTLVs(p.TLVs, p.ESMClass, p.DataCoding, out)
	case *smpp.ReplaceSM:
		fill(p.ShortMessage)
		maskTLVs(p.TLVs, 0, 0, false)
	default:
		maskTLVs(tlvsOf(p), 0, 0, false)
	}
	return pdu
}

func maskMessage(p *smpp.SubmitSM, ours bool) {
	maskText(p.ShortMessage, p.ESMClass, p.DataCoding, ours)
	maskTLVs(p.TLVs, p.ESMClass, p.DataCoding, ours)
}

// maskTLVs hides those that may hold something that somebody wrote, unknown ones among them.
func maskTLVs(tlvs smpp.TLVs, esmClass, dataCoding byte, ours bool) {
	for _, t := range tlvs {
		switch {
		case t.Tag == smpp.TagMessagePayload:
			maskText(t.Value, esmClass, dataCoding, ours)
		case t.Tag == smpp.TagAdditionalStatusInfoText, t.Tag == smpp.TagCallbackNumAtag, strings.HasPrefix(t.Tag.String(), "tag "):
			fill(t.Value)
		}
	}
}

const (
	esmReceipt = 0x04 // 5.2.12: the message is an SMSC delivery receipt
	esmType    = 0x3C
	esmUDHI    = 0x40
	codingUCS2 = 8 // 5.2.19
)

// maskText hides a text. Of a receipt of ours, what stands before the words of the message that it is about is shown; of a long
// text the numbers of its parts.
func maskText(b []byte, esmClass, dataCoding byte, ours bool) {
	if ours && esmClass&esmType == esmReceipt {
		if _, end, found := cutFold(b, "text:"); found {
			fill(end)
			return
		}
	}
	if esmClass&esmUDHI != 0 {
		b = maskHeader(b)
	}
	fill(b)
	if dataCoding == codingUCS2 && len(b)%2 == 0 {
		for i := 0; i < len(b); i += 2 {
			b[i] = 0
		}
	}
}

func cutFold(b []byte, word string) (before, after []byte, found bool) {
	for i := 0; i+len(word) <= len(b); i++ {
		if bytes.EqualFold(b[i:i+len(word)], []byte(word)) {
			return b[:i], b[i+len(word):], true
		}
	}
	return b, nil, false
}

// shownElements are the elements of a user data header that are shown, with their lengths: concatenation, ports, national
// languages (3GPP TS 23.040, 9.2.3.24).
var shownElements = map[byte]int{0x00: 3, 0x08: 4, 0x04: 2, 0x05: 4, 0x24: 1, 0x25: 1}

// maskHeader returns what follows a user data header, in which only what is known to hold no text is shown. A header that cannot
// be read is part of the text.
func maskHeader(b []byte) []byte {
	if len(b) == 0 || int(b[0])+1 > len(b) {
		return b
	}
	header, text := b[1:int(b[0])+1], b[int(b[0])+1:]
	for rest := header; len(rest) > 0; {
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			b[0] = 0 // else it would be read as one
			fill(header)
			return text
		}
		value := rest[2 : 2+int(rest[1])]
		if length, shown := shownElements[rest[0]]; !shown || length != len(value) {
			clear(value)
		}
		rest = rest[2+len(value):]
	}
	return text
}

func fill(b []byte) {
	for i := range b {
		b[i] = star
	}
}

func tlvsOf(p smpp.PDU) smpp.TLVs {
	switch p := p.(type) {
	case *smpp.BindResp:
		return p.TLVs
	case *smpp.SubmitSMResp:
		return p.TLVs
	case *smpp.DeliverSMResp:
		return p.TLVs
	case *smpp.DataSMResp:
		return p.TLVs
	case *smpp.SubmitMultiResp:
		return p.TLVs
	case *smpp.AlertNotification:
		return p.TLVs
	}
	return nil
}
