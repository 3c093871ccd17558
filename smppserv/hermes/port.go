package hermes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/peeraddr"
	"hnetsmpp/smppserv/balancer"
	"hnetsmpp/smppserv/handshake"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

const (
	defaultMaxConnections = 100
	// maxRefusing bounds the refused connections that are told why; more are just closed.
	maxRefusing = 16
	// Accept is tried again after these waits when the system is short of something.
	firstAcceptWait, lastAcceptWait = 5 * time.Millisecond, time.Second
)

// What peers of the port can have the log say.
var (
	addressRefused  = loglimit.Cause{Text: "the TCP port refused a connection", Reason: "tcp.allow", PerPeer: 1}
	checked         = loglimit.Cause{Text: "a load balancer has looked at the TCP port"}
	tooMany         = loglimit.Cause{Text: "the TCP port refused a connection: there are too many"}
	acceptFailed    = loglimit.Cause{Text: "the TCP port cannot take a connection; it tries again"}
	cutOff          = loglimit.Cause{Text: "a connection to the TCP port is cut off"}
	connectionBegun = loglimit.Cause{Text: "a connection to the TCP port", PerPeer: 30, Total: 300}
	connectionEnded = loglimit.Cause{Text: "a connection to the TCP port has ended", PerPeer: 30, Total: 300}
	madeRoom        = loglimit.Cause{Text: "an idle connection to the TCP port is closed for another one: there are too many"}
	lineRejected    = loglimit.Cause{Text: "a line to the TCP port is rejected", PerPeer: 1}
	lineFault       = loglimit.Cause{Text: "a line to the TCP port brought about a fault of the server: it is rejected; please report this line"}
	noRoute         = loglimit.Cause{Text: "cannot find out which client a message from Hermès is for"}
)

// secure is the port that speaks TLS.
var secure = handshake.Port{Failed: loglimit.Cause{Text: "a connection to the TCP port for TLS has failed"}, Table: "tcp", Clear: "lines"}

// Queue takes what came in.
type Queue interface {
	Add(m *sms.Message, limit int, s road.Submission) error
	// Known finds the message that has an external id, 0 = there is none, also among those on their way to disk; found is called
	// from any goroutine.
	Known(externalID string, found func(sms.ID, error))
}

// Clients knows who receives what Hermès writes.
type Clients interface {
	// Route finds the client; client is the one that the line names, or "". It may return sms.ErrNoClient, whose text goes to Hermès;
	// any other error means that it could not be found out now.
	Route(ctx context.Context, from, to, client string) (sms.Route, error)
	// Fits tells why a message can never be sent to its recipient, in words for Hermès; nil = it can.
	Fits(m *sms.Message) error
}

// PortOptions are the settings of [tcp].
type PortOptions struct {
	Listen         string         // host:port; port 0 = any free one
	ListenTLS      string         // likewise, of a second port that speaks TLS; "" = there is none
	TLS            *tls.Config    // of that one
	Allow          []netip.Prefix // may connect; empty = any
	Balancers      []netip.Prefix // networks of load balancers, whose connections begin with a PROXY header
	Token          string         // every line must bear it; "" = none asked
	Validity       time.Duration  // of messages that name none
	MaxConnections int            // 0 = 100

	Queue   Queue
	Clients Clients
	Log     zerolog.Logger
}

// Port is where Hermès hands in messages: lines of JSON on TCP.
type Port struct {
	o       PortOptions
	log     zerolog.Logger
	limited *loglimit.Limiter // of log, for the lines that peers can cause
	ctx     context.Context   // of Clients.Route; ends when Close gives up
	cancel  context.CancelFunc

	balancers *balancer.Balancers

	mu          sync.Mutex
	listener    net.Listener
	secure      net.Listener // that speaks TLS, or nil
	allow       []netip.Prefix
	token       string
	validity    time.Duration
	connections map[*connection]struct{}
	introducing int // connections of balancers that are still without their header, beside connections
	refusing    int
	seen        rejections
	closing     bool
	running     sync.WaitGroup // connections
}

