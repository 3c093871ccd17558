package smsc

import "hnetsmpp/smppserv/sms"

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
