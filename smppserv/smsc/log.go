package smsc

import (
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

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
	ev = ev.EmbedObject(m)
	if m.Receipt != nil {
		ev = ev.Stringer("state", m.Receipt.State)
	} else if content {
		ev = ev.Str("text", translate.Text([]*sms.Message{m}))
	}
	ev.Msg(what)
}
