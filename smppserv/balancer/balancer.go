// Package balancer finds the client on whose behalf a TCP load balancer connects: the PROXY protocol, versions 1 and 2.
//
//	connection from a balancer's network ── header within HeaderTime ──► a Conn with the client's addresses
//	                                     └─ none, or a broken one ─────► an error: it is to be closed
//	connection from anywhere else ──────────────────────────────────────► is not looked at
//
// A header that names no client is the balancer's own word: LOCAL (version 2) of its health checks, UNKNOWN (version 1) and
// AF_UNIX of programs on its machine. These keep the addresses of the connection itself, as the protocol asks.
package balancer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/peeraddr"
)

// HeaderTime is how long a header may take to be there whole. Balancers send it with the first segment; a lost one comes again
// within 3 s.
const HeaderTime = 5 * time.Second

const (
	readSize  = 512 // octets; a usual header and a bind fit
	maxHeader = 107 // octets of version 1, with its CRLF
)

var (
	errNone    = errors.New("it does not begin with a PROXY header")
	errLate    = fmt.Errorf("it sent no whole PROXY header within %s", HeaderTime)
	errBroken  = errors.New("its PROXY header is broken")
	errNoTCP   = errors.New("its PROXY header is not about a TCP connection")
	errTooMany = errors.New("too many connections of this address are still without their PROXY header")
	errClosed  = errors.New("the server is stopping")
	// errUnused is how many balancers look whether a port is open.
	errUnused = errors.New("it was closed before it sent anything")
)

// closed is what a connection of a balancer can have the log say.
var closed = loglimit.Cause{Text: "a connection from server.proxy_networks is closed", PerPeer: 1}

// Log says why Read gave no connection, at level warn but for one that nobody used.
func Log(log *loglimit.Limiter, remote net.Addr, err error) {
	level, reason := zerolog.WarnLevel, ""
	for _, known := range []error{errNone, errLate, errBroken, errNoTCP, errTooMany, errClosed, errUnused} {
		if errors.Is(err, known) {
			reason = known.Error()
		}
	}
	if errors.Is(err, errUnused) || errors.Is(err, errClosed) {
		level = zerolog.DebugLevel
	}
	log.Line(level, closed.As(reason), loglimit.Peer{Addr: peeraddr.Of(remote)}).Stringer("remote", remote).Err(err).Msg(closed.Text)
}

// Balancers are the load balancers in front of a port. Its methods may be called from any goroutine.
type Balancers struct {
	most int // connections of one address without their header

	mu       sync.Mutex
	networks []netip.Prefix
	reading  map[net.Conn]struct{}
	of       map[netip.Addr]int // that are in reading
	closed   bool
}

// New makes Balancers of no network. Of each address most connections may be without their header, 0 = any number.
func New(most int) *Balancers {
	return &Balancers{most: most, reading: map[net.Conn]struct{}{}, of: map[netip.Addr]int{}}
}

// SetNetworks puts networks in force for connections to come; empty = there are no balancers.
func (b *Balancers) SetNetworks(networks []netip.Prefix) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.networks = networks
}

// Has tells whether a connection from there must begin with a header.
func (b *Balancers) Has(remote net.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Within(b.networks, peeraddr.Of(remote))
}

// Within tells whether an address is in one of the networks.
func Within(networks []netip.Prefix, addr netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// Read reads the header that c begins with, for HeaderTime at most, and returns c as its client's connection. It is the caller's
// to close c after an error, for which there is Log. c must have no deadline, and has none then.
func (b *Balancers) Read(c net.Conn) (*Conn, error) {
	if err := b.begin(c); err != nil {
		return nil, err
	}
	defer b.end(c)
	if err := c.SetReadDeadline(time.Now().Add(HeaderTime)); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnused, err)
	}
	r := bufio.NewReaderSize(c, readSize)
	header, err := read(r)
	if err != nil {
		return nil, b.why(err)
	}
	own := &Conn{Conn: c, local: c.LocalAddr(), remote: c.RemoteAddr(), anonymous: header.Command.IsLocal(), forwarded: header.Version == 1 || !header.Command.IsLocal()}
	if !own.anonymous {
		switch source, destination, ok := header.TCPAddrs(); {
		case ok:
			own.local, own.remote = destination, source
		case header.TransportProtocol != proxyproto.UnixStream:
			return nil, errNoTCP
		}
	}
	if own.rest, err = r.Peek(r.Buffered()); err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return own, nil
}

// read reads a header of either version. One of version 1 may come in several segments, for which the library does not wait.
func read(r *bufio.Reader) (*proxyproto.Header, error) {
	b, err := r.Peek(1)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnused, err)
	}
	for bytes.HasPrefix(b, proxyproto.SIGV1[:min(len(b), len(proxyproto.SIGV1))]) && len(b) < maxHeader && !bytes.Contains(b, []byte("\n")) {
		if _, err := r.Peek(len(b) + 1); err != nil {
			return nil, fmt.Errorf("%w: %w", errBroken, err)
		}
		b, _ = r.Peek(r.Buffered())
	}
	header, err := proxyproto.Read(r)
	switch {
	case errors.Is(err, proxyproto.ErrNoProxyProtocol):
		return nil, errNone
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	return header, nil
}

func (b *Balancers) begin(c net.Conn) error {
	addr := peeraddr.Counted(peeraddr.Of(c.RemoteAddr()))
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return errClosed
	case b.most > 0 && b.of[addr] >= b.most:
		return errTooMany
	}
	b.reading[c] = struct{}{}
	b.of[addr]++
	return nil
}

func (b *Balancers) end(c net.Conn) {
	addr := peeraddr.Counted(peeraddr.Of(c.RemoteAddr()))
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reading, c)
	if b.of[addr]--; b.of[addr] == 0 {
		delete(b.of, addr)
	}
}

// why is the reason behind an error of read.
func (b *Balancers) why(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return errClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errLate
	}
	return err
}

// Close closes the connections that are still without their header: each Read ends, and no other begins.
func (b *Balancers) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for c := range b.reading {
		_ = c.Close()
	}
}
