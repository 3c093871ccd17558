package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"hnetsmpp/pkg/smpp"
)

var conRows = []row{
	{"CON-01", "must", "parts of a long text have each their id and receipt at once, and reach a client with their UDH unchanged", partsWithUDH},
	{"CON-02", "must", "16-bit references and port numbers in a UDH are kept; ports alone are no concatenation", partsWithOtherUDH},
	{"CON-03", "should", "sar_msg_ref_num and its like reach the other side as they are, or as a UDH", partsWithSAR},
	{"CON-04", "should", "message_payload has one id and one receipt, and is cut nowhere within a character", payloadIsCutWell},
}

const udhi = 0x40 // in esm_class

// expectParts submits parts to the owner's number and requires their ids, the parts unchanged and in this order, and
// their receipts.
func (p pair) expectParts(dataCoding byte, parts ...[]byte) {
	t := p.from.t
	t.Helper()
	ids := map[string]bool{}
	for _, part := range parts {
		sent := time.Now()
		ids[p.from.submit(registeredText(p.from.next(), p.dest, udhi, dataCoding, part))] = true
		if took := time.Since(sent); took > time.Second {
			t.Errorf("% x: answered after %v, want at once", part[:part[0]+1], took)
		}
		got, raw := p.to.awaitDeliver("the part", func(*smpp.DeliverSM) bool { return true })
		p.to.ack(raw)
		if got.ESMClass != udhi || byte(got.DataCoding) != dataCoding || !bytes.Equal(got.ShortMessage, part) || len(got.TLVs) > 0 {
			t.Errorf("got esm_class %#02x, data_coding %d, % x, TLVs %v, want % x", byte(got.ESMClass), byte(got.DataCoding), got.ShortMessage, got.TLVs, part)
		}
	}
	if len(ids) != len(parts) {
		t.Errorf("%d parts have the ids %v", len(parts), ids)
	}
	for id := range ids {
		if r := p.from.expectReceipt(id); r.Stat != "DELIVRD" {
			t.Errorf("the receipt of %s says %s", id, r.Stat)
		}
	}
	p.from.expectNoDeliver(500 * time.Millisecond)
}

// withUDH puts a user data header before a text.
func withUDH(header string, text string) []byte { return append(octets(header), text...) }

// concat8 is the UDH of a part with an 8-bit reference.
func concat8(ref, total, part int) string {
	return fmt.Sprintf("05 00 03 %02x %02x %02x", ref, total, part)
}

func partsWithUDH(t *testing.T, s *suite) {
	var texts []string
	for _, letter := range []string{"a", "b", "c"} {
		texts = append(texts, strings.Repeat(letter, 153))
	}
	septets := func(ref, part int) []byte { return withUDH(concat8(ref, 3, part), texts[part-1]) }
	binary := func(part int) []byte { return withUDH(concat8(0x2B, 3, part), texts[part-1][:134]) }
	p := s.pair(t)
	p.expectParts(0, septets(0x2A, 3), septets(0x2A, 1), septets(0x2A, 2))
	p.expectParts(4, binary(3), binary(1), binary(2))
	p.expectParts(0, septets(0x2C, 1), septets(0x2C, 2)) // the third never comes

	// Hermès gets the parts as one message: that is hermes.reassemble. The answers wait for nothing.
	w := s.world(t, settings{"hermes.reassemble_timeout": "1s"})
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, test := range []struct {
		parts      []int
		incomplete bool
	}{{[]int{3, 1, 2}, false}, {[]int{1, 2}, true}} {
		dest := w.numberFor(t, "01")
		var ids []string
		for _, part := range test.parts {
			ids = append(ids, c.submit(registeredText(c.next(), dest, udhi, 0, septets(0x2A, part))))
		}
		got := w.awaitPush(t, withID(ids[0])).Message
		want := strings.Join(texts[:len(test.parts)], "")
		if got.Text != want || got.Parts != len(test.parts) || got.Incomplete != test.incomplete || len(got.PartIDs) != len(ids) {
			t.Errorf("the parts %v became %+v", test.parts, got)
		}
		for _, id := range ids {
			c.expectReceipt(id)
		}
	}
	c.expectNoDeliver(500 * time.Millisecond)
}

