package translate

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// mustDeliver is what the client is sent.
func (e ESME) mustDeliver(t *testing.T, m *sms.Message) (all []*smpp.DeliverSM) {
	t.Helper()
	pdus, err := e.DeliverSM(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pdus {
		all = append(all, p.(*smpp.DeliverSM))
	}
	return all
}

func TestAClientsMessageGoesOutAsItCame(t *testing.T) {
	reference := smpp.TLVUint16(smpp.TagUserMessageReference, 1)
	m := &sms.Message{
		ID: 7, Submitter: "alice", Recipient: "bob", Source: sms.Address{TON: 1, NPI: 2, Number: "3"}, Dest: sms.Address{TON: 4, NPI: 5, Number: "6"},
		ServiceType: "CMT", ESMClass: smpp.ESMReplyPath | smpp.ESMDeliveryAck | smpp.ESMStoreForward, ProtocolID: 0x41, Priority: 2,
		RegisteredDelivery: 0x1F, DataCoding: 3, Alphabet: "latin1", Content: []byte("text"), TLVs: smpp.AppendTLVs(nil, smpp.TLVs{reference}),
	}
	want := smpp.DeliverSM{
		ServiceType: "CMT", Source: smpp.Address{TON: 1, NPI: 2, Addr: "3"}, Dest: smpp.Address{TON: 4, NPI: 5, Addr: "6"},
		ESMClass: smpp.ESMReplyPath | smpp.ESMDeliveryAck, ProtocolID: 0x41, PriorityFlag: 2, RegisteredDelivery: 0x0C, DataCoding: 3, ShortMessage: []byte("text"),
	}
	for _, version := range versions {
		want.TLVs = nil
		if version >= smpp.V34 { // there are no TLVs in 3.3
			want.TLVs = smpp.TLVs{reference}
		}
		if got := esme(version).mustDeliver(t, m); len(got) != 1 || !reflect.DeepEqual(*got[0], want) {
			t.Errorf("%#x: %+v\nwant  %+v", version, got[0], want)
		}
	}
}

func TestAClientsLongTextMovesIntoThePayload(t *testing.T) {
	reference := smpp.TLVUint16(smpp.TagUserMessageReference, 1)
	for _, octets := range []int{254, 255} {
		text := bytes.Repeat([]byte("x"), octets)
		want := smpp.DeliverSM{ShortMessage: text, TLVs: smpp.TLVs{reference}}
		if octets == 255 {
			want = smpp.DeliverSM{TLVs: smpp.TLVs{reference, {Tag: smpp.TagMessagePayload, Value: text}}}
		}
		for _, version := range []byte{smpp.V34, smpp.V50} {
			got := esme(version).mustDeliver(t, &sms.Message{Submitter: "alice", Content: text, TLVs: smpp.AppendTLVs(nil, smpp.TLVs{reference})})
			if len(got) != 1 || !reflect.DeepEqual(*got[0], want) {
				t.Errorf("%#x: %d octets are %+v", version, octets, got[0])
			}
		}
	}
}

// agents is a text of Hermès.
func agents(alphabet, text string) *sms.Message {
	return &sms.Message{ID: 0x1234, Source: sms.Address{Number: "12345"}, Dest: sms.Address{Number: "4917"}, Alphabet: alphabet, Content: []byte(text),
		RegisteredDelivery: 1, ESMClass: smpp.ESMDatagram}
}

func TestAnAgentsTextIsWrittenInAnAlphabetThatFits(t *testing.T) {
	for _, tc := range []struct {
		name     string
		dflt     smstext.Alphabet
		alphabet string // that Hermès asks for
		text     string
		want     string
		dcs      byte
		err      string
	}{
		{"GSM", smstext.GSM7, "", "é@", "\x05\x00", 0, ""},
		{"the client's own", smstext.Latin1, "", "é@", "\xE9@", 0, ""},
		{"UCS-2", smstext.GSM7, "", "П", "\x04\x1F", 8, ""},
		{"Latin 1, asked for", smstext.GSM7, "latin1", "é", "\xE9", 3, ""},
		{"UCS-2, asked for", smstext.GSM7, "ucs2", "e", "\x00e", 8, ""},
		{"the client's own, asked for", smstext.UTF8, "utf8", "é", "\xC3\xA9", 0, ""},
		{"binary, asked for", smstext.GSM7, "binary", "\x00\xFF", "\x00\xFF", 4, ""},
		{"UTF-8, which it cannot be told of", smstext.GSM7, "utf8", "é", "", 0, "alphabet utf8 has no data_coding for this client"},
		{"one that does not exist", smstext.GSM7, "klingon", "é", "", 0, "klingon"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := esme(smpp.V34)
			e.DefaultAlphabet = tc.dflt
			pdus, err := e.DeliverSM(agents(tc.alphabet, tc.text))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want %q", err, tc.err)
				}
				return
			}
			want := &smpp.DeliverSM{Source: smpp.Address{Addr: "12345"}, Dest: smpp.Address{Addr: "4917"}, DataCoding: tc.dcs, ShortMessage: []byte(tc.want)}
			if err != nil || len(pdus) != 1 || !reflect.DeepEqual(pdus[0], want) {
				t.Errorf("%+v, %v", pdus, err)
			}
		})
	}
}

// digits are so many octets, and as many septets.
func digits(n int) string { return strings.Repeat("0123456789", n/10+1)[:n] }

// udh is the header before a part of message 0x1234.
func udh(total, seq byte) string { return string([]byte{5, 0, 3, 0x34, total, seq}) }

