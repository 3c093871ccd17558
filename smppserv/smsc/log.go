package smsc

import (
	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/smppserv/handshake"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// What clients and strangers can have the log say. Who knows a password has more lines than who does not.
var (
	bindGranted      = loglimit.Cause{Text: "bound", PerPeer: 10, Total: 1000}
	unbound          = loglimit.Cause{Text: "unbound", PerPeer: 10, Total: 1000}
	bindRefused      = loglimit.Cause{Text: "a bind was refused", PerPeer: 5, Total: 50}
	endedUnbound     = loglimit.Cause{Text: "an SMPP connection ended without a bind"}
	notTakenBack     = loglimit.Cause{Text: "cancel_sm without a message_id was answered RCANCELFAIL: another worker did not take back in time what waits there, and does not any more; have the client ask again, or name the messages one by one", PerPeer: 5, Total: 50}
	tooManyHere      = loglimit.Cause{Text: "cancel_sm without a message_id was answered RCANCELFAIL: more waits at this worker than it takes back at a time, and all of it waits here as before; have the client name a service_type, or the messages one by one", PerPeer: 5, Total: 50}
	tooManyElsewhere = loglimit.Cause{Text: "cancel_sm without a message_id was answered RCANCELFAIL: more waits at another worker than that takes back at a time for others, and all of it waits there as before; have the client name a service_type, or the messages one by one", PerPeer: 5, Total: 50}
	noLastWriter     = loglimit.Cause{Text: "cannot look up who wrote last"}
)

// secure is the port that speaks TLS.
var secure = handshake.Port{Failed: loglimit.Cause{Text: "a connection to the SMPP port for TLS has failed"}, Table: "server", Clear: "SMPP"}

// stranger is a peer that has not bound.
func (p *peer) stranger() loglimit.Peer { return loglimit.Peer{Addr: session.AddrOf(p.s.RemoteAddr())} }

// known is a peer that names a client, whether it is that or not.
func (p *peer) known(systemID string) loglimit.Peer {
	from := p.stranger()
	if p.sv.directory.Load().byID[systemID] != nil { // else anybody could make up any number of them
		from.Name = systemID
	}
	return from
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
