package balancer

import (
	"errors"
	"fmt"
	"net"

	"github.com/pires/go-proxyproto"
)

// Conn is a connection of a balancer behind its header. As any net.Conn of TCP it may be read by one goroutine at a time.
type Conn struct {
	net.Conn
	rest          []byte // that came with the header and is not read yet
	local, remote net.Addr
	anonymous     bool // the header is about no client: LOCAL, UNKNOWN
	forwarded     bool // somebody else may stand behind the balancer: with UNKNOWN, too
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.rest = nil
	}
	return n, nil
}

// RemoteAddr is the client's address, or the balancer's, where it connects for itself.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// LocalAddr is where the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// CloseWrite sends a FIN.
func (c *Conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// SetLinger is net.TCPConn's.
func (c *Conn) SetLinger(seconds int) error {
	tcp, ok := c.Conn.(interface{ SetLinger(int) error })
	if !ok {
		return errors.ErrUnsupported
	}
	return tcp.SetLinger(seconds)
}

// Forwarded tells whether c, or the connection below its TLS, may be a balancer's on behalf of somebody else.
func Forwarded(c net.Conn) bool {
	own := below(c)
	return own != nil && own.forwarded
}

// IsAnonymous tells whether c is a balancer's about which it names no client: a health check, most likely.
func IsAnonymous(c net.Conn) bool {
	own := below(c)
	return own != nil && own.anonymous
}

func below(c net.Conn) *Conn {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn()
	}
	own, _ := c.(*Conn)
	return own
}

// Introduce begins a connection to a port behind which this program counts as a balancer, but speaks for itself.
func Introduce(c net.Conn) error {
	h := proxyproto.Header{Version: 2, Command: proxyproto.LOCAL, TransportProtocol: proxyproto.UNSPEC}
	if _, err := h.WriteTo(c); err != nil {
		return fmt.Errorf("begin with a PROXY header: %w", err)
	}
	return nil
}
