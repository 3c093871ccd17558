package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

// awaitMOAndReceipt waits for the message with a text and for the receipt of id, in any order, and answers neither.
func (c *conn) awaitMOAndReceipt(text, id string) (mo, receipt []byte) {
	c.t.Helper()
	_, mo = c.awaitDeliver("the message "+text, func(p *smpp.DeliverSM) bool { return string(p.ShortMessage) == text })
	receipt = c.Await("the receipt for "+id, patience, func(raw []byte) bool {
		r := receiptOf(raw)
		return r != nil && r.ID == id
	})
	return mo, receipt
}

// expectNothingAgain requires that no deliver_sm comes again on these sessions: neither when a retry would be due nor when
// the response timer is over. It sees that by a later message to each, which comes again because of what the function again
// does with it.
func (w *world) expectNothingAgain(t *testing.T, to map[*conn]account, again func(c *conn, raw []byte)) {
	t.Helper()
	const text = "comes again"
	take := func(c *conn) []byte {
		_, raw := c.awaitDeliver("the message that "+text, func(p *smpp.DeliverSM) bool { return string(p.ShortMessage) == text })
		return raw
	}
	for c, a := range to {
		w.mo(t, a, "1000", w.number(t), text)
		again(c, take(c))
	}
	for c := range to {
		c.ack(take(c))
		c.expectAlive()
		c.expectNoDeliver(0)
	}
}

// refusedFull has a message and a receipt refused with RMSGQFUL, which is about the session: they come again, one at a time at
// first, and so does what came meanwhile.
func (w *world) refusedFull(t *testing.T) (*conn, account) {
	t.Helper()
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	w.mo(t, a, "1000", w.number(t), "refused")
	id := c.submit(patch(s0To(c.next(), w.numberTo(t, "01")), 44, 1))
	mo, receipt := c.awaitMOAndReceipt("refused", id)
	c.refuse(mo, smpp.RMSGQFUL)
	c.refuse(receipt, smpp.RMSGQFUL)
	w.mo(t, a, "1000", w.number(t), "another")
	var again [][]byte
	for range 3 {
		_, raw := c.awaitDeliver("what was refused, and another message", func(*smpp.DeliverSM) bool { return true })
		again = append(again, raw[16:])
		c.ack(raw)
	}
	for _, raw := range [][]byte{mo, receipt} {
		if !slices.ContainsFunc(again, func(a []byte) bool { return bytes.Equal(a, raw[16:]) }) {
			t.Errorf("after RMSGQFUL % x did not come again", raw)
		}
	}
	return c, a
}

func refusedDeliveries(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	cases := []struct {
		status      smpp.Status
		nack        bool
		again       bool
		account     account
		c           *conn
		id          string
		mo, receipt []byte
	}{
		{status: smpp.RXTAPPN, again: true},
		{status: smpp.RXPAPPN},
		{status: smpp.RXRAPPN},
		{status: smpp.RSYSERR, again: true},
		{status: smpp.RINVCMDID, nack: true, again: true},
	}
	for i := range cases {
		test := &cases[i]
		a := w.account(t)
		test.account, test.c = a, w.bind(t, a, transceiver, smpp.V34)
		w.mo(t, a, "1000", w.number(t), "refused")
		test.id = test.c.submit(patch(s0To(test.c.next(), w.numberTo(t, "01")), 44, 1))
		test.mo, test.receipt = test.c.awaitMOAndReceipt("refused", test.id)
		for _, raw := range [][]byte{test.mo, test.receipt} {
			if test.nack {
				test.c.SendRaw(patch(vector(0x80000000, sequenceOf(raw)), 11, byte(test.status)))
			} else {
				test.c.refuse(raw, test.status)
			}
		}
		w.mo(t, a, "1000", w.number(t), "another")
		test.c.expectMO("another")
	}
	for i := range cases {
		test := &cases[i]
		if !test.again {
			continue
		}
		mo, receipt := test.c.awaitMOAndReceipt("refused", test.id)
		test.c.ack(mo)
		test.c.ack(receipt)
		if !bytes.Equal(mo[16:], test.mo[16:]) || !bytes.Equal(receipt[16:], test.receipt[16:]) {
			t.Errorf("%v: they came again as % x and % x", test.status, mo, receipt)
		}
	}
	all := map[*conn]account{}
	for _, test := range cases {
		all[test.c] = test.account
	}
	full, a := w.refusedFull(t)
	all[full] = a
	w.expectNothingAgain(t, all, func(c *conn, raw []byte) { c.refuse(raw, smpp.RXTAPPN) })

	// A nack frees its place in the window.
	a = w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	const window = 5
	for i := range window + 1 {
		w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
	}
	var sent [][]byte
	for range window {
		_, raw := c.awaitDeliver("a message of the window", func(*smpp.DeliverSM) bool { return true })
		sent = append(sent, raw)
	}
	c.SendRaw(patch(vector(0x80000000, sequenceOf(sent[0])), 11, byte(smpp.RINVCMDID)))
	raw := c.ReadRaw(900 * time.Millisecond) // before the one refused comes again
	if p := deliverOf(raw); p == nil || string(p.ShortMessage) != fmt.Sprint("message ", window) {
		t.Errorf("after a nack came % x, want the next message", raw)
	}
	for _, sent := range append(sent[1:], raw) {
		c.ack(sent)
	}
	c.expectMO(string(deliverOf(sent[0]).ShortMessage))
}

