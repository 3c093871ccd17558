package translate

import (
	"bytes"
	"reflect"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

func payloadOf(text string) smpp.TLVs {
	return smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(text)}}
}

func TestATextIsShortMessageOrPayload(t *testing.T) {
	for _, tc := range []struct {
		name    string
		version byte
		short   string
		tlvs    smpp.TLVs
		want    string
		err     smpp.Status
	}{
		{"short_message", smpp.V34, "short", nil, "short", smpp.ROK},
		{"neither", smpp.V34, "", nil, "", smpp.ROK},
		{"payload", smpp.V34, "", payloadOf("payload"), "payload", smpp.ROK},
		{"both", smpp.V34, "s", payloadOf("payload"), "", smpp.ROPTPARNOTALLWD},
		{"both in 5.0", smpp.V50, "short", payloadOf("payload"), "payload", smpp.ROK},
		{"both in 5.0, one empty", smpp.V50, "short", payloadOf(""), "", smpp.ROK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := esme(tc.version).read(submitSM(func(r *smpp.SubmitSM) { r.ShortMessage, r.TLVs = []byte(tc.short), tc.tlvs }))
			if expectStatus(t, err, tc.err); string(m.Content) != tc.want {
				t.Errorf("the text is %q, want %q", m.Content, tc.want)
			}
		})
	}
}

func TestATextHasNoMoreOctetsThanTheCentreTakes(t *testing.T) {
	for _, tc := range []struct {
		octets, most int
		want         smpp.Status
	}{{200, 200, smpp.ROK}, {201, 200, smpp.RINVMSGLEN}, {1, 1, smpp.ROK}, {2, 1, smpp.RINVMSGLEN}, {70_000, 0, smpp.ROK}} {
		e := esme(smpp.V34)
		e.MaxOctets = tc.most
		_, err := e.read(submitSM(func(r *smpp.SubmitSM) { r.ShortMessage, r.TLVs = nil, payloadOf(string(make([]byte, tc.octets))) }))
		expectStatus(t, err, tc.want)
	}
}

func TestACannedTextStandsInForAnEmptyOne(t *testing.T) {
	canned := map[byte]string{1: "@@ canned", 2: "Привет", 255: "é"}
	for _, tc := range []struct {
		name     string
		id       byte
		text     string
		dflt     smstext.Alphabet
		want     string
		dcs      byte
		alphabet string
		err      smpp.Status
	}{
		{"in GSM", 1, "", smstext.GSM7, "\x00\x00 canned", 0, "gsm7", smpp.ROK},
		{"in the client's own alphabet", 255, "", smstext.Latin1, "\xE9", 0, "latin1", smpp.ROK},
		{"in UCS-2", 2, "", smstext.GSM7, "\x04\x1F\x04\x40\x04\x38\x04\x32\x04\x35\x04\x42", 8, "ucs2", smpp.ROK},
		{"what is written counts", 1, "m", smstext.GSM7, "m", 3, "latin1", smpp.ROK},
		{"there is none", 3, "", smstext.GSM7, "", 0, "", smpp.RINVDFTMSGID},
		{"there is none, though it is not needed", 3, "mine", smstext.GSM7, "", 0, "", smpp.RINVDFTMSGID},
		{"none is asked for", 0, "", smstext.GSM7, "", 3, "latin1", smpp.ROK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := esme(smpp.V34)
			e.Canned, e.DefaultAlphabet = canned, tc.dflt
			m, err := e.read(submitSM(func(r *smpp.SubmitSM) { r.DataCoding, r.DefaultMsgID, r.ShortMessage = 3, tc.id, []byte(tc.text) }))
			if expectStatus(t, err, tc.err); err == nil && (string(m.Content) != tc.want || m.DataCoding != tc.dcs || m.Alphabet != tc.alphabet) {
				t.Errorf("%q, data_coding %d, %s", m.Content, m.DataCoding, m.Alphabet)
			}
		})
	}
}

