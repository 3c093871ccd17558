package session

import (
	"time"

	"hnetsmpp/pkg/smpp"
)

// refusalsEvery is how often a session's refused messages get a line: a client must not fill the log.
const refusalsEvery = time.Second

// refusals belongs to the session's reader.
type refusals struct {
	logged time.Time
	silent int // since then
}

// LogRefusal says why a message was refused, and how many others were since the last line. It is for Handler.Request.
func (s *Session) LogRefusal(command smpp.CommandID, source, dest smpp.Address, err error) {
	r := &s.refusals
	if now := time.Now(); now.Sub(r.logged) >= refusalsEvery {
		s.o.Log.Warn().Str("system_id", s.SystemID()).Uint64("session", s.ID()).Stringer("request", command).
			Str("from", source.Text()).Str("to", dest.Text()).Str("reason", err.Error()).
			Int("others_since_last_line", r.silent).Msg("a message was refused")
		r.logged, r.silent = now, 0
		return
	}
	r.silent++
}
