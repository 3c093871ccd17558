package conformance

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

// soon is how long the list gives the server for a close, and for an answer.
const soon = 2 * time.Second

// inTime is soon for whatever a row floods the server with: PostgreSQL and two workers take more of the machine's time.
func inTime() time.Duration {
	if *machinesFlag {
		return 5 * time.Second
	}
	return soon
}

// An answer is one that the list allows.
type answer struct {
	command smpp.CommandID
	status  smpp.Status
}

// resp is the list's `resp X`: the response of a request, named by the request's command_id.
func resp(request smpp.CommandID, status smpp.Status) answer {
	return answer{request | smpp.CmdGenericNack, status}
}

// nack is the list's `nack X`.
func nack(status smpp.Status) answer { return answer{smpp.CmdGenericNack, status} }

func (a answer) String() string { return fmt.Sprintf("%v %v", a.command, a.status) }

// expectAnswer waits for the answer to seq and requires one of these. It returns its octets.
func (c *conn) expectAnswer(seq uint32, allowed ...answer) []byte {
	c.t.Helper()
	raw := c.Await(fmt.Sprintf("the answer to %#x, %v", seq, allowed), smpptest.Timeout, func(raw []byte) bool {
		return commandOf(raw).IsResponse() && sequenceOf(raw) == seq
	})
	got := answer{commandOf(raw), statusOf(raw)}
	if !slices.Contains(allowed, got) {
		c.t.Fatalf("%#x is answered by %v, want %v\n% x", seq, got, allowed, raw)
	}
	if got.command == smpp.CmdGenericNack && len(raw) != smpp.HeaderLen {
		c.t.Fatalf("generic_nack has a body: % x", raw)
	}
	return raw
}

// expectResp waits for the response to seq, of a request named by its command_id, and returns its octets.
func (c *conn) expectResp(seq uint32, request smpp.CommandID, status smpp.Status) []byte {
	c.t.Helper()
	return c.expectAnswer(seq, resp(request, status))
}

// expectHdr16 is expectResp for a response that is a header alone, as errors are.
func (c *conn) expectHdr16(seq uint32, request smpp.CommandID, status smpp.Status) {
	c.t.Helper()
	if raw := c.expectResp(seq, request, status); len(raw) != smpp.HeaderLen {
		c.t.Fatalf("%v has a body: % x", commandOf(raw), raw)
	}
}

// expectNack waits for a generic_nack to seq.
func (c *conn) expectNack(seq uint32, status smpp.Status) {
	c.t.Helper()
	c.expectAnswer(seq, nack(status))
}

// expectClose requires a FIN within a time, usually soon, and nothing before it.
func (c *conn) expectClose(within time.Duration) {
	c.t.Helper()
	c.ExpectClosed(within)
}

// drain reads until the server closes, which it must within a time, and returns what came before.
func (c *conn) drain(within time.Duration) (pdus [][]byte) {
	c.t.Helper()
	deadline := time.Now().Add(within)
	for {
		raw, err := c.TryRead(time.Until(deadline))
		if errors.Is(err, io.EOF) && len(raw) == 0 {
			return pdus
		}
		if err != nil {
			c.t.Fatalf("wanted a close within %v, got %v after % x", within, err, raw)
		}
		pdus = append(pdus, raw)
	}
}

// collect reads what comes within a time.
func (c *conn) collect(within time.Duration) (pdus [][]byte) {
	c.t.Helper()
	deadline := time.Now().Add(within)
	for {
		raw, err := c.TryRead(time.Until(deadline))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return pdus
		}
		if err != nil {
			c.t.Fatalf("reading: %v", err)
		}
		pdus = append(pdus, raw)
	}
}

// expectAlive is the list's `alive`: an enquire_link is answered within a second.
func (c *conn) expectAlive() {
	c.t.Helper()
	seq := c.next()
	sent := time.Now()
	c.SendRaw(e0(seq))
	c.expectHdr16(seq, smpp.CmdEnquireLink, smpp.ROK)
	if took := time.Since(sent); took > time.Second {
		c.t.Fatalf("enquire_link was answered after %v", took)
	}
}

