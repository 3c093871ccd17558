// Package smpptest is a scripted ESME: a test says PDU by PDU what it sends, and what it
// expects to come back. It has no background reader and no timers of its own; every wait
// is bounded, and what does not come in time fails the test.
//
// Its methods end the test that fails, so they are for the goroutine that runs the test.
package smpptest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

// Timeout is how long the Expect methods wait, and how long a write may take.
const Timeout = 5 * time.Second

// Client is one connection to a message centre.
type Client struct {
	// AutoEnquire has enquire_link answered as it is read; Read and the Expect methods
	// then do not see it.
	AutoEnquire bool

	t    testing.TB
	conn net.Conn
	seq  uint32
	// kept are PDUs that ExpectResp and Expect passed over; later reads return them first.
	kept [][]byte
	// partial are the octets of a PDU that had not come to its end in time.
	partial []byte
}

// Dial connects to addr over TCP. The connection is closed with the test.
func Dial(t testing.TB, addr string) *Client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, Timeout)
	if err != nil {
		t.Fatalf("smpptest: %v", err)
	}
	return New(t, conn)
}

// New speaks over conn, which may be TLS or one that was accepted, and closes it with the
// test.
func New(t testing.TB, conn net.Conn) *Client {
	t.Cleanup(func() { conn.Close() })
	return &Client{t: t, conn: conn}
}

// Conn returns the connection, for what only TCP can do.
func (c *Client) Conn() net.Conn { return c.conn }

// Send sends a PDU with the next sequence_number, starting at 1, and returns that.
func (c *Client) Send(p smpp.PDU) uint32 {
	c.t.Helper()
	c.seq++
	c.SendSeq(c.seq, p)
	return c.seq
}

// SendSeq sends a PDU with that sequence_number.
func (c *Client) SendSeq(seq uint32, p smpp.PDU) {
	c.t.Helper()
	c.SendRaw(smpp.AppendPDU(nil, smpp.ROK, seq, p))
}

// SendStatus sends a response with a command_status.
func (c *Client) SendStatus(seq uint32, status smpp.Status, p smpp.PDU) {
	c.t.Helper()
	c.SendRaw(smpp.AppendPDU(nil, status, seq, p))
}

// SendRaw sends octets as they are.
func (c *Client) SendRaw(b []byte) {
	c.t.Helper()
	if err := c.conn.SetWriteDeadline(time.Now().Add(Timeout)); err != nil {
		c.t.Fatalf("smpptest: send: %v", err)
	}
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatalf("smpptest: send: %v", err)
	}
}

// Read returns the next PDU: decoded, and all its octets.
func (c *Client) Read(timeout time.Duration) (smpp.Header, smpp.PDU, []byte) {
	c.t.Helper()
	raw := c.ReadRaw(timeout)
	h := smpp.ParseHeader(raw)
	p, err := smpp.Decode(h, raw[smpp.HeaderLen:])
	if err != nil {
		c.t.Fatalf("smpptest: read: %v\n% x", err, raw)
	}
	return h, p, raw
}

// ReadRaw returns the octets of the next PDU.
func (c *Client) ReadRaw(timeout time.Duration) []byte {
	c.t.Helper()
	if len(c.kept) > 0 {
		raw := c.kept[0]
		c.kept = c.kept[1:]
		return raw
	}
	raw, err := c.receive(time.Now().Add(timeout))
	if err != nil {
		c.t.Fatalf("smpptest: read: %v", err)
	}
	return raw
}

// TryRead is ReadRaw for a test to which a time-out or the end of the connection is an answer, too.
func (c *Client) TryRead(timeout time.Duration) ([]byte, error) {
	if len(c.kept) > 0 {
		raw := c.kept[0]
		c.kept = c.kept[1:]
		return raw, nil
	}
	return c.receive(time.Now().Add(timeout))
}

// receive takes the next PDU off the connection, until deadline.
func (c *Client) receive(deadline time.Time) ([]byte, error) {
	for {
		raw, err := c.receiveAny(deadline)
		if err != nil || !c.AutoEnquire || smpp.ParseHeader(raw).Command != smpp.CmdEnquireLink {
			return raw, err
		}
		c.SendSeq(smpp.ParseHeader(raw).Sequence, &smpp.EnquireLinkResp{})
	}
}

func (c *Client) receiveAny(deadline time.Time) ([]byte, error) {
	if err := c.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	// What came before a time-out is part of the PDU that the next call reads.
	stream := io.TeeReader(io.MultiReader(bytes.NewReader(c.partial), c.conn), &raw)
	_, _, err := smpp.ReadPDU(stream, smpp.MaxPDU)
	c.partial = nil
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.partial = raw.Bytes()
	}
	return raw.Bytes(), err
}
