package conformance

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

var modRows = []row{
	{"MOD-01", "must", "a client's message to another client's number is delivered as it was written; its answer is the outcome", fromClientToClient},
	{"MOD-02", "must", "a long message comes as message_payload or in parts; to a 3.3 client in parts of at most 160 octets", longToClient},
	{"MOD-03", "must", "a user data header is delivered as it was written", headerToClient},
}

func fromClientToClient(t *testing.T, s *suite) {
	w := s.opportunity(t)
	c, owner := w.bind(t, w.account(t), transceiver, smpp.V34), w.owner(t)
	o := w.bind(t, owner, receiver, smpp.V34)
	for _, coding := range []byte{0, 3, 4, 8} {
		p := smpptest.NewSubmit("1000", owner.Number, "hello!")
		p.Source.TON, p.Source.NPI = 2, 8
		p.Dest.TON, p.Dest.NPI = 3, 9
		p.DataCoding = coding
		id := c.SubmitSM(p)
		state := func() byte {
			seq := c.next()
			c.SendRaw(patch(q0(seq, id, "1000"), 16+len(id)+1, p.Source.TON, p.Source.NPI))
			answer := c.expectResp(seq, smpp.CmdQuerySM, smpp.ROK)
			return answer[len(answer)-2]
		}
		got, raw := o.awaitDeliver("the message", func(*smpp.DeliverSM) bool { return true })
		if state := state(); state != 1 {
			t.Errorf("data_coding %d: in state %d before it is acknowledged, want 1", coding, state)
		}
		o.ack(raw)
		if got.Source != p.Source || got.Dest != p.Dest {
			t.Errorf("data_coding %d: from %+v to %+v, want %+v and %+v", coding, got.Source, got.Dest, p.Source, p.Dest)
		}
		if string(got.ShortMessage) != "hello!" || got.DataCoding != coding || got.ESMClass&0x7C != 0 {
			t.Errorf("data_coding %d: %q with data_coding %d and esm_class %#x", coding, got.ShortMessage, got.DataCoding, got.ESMClass)
		}
		expectUnusedNull(t, got)
		testkit.Await(t, fmt.Sprintf("data_coding %d: it is DELIVERED", coding), func() bool { return state() == stateDelivered })
	}
	o.ExpectSilence(500 * time.Millisecond)
}

// gather reads the parts of a message until it is whole, and returns its text and how many there were.
func (c *conn) gather(length int) (text string, pdus []*smpp.DeliverSM) {
	c.t.Helper()
	parts := map[byte]string{}
	for got := 0; got < length; {
		p, raw := c.awaitDeliver(fmt.Sprintf("%d octets more", length-got), func(*smpp.DeliverSM) bool { return true })
		c.ack(raw)
		pdus = append(pdus, p)
		part, seqnum := p.ShortMessage, byte(1)
		payload, isPayload := p.TLVs.Get(smpp.TagMessagePayload)
		n, isSAR := p.TLVs.Uint8(smpp.TagSarSegmentSeqnum)
		isUDH := p.ESMClass&0x40 != 0
		switch {
		case isPayload && len(part) > 0, isUDH && isSAR:
			c.t.Fatalf("two ways to be long at once: % x", raw)
		case isPayload:
			part = payload
		case isSAR:
			seqnum = n
		case isUDH:
			// 05 00 03 ref total seq
			if len(part) < 6 || !bytes.HasPrefix(part, []byte{5, 0, 3}) {
				c.t.Fatalf("no header of a part: % x", part)
			}
			seqnum, part = part[5], part[6:]
		}
		if parts[seqnum] != "" {
			c.t.Fatalf("part %d came twice", seqnum)
		}
		parts[seqnum] = string(part)
		got += len(part)
	}
	for seqnum := range byte(len(parts)) {
		text += parts[seqnum+1]
	}
	return text, pdus
}

func longToClient(t *testing.T, s *suite) {
	w := s.opportunity(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	long := strings.Repeat("abcdefghi ", 100)
	for _, owner := range []account{w.owner(t), w.fixture(t, "bysar"), w.fixture(t, "bypay")} {
		for _, version := range []byte{smpp.V34, smpp.V33} {
			name := fmt.Sprintf("%s on %#x", owner.SystemID, version)
			o := w.bind(t, owner, receiver, version)
			p := smpptest.NewSubmit("1000", owner.Number, "")
			p.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(long)}}
			id := c.SubmitSM(p)
			text, pdus := o.gather(len(long))
			if text != long {
				t.Errorf("%s: %q arrives", name, text)
			}
			for _, p := range pdus {
				if version == smpp.V33 && (len(p.ShortMessage) > 160 || len(p.TLVs) > 0) {
					t.Errorf("%s: a part has %d octets and the TLVs %v", name, len(p.ShortMessage), p.TLVs)
				}
			}
			c.awaitState(id, "1000", 2)
			o.SendRaw(u0(9))
			o.expectHdr16(9, smpp.CmdUnbind, smpp.ROK)
			o.Close()
		}
	}
}

func headerToClient(t *testing.T, s *suite) {
	w := s.opportunity(t)
	c, owner := w.bind(t, w.account(t), transceiver, smpp.V34), w.owner(t)
	o := w.bind(t, owner, receiver, smpp.V34)
	for _, test := range []struct {
		coding byte
		udh    string
	}{
		{0, "05 00 03 2A 02 01"},
		{0, "05 00 03 2A 02 02"},
		{0, "06 08 04 01 2A 02 01"},
		{4, "06 05 04 0B84 23F0"},
		{8, "0B 05 04 0B84 23F0 00 03 2B 02 01"},
	} {
		p := smpptest.NewSubmit("1000", owner.Number, string(octets(test.udh))+"hello!")
		p.ESMClass, p.DataCoding = 0x40, test.coding
		c.SubmitSM(p)
		got, raw := o.awaitDeliver("the message with "+test.udh, func(*smpp.DeliverSM) bool { return true })
		o.ack(raw)
		if got.ESMClass&0x7C != 0x40 || got.DataCoding != test.coding || !bytes.Equal(got.ShortMessage, p.ShortMessage) {
			t.Errorf("%s: esm_class %#x, data_coding %d, % x; want % x", test.udh, got.ESMClass, got.DataCoding, got.ShortMessage, p.ShortMessage)
		}
	}
	o.ExpectSilence(500 * time.Millisecond)
}