func TestAnAgentsLongTextGoesOutAsTheClientWantsIt(t *testing.T) {
	euros := strings.Repeat("€", 70)
	type sent struct {
		esm  byte
		text string
		tlvs smpp.TLVs
	}
	for _, tc := range []struct {
		name     string
		long     LongMessages
		version  byte
		alphabet string
		text     string
		want     []sent
	}{
		{"160 septets, UDH", LongUDH, smpp.V34, "", digits(160), []sent{{0, digits(160), nil}}},
		{"160 septets, SAR", LongSAR, smpp.V34, "", digits(160), []sent{{0, digits(160), nil}}},
		{"160 septets, payload", LongPayload, smpp.V34, "", digits(160), []sent{{0, digits(160), nil}}},
		{"161 septets, UDH", LongUDH, smpp.V34, "", digits(161), []sent{{0x40, udh(2, 1) + digits(153), nil}, {0x40, udh(2, 2) + digits(161)[153:], nil}}},
		{"161 septets, SAR", LongSAR, smpp.V34, "", digits(161), []sent{{0, digits(160), sar(0x34, 2, 1)}, {0, "0", sar(0x34, 2, 2)}}},
		{"161 septets, payload", LongPayload, smpp.V34, "", digits(161), []sent{{0, "", payloadOf(digits(161))}}},
		{"161 septets, payload, 5.0", LongPayload, smpp.V50, "", digits(161), []sent{{0, "", payloadOf(digits(161))}}},
		{"161 septets, SAR, 3.3", LongSAR, smpp.V33, "", digits(161), []sent{{0x40, udh(2, 1) + digits(153), nil}, {0x40, udh(2, 2) + digits(161)[153:], nil}}},
		{"161 septets, payload, 3.3", LongPayload, smpp.V33, "", digits(161), []sent{{0x40, udh(2, 1) + digits(153), nil}, {0x40, udh(2, 2) + digits(161)[153:], nil}}},
		{"70 characters of UCS-2", LongUDH, smpp.V34, "ucs2", euros, []sent{{0, strings.Repeat("\x20\xAC", 70), nil}}},
		{"71 characters of UCS-2", LongUDH, smpp.V34, "ucs2", euros + "€",
			[]sent{{0x40, udh(2, 1) + strings.Repeat("\x20\xAC", 67), nil}, {0x40, udh(2, 2) + strings.Repeat("\x20\xAC", 4), nil}}},
		{"140 octets", LongUDH, smpp.V34, "binary", digits(140), []sent{{0, digits(140), nil}}},
		{"141 octets, UDH", LongUDH, smpp.V34, "binary", digits(141), []sent{{0x40, udh(2, 1) + digits(134), nil}, {0x40, udh(2, 2) + digits(141)[134:], nil}}},
		{"141 octets, SAR", LongSAR, smpp.V34, "binary", digits(141), []sent{{0, digits(134), sar(0x34, 2, 1)}, {0, digits(141)[134:], sar(0x34, 2, 2)}}},
		{"141 octets, payload", LongPayload, smpp.V34, "binary", digits(141), []sent{{0, "", payloadOf(digits(141))}}},
		{"141 octets, payload, 3.3", LongPayload, smpp.V33, "binary", digits(141), []sent{{0x40, udh(2, 1) + digits(134), nil}, {0x40, udh(2, 2) + digits(141)[134:], nil}}},
		{"more than 255 parts, payload", LongPayload, smpp.V34, "", digits(40_000), []sent{{0, "", payloadOf(digits(40_000))}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := esme(tc.version)
			e.LongMessages = tc.long
			var got []sent
			for _, d := range e.mustDeliver(t, agents(tc.alphabet, tc.text)) {
				if d.Source.Addr != "12345" || d.Dest.Addr != "4917" {
					t.Errorf("from %v to %v", d.Source, d.Dest)
				}
				got = append(got, sent{d.ESMClass, string(d.ShortMessage), d.TLVs})
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestAnAgentsTextHasAtMost255Parts(t *testing.T) {
	for _, tc := range []struct {
		name     string
		long     LongMessages
		alphabet string
		octets   int
		fits     bool
	}{
		{"UDH", LongUDH, "", 255 * 153, true},
		{"UDH, one more", LongUDH, "", 255*153 + 1, false},
		{"SAR", LongSAR, "", 255 * 160, true},
		{"SAR, one more", LongSAR, "", 255*160 + 1, false},
		{"binary", LongUDH, "binary", 255 * 134, true},
		{"binary, one more", LongUDH, "binary", 255*134 + 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := esme(smpp.V34)
			e.LongMessages = tc.long
			pdus, err := e.DeliverSM(agents(tc.alphabet, digits(tc.octets)))
			if tc.fits && (err != nil || len(pdus) != 255) || !tc.fits && !errors.Is(err, smstext.ErrTooManyParts) {
				t.Errorf("%d deliver_sm, %v", len(pdus), err)
			}
		})
	}
}

func TestAnAlertNamesBothNumbers(t *testing.T) {
	got := Alert(&sms.Message{Source: sms.Address{TON: 1, NPI: 2, Number: "3"}, Dest: sms.Address{TON: 4, NPI: 5, Number: "6"}})
	want := &smpp.AlertNotification{Source: smpp.Address{TON: 1, NPI: 2, Addr: "3"}, ESME: smpp.Address{TON: 4, NPI: 5, Addr: "6"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