// NewPort makes a Port. Listen and Serve open it.
func NewPort(o PortOptions) *Port {
	if o.MaxConnections == 0 {
		o.MaxConnections = defaultMaxConnections
	}
	p := &Port{o: o, log: o.Log, limited: loglimit.New(o.Log), allow: o.Allow, token: o.Token, validity: o.Validity,
		connections: map[*connection]struct{}{}, balancers: balancer.New((o.MaxConnections + 1) / 2)}
	p.balancers.SetNetworks(o.Balancers)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Listen binds the port, and the one that speaks TLS.
func (p *Port) Listen() error {
	l, err := net.Listen("tcp", p.o.Listen)
	if err != nil {
		return fmt.Errorf("tcp.listen_port: %w", err)
	}
	var secure net.Listener
	if p.o.ListenTLS != "" {
		if secure, err = net.Listen("tcp", p.o.ListenTLS); err != nil {
			l.Close()
			return fmt.Errorf("tcp.tls.listen_port: %w", err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener, p.secure = l, secure
	return nil
}

// Addr is where it listens, once Listen has returned.
func (p *Port) Addr() net.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listener.Addr()
}

// AddrTLS is where it speaks TLS, once Listen has returned; nil = nowhere.
func (p *Port) AddrTLS() net.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.secure == nil {
		return nil
	}
	return p.secure.Addr()
}

// SetAllow puts other networks in force for connections to come; empty = any.
func (p *Port) SetAllow(allow []netip.Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allow = allow
	p.limited.Forget(addressRefused) // the operator may want to see whether it helped
}

// SetBalancers puts other networks of load balancers in force for connections to come.
func (p *Port) SetBalancers(networks []netip.Prefix) { p.balancers.SetNetworks(networks) }

// SetToken puts another token in force for lines to come; "" = none asked.
func (p *Port) SetToken(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = token
}

// SetValidity changes how long messages of lines to come are tried when they name no validity.
func (p *Port) SetValidity(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.validity = d
}

// Serve takes connections until Close. It returns nil then.
func (p *Port) Serve() error {
	p.mu.Lock()
	l, secure := p.listener, p.secure
	p.mu.Unlock()
	if l == nil {
		return errors.New("tcp: Serve before Listen")
	}
	if secure == nil {
		p.accept(l, nil)
		return nil
	}
	var both sync.WaitGroup
	both.Go(func() { p.accept(l, nil) })
	both.Go(func() { p.accept(secure, p.o.TLS) })
	both.Wait()
	return nil
}

// accept admits what a listener accepts, until Close. conf = its connections speak TLS.
func (p *Port) accept(l net.Listener, conf *tls.Config) {
	wait := firstAcceptWait
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			wait = firstAcceptWait
			if conf != nil {
				c = tls.Server(c, conf) // nothing is read or written before its first Read
			}
			p.admit(c)
		case p.stopped() || errors.Is(err, net.ErrClosed):
			return
		default:
			p.limited.Line(zerolog.ErrorLevel, acceptFailed, loglimit.Peer{}).Err(err).Msg(acceptFailed.Text)
			select {
			case <-time.After(wait):
			case <-p.ctx.Done():
			}
			wait = min(2*wait, lastAcceptWait)
		}
	}
}

func (p *Port) stopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closing
}

// admit starts a connection, or refuses it. A balancer's is first to say whose it is, before TLS.
func (p *Port) admit(nc net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closing || !p.balancers.Has(nc.RemoteAddr()):
		p.admitLocked(nc)
		return
	case p.introducing >= p.o.MaxConnections:
		p.noPlace(peeraddr.Of(nc.RemoteAddr()))
		nc.Close()
		return
	}
	p.introducing++
	p.running.Go(func() {
		own, err := p.balancers.Read(beneath(nc))
		p.mu.Lock()
		defer p.mu.Unlock()
		p.introducing--
		if err != nil {
			balancer.Log(p.limited, nc.RemoteAddr(), err)
			nc.Close()
			return
		}
		if _, ok := nc.(*tls.Conn); ok {
			p.admitLocked(tls.Server(own, p.o.TLS))
			return
		}
		p.admitLocked(own)
	})
}

