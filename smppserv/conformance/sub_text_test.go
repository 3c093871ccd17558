package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

func replaceIfPresent(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	b := s0(0)
	c.expectSubmits([]submitCase{
		{"flag 0", b, only(smpp.ROK)},
		{"flag 1", patch(b, 45, 1), only(smpp.ROK)},
		{"flag 2", patch(b, 45, 2), only(smpp.RINVREPFLAG)},
		{"flag 255", patch(b, 45, 255), only(smpp.RINVREPFLAG)},
	})
	pending := func(source, dest, serviceType string) string {
		p := smpptest.NewSubmit(source, dest, "hello")
		p.ServiceType, p.ScheduleDeliveryTime = serviceType, "000000010000000R"
		return c.SubmitSM(p)
	}
	replacement := func(dest, text string) string {
		p := smpptest.NewSubmit("1000", dest, text)
		p.ReplaceIfPresent = 1
		return c.SubmitSM(p)
	}
	expectTexts := func(dest string, want ...string) {
		t.Helper()
		var got []string
		for _, p := range w.pushes(by(a)) {
			if p.Message.To == dest {
				got = append(got, p.Message.Text)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("to %s were pushed %q, want %q", dest, got, want)
		}
	}

	dest := w.numberTo(t, "01")
	old := pending("1000", dest, "")
	id := replacement(dest, "HELLO")
	if id == old {
		t.Errorf("the replacement has the old message_id %s", id)
	}
	c.awaitState(id, "1000", 2)
	c.awaitState(old, "1000", 4)
	c.awaitState(replacement(dest, "after delivery"), "1000", 2)
	if got := c.queryState(id, "1000"); got != 2 {
		t.Errorf("what was delivered is in state %d after a replacement, want 2", got)
	}
	expectTexts(dest, "HELLO", "after delivery")

	dest = w.numberTo(t, "01")
	others := []struct{ differs, id, source string }{
		{"service_type", pending("1000", dest, "CMT"), "1000"},
		{"destination_addr", pending("1000", w.numberTo(t, "01"), ""), "1000"},
		{"source_addr", pending("1001", dest, ""), "1001"},
	}
	c.awaitState(replacement(dest, "no match"), "1000", 2)
	expectTexts(dest, "no match")
	for _, other := range others {
		if got := c.queryState(other.id, other.source); got != 1 {
			t.Errorf("a message with another %s is in state %d after a replacement, want 1", other.differs, got)
		}
	}
}

func reservedDataCodings(t *testing.T, s *suite) {
	w := s.opportunity(t)
	c, owner := w.bind(t, w.account(t), transceiver, smpp.V34), w.owner(t)
	o := w.bind(t, owner, receiver, smpp.V34)
	for _, coding := range []byte{0x0B, 0x0C, 0x0F, 0x80, 0xE0} {
		p := smpptest.NewSubmit("1000", owner.Number, fmt.Sprintf("in %#x", coding))
		p.DataCoding = coding
		c.SubmitSM(p)
		if p := o.expectMO(string(p.ShortMessage)); p.DataCoding != coding {
			t.Errorf("data_coding %#x arrives as %#x", coding, p.DataCoding)
		}
	}
}

func cannedMessages(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	empty := insert(s0(0), 48, 54, 0)
	id := c.expectSubmits([]submitCase{
		{"known", patch(empty, 47, 1), only(smpp.ROK)},
		{"unknown", patch(empty, 47, 2), only(smpp.RINVDFTMSGID)},
		{"255", patch(empty, 47, 255), only(smpp.RINVDFTMSGID)},
	})[0]
	if p := w.awaitPush(t, withID(id)); p.Message.Text != cannedText {
		t.Errorf("pushed %q, want %q", p.Message.Text, cannedText)
	}
}

func shortMessageLengths(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	for _, length := range []int{1, 127, 128, 254} {
		text := strings.Repeat("abcdefghij", 26)[:length]
		id := c.submit(withText(s0(c.next()), 0, []byte(text)))
		if p := w.awaitPush(t, withID(id)); p.Message.Text != text {
			t.Errorf("of %d octets %q is pushed", length, p.Message.Text)
		}
		binary := make([]byte, length)
		for i := range binary {
			binary[i] = byte(255 - i)
		}
		id = c.submit(withText(s0(c.next()), 4, binary))
		if p := w.awaitPush(t, withID(id)); !bytes.Equal(p.Message.Data, binary) {
			t.Errorf("of %d octets % x is pushed", length, p.Message.Data)
		}
	}
	c.expectSubmits([]submitCase{{"255 octets", withText(s0(0), 0, bytes.Repeat([]byte{'a'}, 255)), only(smpp.RINVMSGLEN)}})

	// Whether an empty text is taken is left open, but it is one of both always.
	var first smpp.Status
	for i := range 5 {
		empty := insert(s0(c.next()), 48, 54, 0)
		c.SendRaw(empty)
		raw := c.expectAnswer(sequenceOf(empty), resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.RINVMSGLEN))
		if i == 0 {
			first = statusOf(raw)
		}
		if statusOf(raw) != first {
			t.Errorf("an empty text is answered by %v and by %v", first, statusOf(raw))
		}
	}
}