func partsWithOtherUDH(t *testing.T, s *suite) {
	concat16 := func(part int) string { return fmt.Sprintf("06 08 04 012A 02 %02x", part) }
	both := func(part int) string { return fmt.Sprintf("0B 00 03 2A 02 %02x 05 04 0B84 23F0", part) }
	const ports = "06 05 04 0B84 23F0" // of WAP: tshark reads the texts as WSP
	texts := []string{strings.Repeat("a", 152), strings.Repeat("b", 152)}
	ucs2 := strings.Repeat("\x4E\x2D", 66)
	p := s.pair(t)
	p.expectParts(0, withUDH(concat16(2), texts[1]), withUDH(concat16(1), texts[0]))
	p.expectParts(4, withUDH(concat16(1), texts[0][:133]), withUDH(concat16(2), texts[1][:133]))
	p.expectParts(8, withUDH(concat16(1), ucs2), withUDH(concat16(2), ucs2))
	p.expectParts(0, withUDH(ports, "one"), withUDH(ports, "and"))
	p.expectParts(0, withUDH(both(1), texts[0][:140]), withUDH(both(2), texts[1][:140]))

	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, header := range []func(int) string{concat16, both} {
		dest := w.numberFor(t, "01")
		second := c.submit(textTo(c.next(), dest, udhi, 0, withUDH(header(2), " end")))
		first := c.submit(textTo(c.next(), dest, udhi, 0, withUDH(header(1), "begin")))
		got := w.awaitPush(t, withID(second)).Message
		if joined := got.Text + string(got.Data); joined != "begin end" || got.Parts != 2 {
			t.Errorf("%s: the parts %s and %s became %+v", header(1), first, second, got)
		}
	}
	dest := w.numberFor(t, "01")
	for _, text := range []string{"one", "and"} {
		got := w.awaitPush(t, withID(c.submit(textTo(c.next(), dest, udhi, 0, withUDH(ports, text))))).Message
		if joined := got.Text + string(got.Data); !strings.HasSuffix(joined, text) || got.Parts > 1 || got.Incomplete {
			t.Errorf("a text to a port became %+v", got)
		}
	}
}

func partsWithSAR(t *testing.T, s *suite) {
	sarPart := func(seq uint32, dest string, part byte, text string) []byte {
		b := withTLV(textTo(seq, dest, 0, 0, []byte(text)), 0x020C, 0x01, 0x2A)
		return withTLV(withTLV(b, 0x020E, 2), 0x020F, part)
	}
	p := s.pair(t)
	refs, ids := map[string]bool{}, map[string]bool{}
	for part, text := range map[byte]string{1: "begin", 2: " end"} {
		ids[p.from.submit(sarPart(p.from.next(), p.dest, part, text))] = true
		got, raw := p.to.awaitDeliver("the part", func(*smpp.DeliverSM) bool { return true })
		p.to.ack(raw)
		f := fragmentOf(t, got)
		refs[f.ref] = true
		if f.total != 2 || f.part != int(part) || string(f.content) != text {
			t.Errorf("part %d came as %+v", part, f)
		}
		if len(f.ref) > 4 && f.ref[:4] == "sar " && f.ref != "sar 012a" {
			t.Errorf("the reference 012a came as %s", f.ref)
		}
	}
	if len(refs) != 1 || len(ids) != 2 {
		t.Errorf("two parts came with the references %v and the ids %v", refs, ids)
	}

	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	dest := w.numberFor(t, "01")
	first := c.submit(sarPart(c.next(), dest, 1, "begin"))
	second := c.submit(sarPart(c.next(), dest, 2, " end"))
	if got := w.awaitPush(t, withID(first)).Message; first == second || got.Text != "begin end" || got.Parts != 2 {
		t.Errorf("the parts %s and %s became %+v", first, second, got)
	}
}

// A fragment is one deliver_sm of a long text.
type fragment struct {
	ref         string // and how it was said: sar or udh
	total, part int
	content     []byte
}