// expectSilentAlive is the list's `silent`: nothing for 500 ms, then alive.
func (c *conn) expectSilentAlive() {
	c.t.Helper()
	c.ExpectSilence(500 * time.Millisecond)
	c.expectAlive()
}

// awaitDeliver waits for a deliver_sm that matches, at most within patience, and does not answer it: see ack.
func (c *conn) awaitDeliver(what string, match func(*smpp.DeliverSM) bool) (*smpp.DeliverSM, []byte) {
	c.t.Helper()
	var found *smpp.DeliverSM
	raw := c.Await(what, patience, func(raw []byte) bool {
		found = deliverOf(raw)
		return found != nil && match(found)
	})
	return found, raw
}

// deliverOf decodes a deliver_sm; nil for anything else.
func deliverOf(raw []byte) *smpp.DeliverSM {
	if commandOf(raw) != smpp.CmdDeliverSM {
		return nil
	}
	p, err := smpp.Decode(smpp.ParseHeader(raw), raw[smpp.HeaderLen:])
	if err != nil {
		return nil
	}
	return p.(*smpp.DeliverSM)
}

// ack answers a deliver_sm with ROK.
func (c *conn) ack(raw []byte) { c.t.Helper(); c.refuse(raw, smpp.ROK) }

// refuse answers a deliver_sm with a status.
func (c *conn) refuse(raw []byte, status smpp.Status) {
	c.t.Helper()
	c.SendStatus(sequenceOf(raw), status, &smpp.DeliverSMResp{})
}

// expectMO waits for the message with a text, answers it with ROK and returns it.
func (c *conn) expectMO(text string) *smpp.DeliverSM {
	c.t.Helper()
	p, raw := c.awaitDeliver(fmt.Sprintf("a deliver_sm of %q", text), func(p *smpp.DeliverSM) bool {
		return string(p.ShortMessage) == text
	})
	c.ack(raw)
	return p
}

// expectNoDeliver requires that no deliver_sm comes for a time, and none came before.
func (c *conn) expectNoDeliver(within time.Duration) {
	c.t.Helper()
	for _, raw := range c.collect(within) {
		if commandOf(raw) == smpp.CmdDeliverSM {
			c.t.Fatalf("an unwanted deliver_sm came: % x", raw)
		}
	}
}

// A deliveryReceipt is a deliver_sm and its text in the fields of Appendix B, as they are written.
type deliveryReceipt struct {
	*smpp.DeliverSM
	Raw                                                      []byte
	ID, Sub, Dlvrd, SubmitDate, DoneDate, Stat, Err, Excerpt string
}

// receiptText is what clients in the field parse (DLR-04).
var receiptText = regexp.MustCompile(`(?s)^id:(\S{1,64}) sub:(\d{3}) dlvrd:(\d{3}) submit date:(\d{10}) done date:(\d{10}) stat:([A-Z]{7}) err:(\d{3}) [Tt]ext:(.{0,20})$`)

// receiptOf reads a receipt; nil for anything else.
func receiptOf(raw []byte) *deliveryReceipt {
	p := deliverOf(raw)
	if p == nil || byte(p.ESMClass)&0x3C != 0x04 {
		return nil
	}
	r := &deliveryReceipt{DeliverSM: p, Raw: raw}
	if f := receiptText.FindStringSubmatch(string(p.ShortMessage)); f != nil {
		r.ID, r.Sub, r.Dlvrd, r.SubmitDate, r.DoneDate, r.Stat, r.Err, r.Excerpt = f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8]
	}
	return r
}

// expectReceipt waits for the receipt of a message, answers it with ROK and returns it.
func (c *conn) expectReceipt(id string) *deliveryReceipt {
	c.t.Helper()
	raw := c.Await("a receipt for "+id, patience, func(raw []byte) bool {
		r := receiptOf(raw)
		return r != nil && r.ID == id
	})
	c.ack(raw)
	return receiptOf(raw)
}
