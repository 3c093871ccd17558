package conformance

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

var txtRows = []row{
	{"TXT-01", "must", "data_coding 0: octets arrive unchanged, NUL is '@' and ends nothing, an escaped character counts two", textDefaultAlphabet},
	{"TXT-02", "must", "data_coding 2 and 4: all 256 octet values arrive", textBinary},
	{"TXT-03", "must", "data_coding 8 is big-endian UCS-2 with surrogate pairs; an odd length gets RINVMSGLEN", textUCS2},
	{"TXT-04", "should", "data_coding 1, 3, 6 and 7 arrive unchanged; at Hermès they are the right characters", textOtherAlphabets},
	{"TXT-05", "must", "data_coding 0xF0 to 0xFF: the message class is kept", textClass},
	{"TXT-06", "should", "data_coding of message waiting and of the GSM class group is passed on unchanged", textWaitingAndGSMClass},
}

// textTo is submit_sm of a text from 1000.
func textTo(seq uint32, dest string, esmClass, dataCoding byte, text []byte) []byte {
	return vector(4, seq, octets("00 0101"), cstring("1000"), octets("0101"), cstring(dest),
		[]byte{esmClass, 0, 0, 0, 0, 0, 0, dataCoding, 0, byte(len(text))}, text)
}

// registeredText is textTo with registered_delivery 1.
func registeredText(seq uint32, dest string, esmClass, dataCoding byte, text []byte) []byte {
	b := textTo(seq, dest, esmClass, dataCoding, text)
	return fromEnd(b, len(text)+5, 1)
}

// A pair is a client of the opportunity world and the client that owns the number it writes to.
type pair struct {
	from, to *conn
	dest     string
}

func (s *suite) pair(t *testing.T) pair {
	t.Helper()
	w := s.opportunity(t)
	owner := w.owner(t)
	return pair{w.bind(t, w.account(t), transceiver, smpp.V34), w.bind(t, owner, transceiver, smpp.V34), owner.Number}
}

// expectUnchanged submits a text and requires that it arrives with its data_coding and all its octets.
func (p pair) expectUnchanged(dataCoding byte, text []byte) {
	p.from.t.Helper()
	p.from.submit(textTo(p.from.next(), p.dest, 0, dataCoding, text))
	got, raw := p.to.awaitDeliver("the text", func(*smpp.DeliverSM) bool { return true })
	p.to.ack(raw)
	if byte(got.DataCoding) != dataCoding || !bytes.Equal(got.ShortMessage, text) || got.ESMClass != 0 {
		p.from.t.Errorf("data_coding %#02x: got %#02x, esm_class %#02x, % x, want % x", dataCoding, byte(got.DataCoding), byte(got.ESMClass), got.ShortMessage, text)
	}
}

// pushedAs submits a text in the vocalcom world and returns what Hermès gets.
func (s *suite) pushedAs(t *testing.T, c *conn, dataCoding byte, text []byte) testkit.Message {
	t.Helper()
	w := s.vocalcom(t)
	return w.awaitPush(t, withID(c.submit(textTo(c.next(), w.numberFor(t, "01"), 0, dataCoding, text)))).Message
}

func textDefaultAlphabet(t *testing.T, s *suite) {
	text := octets("48 65 6C 6C 6F 00 01 02 1B 65")
	s.pair(t).expectUnchanged(0, text)
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	if got := s.pushedAs(t, c, 0, text).Text; got != "Hello@£$€" {
		t.Errorf("Hermès got %q", got)
	}

	// 160 septets are one message, 161 are two: € is two of them.
	for length, parts := range map[int]int{158: 1, 159: 2} {
		to := w.number(t)
		w.mo(t, a, "1000", to, strings.Repeat("x", length)+"€")
		for part := range parts {
			got, raw := c.awaitDeliver("the text", func(p *smpp.DeliverSM) bool { return p.Dest.Addr == to || p.Source.Addr == to })
			c.ack(raw)
			if udhi := got.ESMClass&0x40 != 0; udhi != (parts > 1) {
				t.Errorf("%d characters and €: part %d of %d has esm_class %#02x", length, part+1, parts, byte(got.ESMClass))
			}
		}
	}
	c.expectNoDeliver(500 * time.Millisecond)
}