func TestACannedTextHasNoHeader(t *testing.T) {
	e := esme(smpp.V34)
	e.Canned = map[byte]string{1: "@@ canned"}
	for text, want := range map[string]byte{"": smpp.ESMReplyPath, "\x00mine": smpp.ESMReplyPath | smpp.ESMUDHI} {
		m := e.mustRead(t, submitSM(func(r *smpp.SubmitSM) {
			r.ESMClass, r.DefaultMsgID, r.ShortMessage = smpp.ESMReplyPath|smpp.ESMUDHI, 1, []byte(text)
		}))
		if m.ESMClass != want {
			t.Errorf("with the text %q its esm_class is %#x, want %#x", text, m.ESMClass, want)
		}
	}
	_, err := e.read(submitSM(func(r *smpp.SubmitSM) { r.ESMClass, r.ShortMessage = smpp.ESMUDHI, nil }))
	expectStatus(t, err, smpp.RINVESMCLASS) // no text, and no header in it
}

func TestTheAlphabetIsThatOfTheDataCoding(t *testing.T) {
	e := esme(smpp.V34)
	e.DefaultAlphabet = smstext.Latin1
	for dcs, want := range map[byte]string{0: "latin1", 1: "ascii", 4: "binary", 8: "ucs2", 0xF0: "gsm7"} {
		if m := e.mustRead(t, submitSM(func(r *smpp.SubmitSM) { r.DataCoding = dcs })); m.Alphabet != want || m.DataCoding != dcs {
			t.Errorf("data_coding %d is %s (%d), want %s", dcs, m.Alphabet, m.DataCoding, want)
		}
	}
}

func sar(ref uint16, total, seq byte) smpp.TLVs {
	return smpp.TLVs{smpp.TLVUint16(smpp.TagSarMsgRefNum, ref), smpp.TLVUint8(smpp.TagSarTotalSegments, total), smpp.TLVUint8(smpp.TagSarSegmentSeqnum, seq)}
}

func TestAPartIsFoundByItsHeaderOrItsSARParameters(t *testing.T) {
	whole := sms.Part{}
	for _, tc := range []struct {
		name string
		esm  byte
		text string
		tlvs smpp.TLVs
		want sms.Part
		err  smpp.Status
	}{
		{"8-bit reference", smpp.ESMUDHI, "\x05\x00\x03\xFE\x03\x02x", nil, sms.Part{Ref: 0xFE, Total: 3, Seq: 2}, smpp.ROK},
		{"16-bit reference", smpp.ESMUDHI, "\x06\x08\x04\x12\x34\x03\x03x", nil, sms.Part{Ref: 0x1234, Total: 3, Seq: 3}, smpp.ROK},
		{"header of another kind", smpp.ESMUDHI, "\x04\x04\x02\x01\x02x", nil, whole, smpp.ROK},
		{"without UDHI it is text", 0, "\x05\x00\x03\xFE\x03\x02x", nil, whole, smpp.ROK},
		{"empty header", smpp.ESMUDHI, "\x00x", nil, whole, smpp.ROK},
		{"header longer than the text", smpp.ESMUDHI, "\x02x", nil, whole, smpp.RINVESMCLASS},
		{"SAR", 0, "x", sar(0x1234, 2, 1), sms.Part{Ref: 0x1234, Total: 2, Seq: 1}, smpp.ROK},
		{"SAR, the last one", 0, "x", sar(1, 255, 255), sms.Part{Ref: 1, Total: 255, Seq: 255}, smpp.ROK},
		{"SAR, one of one", 0, "x", sar(1, 1, 1), whole, smpp.ROK},
		{"SAR, none", 0, "x", sar(1, 0, 0), whole, smpp.RINVOPTPARAMVAL},
		{"SAR, before the first", 0, "x", sar(1, 2, 0), whole, smpp.RINVOPTPARAMVAL},
		{"SAR, behind the last", 0, "x", sar(1, 2, 3), whole, smpp.RINVOPTPARAMVAL},
		{"SAR, behind the only one", 0, "x", sar(1, 1, 2), whole, smpp.RINVOPTPARAMVAL},
		{"SAR without its reference", 0, "x", sar(1, 2, 9)[1:], whole, smpp.ROK},
		{"SAR without its number", 0, "x", sar(1, 2, 9)[:2], whole, smpp.ROK},
		{"SAR without its total", 0, "x", sar(1, 2, 9).Without(smpp.TagSarTotalSegments), whole, smpp.ROK},
		{"header and SAR's reference", smpp.ESMUDHI, "\x00x", sar(1, 2, 1)[:1], whole, smpp.ROPTPARNOTALLWD},
		{"header and SAR's total", smpp.ESMUDHI, "\x00x", sar(1, 2, 1)[1:2], whole, smpp.ROPTPARNOTALLWD},
		{"header and SAR's number", smpp.ESMUDHI, "\x00x", sar(1, 2, 1)[2:], whole, smpp.ROPTPARNOTALLWD},
		{"header and source_port", smpp.ESMUDHI, "\x00x", smpp.TLVs{smpp.TLVUint16(smpp.TagSourcePort, 1)}, whole, smpp.ROPTPARNOTALLWD},
		{"header and destination_port", smpp.ESMUDHI, "\x00x", smpp.TLVs{smpp.TLVUint16(smpp.TagDestinationPort, 1)}, whole, smpp.ROPTPARNOTALLWD},
		{"ports without a header", 0, "x", smpp.TLVs{smpp.TLVUint16(smpp.TagSourcePort, 1), smpp.TLVUint16(smpp.TagDestinationPort, 1)}, whole, smpp.ROK},
		{"header and a reference of one's own", smpp.ESMUDHI, "\x00x", smpp.TLVs{smpp.TLVUint16(smpp.TagUserMessageReference, 1)}, whole, smpp.ROK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := esme(smpp.V34).read(submitSM(func(r *smpp.SubmitSM) { r.ESMClass, r.ShortMessage, r.TLVs = tc.esm, []byte(tc.text), tc.tlvs }))
			if expectStatus(t, err, tc.err); m.Part != tc.want {
				t.Errorf("it is part %+v, want %+v", m.Part, tc.want)
			}
			if err == nil && string(m.Content) != tc.text {
				t.Errorf("its text is % x", m.Content)
			}
		})
	}
}

