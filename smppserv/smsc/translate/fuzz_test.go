package translate

import (
	"errors"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// FuzzSubmit takes any body of a submit_sm on the way that a client's goes: it is refused with a status, or becomes a message
// that can be read and handed on to a client of each version, in PDUs that can be read again.
func FuzzSubmit(f *testing.F) {
	from, to := smpp.Address{TON: 1, NPI: 1, Addr: "33612345678"}, smpp.Address{NPI: 1, Addr: "3600"}
	for _, r := range []*smpp.SubmitSM{
		{Source: from, Dest: to, ShortMessage: []byte("Bonjour")},
		{Source: from, Dest: to, DataCoding: 8, ShortMessage: []byte{0xD8, 0x3D, 0xDE, 0x00}},
		{Source: from, Dest: to, ESMClass: 0x40, ShortMessage: append([]byte{5, 0, 3, 1, 2, 1}, "part"...)},
		{Source: from, Dest: to, ESMClass: 0x40, ShortMessage: append([]byte{6, 8, 4, 1, 2, 2, 1}, "part"...)},
		{Source: from, Dest: to, TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: make([]byte, 2000)}}},
		{Source: from, Dest: to, ScheduleDeliveryTime: "000001000000000R", ValidityPeriod: "000002000000000R", RegisteredDelivery: 1},
		{Source: from, Dest: to, ShortMessage: []byte("a"), TLVs: smpp.TLVs{{Tag: 0x20C, Value: []byte{0, 1}}, {Tag: 0x20E, Value: []byte{2}}, {Tag: 0x20F, Value: []byte{1}}}},
		{Source: smpp.Address{TON: 5, Addr: "\xe9t\xe9"}, Dest: to, DataCoding: 3, DefaultMsgID: 1},
	} {
		raw := smpp.AppendPDU(nil, smpp.ROK, 1, r)
		for _, version := range []byte{smpp.V33, smpp.V34, smpp.V50} {
			f.Add(raw[smpp.HeaderLen:], version, byte(0), byte(0))
			f.Add(raw[smpp.HeaderLen:], version, byte(4), byte(2))
		}
	}
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte, version, alphabet, long byte) {
		var r smpp.SubmitSM
		if smpp.DecodeBody(smpp.Header{Command: smpp.CmdSubmitSM}, body, &r) != nil {
			return
		}
		profile := &Profile{DefaultAlphabet: smstext.Alphabet(alphabet % 5), LongMessages: LongMessages(long % 3)}
		e := ESME{Profile: profile, Texts: &Texts{MaxOctets: 65535, Validity: time.Hour, Canned: map[byte]string{1: "a canned text"}}, Version: version}
		var m sms.Message
		err := errors.Join(e.CheckCommand(smpp.CmdSubmitSM, &r), e.CheckSubmit(&r))
		if err == nil {
			err = e.Submit(&m, smpp.CmdSubmitSM, &r, now)
		}
		if err != nil {
			var status smpp.Status
			if !errors.As(err, &status) || status == smpp.ROK {
				t.Fatalf("%v is no status", err)
			}
			return
		}
		m.ID = 1
		if m.DueAt.Before(now) || m.ExpiresAt.IsZero() {
			t.Fatalf("due at %v, until %v", m.DueAt, m.ExpiresAt)
		}
		_ = Text([]*sms.Message{&m})
		for _, other := range []byte{smpp.V33, smpp.V34, smpp.V50} {
			to := ESME{Profile: profile, Texts: e.Texts, Version: other}
			p, err := to.Parts(&m, func(first byte) byte { return first })
			if err != nil {
				continue // in words: it cannot be written for that client
			}
			for _, pdu := range p.PDUs {
				raw := smpp.AppendPDU(nil, smpp.ROK, 1, pdu)
				if len(raw) > smpp.MaxPDU {
					t.Fatalf("a PDU of %d octets", len(raw))
				}
				h := smpp.ParseHeader(raw)
				if _, err := smpp.Decode(h, raw[smpp.HeaderLen:]); err != nil {
					t.Fatalf("%v of version %#x: %v\n% x", h.Command, other, err, raw)
				}
			}
		}
	})
}
