package smpptest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hnetsmpp/pkg/smpp"
)

// ExpectResp waits for the response to seq, generic_nack included, and requires its
// status. What comes before it is kept for later reads.
func (c *Client) ExpectResp(seq uint32, status smpp.Status) smpp.PDU {
	c.t.Helper()
	h, p := c.await(fmt.Sprintf("the response to %d", seq), func(h smpp.Header) bool {
		return h.Command.IsResponse() && h.Sequence == seq
	})
	if h.Status != status {
		c.t.Fatalf("smpptest: %s to %d has status %v, want %v", h.Command, seq, h.Status, status)
	}
	return p
}

// Expect waits for a PDU of that command. What comes before it is kept for later reads.
func (c *Client) Expect(command smpp.CommandID) (smpp.Header, smpp.PDU) {
	c.t.Helper()
	return c.await(command.String(), func(h smpp.Header) bool { return h.Command == command })
}

// ExpectDeliver waits for deliver_sm and answers it with ROK.
func (c *Client) ExpectDeliver() *smpp.DeliverSM {
	c.t.Helper()
	h, p := c.Expect(smpp.CmdDeliverSM)
	c.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
	return p.(*smpp.DeliverSM)
}

func (c *Client) await(what string, match func(smpp.Header) bool) (smpp.Header, smpp.PDU) {
	c.t.Helper()
	raw := c.Await(what, Timeout, func(raw []byte) bool { return match(smpp.ParseHeader(raw)) })
	h := smpp.ParseHeader(raw)
	p, err := smpp.Decode(h, raw[smpp.HeaderLen:])
	if err != nil {
		c.t.Fatalf("smpptest: %v\n% x", err, raw)
	}
	return h, p
}

// Await waits for a PDU whose octets match and returns them. What comes before it is kept for later reads.
func (c *Client) Await(what string, timeout time.Duration, match func(raw []byte) bool) []byte {
	c.t.Helper()
	deadline := time.Now().Add(timeout)
	for i := 0; ; i++ {
		if i == len(c.kept) {
			raw, err := c.receive(deadline)
			if err != nil {
				c.t.Fatalf("smpptest: waiting for %s: %v; came instead: %v", what, err, c.keptCommands())
			}
			c.kept = append(c.kept, raw)
		}
		if raw := c.kept[i]; match(raw) {
			c.kept = append(c.kept[:i:i], c.kept[i+1:]...)
			return raw
		}
	}
}

func (c *Client) keptCommands() []string {
	var list []string
	for _, raw := range c.kept {
		h := smpp.ParseHeader(raw)
		list = append(list, fmt.Sprintf("%s %d", h.Command, h.Sequence))
	}
	return list
}

// ExpectSilence requires that nothing comes for d.
func (c *Client) ExpectSilence(d time.Duration) {
	c.t.Helper()
	if len(c.kept) > 0 {
		c.t.Fatalf("smpptest: wanted silence, but there came %v", c.keptCommands())
	}
	raw, err := c.receive(time.Now().Add(d))
	switch {
	case err == nil:
		c.t.Fatalf("smpptest: wanted silence, got %s\n% x", smpp.ParseHeader(raw).Command, raw)
	case !errors.Is(err, os.ErrDeadlineExceeded) || len(raw) > 0:
		c.t.Fatalf("smpptest: wanted silence, got %v after % x", err, raw)
	}
}

// ExpectClosed requires that the message centre closes the connection with a FIN within
// timeout, and sends nothing before it. An RST, which takes unread PDUs with it, fails.
func (c *Client) ExpectClosed(timeout time.Duration) {
	c.t.Helper()
	if len(c.kept) > 0 {
		c.t.Fatalf("smpptest: wanted a close, but there came %v", c.keptCommands())
	}
	raw, err := c.receive(time.Now().Add(timeout))
	switch {
	case err == nil:
		c.t.Fatalf("smpptest: wanted a close, got %s\n% x", smpp.ParseHeader(raw).Command, raw)
	case err != io.EOF:
		c.t.Fatalf("smpptest: wanted a close, got %v", err)
	}
}

// ExpectAlive sends enquire_link and waits for its response.
func (c *Client) ExpectAlive() {
	c.t.Helper()
	c.ExpectResp(c.Send(&smpp.EnquireLink{}), smpp.ROK)
}

// Bind binds by request, which is one of the bind requests, and requires that it is granted.
func (c *Client) Bind(request smpp.CommandID, systemID, password string, version byte) *smpp.BindResp {
	c.t.Helper()
	seq := c.Send(&smpp.Bind{Type: request, SystemID: systemID, Password: password, InterfaceVersion: version})
	resp, ok := c.ExpectResp(seq, smpp.ROK).(*smpp.BindResp)
	if !ok || resp.Type != request.Response() {
		c.t.Fatalf("smpptest: %s is not answered by its response", request)
	}
	return resp
}

// Submit submits a text between two international numbers in the default alphabet,
// requires that it is accepted, and returns its message_id.
func (c *Client) Submit(source, dest, text string) string {
	c.t.Helper()
	return c.SubmitSM(NewSubmit(source, dest, text))
}

// SubmitSM submits p, requires that it is accepted, and returns its message_id.
func (c *Client) SubmitSM(p *smpp.SubmitSM) string {
	c.t.Helper()
	resp, ok := c.ExpectResp(c.Send(p), smpp.ROK).(*smpp.SubmitSMResp)
	if !ok {
		c.t.Fatal("smpptest: submit_sm is not answered by its response")
	}
	return resp.MessageID
}

// NewSubmit returns the submit_sm that Submit sends, for a test to change.
func NewSubmit(source, dest, text string) *smpp.SubmitSM {
	international := func(addr string) smpp.Address {
		return smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: addr}
	}
	return &smpp.SubmitSM{Source: international(source), Dest: international(dest), ShortMessage: []byte(text)}
}

// Unbind unbinds and waits for the response; the connection stays for the message centre
// to close.
func (c *Client) Unbind() {
	c.t.Helper()
	c.ExpectResp(c.Send(&smpp.Unbind{}), smpp.ROK)
}

// Close closes the connection without unbind.
func (c *Client) Close() { c.conn.Close() }

// CloseWrite sends a FIN; reading goes on.
func (c *Client) CloseWrite() {
	c.t.Helper()
	half, ok := c.conn.(interface{ CloseWrite() error })
	if !ok {
		c.t.Fatalf("smpptest: %T cannot close one half", c.conn)
	}
	if err := half.CloseWrite(); err != nil {
		c.t.Fatalf("smpptest: %v", err)
	}
}

// Reset closes the connection with an RST.
func (c *Client) Reset() {
	c.t.Helper()
	tcp, ok := c.conn.(interface{ SetLinger(seconds int) error })
	if !ok {
		c.t.Fatalf("smpptest: %T cannot be reset", c.conn)
	}
	if err := tcp.SetLinger(0); err != nil {
		c.t.Fatalf("smpptest: %v", err)
	}
	c.conn.Close()
}