func TestAWholeTextHasNoHalfCharacters(t *testing.T) {
	concat, ports := "\x05\x00\x03\x01\x02\x01", "\x04\x04\x02\x01\x02"
	for _, tc := range []struct {
		name string
		dcs  byte
		esm  byte
		text string
		tlvs smpp.TLVs
		want smpp.Status
	}{
		{"even", 8, 0, "ab", nil, smpp.ROK},
		{"odd", 8, 0, "abc", nil, smpp.RINVMSGLEN},
		{"odd in another alphabet", 0, 0, "abc", nil, smpp.ROK},
		{"odd in a message class", 0x18, 0, "abc", nil, smpp.ROK},
		{"odd part", 8, smpp.ESMUDHI, concat + "abc", nil, smpp.ROK},
		{"odd segment", 8, 0, "abc", sar(1, 2, 1), smpp.ROK},
		{"odd segment of one", 8, 0, "abc", sar(1, 1, 1), smpp.RINVMSGLEN},
		{"odd part of one", 8, smpp.ESMUDHI, "\x05\x00\x03\x01\x01\x01abc", nil, smpp.RINVMSGLEN},
		{"odd part of one, 16-bit reference", 8, smpp.ESMUDHI, "\x06\x08\x04\x01\x01\x01\x01abc", nil, smpp.RINVMSGLEN},
		{"even part of one", 8, smpp.ESMUDHI, "\x05\x00\x03\x01\x01\x01ab", nil, smpp.ROK},
		{"odd behind a header", 8, smpp.ESMUDHI, ports + "abc", nil, smpp.RINVMSGLEN},
		{"even behind an odd header", 8, smpp.ESMUDHI, ports + "ab", nil, smpp.ROK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := esme(smpp.V34).read(submitSM(func(r *smpp.SubmitSM) {
				r.DataCoding, r.ESMClass, r.ShortMessage, r.TLVs = tc.dcs, tc.esm, []byte(tc.text), tc.tlvs
			}))
			expectStatus(t, err, tc.want)
		})
	}
}

