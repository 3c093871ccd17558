package conformance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

// A recording is every octet of one connection, in the order in which they went over it.
type recording struct {
	row   string
	world string // of the server at the other end, also over its restarts
	late  bool   // what the server wrote is in it when the row read it, which may be long after

	mu       sync.Mutex
	events   []recorded
	exempted string    // why the invariants about answers do not count here
	ended    time.Time // when either side closed it; zero: open
}

// recorded is what one read or one write brought.
type recorded struct {
	at         time.Time
	fromServer bool
	octets     []byte
}

func (r *recording) add(fromServer bool, octets []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, recorded{time.Now(), fromServer, append([]byte(nil), octets...)})
}

func (r *recording) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended.IsZero() {
		r.ended = time.Now()
	}
}

// transcript is the recording's end for somebody who reads a failure.
func (r *recording) transcript() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	const last, width = 30, 100
	var b strings.Builder
	events := r.events
	if len(events) > last {
		fmt.Fprintf(&b, "… %d before\n", len(events)-last)
		events = events[len(events)-last:]
	}
	for _, e := range events {
		who := "client"
		if e.fromServer {
			who = "server"
		}
		octets, more := e.octets, ""
		if len(octets) > width {
			octets, more = octets[:width], fmt.Sprintf(" … %d octets", len(e.octets))
		}
		fmt.Fprintf(&b, "%s %s % x%s\n", e.at.Format("05.000"), who, octets, more)
	}
	if !r.ended.IsZero() {
		fmt.Fprintf(&b, "%s closed\n", r.ended.Format("05.000"))
	}
	return b.String()
}

// wire is a connection that is recorded. It reads on when nobody asks, so that the recording has the times at which the
// server wrote, and hands on whole PDUs.
type wire struct {
	net.Conn
	rec      *recording
	unread   bool        // it reads only when asked
	answers  atomic.Bool // enquire_link of the server, which then are not handed on
	writing  sync.Mutex
	deadline time.Time

	mu      sync.Mutex
	ready   []byte        // octets that nobody has read yet
	err     error         // after them
	changed chan struct{} // closed and replaced with every change of both
}

// newWire records conn. unread has it read only when it is asked.
func newWire(conn net.Conn, rec *recording, unread bool) *wire {
	w := &wire{Conn: conn, rec: rec, unread: unread, changed: make(chan struct{})}
	if !unread {
		go w.pump()
	}
	return w
}

func (w *wire) pump() {
	var partial []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := w.Conn.Read(buf)
		if n > 0 {
			w.rec.add(true, buf[:n])
			partial = append(partial, buf[:n]...)
		}
		whole := w.sift(&partial)
		if err != nil {
			whole = append(whole, partial...)
			w.rec.end()
		}
		w.mu.Lock()
		w.ready = append(w.ready, whole...)
		w.err = err
		close(w.changed)
		w.changed = make(chan struct{})
		w.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// sift takes the whole PDUs off partial, and answers enquire_link where that is wanted.
func (w *wire) sift(partial *[]byte) (whole []byte) {
	for len(*partial) >= smpp.HeaderLen {
		length := int(binary.BigEndian.Uint32(*partial))
		if length < smpp.HeaderLen || length > smpp.MaxPDU {
			length = len(*partial) // no PDU: the test is to see it
		}
		if len(*partial) < length {
			break
		}
		pdu := (*partial)[:length]
		if binary.BigEndian.Uint32(pdu[4:]) == uint32(smpp.CmdEnquireLink) && w.answers.Load() {
			resp := smpp.AppendHeader(nil, smpp.CmdEnquireLinkResp, smpp.ROK, binary.BigEndian.Uint32(pdu[12:]))
			go w.answer(resp) // not here: a test that writes without reading would stop both
		} else {
			whole = append(whole, pdu...)
		}
		*partial = (*partial)[length:]
	}
	return whole
}

func (w *wire) Read(b []byte) (int, error) {
	if w.unread {
		n, err := w.Conn.Read(b)
		if n > 0 {
			w.rec.add(true, b[:n])
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			w.rec.end()
		}
		return n, err
	}
	for {
		w.mu.Lock()
		n := copy(b, w.ready)
		w.ready = w.ready[n:]
		err, changed := w.err, w.changed
		w.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		timer := time.NewTimer(time.Until(w.deadline))
		select {
		case <-changed:
			timer.Stop()
		case <-timer.C:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

func (w *wire) Write(b []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.rec.add(false, b)
	return w.Conn.Write(b)
}

// answer writes in the background, when the deadline of the test's last write may be over.
func (w *wire) answer(resp []byte) {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.rec.add(false, resp)
	w.Conn.SetWriteDeadline(time.Now().Add(smpptest.Timeout))
	w.Conn.Write(resp)
}

func (w *wire) SetReadDeadline(t time.Time) error {
	w.deadline = t
	if w.unread {
		return w.Conn.SetReadDeadline(t)
	}
	return nil
}

func (w *wire) Close() error {
	w.rec.end()
	return w.Conn.Close()
}

// CloseWrite is what smpptest.Client.CloseWrite asks for.
func (w *wire) CloseWrite() error {
	half, ok := w.Conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("%T cannot close one half", w.Conn)
	}
	return half.CloseWrite()
}

// SetLinger is what smpptest.Client.Reset asks for.
func (w *wire) SetLinger(seconds int) error {
	tcp, ok := w.Conn.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("%T cannot be reset", w.Conn)
	}
	return tcp.SetLinger(seconds)
}
