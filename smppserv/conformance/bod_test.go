package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
)

var bodRows = []row{
	{"BOD-01", "must", "a PDU that ends before its last mandatory field is refused with RINVCMDLEN by its own response", bodyCutShort},
	{"BOD-02", "must", "an sm_length beyond the PDU's end is refused; nothing of the next PDU is read", textCutShort},
	{"BOD-03", "must", "1 to 3 octets after short_message get RINVOPTPARSTREAM; one stray NUL is forgiven", octetsAfterText},
	{"BOD-04", "must", "an optional parameter longer than the PDU gets RINVOPTPARSTREAM", tlvCutShort},
	{"BOD-05", "must", "unknown and vendor optional parameters are ignored, known ones beside them are not", tlvsUnknown},
	{"BOD-06", "should", "known optional parameters of other operations are ignored", tlvsOfOtherPDUs},
	{"BOD-07", "must", "an optional parameter of a fixed size with another length gets RINVPARLEN", tlvsOfWrongLength},
	{"BOD-08", "must", "alert_on_message_delivery without a value and callback_num of 4 to 19 octets are taken", tlvsOfAnyLength},
	{"BOD-09", "should", "of an optional parameter that comes twice always the same one counts; callback_num may come often", tlvsTwice},
	{"BOD-10", "should", "reserved values of optional parameters mean the default, values out of range get RINVOPTPARAMVAL", tlvsOfReservedValue},
	{"BOD-11", "must", "the order of optional parameters does not matter", tlvsInAnyOrder},
	{"BOD-12", "must", "message_id and addresses are taken up to their longest; one character more gets their status", longestStrings},
}

// numberEnding is a number of 12 digits that no other row uses, with the last two digits that Hermès goes by.
func (w *world) numberEnding(t *testing.T, suffix string) string {
	return "45" + w.number(t)[4:] + suffix
}

// toNumber returns a base vector with another destination of 12 digits.
func toNumber(pdu []byte, number string) []byte {
	return bytes.ReplaceAll(pdu, []byte("447700900001"), []byte(number))
}

func bodyCutShort(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	number := w.numberEnding(t, "01")
	for _, test := range []struct {
		name string
		pdu  []byte
		end  int // of the last mandatory field before short_message
	}{
		{"submit_sm", toNumber(s0(0), number), 49},
		{"data_sm", toNumber(d0(0), number), 42},
		{"submit_multi", toNumber(m0(0), number), 67},
		{"query_sm", q0(0, "MSGID", "1000"), 29},
		{"cancel_sm", toNumber(c0(0, "MSGID", "1000", "447700900001"), number), 45},
		{"replace_sm", r0(0, "MSGID", "1000"), 34},
	} {
		for n := smpp.HeaderLen; n < test.end; n++ {
			pdu, enquire := withSeq(cut(test.pdu, n), c.next()), c.next()
			c.SendRaw(together(pdu, e0(enquire)))
			raw := c.expectAnswer(sequenceOf(pdu), resp(commandOf(pdu), smpp.RINVCMDLEN))
			if len(raw) != smpp.HeaderLen {
				t.Errorf("%s of %d octets: the answer has a body: % x", test.name, n, raw)
			}
			c.expectHdr16(enquire, smpp.CmdEnquireLink, smpp.ROK)
		}
	}
	c.expectAlive()
	c.submit(toNumber(s0(c.next()), number))
	toThat := func(p push) bool { return p.Message.To == number }
	w.awaitPush(t, toThat) // none that was stored before comes later
	if pushes := w.pushes(toThat); len(pushes) != 1 {
		t.Errorf("a PDU without its end was stored: %v", pushes)
	}

	// The design closes after a refused bind: the enquire_link behind it may be answered or not.
	var refused []*conn
	for _, bind := range [][]byte{bTX(a), bRX(a), bTRX(a)} {
		for n := smpp.HeaderLen; n < len(bind); n++ {
			c := w.dial(t)
			pdu := cut(bind, n)
			c.SendRaw(together(pdu, e0(2)))
			raw := c.expectAnswer(1, resp(commandOf(pdu), smpp.RINVCMDLEN))
			checkRefusal(t, fmt.Sprintf("%v of %d octets", commandOf(pdu), n), raw)
			refused = append(refused, c)
		}
	}
	for _, c := range refused {
		for _, raw := range c.drain(soon) {
			if !bytes.Equal(raw, octets("00000010 80000015 00000000 00000002")) {
				t.Errorf("after a bind that was cut short came % x", raw)
			}
		}
	}
	w.bind(t, a, transceiver, smpp.V34)
}