// full tells whether all places are taken. A connection of a balancer takes one once it is known to be let in, lest it makes somebody
// else lose his without being allowed itself.
func (p *Port) full() bool { return len(p.connections) >= p.o.MaxConnections }

// noPlace notes that a connection finds no place. p.mu is held.
func (p *Port) noPlace(addr netip.Addr) {
	p.limited.Warn(tooMany, loglimit.Peer{Addr: addr}).Stringer("address", addr).Int("connections", len(p.connections)).Msg(tooMany.Text)
	p.seen.note(Rejection{At: time.Now(), From: addr.String(), Code: codeStoreUnavailable, Why: "too many connections"})
}

func (p *Port) admitLocked(nc net.Conn) {
	addr := peeraddr.Of(nc.RemoteAddr())
	switch {
	case p.closing:
		nc.Close()
	case !allowed(p.allow, addr) && balancer.IsAnonymous(nc): // a health check
		p.limited.Line(zerolog.DebugLevel, checked, loglimit.Peer{Addr: addr}).Stringer("address", addr).Msg(checked.Text)
		nc.Close()
	case !allowed(p.allow, addr):
		if ev := p.limited.Warn(addressRefused, loglimit.Peer{Addr: addr}); ev != nil {
			ev.Stringer("address", addr).Msg(addressRefused.Text + "; to let it in: " + allowLine(p.allow, addr))
		}
		p.seen.note(Rejection{At: time.Now(), From: addr.String(), Code: codeUnauthorized, Why: addr.String() + " is not in tcp.allow"})
		p.refuse(nc, codeUnauthorized, addr.String()+" is not in tcp.allow")
	case p.full() && !p.makeRoom():
		p.noPlace(addr)
		p.refuse(nc, codeStoreUnavailable, "too many connections")
	default:
		c := newConnection(p, nc)
		p.connections[c] = struct{}{}
		p.running.Go(func() {
			c.serve()
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.connections, c)
		})
	}
}

// refuse says why and closes. p.mu is held.
func (p *Port) refuse(nc net.Conn, code, why string) {
	if p.refusing >= maxRefusing {
		nc.Close()
		return
	}
	p.refusing++
	p.running.Go(func() {
		nc.SetDeadline(time.Now().Add(refuseTime(nc)))
		nc.Write(appendRejected(nil, nil, code, why))
		linger(nc)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.refusing--
	})
}

func allowed(allow []netip.Prefix, addr netip.Addr) bool {
	return len(allow) == 0 || balancer.Within(allow, addr)
}

// allowLine is the line of config.toml that lets addr in too.
func allowLine(allow []netip.Prefix, addr netip.Addr) string {
	var b strings.Builder
	b.WriteString("allow = [")
	for _, n := range allow {
		b.WriteString(`"` + n.String() + `", `)
	}
	b.WriteString(`"` + netip.PrefixFrom(addr, addr.BitLen()).String() + `"]`)
	return b.String()
}

// Close takes no more connections and lines, waits until what was read is answered, and closes the connections,
// politely or, when ctx ends, at once.
func (p *Port) Close(ctx context.Context) error {
	defer p.limited.Flush()
	p.mu.Lock()
	p.closing = true
	for _, l := range [...]net.Listener{p.listener, p.secure} {
		if l != nil {
			l.Close()
		}
	}
	p.balancers.Close()
	for c := range p.connections {
		c.stop()
	}
	p.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		p.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		p.cancel()
		return nil
	case <-ctx.Done():
	}
	p.cancel()
	p.mu.Lock()
	n := len(p.connections)
	for c := range p.connections {
		c.fail("the server stops")
	}
	p.mu.Unlock()
	return fmt.Errorf("%d connections of the TCP port were cut off: %w", n, ctx.Err())
}