// fragmentOf reads what a deliver_sm says about concatenation, which it must say in one way only.
func fragmentOf(t *testing.T, p *smpp.DeliverSM) fragment {
	t.Helper()
	f := fragment{total: 1, part: 1, content: p.ShortMessage}
	if payload, ok := p.TLVs.Get(smpp.TagMessagePayload); ok {
		if len(p.ShortMessage) > 0 {
			t.Errorf("short_message and message_payload together")
		}
		f.content = payload
	}
	ref, hasRef := p.TLVs.Get(smpp.Tag(0x020C))
	total, hasTotal := p.TLVs.Get(smpp.Tag(0x020E))
	part, hasPart := p.TLVs.Get(smpp.Tag(0x020F))
	sar := hasRef || hasTotal || hasPart
	switch {
	case sar && p.ESMClass&udhi != 0:
		t.Errorf("SAR parameters and UDHI together")
	case sar && (len(ref) != 2 || len(total) != 1 || len(part) != 1):
		t.Errorf("the SAR parameters are not complete: % x, % x, % x", ref, total, part)
	case sar:
		f.ref, f.total, f.part = fmt.Sprintf("sar %x", ref), int(total[0]), int(part[0])
	case p.ESMClass&udhi != 0:
		if len(f.content) < 6 || int(f.content[0]) >= len(f.content) {
			t.Fatalf("no UDH in % x", f.content)
		}
		header := f.content[1 : 1+f.content[0]]
		f.content = f.content[1+len(header):]
		switch {
		case bytes.HasPrefix(header, octets("00 03")) && len(header) == 5:
			f.ref, f.total, f.part = fmt.Sprintf("udh %x", header[2:3]), int(header[3]), int(header[4])
		case bytes.HasPrefix(header, octets("08 04")) && len(header) == 6:
			f.ref, f.total, f.part = fmt.Sprintf("udh %x", header[2:4]), int(header[4]), int(header[5])
		default:
			t.Errorf("the UDH % x is no concatenation", header)
		}
	}
	return f
}

func payloadIsCutWell(t *testing.T, s *suite) {
	septets := bytes.Repeat([]byte("0123456789"), 40)
	septets[152], septets[153] = 0x1B, 0x65
	units := utf16.Encode([]rune(strings.Repeat("é", 66) + "😀" + strings.Repeat("中", 132)))
	ucs2 := make([]byte, 0, 2*len(units))
	for _, u := range units {
		ucs2 = binary.BigEndian.AppendUint16(ucs2, u)
	}
	octets300 := bytes.Repeat([]byte{0x00, 0xFF, 0x1B}, 100)
	p := s.pair(t)
	w := s.opportunity(t)
	bySAR, byPayload := w.fixture(t, "bysar"), w.fixture(t, "bypay")
	for name, owner := range map[string]pair{
		"udh":     p,
		"sar":     {p.from, w.bind(t, bySAR, transceiver, smpp.V34), bySAR.Number},
		"payload": {p.from, w.bind(t, byPayload, transceiver, smpp.V34), byPayload.Number},
	} {
		for dataCoding, text := range map[byte][]byte{0: septets, 8: ucs2, 4: octets300} {
			pdu := withTLV(registeredText(p.from.next(), owner.dest, 0, dataCoding, nil), 0x0424, text...)
			id := p.from.submit(pdu)
			what := fmt.Sprintf("%s, data_coding %d", name, dataCoding)
			if got := owner.to.reassemble(what, dataCoding); !bytes.Equal(got, text) {
				t.Errorf("%s: got % x, want % x", what, got, text)
			}
			p.from.expectReceipt(id)
		}
	}
	p.from.expectNoDeliver(500 * time.Millisecond)
}

// reassemble reads the fragments of one text and joins them.
func (c *conn) reassemble(what string, dataCoding byte) (text []byte) {
	c.t.Helper()
	var first fragment
	parts := map[int][]byte{}
	for first.total = 1; len(parts) < first.total; {
		got, raw := c.awaitDeliver(what, func(*smpp.DeliverSM) bool { return true })
		c.ack(raw)
		f := fragmentOf(c.t, got)
		if len(parts) == 0 {
			first = f
		}
		if f.ref != first.ref || f.total != first.total || f.part < 1 || f.part > f.total || parts[f.part] != nil || byte(got.DataCoding) != dataCoding {
			c.t.Fatalf("%s: the fragment %+v with data_coding %d follows %+v", what, f, byte(got.DataCoding), first)
		}
		parts[f.part] = append([]byte{}, f.content...)
		last := len(f.content)
		if dataCoding == 0 && last > 0 && f.content[last-1] == 0x1B {
			c.t.Errorf("%s: part %d ends within an escape pair", what, f.part)
		}
		if dataCoding == 8 && (last%2 != 0 || last > 1 && f.content[last-2]&0xFC == 0xD8) {
			c.t.Errorf("%s: part %d ends within a character", what, f.part)
		}
	}
	for part := range first.total {
		text = append(text, parts[part+1]...)
	}
	return text
}
