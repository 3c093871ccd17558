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
		{"141 octets, SAR", LongSAR, smpp.V34, "binary", digits(141), []sent{{0, digits(140), sar(0x34, 2, 1)}, {0, "0", sar(0x34, 2, 2)}}},
		{"141 octets, payload", LongPayload, smpp.V34, "binary", digits(141), []sent{{0, "", payloadOf(digits(141))}}},
		{"141 octets, payload, 3.3", LongPayload, smpp.V33, "binary", digits(141), []sent{{0x40, udh(2, 1) + digits(134), nil}, {0x40, udh(2, 2) + digits(141)[134:], nil}}},
		{"more than 255 parts, payload", LongPayload, smpp.V34, "", digits(40_000), []sent{{0, "", payloadOf(digits(40_000))}}},
		{"more than 255 parts, binary payload", LongPayload, smpp.V34, "binary", digits(40_000), []sent{{0, "", payloadOf(digits(40_000))}}},
		{"as much as a payload holds", LongPayload, smpp.V34, "", digits(65_535), []sent{{0, "", payloadOf(digits(65_535))}}},
		{"as much as a payload holds, binary", LongPayload, smpp.V34, "binary", digits(65_535), []sent{{0, "", payloadOf(digits(65_535))}}},
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
		{"binary, SAR", LongSAR, "binary", 255 * 140, true},
		{"binary, SAR, one more", LongSAR, "binary", 255*140 + 1, false},
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

// A parameter has at most 65535 octets: what is more would be cut off.
func TestAnAgentsTextIsNotLongerThanThePayload(t *testing.T) {
	e := esme(smpp.V34)
	e.LongMessages = LongPayload
	for alphabet, octets := range map[string]int{"": 65_536, "binary": 65_536, "ucs2": 32_768} {
		if pdus, err := e.DeliverSM(agents(alphabet, digits(octets))); !errors.Is(err, errTooLong) {
			t.Errorf("%d octets, alphabet %q: %d deliver_sm, %v", octets, alphabet, len(pdus), err)
		}
	}
}

func TestWhatCannotBeSentIsToldBeforeItIsTaken(t *testing.T) {
	euros := strings.Repeat("€", 255*67)
	for _, tc := range []struct {
		name     string
		long     LongMessages
		version  byte
		dflt     smstext.Alphabet
		alphabet string
		text     string
		want     string // "" = it fits
	}{
		{"a short text", LongUDH, smpp.V34, smstext.GSM7, "", "hello", ""},
		{"no text", LongUDH, smpp.V34, smstext.GSM7, "", "", ""},
		{"255 parts", LongUDH, smpp.V34, smstext.GSM7, "", digits(255 * 153), ""},
		{"256 parts", LongUDH, smpp.V34, smstext.GSM7, "", digits(255*153 + 1), "text: does not fit in 255 parts"},
		{"256 parts, SAR", LongSAR, smpp.V34, smstext.GSM7, "", digits(255*160 + 1), "text: does not fit in 255 parts"},
		{"256 parts, SAR, 3.3", LongSAR, smpp.V33, smstext.GSM7, "", digits(255*153 + 1), "text: does not fit in 255 parts"},
		{"256 parts, payload", LongPayload, smpp.V34, smstext.GSM7, "", digits(255*153 + 1), ""},
		{"256 parts, payload, 3.3", LongPayload, smpp.V33, smstext.GSM7, "", digits(255*153 + 1), "text: does not fit in 255 parts"},
		{"256 parts in the client's alphabet", LongUDH, smpp.V34, smstext.Latin1, "", digits(255*134 + 1), "text: does not fit in 255 parts"},
		{"255 parts in UCS-2", LongUDH, smpp.V34, smstext.Latin1, "", euros, ""},
		{"256 parts in UCS-2", LongUDH, smpp.V34, smstext.Latin1, "", euros + "€", "text: does not fit in 255 parts"},
		{"256 parts in UCS-2, asked for", LongUDH, smpp.V34, smstext.GSM7, "ucs2", digits(255*67 + 1), "text: does not fit in 255 parts"},
		{"more than a payload", LongPayload, smpp.V34, smstext.GSM7, "ucs2", digits(32_768), "text: does not fit in the 65535 octets of message_payload"},
		{"binary, 255 parts", LongUDH, smpp.V34, smstext.GSM7, "binary", digits(255 * 134), ""},
		{"binary, 256 parts", LongUDH, smpp.V34, smstext.GSM7, "binary", digits(255*134 + 1), "data: does not fit in 255 parts"},
		{"binary, 256 parts, payload", LongPayload, smpp.V34, smstext.GSM7, "binary", digits(255*134 + 1), ""},
		{"binary, more than a payload", LongPayload, smpp.V34, smstext.GSM7, "binary", digits(65_536), "data: does not fit in the 65535 octets of message_payload"},
		{"UTF-8, which it cannot be told of", LongUDH, smpp.V34, smstext.GSM7, "utf8", "é", "alphabet: utf8 has no data_coding"},
		{"GSM, which it cannot be told of", LongUDH, smpp.V34, smstext.Latin1, "gsm7", "e", "alphabet: gsm7 has no data_coding"},
		{"packed GSM, which it cannot be told of, long", LongUDH, smpp.V34, smstext.GSM7, "gsm7packed", digits(50_000), "alphabet: gsm7packed has no data_coding"},
		{"its own, asked for", LongUDH, smpp.V34, smstext.UTF8, "utf8", "é", ""},
		{"one that does not exist", LongUDH, smpp.V34, smstext.GSM7, "klingon", "e", "text: cannot be sent: "},
	} {
		e := esme(tc.version)
		e.LongMessages, e.DefaultAlphabet = tc.long, tc.dflt
		m := agents(tc.alphabet, tc.text)
		err := e.Fits(m)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
		if _, sent := e.DeliverSM(m); (sent == nil) != (err == nil) {
			t.Errorf("%s: said to fit: %v; sent: %v", tc.name, err, sent)
		}
	}
}

// Fits does not look at a text that is no longer than this.
func TestAShortTextSurelyFits(t *testing.T) {
	for a := smstext.GSM7; a <= smstext.Hebrew; a++ {
		for r := rune(0); r <= 0xFFFF; r++ {
			s := string(r)
			if b, _ := smstext.Encode(a, s); len(b) > 2*len(s) {
				t.Fatalf("%v: %q has %d octets, and %d in UTF-8", a, s, len(b), len(s))
			}
		}
		e := esme(smpp.V34)
		e.DefaultAlphabet = a
		for _, unit := range []string{"[", "x", "é", "€", "😀", "x€", "\r", "]x😀"} {
			text := strings.Repeat(unit, surelyFits/len(unit))
			for _, long := range []LongMessages{LongUDH, LongSAR, LongPayload} {
				e.LongMessages = long
				if _, err := e.DeliverSM(agents("", text)); err != nil {
					t.Errorf("%v: %d times %q: %v", a, surelyFits/len(unit), unit, err)
				}
			}
		}
	}
}

func TestAnAlertNamesBothNumbers(t *testing.T) {
	got := Alert(&sms.Message{Source: sms.Address{TON: 1, NPI: 2, Number: "3"}, Dest: sms.Address{TON: 4, NPI: 5, Number: "6"}})
	want := &smpp.AlertNotification{Source: smpp.Address{TON: 1, NPI: 2, Addr: "3"}, ESME: smpp.Address{TON: 4, NPI: 5, Addr: "6"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
