package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"hnetsmpp/pkg/smpp"
)

// account is what a session binds with.
type account struct{ id, password string }

// esme is one bound transceiver of the load generator. A message costs it a few copies and no allocation, so that what is
// measured is the server. It answers every deliver_sm with ROK.
type esme struct {
	conn   net.Conn
	buffer int // octets, for each direction
	began  time.Time

	mu sync.Mutex // of w
	w  *bufio.Writer

	window  chan struct{}  // a submit in flight is in it; nil = as many as come
	sent    []atomic.Int64 // by sequence_number modulo its length: since began, from when its answer counts
	samples []sample       // written by the reader; to be read after close
	last    atomic.Int64   // since began: when the last answer or deliver_sm came

	answered, refused, delivered atomic.Int64
	status                       atomic.Uint32 // of the first refusal
	queried                      chan smpp.Status

	ended chan struct{} // closed when the reader ends
	err   error         // why it did
}

// sample is one answer: when it came, and after how long.
type sample struct{ at, took time.Duration }

const (
	bindTime   = 60 * time.Second
	callBuffer = 64 << 10 // octets
)

// bind connects and binds a transceiver; local is the address to call from, nil = any.
// It does not go by sequence numbers: those of go-smpp's server are its own.
func bind(addr string, a account, buffer int, local net.Addr) (*esme, error) {
	d := net.Dialer{Timeout: bindTime, LocalAddr: local}
	conn, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(bindTime))
	request := &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: a.id, Password: a.password, InterfaceVersion: smpp.V34}
	_, err = conn.Write(smpp.AppendPDU(nil, smpp.ROK, 1, request))
	if err == nil {
		var h smpp.Header
		if h, _, err = smpp.ReadPDU(conn, smpp.MaxPDU); err == nil && h.Status != smpp.ROK {
			err = h.Status
		}
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("bind %s: %w", a.id, err)
	}
	_ = conn.SetDeadline(time.Time{})
	return &esme{
		conn: conn, buffer: buffer, w: bufio.NewWriterSize(conn, buffer),
		queried: make(chan smpp.Status, 1), ended: make(chan struct{}),
	}, nil
}

// begin starts the reader; ring is how many sent times are kept, a power of two, and samples for how many there is room at first.
func (e *esme) begin(began time.Time, window, ring, samples int) {
	e.began = began
	if window > 0 {
		e.window = make(chan struct{}, window)
	}
	e.sent = make([]atomic.Int64, ring)
	e.samples = make([]sample, 0, samples)
	go func() {
		e.err = e.read()
		close(e.ended)
	}()
}

// close ends the session without unbind and returns when its reader has ended.
func (e *esme) close() {
	e.conn.Close()
	if e.sent != nil {
		<-e.ended
	}
}

func closeAll(es []*esme) {
	for _, e := range es {
		e.close()
	}
}

func (e *esme) read() error {
	r := bufio.NewReaderSize(e.conn, e.buffer)
	owed := false // answers that are not flushed
	for {
		head, err := r.Peek(smpp.HeaderLen)
		if err != nil {
			return err
		}
		h := smpp.ParseHeader(head)
		if h.Length < smpp.HeaderLen || h.Length > smpp.MaxPDU {
			return fmt.Errorf("a PDU of %d octets", h.Length)
		}
		switch h.Command {
		case smpp.CmdSubmitSMResp:
			e.take(h)
		case smpp.CmdDeliverSM:
			e.answer(smpp.CmdDeliverSMResp, h.Sequence, "\x00")
			e.note(time.Since(e.began))
			e.delivered.Add(1)
			owed = true
		case smpp.CmdEnquireLink:
			e.answer(smpp.CmdEnquireLinkResp, h.Sequence, "")
			owed = true
		case smpp.CmdQuerySMResp:
			e.queried <- h.Status
		case smpp.CmdUnbind:
			return errors.New("the server sent unbind")
		}
		if _, err := r.Discard(int(h.Length)); err != nil {
			return err
		}
		if owed && r.Buffered() < smpp.HeaderLen {
			e.flush()
			owed = false
		}
	}
}

// take counts an answer to a submit.
func (e *esme) take(h smpp.Header) {
	now := time.Since(e.began)
	from := time.Duration(e.sent[int(h.Sequence)&(len(e.sent)-1)].Load())
	e.samples = append(e.samples, sample{now, now - from})
	e.note(now)
	if h.Status != smpp.ROK {
		e.status.CompareAndSwap(0, uint32(h.Status))
		e.refused.Add(1)
	}
	e.answered.Add(1)
	if e.window != nil {
		<-e.window
	}
}

func (e *esme) note(now time.Duration) { e.last.Store(int64(now)) }

func (e *esme) answer(command smpp.CommandID, sequence uint32, body string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var b [smpp.HeaderLen + 1]byte
	out := smpp.Header{Length: uint32(smpp.HeaderLen + len(body)), Command: command, Sequence: sequence}.Append(b[:0])
	_, _ = e.w.Write(append(out, body...))
}

func (e *esme) flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.w.Flush() // the reader notices a broken connection
}

// put writes a submit whose answer counts from the time given, since began.
func (e *esme) put(pdu []byte, sequence uint32, from time.Duration) {
	binary.BigEndian.PutUint32(pdu[12:], sequence)
	e.sent[int(sequence)&(len(e.sent)-1)].Store(int64(from))
	e.mu.Lock()
	_, _ = e.w.Write(pdu)
	e.mu.Unlock()
}

// query asks for a message's state and returns how long the answer took.
func (e *esme) query(id string, source smpp.Address, sequence uint32) (time.Duration, error) {
	from := time.Now()
	if _, err := e.conn.Write(smpp.AppendPDU(nil, smpp.ROK, sequence, &smpp.QuerySM{MessageID: id, Source: source})); err != nil {
		return 0, err
	}
	select {
	case status := <-e.queried:
		if status != smpp.ROK {
			return 0, fmt.Errorf("query_sm of %s: %w", id, status)
		}
		return time.Since(from), nil
	case <-e.ended:
		return 0, e.err
	case <-time.After(bindTime):
		return 0, fmt.Errorf("query_sm of %s is not answered", id)
	}
}