func textBinary(t *testing.T, s *suite) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	p := s.pair(t)
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, dataCoding := range []byte{4, 2} {
		for _, half := range [][]byte{all[:128], all[128:]} {
			p.expectUnchanged(dataCoding, half)
			if got := s.pushedAs(t, c, dataCoding, half); !bytes.Equal(got.Data, half) || got.Text != "" {
				t.Errorf("data_coding %d: Hermès got % x and the text %q, want % x", dataCoding, got.Data, got.Text, half)
			}
		}
	}
}

func textUCS2(t *testing.T, s *suite) {
	text := octets("00E9 4E2D D83D DE00")
	p := s.pair(t)
	p.expectUnchanged(8, text)
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	if got := s.pushedAs(t, c, 8, text).Text; got != "é中😀" {
		t.Errorf("Hermès got %q", got)
	}
	for _, odd := range [][]byte{text[:7], text[:1]} {
		p.from.refused(textTo(p.from.next(), p.dest, 0, 8, odd), smpp.RINVMSGLEN)
		c.refused(textTo(c.next(), w.numberFor(t, "01"), 0, 8, odd), smpp.RINVMSGLEN)
	}
	p.to.ExpectSilence(500 * time.Millisecond)
}

func textOtherAlphabets(t *testing.T, s *suite) {
	p := s.pair(t)
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, test := range []struct {
		dataCoding byte
		text       []byte
		want       string
	}{
		{3, octets("E9 E0 A3"), "éà£"},
		{1, []byte("Hello @ [~]"), "Hello @ [~]"},
		{6, octets("BF E0 D8 D2 D5 E2"), "Привет"},
		{7, octets("F9 EC E5 ED"), "שלום"},
	} {
		p.expectUnchanged(test.dataCoding, test.text)
		if got := s.pushedAs(t, c, test.dataCoding, test.text).Text; got != test.want {
			t.Errorf("data_coding %d: Hermès got %q, want %q", test.dataCoding, got, test.want)
		}
	}
	// ISO-8859-8 has nothing at 0xA1, ASCII nothing at 0xE9.
	for dataCoding, text := range map[byte][]byte{7: octets("F9 A1 ED"), 1: octets("61 E9 62")} {
		p.expectUnchanged(dataCoding, text)
		if got := s.pushedAs(t, c, dataCoding, text).Text; utf8.RuneCountInString(got) != len(text) {
			t.Errorf("data_coding %d: Hermès got %q for % x, want %d characters", dataCoding, got, text, len(text))
		}
	}
}

func textClass(t *testing.T, s *suite) {
	p := s.pair(t)
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	text := octets("48 65 6C 6C 6F 00 1B 65")
	for dataCoding := 0xF0; dataCoding <= 0xFF; dataCoding++ {
		p.expectUnchanged(byte(dataCoding), text) // design: reserved values are passed through
		switch got := s.pushedAs(t, c, byte(dataCoding), text); {
		case dataCoding <= 0xF3 && got.Text != "Hello@€":
			t.Errorf("data_coding %#02x: Hermès got %+v", dataCoding, got)
		case dataCoding >= 0xF4 && dataCoding <= 0xF7 && !bytes.Equal(got.Data, text):
			t.Errorf("data_coding %#02x: Hermès got %+v", dataCoding, got)
		}
	}
	// 160 septets, more than the 140 octets that an 8-bit message has.
	p.expectUnchanged(0xF1, bytes.Repeat([]byte{'x'}, 160))
}

func textWaitingAndGSMClass(t *testing.T, s *suite) {
	p := s.pair(t)
	codings := []byte{0x10, 0x11, 0x18}
	for dataCoding := byte(0xC0); dataCoding <= 0xDF; dataCoding++ {
		codings = append(codings, dataCoding)
	}
	for _, dataCoding := range codings {
		p.expectUnchanged(dataCoding, octets("00 68 00 69"))
	}
}
