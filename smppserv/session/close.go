package session

import (
	"time"

	"hnetsmpp/pkg/smpp"
)

// drainTime is how long, after our FIN, what the peer still sends is read and thrown away:
// closing with unread octets would reset the connection, and take with it answers that the peer has not read yet.
const drainTime = 2 * time.Second

// finish ends the session once what is to be sent is sent: the peer has this long to close first.
func (s *Session) finish(reason error, patience time.Duration) {
	s.mu.Lock()
	s.blame(reason)
	s.state = Closing
	s.times.closeAt = time.Now().Add(patience)
	if patience > 0 {
		s.arm(time.Now())
	}
	s.room.Broadcast()
	s.mu.Unlock()
	s.leave()
	s.failRequests()
	if patience <= 0 {
		s.shut()
	}
}

// shut has the writer send what there is, and the answers still to come, and then our FIN.
// The reader closes when the peer's FIN comes, or after drainTime.
func (s *Session) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	s.wake()
	if !s.interrupted {
		s.limitDrain()
	}
}

// limitDrain has the reader close after drainTime. The caller holds mu.
func (s *Session) limitDrain() { _ = s.o.Conn.SetReadDeadline(time.Now().Add(drainTime)) }

// abort closes the connection at once.
func (s *Session) abort(reason error) {
	s.mu.Lock()
	if s.closed.Load() != 0 {
		s.mu.Unlock()
		return
	}
	s.closed.Store(s.age())
	s.blame(reason)
	s.state = Closing
	if s.timer != nil {
		s.timer.Stop()
	}
	s.room.Broadcast()
	close(s.ended)
	s.mu.Unlock()
	_ = s.o.Conn.Close()
	s.leave()
	s.failRequests()
}

// closeWrite sends our FIN; TLS sends close_notify before it.
func (s *Session) closeWrite() {
	if c, ok := s.o.Conn.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
		return
	} // TLS cannot before its handshake is complete
	s.abort(nil)
}

// append adds a PDU without a body to the output.
func (s *Session) append(command smpp.CommandID, sequence uint32) {
	s.out = smpp.AppendHeader(s.out, command, smpp.ROK, sequence)
	s.wake()
}

// wake has the output written, by a writer that begins where none is at work: an idle session has none. The caller holds mu.
func (s *Session) wake() {
	if s.served && !s.atWork && !s.saidFIN {
		s.atWork = true
		go s.write()
	}
}
