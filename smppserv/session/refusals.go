package session

import (
	"errors"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/smpp"
)

// What a session's peer can have the log say.
var (
	messageRefused = loglimit.Cause{Text: "a message was refused", PerPeer: 10, Total: 100}
	pduRefused     = loglimit.Cause{Text: "a PDU was refused"}
	pduFault       = loglimit.Cause{Text: "a PDU brought about a fault of the server: its session is closed; please report this line"}
	requestFailed  = loglimit.Cause{Text: "a request failed, answered RSYSERR"}
)

// peer is who the lines of this session are about.
func (s *Session) peer() loglimit.Peer {
	p := loglimit.Peer{Name: s.SystemID()}
	if s.o.Conn != nil {
		p.Addr = AddrOf(s.o.Conn.RemoteAddr())
	}
	return p
}

// LogRefusal says why a message was refused; not each time: how often not is said later. It is for Handler.Request.
func (s *Session) LogRefusal(command smpp.CommandID, source, dest smpp.Address, err error) {
	s.o.Limited.Warn(messageRefused.As(statusName(err)), s.peer()).Str("system_id", s.SystemID()).Uint64("session", s.ID()).Stringer("request", command).
		Str("from", source.Text()).Str("to", dest.Text()).AnErr("reason", err).Msg(messageRefused.Text)
}

// statusName tells causes apart. What else the error says may be the peer's words.
func statusName(err error) string {
	var status smpp.Status
	if errors.As(err, &status) {
		return status.String()
	}
	return ""
}

func (s *Session) logFault(err error) {
	s.o.Limited.Line(zerolog.DebugLevel, pduRefused.As(statusName(err)), s.peer()).Err(err).Uint64("session", s.o.ID).Msg(pduRefused.Text)
}

func (s *Session) logFailure(command smpp.CommandID, err error) {
	s.o.Limited.Line(zerolog.ErrorLevel, requestFailed.As(command.String()), s.peer()).Err(err).Stringer("request", command).
		Uint64("session", s.o.ID).Msg(requestFailed.Text)
}
