package session

import (
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/guard"
)

const (
	// A session starts with little memory; the buffer grows with what comes in at once.
	firstBuffer = 256
	lastBuffer  = 64 << 10
)

// readLoop reads and handles PDUs until the connection ends or nothing more is to be handled.
func (s *Session) readLoop() {
	s.buf = make([]byte, firstBuffer)
	from, to := 0, 0 // what is read and not handled yet
	for {
		n, err := s.read(s.buf[to:])
		s.now = time.Now()
		to += n
		need := 0
		for need == 0 {
			var used int
			if used, need = s.next(s.buf[from:to]); used < 0 {
				s.discard()
				return
			}
			from += used
		}
		if err != nil {
			s.eof()
			return
		}
		s.makeRoom(&from, &to, need)
	}
}

// next handles the PDU at the start of b and returns its length; or how long b must be, if it is not whole yet;
// or -1 if no PDU can follow.
func (s *Session) next(b []byte) (used, need int) {
	if len(b) < smpp.HeaderLen {
		return 0, smpp.HeaderLen
	}
	h := smpp.ParseHeader(b)
	if h.Length < smpp.HeaderLen || h.Length > smpp.MaxPDU {
		s.lostFraming(h)
		return -1, 0
	}
	if len(b) < int(h.Length) {
		return 0, int(h.Length)
	}
	if fault := guard.Do(func() {
		s.recordIn(h, b[:h.Length])
		s.handle(s.heard(), h, b[smpp.HeaderLen:h.Length])
	}); fault != nil {
		s.faulty(h, fault)
		return -1, 0
	}
	return int(h.Length), 0
}

// faulty ends the session whose PDU brought about a fault of ours. No other session is the worse for it.
func (s *Session) faulty(h smpp.Header, fault *guard.Panic) {
	s.o.Limited.Line(zerolog.ErrorLevel, pduFault, s.peer()).Err(fault).Str("stack", fault.Stack).Stringer("request", h.Command).
		Uint64("session", s.o.ID).Msg(pduFault.Text)
	if !h.Command.IsResponse() {
		s.refuse(h, smpp.RSYSERR)
	}
	s.finish(fault, 0)
}

// heard notes that a whole PDU came (a part of one is no sign of life), and returns the state in which it is to be handled:
// it holds the reader up while the session has as much to answer, or to write, as it may.
func (s *Session) heard() State {
	s.lastIn.Store(int64(s.now.Sub(s.opened)))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.probes {
		close(p)
	}
	s.probes = nil
	for (s.inflight >= s.o.MaxRequests || len(s.out) > maxOut) && s.state != Closing {
		s.stalled = s.inflight >= s.o.MaxRequests
		s.room.Wait()
		s.now = time.Now()
		if s.stalled {
			s.lastIn.Store(int64(s.now.Sub(s.opened)))
		}
	}
	s.stalled = false
	return s.state
}

func (s *Session) makeRoom(from, to *int, need int) {
	full := *to == len(s.buf)
	size := len(s.buf)
	switch {
	case need > size:
		size = need
	case full && size < lastBuffer:
		size = min(2*size, lastBuffer)
	}
	if size > len(s.buf) {
		b := make([]byte, size)
		*to = copy(b, s.buf[*from:*to])
		*from, s.buf = 0, b
		return
	}
	if *from > 0 {
		*to = copy(s.buf, s.buf[*from:*to])
		*from = 0
	}
}

// lostFraming answers a length that no PDU has. What follows cannot be told apart any more.
func (s *Session) lostFraming(h smpp.Header) {
	s.mu.Lock()
	st := s.state
	s.mu.Unlock()
	if st == Closing {
		return
	}
	sequence := h.Sequence
	if h.Length < smpp.HeaderLen {
		sequence = 0 // these four octets were not part of it
	}
	s.nack(sequence, smpp.RINVCMDLEN)
	s.finish(errFraming, 0)
}

// discard reads to the end without looking, so that our last answer is not lost in a reset.
func (s *Session) discard() {
	for {
		if _, err := s.o.Conn.Read(s.buf); err != nil {
			return
		}
	}
}

// eof ends a session whose peer sends no more: what it asked for is still answered, it may be reading.
func (s *Session) eof() {
	s.mu.Lock()
	if s.closed.Load() != 0 {
		s.mu.Unlock()
		return
	}
	s.blame(errPeerClosed)
	s.mu.Unlock()
	s.leave()
	deadline := time.AfterFunc(max(2*s.o.Timers.Response, time.Second), func() { s.abort(nil) })
	defer deadline.Stop()
	s.mu.Lock()
	for s.inflight > 0 && !s.inVain && s.closed.Load() == 0 {
		s.room.Wait()
	}
	s.draining = true
	s.wake()
	s.mu.Unlock()
	s.flushed()
}

// flushed waits until the writer has written everything, or gave up.
func (s *Session) flushed() {
	s.mu.Lock()
	for (len(s.out) > 0 || !s.writing.IsZero()) && s.closed.Load() == 0 {
		s.room.Wait()
	}
	s.mu.Unlock()
}
