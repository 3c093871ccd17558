package hermes

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/peeraddr"

	"github.com/rs/zerolog"
)

const (
	// maxLine is how long a line may be, without its end.
	maxLine = 64 << 10
	// maxInFlight is how many lines of a connection wait for their answers; then it is not read.
	maxInFlight = 1024
	// maxUnwritten is how many octets of answers wait to be sent; then it is not read.
	maxUnwritten = 64 << 10
	// maxUnread is how many octets wait, with the events, which come without being asked for; then the peer is let go.
	maxUnread = 1 << 20
	// unreadTime is how long a peer may take nothing of what is sent to it; then it is let go.
	unreadTime = 30 * time.Second
	// lineTime is how long a line may take from its first octet to its end: who drips holds no place.
	lineTime = 30 * time.Second
	// idleTime is how long a connection may be without a line, and without a line or an event that is owed to it.
	idleTime = time.Hour
	// lingerTime is how long a peer may take to close after us. Closing before it has read makes it lose the last answers.
	lingerTime = time.Second
	// maxLinger is how much is read meanwhile.
	maxLinger = 1 << 20
)

// connection is one peer of the Port: a reader that hands lines in, and a writer that sends what has come of them.
type connection struct {
	port    *Port
	nc      net.Conn
	address string // the peer's

	wake chan struct{} // there is something for the writer
	room chan struct{} // there may be room for another line

	mu       sync.Mutex
	out      []byte // lines to write
	inFlight int    // lines without their answer
	read     bool   // the reader has ended
	stopping bool   // the reader shall end
	failed   bool   // closed, nothing more can be written
	standing
}

func newConnection(p *Port, nc net.Conn) *connection {
	return &connection{port: p, nc: nc, address: nc.RemoteAddr().String(),
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1), standing: standing{active: time.Now()}}
}

// serve runs the connection to its end.
func (c *connection) serve() {
	if !c.secured() {
		return
	}
	c.line(zerolog.DebugLevel, connectionBegun).Msg(connectionBegun.Text)
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	why := c.readLines()
	c.mu.Lock()
	c.read = true
	c.mu.Unlock()
	signal(c.wake)
	<-written
	linger(c.nc)
	c.line(zerolog.DebugLevel, connectionEnded).Str("reason", why).Msg(connectionEnded.Text)
}

// line begins a line of the log about this connection.
func (c *connection) line(level zerolog.Level, what loglimit.Cause) *zerolog.Event {
	return c.port.limited.Line(level, what, c.from()).Stringer("peer", c.nc.RemoteAddr())
}

// remote implements sink.
func (c *connection) remote() string { return c.address }

// from is the peer.
func (c *connection) from() loglimit.Peer {
	return loglimit.Peer{Addr: peeraddr.Of(c.nc.RemoteAddr())}
}

// readLines hands lines in, one after the other: their order in the queue is that of the wire. It returns why it ended.
func (c *connection) readLines() string {
	r := bufio.NewReaderSize(c.nc, maxLine+len("\r\n"))
	for c.awaitRoom() {
		if why := c.awaitLine(r); why != "" {
			return why
		}
		line, err := r.ReadSlice('\n')
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) > maxLine || errors.Is(err, bufio.ErrBufferFull):
			c.reject(readID(line), "a line is longer than 65536 octets")
			return "a line was too long"
		case errors.Is(err, os.ErrDeadlineExceeded) && !c.isStopping():
			c.reject(readID(line), "the end of the line did not come within "+lineTime.String())
			return "a line took too long"
		case bytes.HasSuffix(line, []byte(" HTTP/1.1")) || bytes.HasSuffix(line, []byte(" HTTP/1.0")):
			// A browser can be made to post lines of JSON by any page that it shows.
			c.reject(nil, "this port takes lines of JSON, not HTTP")
			return "the peer speaks HTTP"
		case err != nil && !errors.Is(err, io.EOF):
			if c.isStopping() {
				return "the server stops"
			}
			return "the connection broke"
		case len(bytes.TrimSpace(line)) > 0:
			c.expect()
			c.port.submit(c.port.ctx, line, true, c)
		}
		if err != nil {
			return "closed by the peer"
		}
	}
	return "the connection was closed"
}

func (c *connection) isStopping() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping
}

// awaitRoom waits until another line may be read. It returns false when none shall be.
func (c *connection) awaitRoom() bool {
	for {
		c.mu.Lock()
		stop := c.failed || c.stopping
		room := c.inFlight < maxInFlight && len(c.out) < maxUnwritten
		c.mu.Unlock()
		if stop || room {
			return !stop
		}
		<-c.room
	}
}

// stop ends the reading. What was read is still answered.
func (c *connection) stop() {
	c.mu.Lock()
	c.stopping = true
	c.mu.Unlock()
	c.nc.SetReadDeadline(time.Unix(1, 0))
	signal(c.room)
}

// fail ends the connection at once.
func (c *connection) fail(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(why)
}

func (c *connection) failLocked(why string) {
	if c.failed {
		return
	}
	c.failed, c.out = true, nil
	beneath(c.nc).Close() // TLS would say goodbye, and wait until the peer takes it
	c.line(zerolog.WarnLevel, cutOff).Str("reason", why).Msg(cutOff.Text)
	signal(c.wake)
	signal(c.room)
}

// reset has the end of a connection reach a peer that does not read: the system would keep it behind what is not read.
func reset(nc net.Conn) {
	if c, ok := beneath(nc).(interface{ SetLinger(seconds int) error }); ok {
		c.SetLinger(0)
	}
}

// expect counts a line that will be answered.
func (c *connection) expect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight++
	c.active = time.Now()
}

func (c *connection) reject(echo []byte, why string) {
	c.port.remember(c.from(), codeBadRequest, "", why)
	c.expect()
	c.answer(appendRejected(nil, echo, codeBadRequest, why))
}

// answer implements sink.
func (c *connection) answer(line []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	if !c.failed {
		c.out = append(c.out, line...)
	}
	signal(c.wake)
}

// event implements sink.
func (c *connection) event(line []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed--
	c.active = time.Now()
	switch {
	case c.failed || c.read && c.inFlight == 0:
	case len(c.out)+len(line) > maxUnread:
		reset(c.nc)
		c.failLocked("the peer does not read")
	default:
		c.out = append(c.out, line...)
		signal(c.wake)
	}
}

// write sends what waits, all of it at once, until the reader has ended and every line is answered.
func (c *connection) write() {
	var spare []byte
	for {
		c.mu.Lock()
		out := c.out
		c.out = spare[:0]
		end := c.failed || len(out) == 0 && c.read && c.inFlight == 0
		c.mu.Unlock()
		switch {
		case end:
			return
		case len(out) == 0:
			spare = out
			<-c.wake
			continue
		}
		c.nc.SetWriteDeadline(time.Now().Add(unreadTime))
		if _, err := c.nc.Write(out); err != nil {
			reset(c.nc)
			c.fail("the peer does not read, or is gone")
			return
		}
		signal(c.room)
		if spare = out; cap(spare) > maxUnwritten {
			spare = nil
		}
	}
}

// linger closes once the peer has done so, or after lingerTime.
func linger(nc net.Conn) {
	defer nc.Close()
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	nc.SetReadDeadline(time.Now().Add(lingerTime))
	io.CopyN(io.Discard, nc, maxLinger)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
