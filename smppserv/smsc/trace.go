package smsc

import (
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// refusalsEvery is how often a session's refused submits get a line: a client must not fill the log.
const refusalsEvery = time.Second

// refusals belongs to the session's reader.
type refusals struct {
	logged time.Time
	silent int // since then
}

// logRefusal says why a submit was refused, and how many others were since the last line.
func (p *peer) logRefusal(command smpp.CommandID, source, dest smpp.Address, err error) {
	r := &p.refusals
	if now := time.Now(); now.Sub(r.logged) >= refusalsEvery {
		p.sv.o.Log.Warn().Str("system_id", p.s.SystemID()).Uint64("session", p.s.ID()).Stringer("request", command).
			Str("from", source.Addr).Str("to", dest.Addr).Str("reason", err.Error()).
			Int("others_since_last_line", r.silent).Msg("a message was refused")
		r.logged, r.silent = now, 0
		return
	}
	r.silent++
}

// logMessage writes a line for a message: at level debug and without its text, or, when log.content asks for it,
// at level info and with it.
func (sv *Server) logMessage(m *sms.Message, what string) {
	content := sv.directory.Load().LogContent
	ev := sv.o.Log.Debug()
	if content {
		ev = sv.o.Log.Info()
	}
	if !ev.Enabled() {
		return
	}
	ev = ev.Uint64("message_id", uint64(m.ID)).Str("from", m.Source.Number).Str("to", m.Dest.Number).
		Str("submitter", m.Submitter).Str("recipient", m.Recipient)
	if m.Receipt != nil {
		ev = ev.Uint64("receipt_of", uint64(m.Receipt.Of)).Stringer("state", m.Receipt.State)
	} else if content {
		ev = ev.Str("text", Text([]*sms.Message{m}))
	}
	ev.Msg(what)
}
