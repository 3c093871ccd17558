package translate

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// to33 is a client's text for a 3.3 session of a client whose data_coding 0 means dflt.
func to33(dflt smstext.Alphabet, dcs, esm byte, octets []byte) ([]smpp.PDU, error) {
	e := esme(smpp.V33)
	e.DefaultAlphabet = dflt
	return e.DeliverSM(&sms.Message{ID: 0x1234, Submitter: "alice", Recipient: "bob", DataCoding: dcs, ESMClass: esm, Content: octets})
}

func TestAClientsLongTextIsCutForA33Session(t *testing.T) {
	ports := "\x05\x04\x23\xF4\x00\x00"     // 9.2.3.24.4, without the header's length
	number := "\x00\x03\x34"                // 9.2.3.24.1, up to the reference
	short, long := digits(254), digits(255) // long is more than a short_message
	for _, tc := range []struct {
		name string
		dcs  byte
		esm  byte
		text string
		want []string
	}{
		{"what fits is not cut", 0, 0, short, []string{short}},
		{"GSM", 0, 0, long, []string{"\x05" + number + "\x02\x01" + long[:153], "\x05" + number + "\x02\x02" + long[153:]}},
		{"binary", 4, 0, long, []string{"\x05" + number + "\x02\x01" + long[:134], "\x05" + number + "\x02\x02" + long[134:]}},
		{"UCS-2", 8, 0, long + "x", []string{"\x05" + number + "\x02\x01" + long[:134], "\x05" + number + "\x02\x02" + long[134:] + "x"}},
		{"reply path is kept", 4, smpp.ESMReplyPath, long, []string{"\x05" + number + "\x02\x01" + long[:134], "\x05" + number + "\x02\x02" + long[134:]}},
		{"with a header of its own, what fits", 4, smpp.ESMUDHI, "\x06" + ports + digits(247), []string{"\x06" + ports + digits(247)}},
		{"with a header of its own, binary", 4, smpp.ESMUDHI, "\x06" + ports + digits(248),
			[]string{"\x0B" + ports + number + "\x02\x01" + digits(128), "\x0B" + ports + number + "\x02\x02" + digits(248)[128:]}},
		{"with a header of its own, GSM", 0, smpp.ESMUDHI, "\x06" + ports + digits(248),
			[]string{"\x0B" + ports + number + "\x02\x01" + digits(146), "\x0B" + ports + number + "\x02\x02" + digits(248)[146:]}},
		{"with an empty header", 4, smpp.ESMUDHI, "\x00" + long, []string{"\x05" + number + "\x02\x01" + long[:134], "\x05" + number + "\x02\x02" + long[134:]}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pdus, err := to33(smstext.GSM7, tc.dcs, tc.esm, []byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			esm := tc.esm
			if len(tc.want) > 1 {
				esm |= smpp.ESMUDHI
			}
			var got []string
			for _, p := range pdus {
				d := p.(*smpp.DeliverSM)
				if got = append(got, string(d.ShortMessage)); d.ESMClass != esm || d.DataCoding != tc.dcs || len(d.TLVs) > 0 {
					t.Errorf("part %d is %+v", len(got), d)
				}
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestPackedSeptetsAreAlignedToTheHeaderOfEachPart(t *testing.T) {
	ports := []byte{4, smstext.IEIPorts8, 2, 1, 2} // with fill bits behind it, and others behind the header of a part
	text := digits(300)
	for name, tc := range map[string]struct {
		esm    byte
		octets []byte
		header int // of each part
	}{
		"without a header":         {0, smstext.Pack([]byte(text), 0), smstext.HeaderConcat8},
		"with a header of its own": {smpp.ESMUDHI, append(ports[:len(ports):len(ports)], smstext.Pack([]byte(text), smstext.FillBits(len(ports)))...), len(ports) + 5},
	} {
		t.Run(name, func(t *testing.T) {
			pdus, err := to33(smstext.GSM7Packed, 0, tc.esm, tc.octets)
			if err != nil {
				t.Fatal(err)
			}
			var parts []smstext.Part
			for _, p := range pdus {
				d := p.(*smpp.DeliverSM)
				if len(d.ShortMessage) > 140 {
					t.Errorf("part %d has %d octets", len(parts)+1, len(d.ShortMessage))
				}
				parts = append(parts, smstext.Part{Alphabet: smstext.GSM7Packed, FillBits: smstext.FillBits(tc.header), Octets: d.ShortMessage[tc.header:]})
			}
			if got, _, _ := smstext.Read(parts); got != text {
				t.Errorf("%d parts say %q", len(parts), got)
			}
		})
	}
}

func TestWhatA33SessionCannotTakeIsToldInWords(t *testing.T) {
	long := make([]byte, 300)
	header := func(octets int) []byte { // whole, with its length
		return append([]byte{byte(octets - 1), 0x70, byte(octets - 3)}, make([]byte, octets-3)...)
	}
	for _, tc := range []struct {
		name   string
		esm    byte
		octets []byte
		want   string // part of the error, "" = there is none
	}{
		{"a part of another text", smpp.ESMUDHI, append(smstext.AppendConcat8(nil, 7, 2, 1), long...),
			"306 octets are too many for a 3.3 session, and a part of a concatenated text cannot be cut again"},
		{"a header that leaves half", smpp.ESMUDHI, append(header(65), long...), ""},
		{"a header that leaves less", smpp.ESMUDHI, append(header(66), long...),
			"too long for a 3.3 session, and its user data header of 66 octets leaves no room to cut it"},
		{"a broken header", smpp.ESMUDHI, append([]byte{4, 0x70, 9, 9, 9}, long...), "element 0x70 has length 9"},
		{"255 parts", 0, bytes.Repeat([]byte("x"), 255*134), ""},
		{"256 parts", 0, bytes.Repeat([]byte("x"), 255*134+1), "too long for a 3.3 session: " + smstext.ErrTooManyParts.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pdus, err := to33(smstext.GSM7, 4, tc.esm, tc.octets)
			if tc.want == "" && (err != nil || len(pdus) < 2) || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%d deliver_sm, error %v, want %q", len(pdus), err, tc.want)
			}
		})
	}
}