func TestWhatDeliverSMHasTooIsCarried(t *testing.T) {
	tlv := func(tag smpp.Tag, value ...byte) smpp.TLV { return smpp.TLV{Tag: tag, Value: value} }
	for _, tc := range []struct {
		name     string
		in, want smpp.TLVs
	}{
		{"all of them, in their order", smpp.TLVs{
			tlv(smpp.TagItsSessionInfo, 1, 2), tlv(smpp.TagUserResponseCode, 1), tlv(smpp.TagLanguageIndicator, 1), tlv(smpp.TagDestSubaddress, 1, 2),
			tlv(smpp.TagSourceSubaddress, 1, 2), tlv(smpp.TagCallbackNum, 1, 0, 0, '1'), tlv(smpp.TagPrivacyIndicator, 1), tlv(smpp.TagPayloadType, 1),
			tlv(smpp.TagSarSegmentSeqnum, 1), tlv(smpp.TagSarTotalSegments, 2), tlv(smpp.TagSarMsgRefNum, 0, 1), tlv(smpp.TagDestinationPort, 0, 1),
			tlv(smpp.TagSourcePort, 0, 1), tlv(smpp.TagUserMessageReference, 0, 1),
		}, nil},
		{"what it has not", smpp.TLVs{tlv(smpp.TagMessagePayload, 'x'), tlv(smpp.TagQosTimeToLive, 0, 0, 0, 9), tlv(smpp.TagSetDpf, 1),
			tlv(smpp.TagMoreMessagesToSend, 1), tlv(smpp.TagDestAddrSubunit, 1), tlv(smpp.TagCallbackNumPresInd, 1), tlv(0x1400, 1)}, smpp.TLVs{}},
		{"each callback_num", smpp.TLVs{tlv(smpp.TagCallbackNum, 1, 0, 0, '1'), tlv(smpp.TagUserResponseCode, 1), tlv(smpp.TagCallbackNum, 1, 0, 0, '2')}, nil},
		{"of all others the first", smpp.TLVs{tlv(smpp.TagUserResponseCode, 1), tlv(smpp.TagSourcePort, 0, 1), tlv(smpp.TagUserResponseCode, 2), tlv(smpp.TagSetDpf, 1),
			tlv(smpp.TagLanguageIndicator, 1)}, smpp.TLVs{tlv(smpp.TagUserResponseCode, 1), tlv(smpp.TagSourcePort, 0, 1), tlv(smpp.TagLanguageIndicator, 1)}},
		{"payload_type 0", smpp.TLVs{tlv(smpp.TagPayloadType, 0)}, nil},
		{"no reserved payload_type", smpp.TLVs{tlv(smpp.TagPayloadType, 2)}, smpp.TLVs{}},
		{"but other values above 1", smpp.TLVs{tlv(smpp.TagUserResponseCode, 2)}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.want == nil {
				tc.want = tc.in
			}
			m := esme(smpp.V50).mustRead(t, submitSM(func(r *smpp.SubmitSM) { r.TLVs = tc.in }))
			if want := smpp.AppendTLVs(nil, tc.want); !bytes.Equal(m.TLVs, want) {
				t.Errorf("carried are % x, want % x", m.TLVs, want)
			}
		})
	}
}

