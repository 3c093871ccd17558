package session

import (
	"bytes"
	"net"
	"time"

	"hnetsmpp/pkg/smpp"
)

// Recorder takes down what goes over the wire. Its methods are called from the goroutines that read and write, which they must
// not hold up.
type Recorder interface {
	// Recording tells whether it takes anything down now. It is asked for each PDU and should cost a load.
	Recording() bool
	// Record takes down a PDU, in the clear also where the connection is encrypted. octets are valid during the call only.
	Record(w Wire, octets []byte)
}

const maxSystemID = 15 // characters (5.2.1)

// Wire is where a PDU went, and when.
type Wire struct {
	Session       uint64
	SystemID      string // whom the session is bound as, or wanted to be; not empty
	Local, Remote net.Addr
	In            bool      // from the client
	At            time.Time // it was read, or is about to be written
}

func (s *Session) recording() bool { return s.o.Recorder != nil && s.o.Recorder.Recording() }

// recordIn has a PDU of the peer taken down. Those before its bind are nobody's.
func (s *Session) recordIn(h smpp.Header, pdu []byte) {
	if !s.recording() {
		return
	}
	switch h.Command {
	case smpp.CmdBindReceiver, smpp.CmdBindTransmitter, smpp.CmdBindTransceiver:
		if name, _, ok := bytes.Cut(pdu[smpp.HeaderLen:], []byte{0}); ok && len(name) <= maxSystemID {
			s.mu.Lock()
			s.claimed = string(name)
			s.mu.Unlock()
		}
	}
	s.record(true, s.now, pdu)
}

// recordOut has what is about to be written taken down: whole PDUs.
func (s *Session) recordOut(at time.Time, out []byte) {
	if !s.recording() {
		return
	}
	for len(out) >= smpp.HeaderLen {
		length := smpp.ParseHeader(out).Length
		if length < smpp.HeaderLen || int(length) > len(out) {
			return
		}
		s.record(false, at, out[:length])
		out = out[length:]
	}
}

func (s *Session) record(in bool, at time.Time, pdu []byte) {
	s.mu.Lock()
	systemID := s.systemID
	if systemID == "" {
		systemID = s.claimed
	}
	s.mu.Unlock()
	if systemID != "" {
		s.o.Recorder.Record(Wire{s.o.ID, systemID, s.o.Conn.LocalAddr(), s.o.Conn.RemoteAddr(), in, at}, pdu)
	}
}
