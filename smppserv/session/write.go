package session

import (
	"errors"
	"time"

	"sync/atomic"

	"hnetsmpp/pkg/smpp"
)

const (
	// maxOut bounds the octets that wait for the peer to read: beyond, its requests are not read.
	maxOut = 256 << 10
	// keepOut is the size of an output buffer worth keeping.
	keepOut = 8 << 10
	// keepTickets is how many places for tickets are.
	keepTickets = 256
)

// Ticket stands for a request that is not answered yet. It must not be copied once open.
type Ticket struct {
	s        *Session
	command  smpp.CommandID
	sequence uint32
	written  atomic.Int64 // when the answer was on the wire, nanoseconds since the session was opened; 0 = not yet
}

// Open makes t the ticket of the request with this header.
func (t *Ticket) Open(s *Session, h smpp.Header) {
	t.s, t.command, t.sequence = s, h.Command, h.Sequence
}

// Session is where the request came in.
func (t *Ticket) Session() *Session { return t.s }

// Reply answers ROK with p.
func (t *Ticket) Reply(p smpp.PDU) { t.Answer(smpp.ROK, p) }

// Refuse answers with the smpp.Status in err; an error without one is logged and becomes RSYSERR.
func (t *Ticket) Refuse(err error) {
	t.Answer(t.s.status(err, t.command), nil)
}

func (s *Session) status(err error, command smpp.CommandID) smpp.Status {
	var status smpp.Status
	if errors.As(err, &status) {
		return status
	}
	s.logFailure(command, err)
	return smpp.RSYSERR
}

// Answered tells since when the answer is on the wire; with ok false it is not there yet.
// What a closed session could not send counts as sent.
func (t *Ticket) Answered() (session uint64, since time.Time, ok bool) {
	at := t.written.Load()
	if at == 0 {
		at = t.s.closed.Load()
	}
	return t.s.o.ID, t.s.opened.Add(time.Duration(at)), at != 0
}

// Answer answers with a status and a body, which errors have in transaction mode (SMPP 3.4, 4.7.2; 5.0, 4.2.5);
// nil stands for the answer that refuses.
func (t *Ticket) Answer(status smpp.Status, p smpp.PDU) {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inflight--
	s.answered(t.command, status)
	s.room.Broadcast()
	if s.closed.Load() != 0 {
		return
	}
	if p == nil {
		s.out = smpp.AppendRefusal(s.out, t.command, status, t.sequence)
	} else {
		s.out = smpp.AppendPDU(s.out, status, t.sequence, p)
	}
	s.tickets = append(s.tickets, t)
	s.wake()
}

// age is in nanoseconds, and not 0. Setting the wall clock does not change it.
func (s *Session) age() int64 { return max(int64(time.Since(s.opened)), 1) }

// refuse answers a request that no handler sees.
func (s *Session) refuse(h smpp.Header, status smpp.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered(h.Command, status)
	s.out = smpp.AppendRefusal(s.out, h.Command, status, h.Sequence)
	s.wake()
}

func (s *Session) nack(sequence uint32, status smpp.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = smpp.AppendHeader(s.out, smpp.CmdGenericNack, status, sequence)
	s.wake()
}

// write writes all that there is, again and again, until there is no more.
func (s *Session) write() {
	for {
		s.mu.Lock()
		if len(s.out) == 0 {
			s.atWork = false
			s.saidFIN = s.draining && (s.inflight == 0 || s.inVain)
			last := s.saidFIN
			s.mu.Unlock()
			if last {
				s.closeWrite()
			}
			return
		}
		out, tickets := s.out, s.tickets
		s.out, s.spare = s.spare[:0], nil
		s.tickets, s.written = s.written[:0], nil
		s.writing = time.Now()
		at := s.writing
		if s.state != Closing { // there shut has the last word
			s.arm(s.writing)
		}
		s.mu.Unlock()
		s.traceOut(out)
		s.recordOut(at, out)
		_, err := s.o.Conn.Write(out)
		now := s.age()
		for i, t := range tickets {
			t.written.Store(now)
			tickets[i] = nil
		}
		s.mu.Lock()
		s.writing = time.Time{}
		if cap(out) <= keepOut {
			s.spare = out[:0]
		}
		if cap(tickets) <= keepTickets {
			s.written = tickets[:0]
		}
		s.room.Broadcast()
		s.mu.Unlock()
		if err != nil {
			s.abort(errPeerClosed)
			return
		}
	}
}