func TestATextIsReadFromItsParts(t *testing.T) {
	part := func(alphabet string, esm byte, content string) *sms.Message {
		return &sms.Message{Submitter: "alice", Alphabet: alphabet, ESMClass: esm, Content: []byte(content)}
	}
	ports := []byte{4, smstext.IEIPorts8, 2, 1, 2} // with fill bits behind it
	for _, tc := range []struct {
		name string
		ms   []*sms.Message
		want string
	}{
		{"GSM", []*sms.Message{part("gsm7", 0, "\x00 \x02")}, "@ $"},
		{"alphabet unknown", []*sms.Message{part("klingon", 0, "\x00")}, "@"},
		{"UCS-2 cut within a pair", []*sms.Message{part("ucs2", 0, "\xD8\x3D\xDE"), part("ucs2", 0, "\x00")}, "😀"},
		{"each part's alphabet", []*sms.Message{part("latin1", 0, "\xE9"), part("gsm7", 0, "\x04")}, "éè"},
		{"each part's header", []*sms.Message{part("gsm7packed", smpp.ESMUDHI, string(append(ports, smstext.Pack([]byte("hello"), smstext.FillBits(len(ports)))...))),
			part("gsm7packed", smpp.ESMUDHI, string(append([]byte{0}, smstext.Pack([]byte(" you"), smstext.FillBits(1))...)))}, "hello you"},
		{"each part's language", []*sms.Message{part("gsm7", smpp.ESMUDHI, "\x03\x25\x01\x01\x1C\x07"), part("gsm7", smpp.ESMUDHI, "\x03\x24\x01\x01\x1Bg\x1Bs"), part("gsm7", 0, "\x1Be")}, "Şığş€"},
		{"a header that is longer than its text", []*sms.Message{part("latin1", smpp.ESMUDHI, "\x20ab")}, " ab"},
		{"headers", []*sms.Message{part("latin1", smpp.ESMUDHI, "\x01xab"), part("latin1", smpp.ESMUDHI, "\x00cd")}, "abcd"},
		{"packed behind a header", []*sms.Message{part("gsm7packed", smpp.ESMUDHI, string(append(ports, smstext.Pack([]byte("hello"), smstext.FillBits(len(ports)))...)))}, "hello"},
		{"Hermès' own is UTF-8", []*sms.Message{{Submitter: sms.Hermes, Alphabet: "ucs2", Content: []byte("é")}}, "é"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Text(tc.ms); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestOctetsThatAreNoTextAreDecodedAsTheyAre(t *testing.T) {
	udh := []byte{0x05, 0x00, 0x03, 0x01, 0x02, 0x01}
	parts := []*sms.Message{
		{Submitter: "alice", Alphabet: "binary", ESMClass: smpp.ESMUDHI, Content: append(bytes.Clone(udh), 0x00, 0xFF)},
		{Submitter: "alice", Alphabet: "binary", ESMClass: smpp.ESMUDHI, Content: append(bytes.Clone(udh), 0x80)},
	}
	if got := Decode(parts); got.Text != "" || got.Encoding != "binary" || !bytes.Equal(got.Data, []byte{0x00, 0xFF, 0x80}) {
		t.Errorf("got %+v", got)
	}
	empty := []*sms.Message{{Submitter: "alice", Alphabet: "binary"}}
	if got := Decode(empty); got.Data == nil || len(got.Data) != 0 {
		t.Errorf("a binary message without octets: got %+v", got)
	}
	text := []*sms.Message{{Submitter: "alice", Alphabet: "latin1", Content: []byte("caf\xE9")}}
	if got := Decode(text); got.Text != "café" || got.Encoding != "latin1" || got.Data != nil {
		t.Errorf("a text: got %+v", got)
	}
}

func TestIA5IsJudgedWhenItIsWhole(t *testing.T) {
	concat := "\x05\x00\x03\x01\x02\x01"
	for _, tc := range []struct {
		name     string
		esm      byte
		text     string
		alphabet string
		reads    string
	}{
		{"IA5", 0, "a [b]", "ascii", "a [b]"},
		{"à of node's smpp", 0, "\x7F 10h", "gsm7", "à 10h"},
		{"Latin-1", 0, "Caf\xE9", "latin1", "Café"},
		{"behind a header", smpp.ESMUDHI, "\x04\x04\x02\x01\x02Caf\xE9", "latin1", "Café"},
		{"a header's octets tell nothing", smpp.ESMUDHI, "\x04\x04\x02\x01\x02a [b]", "ascii", "a [b]"},
		{"a language is of septets", smpp.ESMUDHI, "\x03\x25\x01\x01@", "gsm7", "İ"},
		{"a part of one", smpp.ESMUDHI, "\x05\x00\x03\x01\x01\x01\x7F", "gsm7", "à"},
		{"a part waits for the others", smpp.ESMUDHI, concat + "Caf\xE9", "ascii", "Café"},
	} {
		m := esme(smpp.V34).mustRead(t, submitSM(func(r *smpp.SubmitSM) { r.DataCoding, r.ESMClass, r.ShortMessage = 1, tc.esm, []byte(tc.text) }))
		m.Submitter = "alice"
		if got := Text([]*sms.Message{m}); got != tc.reads || m.Alphabet != tc.alphabet || m.DataCoding != 1 {
			t.Errorf("%s: %q in %s, want %q in %s", tc.name, got, m.Alphabet, tc.reads, tc.alphabet)
		}
	}
}

func TestAClientsOwnAlphabetsCount(t *testing.T) {
	e := esme(smpp.V34)
	e.Alphabets = map[byte]smstext.Alphabet{1: smstext.GSM7, 3: smstext.UTF8, 8: smstext.Latin1, 0xF5: smstext.UCS2}
	for _, tc := range []struct {
		dcs   byte
		text  string
		reads string
	}{
		{1, "f\x7Er \x5Csterreich", "für Österreich"}, {3, "Ünïcödé ✓", "Ünïcödé ✓"}, {8, "abc", "abc"}, {0xF5, "\x00a", "a"}, {0, "\x05", "é"}, {0xF0, "\x05", "é"},
	} {
		m := e.mustRead(t, submitSM(func(r *smpp.SubmitSM) { r.DataCoding, r.ShortMessage = tc.dcs, []byte(tc.text) }))
		m.Submitter = "alice"
		if got := Text([]*sms.Message{m}); got != tc.reads {
			t.Errorf("data_coding %#02x in %s reads %q, want %q", tc.dcs, m.Alphabet, got, tc.reads)
		}
	}
	_, err := e.read(submitSM(func(r *smpp.SubmitSM) { r.DataCoding, r.ShortMessage = 0xF5, []byte("\x00a\x00") }))
	expectStatus(t, err, smpp.RINVMSGLEN) // half a character, as under data_coding 8
	for text, want := range map[string]byte{"é": 0, "ё": 0xF5} {
		if d := e.mustDeliver(t, agents("", text))[0]; d.DataCoding != want {
			t.Errorf("%q goes as %#02x, want %#02x", text, byte(d.DataCoding), want)
		}
	}
	if d := e.mustDeliver(t, agents("utf8", "ё"))[0]; d.DataCoding != 3 || string(d.ShortMessage) != "ё" {
		t.Errorf("utf8 goes as %#02x, %q", byte(d.DataCoding), d.ShortMessage)
	}
	if _, err := e.DeliverSM(agents("ascii", "a")); err == nil {
		t.Error("data_coding 1 was taken for ASCII")
	}
}

func TestTheEncodingIsThatOfAllPartsOrMixed(t *testing.T) {
	part := func(alphabet, content string) *sms.Message {
		return &sms.Message{Submitter: "alice", Alphabet: alphabet, Content: []byte(content)}
	}
	for _, tc := range []struct {
		parts []*sms.Message
		want  sms.Text
	}{
		{[]*sms.Message{part("latin1", "D\xE9j\xE0 "), part("gsm7", "\x05t\x05")}, sms.Text{Text: "Déjà été", Encoding: "mixed"}},
		{[]*sms.Message{part("ascii", "f\xFCr"), part("latin1", "\xFC")}, sms.Text{Text: "fürü", Encoding: "latin1"}},
		{[]*sms.Message{part("ascii", "a"), part("ascii", "\x7F")}, sms.Text{Text: "aà", Encoding: "gsm7"}},
		{[]*sms.Message{part("gsm7", "\x05"), part("binary", "\xE9\x00"), part("gsm7", "\x05")}, sms.Text{Text: "éé\x00é", Encoding: "mixed"}},
		{[]*sms.Message{part("binary", "\xE9"), part("gsm7", "\x05")}, sms.Text{Text: "éé", Encoding: "mixed"}},
		{[]*sms.Message{part("binary", "\xE9"), part("binary", "\x05")}, sms.Text{Data: []byte("\xE9\x05"), Encoding: "binary"}},
	} {
		if got := Decode(tc.parts); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%+v, want %+v", got, tc.want)
		}
	}
}

func TestAnUnknownLanguageIsTold(t *testing.T) {
	for content, want := range map[string]int{"\x03\x24\x01\x0Ea": 14, "\x03\x25\x01\x02a": 2, "\x03\x24\x01\x01a": -1, "\x03\x24\x01": -1, "": -1} {
		id, ok := UnknownLanguage(&sms.Message{Alphabet: "gsm7", ESMClass: smpp.ESMUDHI, Content: []byte(content)})
		if ok != (want >= 0) || ok && int(id) != want {
			t.Errorf("%q: %d, %v, want %d", content, id, ok, want)
		}
	}
}
