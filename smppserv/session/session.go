// Package session is one SMPP connection, seen from the message centre: its state, its timers, its windows.
//
//	             bind_*_resp ROK                    unbind read
//	OPEN ───────────────────────► BOUND_TX/RX/TRX ──────────────► CLOSING ──► closed
//	  │ bind refused, session_init   │ Unbind, inactivity            ▲
//	  └──────────► CLOSING           └──────► UNBINDING ─────────────┘ unbind_resp, response timer, the end of a stop
//
// One goroutine reads and handles PDUs in their order (Serve); while there is something to write, one writes. Whoever has
// something to send appends it to the output; the writer takes all there is and writes it in one go. While more requests are
// unanswered than the session may have, or the peer does not take its answers, the socket is not read.
package session

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/smpp"
)

// State is a session's state (SMPP 3.4, 2.2).
type State uint8

const (
	Open State = 1 << iota
	BoundTX
	BoundRX
	BoundTRX
	Unbinding // we sent unbind
	Closing   // the last answer is out; what still comes in is not looked at

	transmits = BoundTX | BoundTRX
	bound     = BoundTX | BoundRX | BoundTRX
	receives  = BoundRX | BoundTRX
)

func (st State) String() string {
	switch st {
	case Open:
		return "OPEN"
	case BoundTX:
		return "BOUND_TX"
	case BoundRX:
		return "BOUND_RX"
	case BoundTRX:
		return "BOUND_TRX"
	case Unbinding:
		return "UNBINDING"
	}
	return "CLOSING"
}

// Receives tells whether deliver_sm may be sent in this state.
func (st State) Receives() bool { return st&receives != 0 }

// Transmits tells whether the peer may submit in this state.
func (st State) Transmits() bool { return st&transmits != 0 }

// Handler decides what the session cannot: who may bind, and what becomes of a request.
type Handler interface {
	// Bind judges a bind request and may take its time: nothing else is handled meanwhile. What waits for others ends with Session.Gone.
	// highest is the interface_version that the session has at most; 0 = ours.
	// An error refuses it, with the smpp.Status in it or RSYSERR; after the answer the connection closes.
	Bind(s *Session, b *smpp.Bind) (highest byte, err error)
	// Bound is called behind the answer to a granted bind: from now on the session may be sent to.
	Bound(s *Session)
	// Request is given each request that the state allows. p is valid during the call only.
	// It must be answered once through a Ticket, during the call or later.
	Request(s *Session, h smpp.Header, p smpp.PDU)
	// Unbound is called once for a session that was granted a bind, as soon as it is over:
	// its place is free, even though its connection may stay open for a while.
	Unbound(s *Session, reason error)
}

// Options of a Session. Durations that are 0 never end.
type Options struct {
	ID          uint64 // not 0
	SystemID    string // ours, in the answer to a bind
	Conn        net.Conn
	Handler     Handler
	Log         zerolog.Logger
	Limited     *loglimit.Limiter // of Log, for the lines that a peer can cause; nil = the session has its own
	Timers      Timers
	Logout      time.Duration // how long the peer may take to close after our unbind_resp
	Window      int           // deliver_sm in flight
	MaxRequests int           // the peer's requests that await their answers, before the socket is not read any more
	Greeting    smpp.PDU      // sent first: outbind to a client that we called; nil = nothing
	Recorder    Recorder      // of the PDUs; nil = nobody takes them down
	Observer    Observer      // nil = nobody
	Late        func()        // called for a deliver_sm_resp to what nobody waits for any more; nil = nobody is told
}

var (
	// ErrTimeout means that the peer did not answer within the response timer.
	ErrTimeout = errors.New("no answer within the response timer")
	// ErrClosed means that the session ended before the answer.
	ErrClosed = errors.New("the session is closed")
	// ErrSessionInit means that the peer did not bind in time.
	ErrSessionInit = errors.New("no bind within the session_init timer")

	errPeerClosed  = errors.New("the client closed the connection")
	errPeerUnbound = errors.New("unbind by the client")
	errFraming     = errors.New("command_length out of bounds: the start of the next PDU cannot be found")
	errEnquireLink = errors.New("enquire_link was not answered")
	errInactive    = errors.New("inactivity timer")
	errNoUnbind    = errors.New("unbind was not answered")
	errRefused     = errors.New("bind refused")
	errNotReading  = errors.New("the client does not read")
)

