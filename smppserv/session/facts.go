package session

import (
	"crypto/tls"
	"time"

	"hnetsmpp/pkg/smpp"
)

// Facts are what operators see of a session.
type Facts struct {
	SystemID string // the client's, once its bind is granted
	State    State
	TLS      bool
	Heard    time.Time // when the last whole PDU came, zero = none did
	Window   int       // requests of ours that may be in flight
	InFlight int       // that are
	Submits  int64     // of the client's, accepted; a submit_multi is one
	Refused  int64     // submits that were not
	Delivers int64     // deliver_sm that the client took
	Fault    Fault     // the last one
}

// Fault is a request that was refused, by either side, or not answered; zero = there was none.
type Fault struct {
	At      time.Time
	Command smpp.CommandID
	Status  smpp.Status
	Silent  bool // the client did not answer it
}

// Observer hears of what is refused. It is called under a session's lock and must return at once.
type Observer interface {
	// Refused tells of a request of the peer that is answered by another status than ROK.
	Refused(command smpp.CommandID, status smpp.Status)
}

// counts are guarded by the session.
type counts struct {
	submits, refused, delivers int64
	fault                      Fault
}

// answered counts a request of the peer that was answered.
func (s *Session) answered(command smpp.CommandID, status smpp.Status) {
	if s.o.Observer != nil && status != smpp.ROK {
		s.o.Observer.Refused(command, status)
	}
	c := &s.counts
	switch {
	case status != smpp.ROK:
		c.fault = Fault{At: time.Now(), Command: command, Status: status}
		if isSubmit(command) {
			c.refused++
		}
	case isSubmit(command):
		c.submits++
	}
}

// settled counts a request of ours that the peer has answered.
func (c *counts) settled(command smpp.CommandID, status smpp.Status) {
	switch {
	case status != smpp.ROK:
		c.fault = Fault{At: time.Now(), Command: command, Status: status}
	case command == smpp.CmdDeliverSM:
		c.delivers++
	}
}

func isSubmit(c smpp.CommandID) bool {
	return c == smpp.CmdSubmitSM || c == smpp.CmdDataSM || c == smpp.CmdSubmitMulti
}

// Facts are as they are now.
func (s *Session) Facts() Facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := Facts{SystemID: s.systemID, State: s.state, Window: s.window.size, InFlight: len(s.window.flying),
		Submits: s.counts.submits, Refused: s.counts.refused, Delivers: s.counts.delivers, Fault: s.counts.fault}
	_, f.TLS = s.o.Conn.(*tls.Conn)
	if at := s.lastIn.Load(); at != 0 {
		f.Heard = s.opened.Add(time.Duration(at))
	}
	return f
}

// Handler is what the session was made with.
func (s *Session) Handler() Handler { return s.o.Handler }
