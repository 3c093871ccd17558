package conformance

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// Short names for what w.bind is asked for.
const (
	transmitter = smpp.CmdBindTransmitter
	receiver    = smpp.CmdBindReceiver
	transceiver = smpp.CmdBindTransceiver
)

// A conn is one recorded connection to the server: all that smpptest.Client does, and the list's expectations.
// The methods end the row that fails, so they are for the goroutine that runs it.
type conn struct {
	*smpptest.Client
	t       *testing.T
	wire    *wire
	lastSeq uint32
}

// dial connects. enquire_link of the server is answered from the start, also while the row does something else, and is
// never seen by the row; see AutoEnquire.
func (w *world) dial(t *testing.T) *conn {
	t.Helper()
	return w.adopt(t, dialTCP(t, w.next().SMPP), false)
}

// dialUnread connects; what the server sends stays in the socket until the row reads, and enquire_link is not
// answered. The invariant about answers in time does not count for such a connection.
func (w *world) dialUnread(t *testing.T) *conn {
	t.Helper()
	c := w.adopt(t, dialTCP(t, w.next().SMPP), true)
	c.exempt("it reads late")
	return c
}

// dialTLS connects to the TLS port. What goes over it is recorded as plain text.
func (w *world) dialTLS(t *testing.T, config *tls.Config) *conn {
	t.Helper()
	secured := tls.Client(dialTCP(t, w.smppserv.SMPPTLS), config)
	secured.SetDeadline(time.Now().Add(smpptest.Timeout))
	if err := secured.Handshake(); err != nil {
		t.Fatalf("TLS: %v", err)
	}
	secured.SetDeadline(time.Time{})
	return w.adopt(t, secured, false)
}

// accept records a connection that the server opened to the row, for outbind.
func (w *world) accept(t *testing.T, from net.Conn) *conn {
	t.Helper()
	return w.adopt(t, from, false)
}

func dialTCP(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, smpptest.Timeout)
	if err != nil {
		t.Fatalf("connecting to smppserv: %v", err)
	}
	return c
}

func (w *world) adopt(t *testing.T, network net.Conn, unread bool) *conn {
	t.Helper()
	rec := &recording{row: t.Name(), world: w.config, late: unread}
	w.s.record(rec)
	recorded := newWire(network, rec, unread)
	recorded.answers.Store(true)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s ↔ %s:\n%s", network.LocalAddr(), network.RemoteAddr(), rec.transcript())
		}
	})
	return &conn{Client: smpptest.New(t, recorded), t: t, wire: recorded, lastSeq: 0x10000}
}

// bind connects and binds as an account: transmitter, receiver or transceiver, with smpp.V33, V34 or V50.
func (w *world) bind(t *testing.T, a account, request smpp.CommandID, version byte) *conn {
	t.Helper()
	c := w.dial(t)
	c.bind(a, request, version)
	return c
}

// bindAtLines binds at the worker that agents write to: it prefers its own sessions.
func (w *world) bindAtLines(t *testing.T, a account, request smpp.CommandID, version byte) *conn {
	t.Helper()
	c := w.adopt(t, dialTCP(t, w.smppserv.SMPP), false)
	c.bind(a, request, version)
	return c
}

// bind binds over a connection that is open.
func (c *conn) bind(a account, request smpp.CommandID, version byte) {
	c.t.Helper()
	c.Bind(request, a.SystemID, a.Password, version)
}

// AutoEnquire turns the answers to the server's enquire_link on (as at first) or off; while they are off the row sees
// them. Turn them off before you send a PDU in pieces, or the answer would get into it.
func (c *conn) AutoEnquire(on bool) { c.wire.answers.Store(on) }

// exempt keeps this connection out of the invariants about answers, because it breaks the framing on purpose, reads
// late, or the like.
func (c *conn) exempt(why string) {
	c.wire.rec.mu.Lock()
	defer c.wire.rec.mu.Unlock()
	c.wire.rec.exempted = why
}

// next returns a sequence_number for a PDU made by hand. They are not those of Send, nor the small ones of the vectors.
func (c *conn) next() uint32 {
	c.lastSeq++
	return c.lastSeq
}

// submit sends a submit_sm as it is, requires ROK, and returns its message_id.
func (c *conn) submit(pdu []byte) string {
	c.t.Helper()
	c.SendRaw(pdu)
	raw := c.expectResp(sequenceOf(pdu), smpp.CmdSubmitSM, smpp.ROK)
	return c.messageID(raw)
}

// messageID reads the message_id that starts a response's body.
func (c *conn) messageID(raw []byte) string {
	c.t.Helper()
	for i := smpp.HeaderLen; i < len(raw); i++ {
		if raw[i] == 0 && i > smpp.HeaderLen {
			return string(raw[smpp.HeaderLen:i])
		}
	}
	c.t.Fatalf("no message_id in % x", raw)
	return ""
}

// queryState asks for the message_state (3.4, 5.2.28) of a message from source.
func (c *conn) queryState(id, source string) byte {
	c.t.Helper()
	seq := c.next()
	c.SendRaw(q0(seq, id, source))
	raw := c.expectResp(seq, smpp.CmdQuerySM, smpp.ROK)
	return raw[len(raw)-2]
}

// awaitState asks until a message has a state.
func (c *conn) awaitState(id, source string, state byte) {
	c.t.Helper()
	testkit.Await(c.t, fmt.Sprintf("message %s is in state %d", id, state), func() bool { return c.queryState(id, source) == state })
}

func commandOf(raw []byte) smpp.CommandID { return smpp.CommandID(binary.BigEndian.Uint32(raw[4:])) }
func statusOf(raw []byte) smpp.Status     { return smpp.Status(binary.BigEndian.Uint32(raw[8:])) }
func sequenceOf(raw []byte) uint32        { return binary.BigEndian.Uint32(raw[12:]) }
