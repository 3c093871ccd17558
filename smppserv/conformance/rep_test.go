package conformance

import (
	"bytes"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

var repRows = []row{
	{"REP-01", "must", "replace_sm of a pending message: the new text goes out under the old id and data_coding", replacePending},
	{"REP-02", "must", "replace_sm keeps the times that it leaves NULL, and changes times, receipt and canned text that it names", replaceFields},
	{"REP-03", "must", "what is delivered, unknown, another account's or from another source cannot be replaced", replaceRefused},
	{"REP-04", "should", "replace_sm with a bad length or time is refused; message_payload replaces on 5.0", replaceInvalid},
}

// A replacement is a replace_sm (3.4, 4.10.1) from 1000.
type replacement struct {
	id, schedule, validity string
	registered, canned     byte
	text                   []byte
}

func (r replacement) pdu(seq uint32) []byte {
	return vector(7, seq, cstring(r.id), octets("0101"), cstring("1000"), cstring(r.schedule), cstring(r.validity),
		[]byte{r.registered, r.canned, byte(len(r.text))}, r.text)
}

// replace requires that a message is replaced.
func (c *conn) replace(r replacement) {
	c.t.Helper()
	seq := c.next()
	c.SendRaw(r.pdu(seq))
	c.expectHdr16(seq, smpp.CmdReplaceSM, smpp.ROK)
}

// The list has S0 to …05, for which Hermès takes 3 s: but there the first text is with Hermès already. A message is
// surely pending while it is scheduled.
func replacePending(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, request := range []smpp.CommandID{transmitter, transceiver} {
		a := w.account(t)
		c := w.bind(t, a, request, smpp.V34)
		plain := c.submit(scheduled(s0To(c.next(), w.numberFor(t, "01")), relative(2)))
		latin := c.submit(scheduled(patch(s0To(c.next(), w.numberFor(t, "01")), atDataCoding, 3), relative(2)))
		seq := c.next()
		c.SendRaw(r0(seq, plain, "1000"))
		c.expectHdr16(seq, smpp.CmdReplaceSM, smpp.ROK)
		c.replace(replacement{id: latin, text: octets("48 C9 4C 4C 4F")})
		for id, want := range map[string]string{plain: "HELLO", latin: "HÉLLO"} {
			if got := w.awaitPush(t, withID(id)).Message.Text; got != want {
				t.Errorf("%v: delivered %q, want %q", request, got, want)
			}
			c.awaitState(id, "1000", stateDelivered)
		}
		if pushes := w.pushes(by(a)); len(pushes) != 2 {
			t.Errorf("%v: two messages became %d pushes", request, len(pushes))
		}
	}
}

func replaceFields(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	began := time.Now()
	pending := func(outcome string, registered byte) string {
		return c.submit(scheduled(patch(s0To(c.next(), w.numberFor(t, outcome)), atRegistered, registered), relative(2)))
	}
	kept := pending("01", 0)
	// scheduled after validFor, for that is the later field.
	keptValidity := c.submit(scheduled(validFor(s0To(c.next(), w.numberFor(t, "03")), relative(4)), relative(2)))
	later, expiring := pending("01", 0), pending("03", 0)
	unasked, asked, askedAgain := pending("01", 1), pending("01", 0), pending("01", 1)
	short := pending("01", 0)

	text := []byte("HELLO")
	c.replace(replacement{id: kept, text: text})
	c.replace(replacement{id: keptValidity, text: text})
	c.replace(replacement{id: later, schedule: relative(4), text: text})
	c.replace(replacement{id: expiring, schedule: relative(1), validity: relative(2), text: text})
	c.replace(replacement{id: unasked, text: text})
	c.replace(replacement{id: asked, registered: 1, text: text})
	c.replace(replacement{id: askedAgain, registered: 0, text: text})
	c.replace(replacement{id: askedAgain, registered: 1, text: text})
	c.replace(replacement{id: short, canned: 1})

	for id, want := range map[string]time.Duration{kept: 2 * time.Second, later: 4 * time.Second} {
		p := w.awaitPush(t, withID(id))
		if took := p.At.Sub(began); took < want-200*time.Millisecond || took > want+1500*time.Millisecond || p.Message.Text != "HELLO" {
			t.Errorf("%q was pushed after %v, want HELLO after %v", p.Message.Text, took, want)
		}
	}
	if got := w.awaitPush(t, withID(short)).Message.Text; got != cannedText {
		t.Errorf("with sm_default_msg_id 1: delivered %q, want %q", got, cannedText)
	}
	for _, id := range []string{asked, askedAgain} {
		if r := c.expectReceipt(id); r.Stat != "DELIVRD" {
			t.Errorf("the receipt says %s", r.Stat)
		}
	}
	c.awaitState(expiring, "1000", stateExpired)
	c.awaitState(keptValidity, "1000", stateExpired)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("expired after %v, want 4 s", took)
	}
	c.awaitState(unasked, "1000", stateDelivered)
	c.expectNoDeliver(500 * time.Millisecond)
}