func messagePayloads(t *testing.T, s *suite) {
	const most = 1000
	w := s.world(t, settings{"server.max_message_octets": most})
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	of := func(text string) []byte { return withTLV(insert(s0(c.next()), 48, 54, 0), 0x0424, []byte(text)...) }
	long := strings.Repeat("abcdefghij", 101)
	for _, length := range []int{1, 255, most} {
		id := c.submit(of(long[:length]))
		if p := w.awaitPush(t, withID(id)); p.Message.Text != long[:length] || p.Message.Parts > 1 {
			t.Errorf("of %d octets there were pushed %d, in %d parts", length, len(p.Message.Text), p.Message.Parts)
		}
		c.awaitState(id, "1000", 2)
	}
	c.expectSubmits([]submitCase{{"over the maximum", of(long[:most+1]), only(smpp.RINVMSGLEN)}})
	if got := len(w.pushes(by(a))); got != 3 {
		t.Errorf("%d pushes of 3 messages", got)
	}
}

func textTwice(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	both := withTLV(s0(0), 0x0424, []byte("world!")...)
	a := w.account(t)
	w.bind(t, a, transceiver, smpp.V34).expectSubmits([]submitCase{{"3.4", both, only(smpp.ROPTPARNOTALLWD)}})
	if pushes := w.pushes(by(a)); len(pushes) > 0 {
		t.Errorf("refused, but pushed: %v", pushes)
	}

	a = w.account(t)
	c := w.bind(t, a, transceiver, smpp.V50)
	id := c.submit(withSeq(both, c.next()))
	c.awaitState(id, "1000", 2)
	if pushes := w.pushes(by(a)); len(pushes) != 1 || pushes[0].Message.Text != "world!" {
		t.Errorf("5.0: pushed %v, want the payload alone", pushes)
	}
}

// A text that would need more than one SMS has no limit of its own: Hermès gets it whole.
func textLengths(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	cases := []struct {
		name   string
		coding byte
		octets []byte
		text   string // "" is binary
	}{
		{"160 septets", 0, bytes.Repeat([]byte{'a'}, 160), strings.Repeat("a", 160)},
		{"161 septets", 0, bytes.Repeat([]byte{'a'}, 161), strings.Repeat("a", 161)},
		{"160 septets of extension characters", 0, bytes.Repeat([]byte{0x1B, 0x65}, 80), strings.Repeat("€", 80)},
		{"162 septets of extension characters", 0, bytes.Repeat([]byte{0x1B, 0x65}, 81), strings.Repeat("€", 81)},
		{"140 octets", 4, bytes.Repeat([]byte{0xFE}, 140), ""},
		{"141 octets", 4, bytes.Repeat([]byte{0xFE}, 141), ""},
		{"140 octets of UCS-2", 8, bytes.Repeat([]byte{0x04, 0x16}, 70), strings.Repeat("Ж", 70)},
		{"142 octets of UCS-2", 8, bytes.Repeat([]byte{0x04, 0x16}, 71), strings.Repeat("Ж", 71)},
	}
	for _, test := range cases {
		id := c.submit(withText(s0(c.next()), test.coding, test.octets))
		p := w.awaitPush(t, withID(id)).Message
		if p.Text != test.text || test.text == "" && !bytes.Equal(p.Data, test.octets) {
			t.Errorf("%s: pushed %q and % x", test.name, p.Text, p.Data)
		}
	}
	c.expectSubmits([]submitCase{
		{"UCS-2 of 5 octets", withText(s0(0), 8, []byte("hello")), only(smpp.RINVMSGLEN)},
		{"UCS-2 of 141 octets", withText(s0(0), 8, make([]byte, 141)), only(smpp.RINVMSGLEN)},
	})
}