// Session is one connection.
type Session struct {
	o      Options
	opened time.Time

	// The reader's own.
	buf    []byte
	now    time.Time      // when what is being handled was read
	submit *smpp.SubmitSM // decoded into again and again; nil = there was none yet
	ahead  *ahead         // nil = nothing was read while the bind was judged

	lastIn atomic.Int64 // when the last whole PDU came, nanoseconds after opened: the system's clock may be set meanwhile
	closed atomic.Int64 // when the connection was closed, likewise, 0 = it is open

	version atomic.Uint32 // set by the bind

	mu          sync.Mutex
	room        sync.Cond // for the reader: answers went out
	state       State
	wasBound    State
	systemID    string
	claimed     string // the system_id of a bind that was recorded, whatever came of it
	reason      error  // why the session ends: the first one counts
	inflight    int    // the peer's requests without an answer
	stalled     bool   // they are so many that we do not read: the peer's silence is our doing
	out, spare  []byte
	tickets     []*Ticket // whose answers are in out
	written     []*Ticket // of the last ones, to be used again
	served      bool
	atWork      bool      // the writer
	saidFIN     bool      // nothing is written any more
	draining    bool      // close when out is written
	interrupted bool      // the reading ahead is being ended
	inVain      bool      // the answers to the peer's requests were waited for long enough
	writing     time.Time // since when the writer is in Write, zero = it is not
	unbound     bool      // Unbound was called
	window      window
	times       times
	armed       time.Time
	timer       *time.Timer
	probes      []chan struct{}
	counts      counts

	ended chan struct{} // closed with the connection
}

// New makes a session of a connection. Serve runs it.
func New(o Options) *Session {
	if o.Limited == nil {
		o.Limited = loglimit.New(o.Log)
	}
	s := &Session{o: o, opened: time.Now(), state: Open, ended: make(chan struct{})}
	s.room.L = &s.mu
	s.window = newWindow(o.Window)
	s.times = times{Timers: o.Timers, opened: s.opened}
	return s
}

// ID is the number that the session was made with.
func (s *Session) ID() uint64 { return s.o.ID }

// RemoteAddr is the peer's address.
func (s *Session) RemoteAddr() net.Addr { return s.o.Conn.RemoteAddr() }

// Opened is when the connection came.
func (s *Session) Opened() time.Time { return s.opened }

// Done is closed when the connection is.
func (s *Session) Done() <-chan struct{} { return s.ended }

// SystemID is the client's, once its bind is granted.
func (s *Session) SystemID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.systemID
}

// Version is the SMPP version of the session: the lower of the two sides' interface_version.
func (s *Session) Version() byte {
	return byte(s.version.Load())
}

// CameAt is when the request that Handler.Request is called with was read.
func (s *Session) CameAt() time.Time { return s.now }

// Inflight is how many of the peer's requests are not answered yet.
func (s *Session) Inflight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inflight
}

// State is the session's state.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Serve reads and handles PDUs until the connection ends, and returns why it did.
func (s *Session) Serve() error {
	s.mu.Lock()
	s.served = true
	if s.o.Greeting != nil {
		s.out = smpp.AppendPDU(s.out, smpp.ROK, s.window.nextSequence(), s.o.Greeting)
	}
	if len(s.out) > 0 || s.draining {
		s.wake()
	}
	s.arm(time.Now())
	s.mu.Unlock()
	s.readLoop()
	s.abort(errPeerClosed)
	s.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// Unbind ends a bound session politely: unbind is sent, requests under way are answered, and when the peer has answered
// or the response timer is over the connection closes. A session that is not bound is closed when its last answer is written.
func (s *Session) Unbind(reason error) { s.UnbindBy(reason, time.Time{}) }

// UnbindBy is Unbind, and by that time nothing is awaited any more but the answers to the peer's requests. Zero = no such limit.
func (s *Session) UnbindBy(reason error, by time.Time) {
	now := time.Now()
	s.mu.Lock()
	if !by.IsZero() {
		s.times.endBy = by
	}
	switch {
	case s.state&bound != 0:
		s.blame(reason)
		s.state = Unbinding
		s.times.unbinding(now, 1)
		s.append(smpp.CmdUnbind, s.window.nextSequence())
		s.arm(now)
		s.mu.Unlock()
		s.leave()
	case s.state == Open, s.state == Closing: // who may close first has had the time for it
		s.mu.Unlock()
		s.finish(reason, 0)
	default:
		s.arm(now)
		s.mu.Unlock()
	}
}

// Close ends the session at once.
func (s *Session) Close(reason error) { s.abort(reason) }

// Probe sends enquire_link, unless one is unanswered, and tells whether any PDU came within d. Who is about to be bound, or is
// not read, is not silent.
func (s *Session) Probe(d time.Duration) bool {
	heard := make(chan struct{})
	s.mu.Lock()
	if s.state&bound == 0 || s.stalled {
		alive := s.stalled || s.state == Open
		s.mu.Unlock()
		return alive
	}
	s.probes = append(s.probes, heard)
	s.times.heard(s.opened.Add(time.Duration(s.lastIn.Load())))
	if s.times.enquireSent.IsZero() { // else its answer tells as well
		s.append(smpp.CmdEnquireLink, s.window.nextSequence())
	}
	s.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-heard:
		return true
	case <-s.ended:
	case <-t.C:
	}
	return false
}

// blame notes why the session ends.
func (s *Session) blame(reason error) {
	if s.reason == nil {
		s.reason = reason
	}
}

// leave tells the handler, once, that the session is no longer bound, and fails what the peer has not answered.
func (s *Session) leave() {
	s.mu.Lock()
	if s.wasBound == 0 || s.unbound {
		s.mu.Unlock()
		return
	}
	s.unbound = true
	reason := s.reason
	s.mu.Unlock()
	s.o.Handler.Unbound(s, reason)
}