func replaceRefused(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	foreign := w.bind(t, w.account(t), transceiver, smpp.V34).submit(s0To(2, w.numberFor(t, "03")))
	delivered := c.submit(s0To(c.next(), w.numberFor(t, "01")))
	c.awaitState(delivered, "1000", stateDelivered)
	pending := c.submit(s0To(c.next(), w.numberFor(t, "03")))
	w.awaitTried(t, pending)
	before := len(w.pushes(by(a)))

	c.refused(r0(c.next(), delivered, "1000"), smpp.RREPLACEFAIL)
	c.refused(r0(c.next(), "99999999", "1000"), smpp.RINVMSGID, smpp.RREPLACEFAIL)
	c.refused(r0(c.next(), "MSGID", "1000"), smpp.RINVMSGID, smpp.RREPLACEFAIL)
	c.refused(r0(c.next(), foreign, "1000"), smpp.RINVMSGID, smpp.RREPLACEFAIL)
	c.refused(r0(c.next(), pending, "1001"), smpp.RREPLACEFAIL, smpp.RINVSRCADR)
	c.expectSilentAlive()
	if after := len(w.pushes(by(a))); after != before {
		t.Errorf("a refused replace_sm made a message: %d pushes became %d", before, after)
	}
	for _, p := range w.pushes(func(p push) bool { return p.Message.Text == "HELLO" && p.Message.ID == foreign }) {
		t.Errorf("another account's message was replaced: %+v", p.Message)
	}
}

func replaceInvalid(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c, v5 := w.bind(t, a, transceiver, smpp.V34), w.bind(t, a, transceiver, smpp.V50)
	dest := w.numberFor(t, "01")
	id := c.submit(scheduled(s0To(c.next(), dest), relative(3)))
	long := replacement{id: id, text: bytes.Repeat([]byte{'x'}, 255)}
	c.refused(long.pdu(c.next()), smpp.RINVMSGLEN)
	for _, bad := range []string{"tomorrow", "261301000000000+", "261131000000049+", "26113100000000"} {
		c.refused(replacement{id: id, schedule: bad, text: []byte("HELLO")}.pdu(c.next()), smpp.RINVSCHED)
		c.refused(replacement{id: id, validity: bad, text: []byte("HELLO")}.pdu(c.next()), smpp.RINVEXPIRY)
	}
	if p := w.awaitPush(t, withID(id)); p.Message.Text != "hello" {
		t.Errorf("a refused replace_sm changed the text to %q", p.Message.Text)
	}

	id = c.submit(scheduled(s0To(c.next(), dest), relative(2)))
	payload := withTLV(replacement{id: id}.pdu(c.next()), 0x0424, []byte("PAYLOAD")...)
	c.SendRaw(payload)
	c.expectAnswer(sequenceOf(payload), resp(smpp.CmdReplaceSM, smpp.ROPTPARNOTALLWD), resp(smpp.CmdReplaceSM, smpp.ROK))
	if got := w.awaitPush(t, withID(id)).Message.Text; got == "PAYLOAD" {
		t.Error("3.4: message_payload replaced the text")
	}

	id = v5.submit(scheduled(s0To(v5.next(), dest), relative(2)))
	payload = withTLV(replacement{id: id}.pdu(v5.next()), 0x0424, []byte("PAYLOAD")...)
	v5.SendRaw(payload)
	v5.expectHdr16(sequenceOf(payload), smpp.CmdReplaceSM, smpp.ROK)
	if got := w.awaitPush(t, withID(id)).Message.Text; got != "PAYLOAD" {
		t.Errorf("5.0: delivered %q, want PAYLOAD", got)
	}
}