func sarParameters(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	ref := func(pdu []byte) []byte { return withTLV(pdu, 0x020C, 0x01, 0x2A) }
	total := func(pdu []byte, n byte) []byte { return withTLV(pdu, 0x020E, n) }
	seqnum := func(pdu []byte, n byte) []byte { return withTLV(pdu, 0x020F, n) }
	b := s0(0)
	dest := w.numberTo(t, "01")
	pair := s0To(0, dest)
	ids := c.expectSubmits([]submitCase{
		{"1 of 2", seqnum(total(ref(pair), 2), 1), only(smpp.ROK)},
		{"2 of 2", seqnum(total(ref(pair), 2), 2), only(smpp.ROK)},
		{"total 0", seqnum(total(ref(b), 0), 0), only(smpp.RINVOPTPARAMVAL)},
		{"total 0, seqnum 1", seqnum(total(ref(b), 0), 1), only(smpp.RINVOPTPARAMVAL)},
		{"seqnum 0", seqnum(total(ref(b), 2), 0), only(smpp.RINVOPTPARAMVAL)},
		{"seqnum over total", seqnum(total(ref(b), 2), 3), only(smpp.RINVOPTPARAMVAL)},
	})
	joined := w.awaitPush(t, func(p push) bool { return p.Message.To == dest })
	if joined.Message.Text != "hellohello" || joined.Message.Parts != 2 || !slices.Equal(joined.Message.PartIDs, ids[:2]) {
		t.Errorf("the parts %v were pushed as %+v", ids[:2], joined.Message)
	}

	incomplete := []submitCase{
		{"sar_msg_ref_num alone", ref(b), only(smpp.ROK)},
		{"without sar_segment_seqnum", total(ref(b), 2), only(smpp.ROK)},
		{"without sar_total_segments", seqnum(ref(b), 1), only(smpp.ROK)},
		{"without sar_msg_ref_num", seqnum(total(b, 2), 1), only(smpp.ROK)},
	}
	for i, id := range c.expectSubmits(incomplete) {
		if p := w.awaitPush(t, withID(id)); p.Message.Parts != 1 || p.Message.Incomplete || p.Message.Text != "hello" {
			t.Errorf("%s: pushed %+v, want a message of its own", incomplete[i].name, p.Message)
		}
	}
}

func passedOn(t *testing.T, s *suite) {
	w := s.opportunity(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	carried := smpp.TLVs{
		{Tag: smpp.TagUserMessageReference, Value: []byte{0xA3, 0x12}},
		{Tag: smpp.TagSourcePort, Value: []byte{0x23, 0xF0}},
		{Tag: smpp.TagDestinationPort, Value: []byte{0x0B, 0x84}},
		{Tag: smpp.TagPrivacyIndicator, Value: []byte{2}},
		{Tag: smpp.TagLanguageIndicator, Value: []byte{3}},
	}
	for _, version := range []byte{smpp.V34, smpp.V50} {
		owner := w.owner(t)
		o := w.bind(t, owner, receiver, version)
		p := smpptest.NewSubmit("1000", owner.Number, "hello")
		p.ProtocolID = 0x7F
		// 3.4 has no more_messages_to_send in deliver_sm.
		p.TLVs = append(slices.Clone(carried), smpp.TLV{Tag: smpp.TagMoreMessagesToSend, Value: []byte{1}})
		c.SubmitSM(p)
		got := o.expectMO("hello")
		if got.ProtocolID != 0x7F {
			t.Errorf("protocol_id 0x7f arrives as %#x", got.ProtocolID)
		}
		for _, want := range carried {
			if value, ok := got.TLVs.Get(want.Tag); !ok || !bytes.Equal(value, want.Value) {
				t.Errorf("%v % x arrives as % x", want.Tag, want.Value, value)
			}
		}
		o.ExpectSilence(500 * time.Millisecond)
	}
}
