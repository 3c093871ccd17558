package hermes

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"github.com/rs/zerolog"
)

const (
	// handshakeTime is how long TLS may take to be agreed upon.
	handshakeTime = 10 * time.Second
	// When all places are taken, a newcomer has that of the connection that has been idle for longest: of those of which no line was
	// accepted yet for so long at least, else of the others.
	unprovenTime, provenTime = time.Second, time.Minute
)

// standing is what tells which connection can be done without. The connection's mu guards it.
type standing struct {
	active time.Time // when its last line came, or it did
	proven bool      // a line of it was accepted
	owed   int       // events that were asked for and are still to come
}

// idle tells since when nothing is under way on the connection.
func (c *connection) idle() (since time.Time, proven, is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.active, c.proven, !c.read && !c.failed && c.inFlight == 0 && c.owed == 0 && len(c.out) == 0
}

// makeRoom closes the connection that is best done without, and tells whether there was one. p.mu is held.
func (p *Port) makeRoom() bool {
	now := time.Now()
	var least *connection
	var leastSince time.Time
	var leastProven bool
	for c := range p.connections {
		since, proven, idle := c.idle()
		patience := unprovenTime
		if proven {
			patience = provenTime
		}
		if !idle || now.Sub(since) < patience {
			continue
		}
		if least == nil || leastProven && !proven || leastProven == proven && since.Before(leastSince) {
			least, leastSince, leastProven = c, since, proven
		}
	}
	if least == nil {
		return false
	}
	least.give()
	delete(p.connections, least) // its end is awaited all the same
	return true
}

// give closes an idle connection for the sake of another one. It does not wait.
func (c *connection) give() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed, c.out = true, nil
	beneath(c.nc).Close()
	c.line(zerolog.WarnLevel, madeRoom).Msg(madeRoom.Text)
	signal(c.wake)
	signal(c.room)
}

// accepted notes that a line is on disk, and whether an event is owed for it.
func (c *connection) accepted(owes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proven = true
	if owes {
		c.owed++
	}
}

// awaitLine waits until a line begins, and has it end within lineTime. It returns why none shall be read, "" = one may be.
func (c *connection) awaitLine(r *bufio.Reader) string {
	for r.Buffered() == 0 {
		if !c.readBy(idleTime) {
			return "the server stops"
		}
		_, err := r.Peek(1)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			break // ReadSlice tells what came
		}
		since, _, idle := c.idle()
		switch {
		case c.isStopping():
			return "the server stops"
		case idle && time.Since(since) >= idleTime:
			return "nothing came for " + idleTime.String()
		}
	}
	if whole, _ := r.Peek(r.Buffered()); bytes.IndexByte(whole, '\n') >= 0 {
		return ""
	}
	if !c.readBy(lineTime) {
		return "the server stops"
	}
	return ""
}

// readBy has reading end after d, and is false when it has ended for good.
func (c *connection) readBy(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return false
	}
	c.nc.SetReadDeadline(time.Now().Add(d))
	return true
}

// secured agrees upon TLS where that is spoken, and is false when it failed.
func (c *connection) secured() bool {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return true
	}
	t.NetConn().SetDeadline(time.Now().Add(handshakeTime))
	if err := t.Handshake(); err != nil {
		secure.Log(c.port.limited, t, err, handshakeTime).Stringer("peer", t.RemoteAddr()).Msg(secure.Failed.Text)
		t.NetConn().Close()
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopping {
		t.NetConn().SetDeadline(time.Time{})
	}
	return true
}

// beneath is the connection that carries TLS, or the connection itself.
func beneath(nc net.Conn) net.Conn {
	if t, ok := nc.(*tls.Conn); ok {
		return t.NetConn()
	}
	return nc
}

// refuseTime is how long it may take to tell why a connection is refused.
func refuseTime(nc net.Conn) time.Duration {
	if _, ok := nc.(*tls.Conn); ok {
		return handshakeTime
	}
	return lingerTime
}
