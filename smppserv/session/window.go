package session

import (
	"slices"
	"time"

	"hnetsmpp/pkg/smpp"
)

// Our sequence numbers start high: go-smpp takes a deliver_sm that bears the number of its submit in flight for the answer.
const (
	firstSequence = 0x40000001
	lastSequence  = 0x7FFFFFFF
)

// Answer is what became of a request of ours.
type Answer struct {
	Status smpp.Status // of the response, or of a generic_nack
	Nack   bool        // it was a generic_nack
	Err    error       // ErrTimeout, ErrClosed: there was no answer
}

// outgoing is a request of ours: on the wire since sent, or waiting for room in the window.
type outgoing struct {
	p        smpp.PDU
	done     func(Answer)
	sequence uint32
	sent     time.Time
}

// window is our requests that the peer has not answered.
type window struct {
	size     int
	sequence uint32
	flying   map[uint32]*outgoing
	order    []*outgoing // as sent; with some that were answered meanwhile
	waiting  []*outgoing
}

func newWindow(size int) window { return window{size: max(size, 1), sequence: firstSequence - 1} }

func (w *window) nextSequence() uint32 {
	for {
		if w.sequence++; w.sequence > lastSequence {
			w.sequence = firstSequence
		}
		if w.flying[w.sequence] == nil {
			return w.sequence
		}
	}
}

// answered takes a request off the window; nil if there is none with this number and response.
func (w *window) answered(h smpp.Header) *outgoing {
	o := w.flying[h.Sequence]
	if o == nil || h.Command != smpp.CmdGenericNack && h.Command != o.p.Command().Response() {
		return nil
	}
	delete(w.flying, h.Sequence)
	for len(w.order) > 0 && w.over(w.order[0]) {
		w.order[0] = nil
		w.order = w.order[1:]
	}
	if len(w.order) > 2*w.size { // the peer leaves out the first, and answers those behind it
		w.order = slices.DeleteFunc(w.order, w.over)
	}
	return o
}

// over tells whether a request that was sent has been answered.
func (w *window) over(o *outgoing) bool { return w.flying[o.sequence] != o }

// oldest is when the request was sent that waits longest for its answer, zero if none does.
func (w *window) oldest() time.Time {
	if len(w.order) == 0 {
		return time.Time{}
	}
	return w.order[0].sent
}

// Send sends a request when the window has room for it; done is called once with what became of it.
// The session must be bound, else done gets ErrClosed.
func (s *Session) Send(p smpp.PDU, done func(Answer)) {
	if !s.admit(&outgoing{p: p, done: done}) {
		done(Answer{Err: ErrClosed})
	}
}

// admit launches a request, or keeps it until there is room. The lock is given back even when encoding it panics.
func (s *Session) admit(o *outgoing) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state&bound == 0:
		return false
	case len(s.window.flying) >= s.window.size:
		s.window.waiting = append(s.window.waiting, o)
	default:
		s.launch(o)
	}
	return true
}

// Notify sends a PDU that has no response (alert_notification), and tells whether the session could.
func (s *Session) Notify(p smpp.PDU) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state&bound == 0 {
		return false
	}
	s.out = smpp.AppendPDU(s.out, smpp.ROK, s.window.nextSequence(), p)
	s.wake()
	return true
}

func (s *Session) launch(o *outgoing) {
	w := &s.window
	if w.flying == nil {
		w.flying = make(map[uint32]*outgoing)
	}
	o.sequence, o.sent = w.nextSequence(), time.Now()
	w.flying[o.sequence] = o
	w.order = append(w.order, o)
	s.out = smpp.AppendPDU(s.out, smpp.ROK, o.sequence, o.p)
	s.wake()
	s.arm(o.sent)
}

// refill launches what waited for room.
func (s *Session) refill() {
	w := &s.window
	for len(w.waiting) > 0 && len(w.flying) < w.size && s.state&bound != 0 {
		o := w.waiting[0]
		w.waiting[0] = nil
		w.waiting = w.waiting[1:]
		s.launch(o)
	}
}

// settle gives a response to the request that it answers. One that answers nothing is ignored.
func (s *Session) settle(h smpp.Header) {
	o := s.take(h)
	switch {
	case o == nil && h.Command == smpp.CmdDeliverSMResp && s.o.Late != nil:
		s.o.Late()
	case o != nil:
		o.done(Answer{Status: h.Status, Nack: h.Command == smpp.CmdGenericNack})
	}
}

// take takes the request off the window that a response answers, and launches what waited for the room.
func (s *Session) take(h smpp.Header) *outgoing {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.window.answered(h)
	if o != nil {
		s.counts.settled(o.p.Command(), h.Status)
	}
	s.refill()
	return o
}

// expireRequests fails the requests whose response timer is over.
func (s *Session) expireRequests(now time.Time) {
	var late []*outgoing
	s.mu.Lock()
	w := &s.window
	for len(w.order) > 0 && (w.over(w.order[0]) || now.Sub(w.order[0].sent) >= s.o.Timers.Response) {
		if o := w.order[0]; !w.over(o) {
			delete(w.flying, o.sequence)
			s.counts.fault = Fault{At: now, Command: o.p.Command(), Silent: true}
			late = append(late, o)
		}
		w.order[0] = nil
		w.order = w.order[1:]
	}
	s.refill()
	s.mu.Unlock()
	for _, o := range late {
		o.done(Answer{Err: ErrTimeout})
	}
}

// failRequests ends every request of ours when the session is over.
func (s *Session) failRequests() {
	s.mu.Lock()
	w := &s.window
	var all []*outgoing
	for _, o := range w.order {
		if !w.over(o) {
			all = append(all, o)
		}
	}
	all = append(all, w.waiting...)
	w.flying, w.order, w.waiting = nil, nil, nil
	s.mu.Unlock()
	for _, o := range all {
		o.done(Answer{Err: ErrClosed})
	}
}
