package session

import (
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// patience is how long a test waits for what must come.
const patience = testkit.Patience

// fake is a Handler that grants every bind it is not told to refuse, and leaves requests to the test.
type fake struct {
	refuse   error // of every bind
	highest  byte  // version of every bind that is granted
	requests chan *Ticket
	bound    chan *Session
	unbound  chan error
}

func (f *fake) Bind(*Session, *smpp.Bind) (byte, error) { return f.highest, f.refuse }

func (f *fake) Bound(s *Session) { f.bound <- s }

func (f *fake) Request(s *Session, h smpp.Header, _ smpp.PDU) {
	t := &Ticket{}
	t.Open(s, h)
	f.requests <- t
}

func (f *fake) Unbound(_ *Session, reason error) { f.unbound <- reason }

// rig is one session over loopback TCP, and the client at its other end.
type rig struct {
	*smpptest.Client
	t     *testing.T
	h     *fake
	s     *Session
	ended chan error // what Serve returned
}

func newRig(t *testing.T, change func(*Options)) *rig {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := &rig{t: t, ended: make(chan error, 1)}
	r.h = &fake{requests: make(chan *Ticket, 10_000), bound: make(chan *Session, 1), unbound: make(chan error, 2)}
	r.Client = smpptest.Dial(t, l.Addr().String())
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{ID: 7, SystemID: "centre", Conn: conn, Handler: r.h, Log: zerolog.Nop(), Logout: 50 * time.Millisecond, Window: 10, MaxRequests: 100}
	if change != nil {
		change(&o)
	}
	r.s = New(o)
	go func() { r.ended <- r.s.Serve() }()
	t.Cleanup(func() {
		r.s.Close(nil)
		<-r.s.Done()
	})
	return r
}

// newBound is a rig that is bound already.
func newBound(t *testing.T, bind smpp.CommandID, change func(*Options)) *rig {
	t.Helper()
	r := newRig(t, change)
	r.Bind(bind, "client", "pw", smpp.V34)
	testkit.Receive(t, r.h.bound, "Bound")
	return r
}

// request is the next request that the handler got.
func (r *rig) request() *Ticket {
	r.t.Helper()
	return testkit.Receive(r.t, r.h.requests, "a request")
}

// send sends a deliver_sm and returns where its answer comes.
func (r *rig) send(text string) chan Answer {
	c := make(chan Answer, 2)
	r.s.Send(&smpp.DeliverSM{Source: smpp.Address{Addr: "1"}, Dest: smpp.Address{Addr: "2"}, ShortMessage: []byte(text)},
		func(a Answer) { c <- a })
	return c
}

// expectEnd waits for the client's end of the stream and for Serve.
func (r *rig) expectEnd() error {
	r.t.Helper()
	r.ExpectClosed(patience)
	r.Close()
	return testkit.Receive(r.t, r.ended, "the end of Serve")
}

func submit(text string) *smpp.SubmitSM { return smpptest.NewSubmit("491701", "12345", text) }

// flood has a client write and not read until the session does neither. What it returns is closed when the client cannot write.
func flood(t *testing.T, c *smpptest.Client, s *Session) (stuck chan struct{}) {
	t.Helper()
	for _, conn := range []net.Conn{c.Conn(), s.o.Conn} { // what the system keeps grows to megabytes, and slowly, else
		// The send buffers alone: a receive buffer that shrinks drops what was announced to fit, and each loss costs a time-out.
		if err := conn.(*net.TCPConn).SetWriteBuffer(64 << 10); err != nil {
			t.Fatal(err)
		}
	}
	var b []byte
	for range 1024 {
		b = smpp.AppendHeader(b, smpp.CmdEnquireLink, 0, 1)
	}
	if err := c.Conn().SetWriteDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	stuck = make(chan struct{})
	go func() {
		defer close(stuck)
		for {
			if _, err := c.Conn().Write(b); err != nil {
				return
			}
		}
	}()
	testkit.Await(t, "the session neither reads nor writes", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		since := time.Now().Add(-100 * time.Millisecond)
		return !s.writing.IsZero() && s.writing.Before(since) && s.opened.Add(time.Duration(s.lastIn.Load())).Before(since)
	})
	return stuck
}
