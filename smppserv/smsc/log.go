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
	if id, unknown := translate.UnknownLanguage(m); unknown && !sv.languages[id].Swap(true) {
		sv.o.Log.Debug().Uint8("language", id).Uint64("message_id", uint64(m.ID)).
			Msg("a text names a national language that has no tables here: it, and all further ones, are read by the default table")
	}
	ev = ev.EmbedObject(m)
	if m.Receipt != nil {
		ev = ev.Stringer("state", m.Receipt.State)
	} else if content {
		ev = ev.Str("text", translate.Text([]*sms.Message{m}))
	}
	ev.Msg(what)
}
