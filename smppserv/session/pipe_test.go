package session

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

var errReset = errors.New("connection reset by peer")

// pipe is the session's end of a connection in memory. Unlike net.Pipe it buffers, knows half closes and resets, and
// blocks on nothing but what a synctest bubble sees through.
type pipe struct {
	mu       sync.Mutex
	changed  sync.Cond
	in       []byte // sent by the peer, not read yet
	inEnd    error  // what follows in
	segment  int    // octets that one Read returns at most, 0 = all
	out      []byte // sent to the peer, not taken yet
	stalled  bool   // the peer does not read
	room     int    // while it does not: octets that still go into the buffers
	broken   bool   // the peer is gone
	fin      bool
	closed   bool
	torn     bool // a Write failed, perhaps in the middle of a PDU
	deadline time.Time
	timer    *time.Timer
}

func newPipe(segment int) *pipe {
	p := &pipe{segment: segment}
	p.changed.L = &p.mu
	return p
}

func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.closed:
			return 0, net.ErrClosed
		case !p.deadline.IsZero() && !time.Now().Before(p.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(p.in) > 0:
			if p.segment > 0 {
				b = b[:min(p.segment, len(b))]
			}
			n := copy(b, p.in)
			p.in = p.in[n:]
			return n, nil
		case p.inEnd != nil:
			return 0, p.inEnd
		}
		p.changed.Wait()
	}
}

func (p *pipe) Write(b []byte) (written int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if p.closed || p.broken || p.fin {
			p.torn = true
			return written, errReset
		}
		n := len(b)
		if p.stalled {
			n = min(n, p.room)
			p.room -= n
		}
		p.out = append(p.out, b[:n]...)
		written += n
		if b = b[n:]; len(b) == 0 {
			return written, nil
		}
		p.changed.Wait()
	}
}

func (p *pipe) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.changed.Broadcast()
}

func (p *pipe) Close() error {
	p.change(func() { p.closed = true })
	return nil
}

func (p *pipe) CloseWrite() error {
	p.change(func() { p.fin = true })
	return nil
}

func (p *pipe) SetReadDeadline(t time.Time) error {
	p.change(func() {
		p.deadline = t
		if p.timer != nil {
			p.timer.Stop()
		}
		p.timer = time.AfterFunc(time.Until(t), func() { p.change(func() {}) })
	})
	return nil
}

func (p *pipe) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (p *pipe) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }
func (p *pipe) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (p *pipe) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

// The peer's end.

func (p *pipe) send(b []byte) { p.change(func() { p.in = append(p.in, b...) }) }

// stall has the peer stop reading once room octets more are in the buffers.
func (p *pipe) stall(room int) { p.change(func() { p.stalled, p.room = true, room }) }

func (p *pipe) resume() { p.change(func() { p.stalled = false }) }

func (p *pipe) halfClose() { p.change(func() { p.inEnd = io.EOF }) }

// leave closes the peer's end: what it sent is read, what is sent to it resets the connection.
func (p *pipe) leave() { p.change(func() { p.inEnd, p.broken = io.EOF, true }) }

func (p *pipe) reset() { p.change(func() { p.in, p.inEnd, p.broken = nil, errReset, true }) }

// take is what came for the peer.
func (p *pipe) take() (b []byte) {
	p.change(func() { b, p.out = p.out, nil })
	return b
}