func unansweredDeliveries(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	last := map[*conn]account{}
	for _, mute := range []bool{false, true} {
		a := w.account(t)
		c := w.bind(t, a, transceiver, smpp.V34)
		w.mo(t, a, "1000", w.number(t), "kept")
		id := c.submit(patch(s0To(c.next(), w.numberTo(t, "01")), 44, 1))
		mo, receipt := c.awaitMOAndReceipt("kept", id)
		expectAgain := func() {
			t.Helper()
			mo2, receipt2 := c.awaitMOAndReceipt("kept", id)
			if !bytes.Equal(mo[16:], mo2[16:]) || !bytes.Equal(receipt[16:], receipt2[16:]) {
				t.Errorf("% x and % x came again as % x and % x", mo, receipt, mo2, receipt2)
			}
			mo, receipt = mo2, receipt2
		}
		if mute {
			expectAgain() // when the response timer is over
		}
		c.Close()
		c = w.bind(t, a, transceiver, smpp.V34)
		expectAgain()
		c.ack(mo)
		c.ack(receipt)
		c.SendRaw(u0(9))
		c.expectHdr16(9, smpp.CmdUnbind, smpp.ROK)
		last[w.bind(t, a, transceiver, smpp.V34)] = a
	}
	w.expectNothingAgain(t, last, func(*conn, []byte) {}) // it is not answered
}

func otherRequests(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, registered := range []byte{0x01, 0x11} {
		id := c.submit(patch(s0To(c.next(), w.numberTo(t, "06")), 44, registered))
		c.expectReceipt(id)
		intermediate := 0
		for _, raw := range c.collect(500 * time.Millisecond) {
			if p := deliverOf(raw); p == nil || p.ESMClass&0x3C != 0x20 {
				t.Fatalf("registered_delivery %#x: beside the receipt there is % x", registered, raw)
			}
			c.ack(raw)
			intermediate++
		}
		if intermediate > int(registered>>4) {
			t.Errorf("registered_delivery %#x: there were %d intermediate notifications", registered, intermediate)
		}
	}

	w = s.opportunity(t)
	c, owner := w.bind(t, w.account(t), transceiver, smpp.V34), w.owner(t)
	o := w.bind(t, owner, receiver, smpp.V34)
	for _, registered := range []byte{0x05, 0x0D} {
		p := smpptest.NewSubmit("1000", owner.Number, fmt.Sprintf("asks %#x", registered))
		p.RegisteredDelivery = registered
		id := c.SubmitSM(p)
		if got := o.expectMO(string(p.ShortMessage)).RegisteredDelivery; got != registered&0x0C {
			t.Errorf("registered_delivery %#x arrives as %#x, want %#x", registered, got, registered&0x0C)
		}
		c.expectReceipt(id)
	}
}

func noReceipts(t *testing.T, s *suite) {
	w := s.opportunity(t)
	sender, owner := w.owner(t), w.owner(t)
	c := w.bind(t, sender, transceiver, smpp.V34)
	o := w.bind(t, owner, transceiver, smpp.V34)
	c.SubmitSM(smpptest.NewSubmit(sender.Number, owner.Number, "please acknowledge"))
	o.expectMO("please acknowledge")
	p := smpptest.NewSubmit(owner.Number, sender.Number, "acknowledged")
	p.ESMClass, p.RegisteredDelivery = 0x08, 1
	id := o.SubmitSM(p)
	if got := c.expectMO("acknowledged").ESMClass; got != 0x08 {
		t.Errorf("esm_class 0x08 arrives as %#x", got)
	}
	o.awaitState(id, owner.Number, 2)
	o.expectNoDeliver(time.Second)

	datagram := smpptest.NewSubmit(sender.Number, owner.Number, "datagram")
	datagram.ESMClass, datagram.RegisteredDelivery = 0x01, 1
	id = c.SubmitSM(datagram)
	o.expectMO("datagram")
	c.awaitState(id, sender.Number, 2)
	c.expectNoDeliver(time.Second)

	w = s.vocalcom(t)
	c = w.bind(t, w.account(t), transceiver, smpp.V34)
	id = c.submit(patch(patch(s0To(c.next(), w.numberTo(t, "02")), 44, 1), 39, 1))
	c.awaitState(id, "1000", 5)
	c.expectNoDeliver(time.Second)
}