// checkRefusal requires of a bind's refusal that it is a header alone; that of bind_transceiver has an empty system_id, by the design.
func checkRefusal(t *testing.T, name string, raw []byte) {
	t.Helper()
	var want []byte
	if commandOf(raw) == smpp.CmdBindTransceiverResp {
		want = []byte{0}
	}
	if statusOf(raw) == smpp.ROK || !bytes.Equal(raw[smpp.HeaderLen:], want) {
		t.Errorf("%s: got % x, want an error with the body % x", name, raw, want)
	}
}

func textCutShort(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.SendRaw(together(patch(s0(2), 48, 0x20), e0(8)))
	raw := c.expectAnswer(2, resp(smpp.CmdSubmitSM, smpp.RINVMSGLEN), resp(smpp.CmdSubmitSM, smpp.RINVCMDLEN))
	if len(raw) != smpp.HeaderLen {
		t.Errorf("the answer has a body: % x", raw)
	}
	c.expectHdr16(8, smpp.CmdEnquireLink, smpp.ROK)
	c.expectSilentAlive()
}

func octetsAfterText(t *testing.T, s *suite) {
	w := s.opportunity(t)
	b := w.owner(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, rest := range []string{"01", "02 04", "00 01", "01 00", "02 04 00", "00 02 04", "00 00 01"} {
		seq := c.next()
		c.SendRaw(join(s0To(seq, b.Number), octets(rest)))
		c.expectHdr16(seq, smpp.CmdSubmitSM, smpp.RINVOPTPARSTREAM)
		c.expectAlive()
	}
	d := w.bind(t, b, receiver, smpp.V34)
	c.submit(join(s0To(c.next(), b.Number), octets("00")))
	d.expectMO("hello")
	c.submit(withTLV(join(s0To(c.next(), b.Number), octets("00")), 0x0204, 0xA3, 0x12))
	if got, _ := d.expectMO("hello").TLVs.Uint16(smpp.TagUserMessageReference); got != 0xA312 {
		t.Errorf("after a stray NUL user_message_reference is read as %#x, want 0xA312", got)
	}
}

func tlvCutShort(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.SendRaw(join(s0(2), octets("0204 000A 112233445566")))
	c.expectHdr16(2, smpp.CmdSubmitSM, smpp.RINVOPTPARSTREAM)
	c.expectAlive()
}

func tlvsUnknown(t *testing.T, s *suite) {
	w := s.opportunity(t)
	b := w.owner(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	d := w.bind(t, b, receiver, smpp.V34)
	unknown := []uint16{0x1400, 0x3FFF, 0x0000, 0x4001, 0xFFFF}
	for length := range 41 {
		pdu := s0To(c.next(), b.Number)
		for i, tag := range unknown {
			if i == length%len(unknown) {
				pdu = withTLV(pdu, 0x0204, 0xA3, byte(length))
			}
			pdu = withTLV(pdu, tag, bytes.Repeat([]byte{0x02}, length)...)
		}
		c.submit(pdu)
		p := d.expectMO("hello")
		if got, _ := p.TLVs.Uint16(smpp.TagUserMessageReference); got != 0xA300+uint16(length) {
			t.Errorf("beside unknown TLVs of %d octets user_message_reference is %#x, want %#x", length, got, 0xA300+length)
		}
		for _, tlv := range p.TLVs {
			if slices.Contains(unknown, uint16(tlv.Tag)) {
				t.Errorf("the unknown TLV %#04x was passed on", uint16(tlv.Tag))
			}
		}
	}
}

func tlvsOfOtherPDUs(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.submit(withTLV(s0(2), 0x001E, cstring("42")...))
	c.submit(withTLV(s0(3), 0x0422, 1))
	c.submit(withTLV(withTLV(s0(4), 0x001E, cstring("42")...), 0x0422, 1))
	c.expectAlive()
}

func tlvsOfWrongLength(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, test := range []struct {
		tag    uint16
		length int
	}{{0x0204, 1}, {0x0204, 3}, {0x020C, 0}, {0x020E, 2}, {0x020A, 4}} {
		seq := c.next()
		c.SendRaw(withTLV(s0(seq), test.tag, bytes.Repeat([]byte{1}, test.length)...))
		t.Logf("TLV %#04x of %d octets", test.tag, test.length)
		c.expectHdr16(seq, smpp.CmdSubmitSM, smpp.RINVPARLEN)
		c.expectAlive()
	}
}

func tlvsOfAnyLength(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	callbackNum := func(length int) []byte {
		return append([]byte{1, 1, 1}, strings.Repeat("4", length-3)...)
	}
	c.submit(withTLV(s0(c.next()), 0x130C))
	for _, length := range []int{4, 19} {
		c.submit(withTLV(s0(c.next()), 0x0381, callbackNum(length)...))
	}
	for _, length := range []int{3, 20} {
		seq := c.next()
		c.SendRaw(withTLV(s0(seq), 0x0381, callbackNum(length)...))
		t.Logf("callback_num of %d octets", length)
		c.expectHdr16(seq, smpp.CmdSubmitSM, smpp.RINVPARLEN)
	}
	seq := c.next()
	c.SendRaw(withTLV(s0(seq), 0x0302, 0))
	c.expectAnswer(seq, resp(smpp.CmdSubmitSM, smpp.RMISSINGOPTPARAM), resp(smpp.CmdSubmitSM, smpp.ROK))
	c.submit(withTLV(withTLV(s0(c.next()), 0x0302, 0), 0x0381, callbackNum(15)...))
	c.expectAlive()

	v5 := w.bind(t, a, transceiver, smpp.V50)
	for _, value := range [][]byte{nil, {1}} { // 5.0 gave it a value
		v5.submit(withTLV(s0(v5.next()), 0x130C, value...))
	}
}

func tlvsTwice(t *testing.T, s *suite) {
	w := s.opportunity(t)
	b := w.owner(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	d := w.bind(t, b, receiver, smpp.V34)

	// once returns what became of a submit: the status, or what the receiver read.
	once := func(pdu []byte, read func(*smpp.DeliverSM) string) string {
		c.SendRaw(pdu)
		raw := c.expectAnswer(sequenceOf(pdu), resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.ROPTPARNOTALLWD))
		if statusOf(raw) != smpp.ROK {
			return statusOf(raw).String()
		}
		p, delivered := d.awaitDeliver("the message", func(*smpp.DeliverSM) bool { return true })
		d.ack(delivered)
		return read(p)
	}
	for _, test := range []struct {
		name    string
		pdu     func() []byte
		read    func(*smpp.DeliverSM) string
		allowed []string
	}{
		{"user_message_reference", func() []byte {
			return withTLV(withTLV(s0To(c.next(), b.Number), 0x0204, 0, 1), 0x0204, 0, 2)
		}, func(p *smpp.DeliverSM) string {
			return fmt.Sprintf("%x", p.TLVs.All(smpp.TagUserMessageReference))
		}, []string{"[0001]", "[0002]", "ROPTPARNOTALLWD"}},
		{"message_payload", func() []byte {
			pdu := s0To(c.next(), b.Number)
			pdu = insert(pdu, len(pdu)-6, len(pdu), 0)
			return withTLV(withTLV(pdu, 0x0424, []byte("first")...), 0x0424, []byte("second")...)
		}, func(p *smpp.DeliverSM) string {
			payload, _ := p.TLVs.Get(smpp.TagMessagePayload)
			return string(p.ShortMessage) + string(payload)
		}, []string{"first", "second", "ROPTPARNOTALLWD"}},
	} {
		first := once(test.pdu(), test.read)
		if !slices.Contains(test.allowed, first) {
			t.Errorf("%s twice: %q came of it, want one of %q", test.name, first, test.allowed)
		}
		for i := range 99 {
			if got := once(test.pdu(), test.read); got != first {
				t.Fatalf("%s twice: %q came of it at first, then, at run %d, %q", test.name, first, i+2, got)
			}
		}
	}

	var pdu []byte
	want := [][]byte{[]byte("\x01\x01\x011001"), []byte("\x01\x01\x011002"), []byte("\x01\x01\x011003")}
	for _, number := range want {
		if pdu == nil {
			pdu = s0To(c.next(), b.Number)
		}
		pdu = withTLV(pdu, 0x0381, number...)
	}
	c.submit(pdu)
	if got := d.expectMO("hello").TLVs.All(smpp.TagCallbackNum); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("callback_num came as % x, want % x", got, want)
	}
}

func tlvsOfReservedValue(t *testing.T, s *suite) {
	w := s.opportunity(t)
	b := w.owner(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	d := w.bind(t, b, receiver, smpp.V34)
	reserved := func(seq uint32, tags ...uint16) []byte {
		values := map[uint16]byte{0x0005: 5, 0x0426: 2, 0x0019: 2}
		pdu := s0To(seq, b.Number)
		for _, tag := range tags {
			pdu = withTLV(pdu, tag, values[tag])
		}
		return pdu
	}
	for _, tags := range [][]uint16{{0x0005}, {0x0426}, {0x0019}, {0x0005, 0x0426, 0x0019}} {
		t.Logf("with TLVs %#04x", tags)
		c.submit(reserved(c.next(), tags...))
		if v, _ := d.expectMO("hello").TLVs.Uint8(smpp.TagPayloadType); v != 0 {
			t.Errorf("payload_type reached the receiver as %d, want the default", v)
		}
	}
	seq := c.next()
	c.SendRaw(withTLV(withTLV(withTLV(s0To(seq, b.Number), 0x020C, 0, 7), 0x020E, 2), 0x020F, 0))
	c.expectHdr16(seq, smpp.CmdSubmitSM, smpp.RINVOPTPARAMVAL)
	c.expectAlive()
}

func tlvsInAnyOrder(t *testing.T, s *suite) {
	w := s.opportunity(t)
	b := w.owner(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	d := w.bind(t, b, receiver, smpp.V34)
	values := map[uint16][]byte{0x0204: {0xA3, 0x12}, 0x020C: {1, 0x2A}, 0x020E: {2}, 0x020F: {1}, 0x0424: []byte("hello")}
	var came []string
	for i, order := range [][]uint16{{0x0204, 0x020C, 0x020E, 0x020F, 0x0424}, {0x0424, 0x020F, 0x0204, 0x020E, 0x020C}} {
		// From another number each: else the second would be the same part of the same text once more.
		pdu := s0Between(c.next(), fmt.Sprint(1000+i), b.Number)
		pdu = insert(pdu, len(pdu)-6, len(pdu), 0)
		for _, tag := range order {
			pdu = withTLV(pdu, tag, values[tag]...)
		}
		c.submit(pdu)
		p, raw := d.awaitDeliver("the message", func(*smpp.DeliverSM) bool { return true })
		d.ack(raw)
		if string(p.Source.Addr) != fmt.Sprint(1000+i) || !strings.HasSuffix(textOf(p), "hello") {
			t.Errorf("% x became % x", pdu, raw)
		}
		p.Source.Addr = ""
		if p.ESMClass&smpp.ESMUDHI != 0 && len(p.ShortMessage) > 3 && p.ShortMessage[1] == 0 {
			p.ShortMessage[3] = 0 // the reference: the server may count them
		}
		slices.SortFunc(p.TLVs, func(a, b smpp.TLV) int { return int(a.Tag) - int(b.Tag) })
		came = append(came, fmt.Sprintf("%+v", *p))
	}
	if came[0] != came[1] {
		t.Errorf("one order became\n%s\nthe other\n%s", came[0], came[1])
	}
}

// textOf is the text of a deliver_sm, wherever it stands.
func textOf(p *smpp.DeliverSM) string {
	payload, _ := p.TLVs.Get(smpp.TagMessagePayload)
	return string(p.ShortMessage) + string(payload)
}

func longestStrings(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	known := c.submit(s0To(c.next(), w.numberEnding(t, "03")))
	id := strings.Repeat("9", 65)
	source := strings.Repeat("1", 21)
	// What the rest of a request says is judged when its strings are not too long.
	unknown := map[smpp.CommandID][]smpp.Status{
		smpp.CmdQuerySM:   {smpp.RINVMSGID, smpp.RQUERYFAIL},
		smpp.CmdCancelSM:  {smpp.RINVMSGID, smpp.RCANCELFAIL},
		smpp.CmdReplaceSM: {smpp.RINVMSGID, smpp.RREPLACEFAIL},
	}
	mismatch := map[smpp.CommandID][]smpp.Status{
		smpp.CmdQuerySM:   {smpp.RQUERYFAIL, smpp.RINVMSGID, smpp.RINVSRCADR},
		smpp.CmdCancelSM:  {smpp.RCANCELFAIL, smpp.RINVSRCADR, smpp.RINVDSTADR},
		smpp.CmdReplaceSM: {smpp.RREPLACEFAIL, smpp.RINVSRCADR},
	}
	requests := []func(id, source string) []byte{
		func(id, source string) []byte { return q0(c.next(), id, source) },
		func(id, source string) []byte { return c0(c.next(), id, source, "") },
		func(id, source string) []byte { return r0(c.next(), id, source) },
	}
	expect := func(name string, pdu []byte, statuses ...smpp.Status) {
		t.Helper()
		c.SendRaw(pdu)
		var allowed []answer
		for _, status := range statuses {
			allowed = append(allowed, resp(commandOf(pdu), status))
		}
		t.Logf("%v with %s", commandOf(pdu), name)
		c.expectAnswer(sequenceOf(pdu), allowed...)
	}
	for _, request := range requests {
		command := commandOf(request("", ""))
		expect("a message_id of 64", request(id[:64], "1000"), unknown[command]...)
		expect("a message_id of 65", request(id, "1000"), smpp.RINVMSGID)
		expect("a source_addr of 20", request(known, source[:20]), mismatch[command]...)
		expect("a source_addr of 21", request(known, source), smpp.RINVSRCADR)
	}

	data := func(source, dest string) []byte {
		return vector(0x103, c.next(), octets("00 0101"), cstring(source), octets("0101"), cstring(dest),
			octets("00 00 00 0424 0005 68656c6c6f"))
	}
	long := strings.Repeat("4", 65)
	expect("addresses of 64", data(long[:64], long[:64]), smpp.ROK)
	expect("a source_addr of 65", data(long, "447700900001"), smpp.RINVSRCADR)
	expect("a destination_addr of 65", data("1000", long), smpp.RINVDSTADR)
	c.expectAlive()
	if state := c.queryState(known, "1000"); state != 1 {
		t.Errorf("the message that none of them may touch is in state %d, want ENROUTE", state)
	}
}
