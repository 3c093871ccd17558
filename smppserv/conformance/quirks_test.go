package conformance

import (
	"fmt"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

// longPassword is longer than the 8 characters for which SMPP 3.4 has room.
const longPassword = "twenty-characters-ok"

// TestQuirks drives the server as clients in the field do that keep to the letter of SMPP less than they should.
func TestQuirks(t *testing.T) {
	s := &suite{t: t, outcomes: map[string]string{}}
	w := s.newWorld(t, settings{"clients": worldClients(vocalcomMode,
		map[string]any{"system_id": "longp", "password": longPassword, "bind_policy": "pair"},
		map[string]any{"system_id": "short", "password": longPassword[:8], "bind_policy": "pair"})})
	defer w.stop(t)
	t.Run("clients", func(t *testing.T) { // which ends when all of them have
		for _, quirk := range []struct {
			name string
			run  func(*testing.T, *world)
		}{
			{"php-smpp answers enquire_link with 17 octets", longEnquireLinkResp},
			{"a stray NUL after short_message is forgiven, at the end and before optional parameters", strayNUL},
			{"deliver_sm_resp comes with and without a message_id", deliverRespBodies},
			{"clients use a sequence_number again", repeatedSequence},
			{"interface_version 0x22, 34 in decimal, counts as 3.3", decimalVersion},
			{"a password longer than 8 characters binds, and not when it is cut", longPasswords},
		} {
			t.Run(quirk.name, func(t *testing.T) {
				t.Parallel()
				quirk.run(t, w)
			})
		}
	})
	t.Run("the server keeps to the rules meanwhile", func(t *testing.T) {
		overAll(statusFaults)(t, s)
		overAll(answerFaults)(t, s)
		overAll(requestFaults)(t, s)
		overTogether(receiptFaults)(t, s)
	})
}

func longEnquireLinkResp(t *testing.T, w *world) {
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.AutoEnquire(false)
	for range 2 { // after the first the session would be gone if it did not count
		raw := c.Await("enquire_link", enquireTimer+2*time.Second, func(raw []byte) bool { return commandOf(raw) == smpp.CmdEnquireLink })
		c.SendRaw(vector(0x80000015, sequenceOf(raw), []byte{0}))
	}
	c.submit(s0(2))
	c.expectSilentAlive()
}

func strayNUL(t *testing.T, w *world) {
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	dest := w.numberFor(t, "01")
	atEnd := c.submit(join(s0To(c.next(), dest), []byte{0}))
	beforeTLVs := c.submit(patch(withTLV(join(s0To(c.next(), dest), []byte{0}), 0x0204, 0xBE, 0xEF), atRegistered, 1))
	for _, id := range []string{atEnd, beforeTLVs} {
		if got := w.awaitPush(t, withID(id)).Message.Text; got != "hello" {
			t.Errorf("Hermès got %q", got)
		}
	}
	r := c.expectReceipt(beforeTLVs)
	if ref, _ := r.TLVs.Get(smpp.TagUserMessageReference); len(ref) != 2 || ref[0] != 0xBE || ref[1] != 0xEF {
		t.Errorf("after the NUL user_message_reference was read as % x", ref)
	}
	together := together(join(s0To(c.next(), dest), []byte{0}), e0(0x51))
	c.SendRaw(together)
	c.expectResp(sequenceOf(together), smpp.CmdSubmitSM, smpp.ROK)
	c.expectHdr16(0x51, smpp.CmdEnquireLink, smpp.ROK)
	c.expectSilentAlive()
}

func deliverRespBodies(t *testing.T, w *world) {
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	for name, body := range map[string][]byte{
		"16 octets":      nil,
		"17 octets":      {0},
		"an id":          cstring("0123456789abcdef"),
		"the longest id": cstring(fmt.Sprintf("%064d", 7)),
	} {
		w.mo(t, a, "1000", w.number(t), name)
		_, raw := c.awaitDeliver(name, func(p *smpp.DeliverSM) bool { return string(p.ShortMessage) == name })
		c.SendRaw(vector(0x80000005, sequenceOf(raw), body))
	}
	c.expectNoDeliver(response + 2*time.Second) // one that did not count would come again
	c.expectAlive()
}

func repeatedSequence(t *testing.T, w *world) {
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	dest := w.numberFor(t, "01")
	ids := map[string]bool{}
	for range 3 { // one after the other
		ids[c.submit(s0To(1, dest))] = true
	}
	c.SendRaw(together(s0To(1, dest), s0To(1, dest), e0(1))) // and at once
	for range 2 {
		raw := c.Await("submit_sm_resp", soon, func(raw []byte) bool { return commandOf(raw) == smpp.CmdSubmitSMResp && sequenceOf(raw) == 1 })
		ids[c.messageID(raw)] = true
	}
	c.expectHdr16(1, smpp.CmdEnquireLink, smpp.ROK)
	if len(ids) != 5 {
		t.Errorf("five submits have the ids %v", ids)
	}
	for id := range ids {
		w.awaitPush(t, withID(id))
	}
	c.expectSilentAlive()
}

func decimalVersion(t *testing.T, w *world) {
	a := w.account(t)
	c := w.dial(t)
	bind := bTRX(a)
	c.SendRaw(patch(bind, len(bind)-4, 0x22))
	raw := c.expectResp(1, smpp.CmdBindTransceiver, smpp.ROK)
	if r := (fieldReader{rest: raw[smpp.HeaderLen:]}); len(r.bounded("system_id", 16)) == 0 || len(r.rest) > 0 {
		t.Errorf("bind_transceiver_resp is % x, want a system_id alone", raw)
	}
	id := c.submit(patch(s0To(c.next(), w.numberFor(t, "01")), atRegistered, 1))
	if len(id) > 8 {
		t.Errorf("the message_id %q has more than 8 characters", id)
	}
	if r := c.expectReceipt(id); len(r.TLVs) > 0 {
		t.Errorf("the receipt has the optional parameters %v", r.TLVs)
	}
	w.mo(t, a, "1000", w.number(t), "without parameters")
	if p := c.expectMO("without parameters"); len(p.TLVs) > 0 {
		t.Errorf("deliver_sm has the optional parameters %v", p.TLVs)
	}
	c.expectAlive()
}

func longPasswords(t *testing.T, w *world) {
	for _, request := range []func(account) []byte{bTX, bRX, bTRX} {
		right := request(account{SystemID: "longp", Password: longPassword})
		c := w.dial(t)
		c.SendRaw(right)
		c.expectResp(1, commandOf(right), smpp.ROK)
		c.expectAlive()
		c.SendRaw(u0(9))
		c.expectHdr16(9, smpp.CmdUnbind, smpp.ROK)
		c.Close()

		for _, wrong := range []account{
			{SystemID: "longp", Password: longPassword[:8]},
			{SystemID: "longp", Password: longPassword + "x"},
			{SystemID: "longp", Password: longPassword[:19] + "x"},
			{SystemID: "short", Password: longPassword},
		} {
			c := w.dial(t)
			c.SendRaw(request(wrong))
			raw := c.expectResp(1, commandOf(right), smpp.RINVPASWD)
			if rest := raw[smpp.HeaderLen:]; len(rest) > 1 {
				t.Errorf("the refusal has a body: % x", raw)
			}
			c.Close()
		}
	}
}
