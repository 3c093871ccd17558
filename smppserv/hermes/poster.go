package hermes

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// lifetime is how long a connection is used, so that a name that has moved is followed.
const lifetime = time.Minute

// poster carries requests over HTTP/1.1, on connections that it keeps. Each is written and read by the goroutine whose try
// it carries: without net/http's two goroutines for each connection a push takes less than half the CPU.
// Where HTTP/2 is spoken, or a proxy is between, net/http does the work.
type poster struct {
	network string // host:port
	dialer  net.Dialer
	tls     *tls.Config // nil = plain
	maxIdle int
	http2   atomic.Bool // is what the server speaks

	mu    sync.Mutex
	idle  []*postConn // the one used last is the last
	timer *time.Timer // of sweep
	shut  bool        // nothing is kept any more
}

// errHTTP2 means that nothing was sent: it is for net/http.
var errHTTP2 = errors.New("the server speaks HTTP/2")

// newPoster makes the poster to the server of a target. nil = a proxy is between.
func newPoster(model *http.Request, t *http.Transport, o PushOptions) *poster {
	if proxy, err := t.Proxy(model); err != nil || proxy != nil {
		return nil
	}
	host, port := model.URL.Hostname(), model.URL.Port()
	p := &poster{dialer: net.Dialer{Timeout: o.Timeout}, maxIdle: o.Concurrency}
	if model.URL.Scheme == "https" {
		p.tls = tlsOf(o)
		p.tls.NextProtos = []string{"h2", "http/1.1"}
		if p.tls.ServerName == "" {
			p.tls.ServerName = host
		}
	}
	switch {
	case port != "":
	case p.tls != nil:
		port = "443"
	default:
		port = "80"
	}
	p.network = net.JoinHostPort(host, port)
	return p
}

// take returns a connection whose reads and writes end by the deadline: one that is kept, if there is one and no fresh one is wanted.
func (p *poster) take(now, deadline time.Time, fresh bool) (*postConn, error) {
	if fresh {
		return p.dial(now, deadline)
	}
	for {
		c := p.kept()
		switch {
		case c == nil:
			return p.dial(now, deadline)
		case now.Sub(c.opened) < lifetime && c.nc.SetDeadline(deadline) == nil && (c.asks() || c.silent(deadline)):
			return c, nil
		}
		c.nc.Close()
	}
}

// kept takes the connection that was used last.
func (p *poster) kept() *postConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 {
		return nil
	}
	c := p.idle[n]
	p.idle[n] = nil
	p.idle = p.idle[:n]
	return c
}

func (p *poster) dial(now, deadline time.Time) (*postConn, error) {
	d := p.dialer
	d.Deadline = deadline
	nc, err := d.Dial("tcp", p.network)
	if err != nil {
		return nil, err
	}
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err == nil {
		err = nc.SetDeadline(deadline)
	}
	if err == nil && p.tls != nil {
		nc, err = p.handshake(nc)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	c := &postConn{nc: nc, raw: raw, opened: now}
	c.r = bufio.NewReader(c)
	return c, nil
}

func (p *poster) handshake(plain net.Conn) (net.Conn, error) {
	nc := tls.Client(plain, p.tls)
	err := nc.Handshake()
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &header) && strings.HasPrefix(string(header.RecordHeader[:]), "HTTP/"):
		return plain, http.ErrSchemeMismatch
	case err != nil:
		return plain, err
	case nc.ConnectionState().NegotiatedProtocol == "h2":
		p.http2.Store(true)
		return nc, errHTTP2
	}
	return nc, nil
}

// keep keeps a connection for the next try.
func (p *poster) keep(c *postConn) {
	c.used = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut || len(p.idle) >= p.maxIdle {
		c.nc.Close()
		return
	}
	p.idle = append(p.idle, c)
	if p.timer == nil {
		p.timer = time.AfterFunc(idleTimeout, p.sweep)
	}
}

// sweep closes what nobody has used for idleTimeout.
func (p *poster) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	now := time.Now()
	n := 0
	for n < len(p.idle) && now.Sub(p.idle[n].used) >= idleTimeout {
		p.idle[n].nc.Close()
		n++
	}
	p.idle = slices.Delete(p.idle, 0, n)
	if len(p.idle) > 0 {
		p.timer = time.AfterFunc(idleTimeout-now.Sub(p.idle[0].used), p.sweep)
	}
}

// closeIdle closes what is kept, and keeps nothing from now on.
func (p *poster) closeIdle() {
	p.closeKept()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// closeKept closes what is kept.
func (p *poster) closeKept() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		c.nc.Close()
	}
	clear(p.idle)
	p.idle = p.idle[:0]
}
