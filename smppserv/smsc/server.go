// Package smsc is the message centre's SMPP face: it listens, authenticates clients, applies their rights and limits,
// and knows their sessions. What their PDUs mean is translate's.
//
// What a client submits goes to the queue, and is answered when it is on disk; what the queue has for a client
// goes out through the client's receiving sessions, each of which is a way out of the queue.
package smsc

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/passwords"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// Queue is what the message centre needs of the queue.
type Queue interface {
	Add(m *sms.Message, limit int, s road.Submission) error
	Pending(owner string) int
	AddReplacing(ctx context.Context, m *sms.Message, limit int, s road.Submission, elsewhere func(context.Context) (sms.ID, error)) error
	Attach(road.OutletOptions) road.Outlet
	CancelBy(ctx context.Context, id sms.ID, reason string) error
	Replace(ctx context.Context, id sms.ID, f func(*sms.Message) error) error
	CancelConversation(ctx context.Context, like *sms.Message, elsewhere func(context.Context) (road.Cancelled, error), done func(road.Cancelled, error))
	Supersede(ctx context.Context, id, by sms.ID) error
}

// History is what the message centre looks up of messages past. Each answer comes in a bounded time.
type History interface {
	// Get returns a message in whatever state, or sms.ErrUnknown.
	Get(ctx context.Context, id sms.ID) (*sms.Message, error)
	// KnownAs lists, rising, the messages whose submitter was given this id: several, if it was for a submit_multi.
	KnownAs(ctx context.Context, id sms.ID) ([]sms.ID, error)
	// LastWriter tells who last wrote from number to campaign; ok is false when nobody did.
	LastWriter(ctx context.Context, number, campaign string) (c sms.Conversation, ok bool, err error)
	// LastUse tells how the client last wrote number, to whichever campaign; ok is false when it never did.
	LastUse(ctx context.Context, client, number string) (a sms.Address, ok bool, err error)
	// HeldElsewhere lists, the oldest first and at most limit of them, the messages of like's submitter, recipient and two numbers, and of its
	// service_type unless that is "", that wait at other workers on the store.
	HeldElsewhere(ctx context.Context, like *sms.Message, limit int) ([]*sms.Message, error)
}

// Others are the other workers on the store.
type Others interface {
	// Take gives a session its place among those that its client has at all workers; release gives it back. The error is
	// sms.ErrNoPlace, or sms.ErrUnavailable when nobody can tell.
	Take(ctx context.Context, p road.Place) (release func(), err error)
	// Mute tells whether a session with a place leaves deliver_sm unanswered: what waits for its client goes elsewhere as long as the
	// client has a session there that answers. It returns at once.
	Mute(systemID string, session uint64, on bool)
	// Transmitters is at how many workers a client has a session that transmits, this one's included. It returns at once.
	Transmitters(systemID string) int
	// TakeIn takes up what was handed to this worker.
	TakeIn(ctx context.Context) error
	// Ask has another worker do what a request of Server.Answer asks for, and returns its answer.
	Ask(ctx context.Context, of sms.Epoch, what string, request []byte) (answer []byte, err error)
}

// Options are fixed for the life of a Server.
type Options struct {
	SMSCIdentifier  string
	Opportunity     bool // submits go to the client that owns the number, not to Hermès
	Timers          session.Timers
	Logout          time.Duration // disconnect_after_logout
	Window          int           // deliver_sm in flight per session
	MaxConnections  int
	MaxPerAddress   int
	FailedBindDelay time.Duration
	ProbeTime       time.Duration // for a silent holder of a session's place, 0 = 5 s
	Queue           Queue
	History         History
	Others          Others            // nil = there are none
	Passwords       *passwords.Places // for checks of hashed passwords; nil = places of its own
	Recorder        session.Recorder  // of what goes over the wire; nil = nobody takes it down
	Observer        session.Observer  // of what is refused; nil = nobody
	// Operator tells the token that a command of this machine binds with, as whichever client; nil = there is none.
	Operator func(password string) bool
	// Changed is called when something has happened to a client of the configuration, from any goroutine: it must return at once,
	// and not ask the server. nil = nobody is told.
	Changed func(systemID string)
	Log     zerolog.Logger
}

const (
	defaultProbeTime  = 5 * time.Second
	maxSMSCIdentifier = 15 // what system_id holds (SMPP 3.4, 5.2.1)
	// maxRequests bounds the submits of one session that wait for their commit.
	maxRequests = 512
)

// Settings may change while the server runs.
type Settings struct {
	translate.Texts
	Clients      []Client
	Balancers    []netip.Prefix // networks of load balancers, whose connections begin with a PROXY header
	ThrottleRate int            // submits per second and client, 0 = no limit; a client's own overrides it
	LogContent   bool
	Lists        map[string][]string    // distribution lists: the numbers of their members
	ServiceTypes map[string]smpp.Status // those that are not served now, and why: RSERTYPUNAVAIL, RSERTYPDENIED
}

// Server is the message centre.
type Server struct {
	o          Options
	limited    *loglimit.Limiter // of the log, for the lines that clients and strangers can cause
	good       *passwords.Memory // of the clients' passwords
	directory  atomic.Pointer[directory]
	doors      *session.Doors
	registry   registry
	watch      watch
	underWay   transactions
	asking     sync.WaitGroup // of other workers, on behalf of nobody who waits
	superseded superseded
	nextID     atomic.Uint64
	languages  [256]atomic.Bool // unknown ones that the log was told of
}

