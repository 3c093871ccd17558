// Package smsc is the message centre's SMPP face: it listens, authenticates clients, keeps their sessions,
// and turns PDUs into messages and messages into PDUs.
//
// What a client submits goes to the queue, and is answered when it is on disk; what the queue has for a client
// goes out through the client's receiving sessions, each of which is a way out of the queue.
package smsc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
)

// Queue is what the message centre needs of the queue.
type Queue interface {
	Add(m *sms.Message, limit int, s sms.Sender) error
	AddReplacing(ctx context.Context, m *sms.Message, limit int, s sms.Sender, id sms.ID) error
	Attach(sms.Way) sms.Outlet
	Cancel(ctx context.Context, id sms.ID) error
	Replace(ctx context.Context, id sms.ID, f func(*sms.Message) error) error
	Conversation(ctx context.Context, recipient, source, dest string) ([]*sms.Message, error)
}

// History is what the message centre looks up of messages past.
type History interface {
	// Message returns a message in whatever state, or ErrUnknownMessage.
	Message(ctx context.Context, id sms.ID) (*sms.Message, error)
	// LastWriter tells which client last wrote from number to campaign, and how it wrote the two; "" = nobody.
	LastWriter(ctx context.Context, number, campaign string) (client string, n, c sms.Address, err error)
	// LastUse tells how the client last wrote number; a zero Address if it never did.
	LastUse(ctx context.Context, client, number string) (sms.Address, error)
}

// ErrUnknownMessage is what History returns for an id that it does not have.
var ErrUnknownMessage = errors.New("no such message")

// Options are fixed for the life of a Server.
type Options struct {
	Host            string
	Port            int // 0 = any free one
	TLS             *tls.Config
	TLSPort         int // 0 = none
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
	Log             zerolog.Logger
	LogContent      bool
}

const (
	defaultProbeTime = 5 * time.Second
	// maxRequests bounds the submits of one session that wait for their commit.
	maxRequests = 512
)

// Settings may change while the server runs.
type Settings struct {
	Clients      []Client
	ThrottleRate int           // submits per second and client, 0 = no limit; a client's own overrides it
	Validity     time.Duration // of messages that name none
	LogContent   bool
}

// Server is the message centre.
type Server struct {
	o         Options
	directory atomic.Pointer[directory]
	listeners []net.Listener
	doors     doors
	registry  registry
	serving   sync.WaitGroup
	nextID    atomic.Uint64
}

// New makes a server. Listen opens its ports.
func New(o Options, st Settings) *Server {
	if o.ProbeTime == 0 {
		o.ProbeTime = defaultProbeTime
	}
	sv := &Server{o: o, doors: newDoors(o.MaxConnections, o.MaxPerAddress, o.FailedBindDelay)}
	sv.registry.init(sv)
	sv.directory.Store(newDirectory(st))
	return sv
}

// Reload takes new settings. Sessions of clients that are gone are unbound; all others stay.
func (sv *Server) Reload(st Settings) {
	d := newDirectory(st)
	sv.directory.Store(d)
	sv.registry.reload(d)
}

// Listen opens the ports: they accept connections at once, which wait until Serve.
func (sv *Server) Listen() error {
	if err := sv.listen(sv.o.Port, nil, "server.listen_port"); err != nil {
		return err
	}
	if sv.o.TLSPort != 0 {
		return sv.listen(sv.o.TLSPort, sv.o.TLS, "server.tls.listen_port")
	}
	return nil
}

func (sv *Server) listen(port int, conf *tls.Config, key string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(sv.o.Host, fmt.Sprint(port)))
	if err != nil {
		return fmt.Errorf("%s = %d: %w", key, port, err)
	}
	if conf != nil {
		l = tls.NewListener(l, conf)
	}
	sv.listeners = append(sv.listeners, l)
	return nil
}

// Addrs are the addresses that the ports have: the plain one, and the TLS one if there is one.
func (sv *Server) Addrs() (plain, secure net.Addr) {
	plain = sv.listeners[0].Addr()
	if len(sv.listeners) > 1 {
		secure = sv.listeners[1].Addr()
	}
	return plain, secure
}

// Serve accepts connections on all ports. It returns at once.
func (sv *Server) Serve() {
	for _, l := range sv.listeners {
		sv.serving.Go(func() { sv.accept(l) })
	}
}

func (sv *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no file descriptors left, or the like: it passes
			sv.o.Log.Error().Err(err).Msg("cannot accept an SMPP connection")
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err := sv.doors.enter(c.RemoteAddr()); err != nil {
			sv.o.Log.Warn().Stringer("remote", c.RemoteAddr()).Err(err).Msg("an SMPP connection was refused")
			_ = c.Close()
			continue
		}
		sv.serving.Go(func() { sv.serve(c) })
	}
}

func (sv *Server) serve(c net.Conn) {
	defer sv.doors.leave(c.RemoteAddr())
	p := &peer{sv: sv}
	p.s = session.New(session.Options{
		ID: sv.nextID.Add(1), Conn: c, Handler: p, Log: sv.o.Log,
		Timers: sv.o.Timers, Logout: sv.o.Logout, Window: sv.o.Window, MaxRequests: maxRequests,
	})
	sv.registry.opened(p)
	defer sv.registry.closed(p)
	reason := p.s.Serve()
	if p.account == nil {
		sv.o.Log.Debug().Stringer("remote", c.RemoteAddr()).AnErr("reason", reason).Msg("an SMPP connection ended without a bind")
	}
}

// Close accepts nothing more, unbinds every session and waits until all are gone; at the end of ctx they are cut.
func (sv *Server) Close(ctx context.Context) error {
	for _, l := range sv.listeners {
		_ = l.Close()
	}
	sv.registry.refuse()
	all := sv.registry.all()
	for _, p := range all {
		p.s.Unbind(errStopping)
	}
	done := make(chan struct{})
	go func() {
		sv.serving.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, p := range all {
		p.s.Close(errStopping)
	}
	<-done
	return fmt.Errorf("some sessions did not end: %w", ctx.Err())
}

var (
	errStopping = errors.New("the message centre is stopping")
	errOperator = errors.New("unbound by an operator")
)

// Unbind ends a session politely, on an operator's wish. It tells whether there is one with this ID.
func (sv *Server) Unbind(id uint64) bool {
	for _, p := range sv.registry.all() {
		if p.s.ID() == id {
			go p.s.Unbind(errOperator)
			return true
		}
	}
	return false
}

// SessionInfo describes a session to operators.
type SessionInfo struct {
	ID       uint64    `json:"id"`
	SystemID string    `json:"system_id"`
	State    string    `json:"state"`
	Remote   string    `json:"remote"`
	Version  string    `json:"interface_version"`
	Since    time.Time `json:"since"`
}

// Sessions lists the connections.
func (sv *Server) Sessions() []SessionInfo {
	var infos []SessionInfo
	for _, p := range sv.registry.all() {
		infos = append(infos, SessionInfo{
			ID: p.s.ID(), SystemID: p.s.SystemID(), State: p.s.State().String(), Remote: p.s.RemoteAddr().String(),
			Version: versionName(p.s.Version()), Since: p.s.Opened(),
		})
	}
	return infos
}

// versionName writes an interface_version, "3.4" for 0x34; nothing before the bind.
func versionName(v byte) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", v>>4, v&0x0F)
}