// New makes a server. Serve lets it work.
func New(o Options, st Settings) *Server {
	if o.ProbeTime == 0 {
		o.ProbeTime = defaultProbeTime
	}
	o.SMSCIdentifier = o.SMSCIdentifier[:min(len(o.SMSCIdentifier), maxSMSCIdentifier)]
	if o.Passwords == nil {
		o.Passwords = passwords.NewPlaces(0)
	}
	sv := &Server{o: o, limited: loglimit.New(o.Log), good: passwords.NewMemory(), doors: session.NewDoors(o.MaxConnections, o.MaxPerAddress, o.FailedBindDelay)}
	sv.registry.init(sv)
	sv.underWay.init()
	sv.directory.Store(newDirectory(st))
	sv.watch.changed = o.Changed
	sv.watch.retain(sv.directory.Load())
	sv.doors.SetBalancers(st.Balancers)
	return sv
}

// Reload takes new settings. Sessions of clients that are gone or disabled are unbound; all others stay.
func (sv *Server) Reload(st Settings) {
	d := newDirectory(st)
	sv.directory.Store(d)
	sv.good.Retain(d.hash)
	sv.watch.retain(d)
	sv.registry.reload(d)
	sv.doors.SetBalancers(st.Balancers)
}

// Serve accepts connections from l until Close, which closes it too. It returns at once.
func (sv *Server) Serve(l net.Listener) {
	go sv.doors.Accept(l, sv.limited, func(c net.Conn) { go func() { _ = sv.serve(c, nil) }() })
}

// ServeTLS is Serve for connections that speak TLS; the PROXY header of a load balancer comes before it.
func (sv *Server) ServeTLS(l net.Listener, conf *tls.Config) {
	go sv.doors.Accept(l, sv.limited, func(c net.Conn) { go func() { _ = sv.serve(tls.Server(c, conf), nil) }() })
}

// Outbind asks the client that we have called over c to bind (SMPP 3.4, 2.2.1), and serves the connection until it ends.
// The error says why the client did not bind.
func (sv *Server) Outbind(c net.Conn, password string) error {
	if err := sv.doors.Enter(c.RemoteAddr()); err != nil {
		return errors.Join(err, c.Close())
	}
	return sv.serve(c, &smpp.Outbind{SystemID: sv.o.SMSCIdentifier, Password: password})
}

// serve returns nil when the client was bound, else why it was not.
func (sv *Server) serve(c net.Conn, greeting smpp.PDU) error {
	p := sv.newPeer(c, greeting)
	reason := sv.doors.Serve(p.s)
	if p.account != nil {
		return nil
	}
	return sv.leftUnbound(p, c, reason)
}

// newPeer and leftUnbound stay out of serve's frame: it is on the stack of each idle session, which may be 4 KB large if it is in use to
// no more than a quarter.
//
//go:noinline
func (sv *Server) newPeer(c net.Conn, greeting smpp.PDU) *peer {
	p := &peer{sv: sv, remote: c.RemoteAddr().String()}
	p.sender.init(p, sv.o.Window)
	p.s = session.New(session.Options{
		ID: sv.nextID.Add(1), SystemID: sv.o.SMSCIdentifier, Conn: c, Handler: p, Log: sv.o.Log, Limited: sv.limited, Greeting: greeting,
		Timers: sv.o.Timers, Logout: sv.o.Logout, Window: sv.o.Window, MaxRequests: maxRequests,
		Recorder: sv.o.Recorder, Observer: sv.o.Observer, Late: p.sender.late,
	})
	return p
}

//go:noinline
func (sv *Server) leftUnbound(p *peer, c net.Conn, reason error) error {
	if t, ok := c.(*tls.Conn); ok && sv.unsecured(t, reason) {
		return reason
	}
	sv.limited.Line(zerolog.DebugLevel, endedUnbound, p.stranger()).Stringer("remote", p.s.RemoteAddr()).AnErr("reason", reason).Msg(endedUnbound.Text)
	return reason
}

// unsecured tells whether a connection ended because TLS was not agreed upon, and logs why.
func (sv *Server) unsecured(c *tls.Conn, reason error) bool {
	if c.ConnectionState().HandshakeComplete {
		return false
	}
	err := c.Handshake() // what became of the one that was begun
	switch {
	case errors.Is(reason, session.ErrSessionInit):
		err = os.ErrDeadlineExceeded
	case err == nil, errors.Is(err, net.ErrClosed): // by us
		return false
	}
	secure.Log(sv.limited, c, err, sv.o.Timers.SessionInit).Stringer("remote", c.RemoteAddr()).Msg(secure.Failed.Text)
	return true
}

// Close accepts nothing more, ends the transactions that wait, unbinds every session and waits until all are gone.
// At the end of ctx they are cut: that is no fault of ours.
func (sv *Server) Close(ctx context.Context) {
	sv.doors.Shut()
	sv.underWay.end(session.LastAnswer(ctx))
	defer sv.limited.Flush()
	if n := sv.doors.Close(ctx, errStopping); n > 0 {
		sv.o.Log.Warn().Int("sessions", n).Msg("SMPP sessions were cut off: their clients did not end them in time")
	}
}

var (
	errStopping = errors.New("the message centre is stopping")
	errOperator = errors.New("unbound by an operator")
)

// Unbind ends a session politely, on an operator's wish.
func (sv *Server) Unbind(s *session.Session) { s.Unbind(errOperator) }

// Sessions lists the connections.
func (sv *Server) Sessions() []*session.Session { return sv.doors.Sessions() }
