package words

import "hnetsmpp/pkg/adminapi"

// names are the operators' words for what is written by the words of SMPP or of the programs.
var names = map[string]adminapi.Text{
	// message_state, and what becomes of a message before it is final
	"SCHEDULED":     adminapi.Say("scheduled"),
	"ENROUTE":       adminapi.Say("waiting"),
	"DELIVERED":     adminapi.Say("delivered"),
	"EXPIRED":       adminapi.Say("expired"),
	"DELETED":       adminapi.Say("cancelled"),
	"UNDELIVERABLE": adminapi.Say("failed"),
	"ACCEPTED":      adminapi.Say("accepted"),
	"UNKNOWN":       adminapi.Say("unknown"),
	"REJECTED":      adminapi.Say("rejected"),
	"SKIPPED":       adminapi.Say("skipped"),
	"waiting":       adminapi.Say("waiting"),
	"failed":        adminapi.Say("failed"),

	// sessions and clients
	"OPEN":              adminapi.Say("connected, not bound"),
	"BOUND_TX":          adminapi.Say("bound to send"),
	"BOUND_RX":          adminapi.Say("bound to receive"),
	"BOUND_TRX":         adminapi.Say("bound to send and receive"),
	"BOUND_TX+BOUND_RX": adminapi.Say("bound to send and receive"),
	"UNBOUND":           adminapi.Say("not bound"),
	"UNBINDING":         adminapi.Say("unbinding"),
	"CLOSING":           adminapi.Say("closing"),

	// kinds and directions of messages
	"text":         adminapi.Say("text"),
	"receipt":      adminapi.Say("receipt"),
	"intermediate": adminapi.Say("intermediate receipt"),
	"in":           adminapi.Say("to Hermès"),
	"out":          adminapi.Say("to a client"),
	"hermes":       adminapi.Say("Hermès"),

	// kinds of events
	"bound":     adminapi.Say("bound"),
	"unbound":   adminapi.Say("unbound"),
	"refused":   adminapi.Say("refused"),
	"throttled": adminapi.Say("throttled"),
	"probed":    adminapi.Say("probed"),
	"paused":    adminapi.Say("paused"),
	"resumed":   adminapi.Say("resumed"),

	// levels
	"good":    adminapi.Say("good"),
	"warning": adminapi.Say("to look at"),
	"bad":     adminapi.Say("bad"),
	"neutral": adminapi.Say("off or not known"),
	"trace":   adminapi.Say("trace"),
	"debug":   adminapi.Say("debug"),
	"info":    adminapi.Say("info"),
	"warn":    adminapi.Say("warning"),
	"error":   adminapi.Say("error"),
	"fatal":   adminapi.Say("fatal"),

	// parts of the server
	"smpp":          adminapi.Say("SMPP"),
	"part hermes":   adminapi.Say("Hermès"),
	"tcp":           adminapi.Say("TCP port"),
	"store":         adminapi.Say("Store"),
	"disk":          adminapi.Say("Disk"),
	"configuration": adminapi.Say("Configuration"),

	// steps of a message
	"step accepted": adminapi.Say("accepted"),
	"step try":      adminapi.Say("try"),
	"step receipt":  adminapi.Say("receipt"),
	"step final":    adminapi.Say("end"),
	"step waiting":  adminapi.Say("waits"),

	// who and what, in the audit
	"who token":     adminapi.Say("a command of this machine"),
	"who local":     adminapi.Say("somebody on this machine"),
	"login":         adminapi.Say("signed in"),
	"login refused": adminapi.Say("was refused to sign in"),
	"logout":        adminapi.Say("signed out"),
	"unbind":        adminapi.Say("unbound a session"),
	"audit pause":   adminapi.Say("put on hold"),
	"audit resume":  adminapi.Say("let go on"),
	"retry":         adminapi.Say("had tried at once"),
	"audit cancel":  adminapi.Say("called off"),
	"send-again":    adminapi.Say("sent again"),
	"hand-over":     adminapi.Say("handed over"),
	"show text":     adminapi.Say("read the text"),
	"audit trace":   adminapi.Say("traced"),
	"send":          adminapi.Say("sent"),
	"reload":        adminapi.Say("reloaded the configuration"),
	"erase":         adminapi.Say("erased"),
	"alerts test":   adminapi.Say("sent a test alert"),
}

// Name is the operators' word for a name of SMPP or of the programs: a state, a kind, a level. One that has none is left as it is.
func (w *Words) Name(name string) string { return w.NameOf("", name) }

// NameOf is the word for a name that means something else elsewhere: the part "hermes", the step "accepted".
func (w *Words) NameOf(of, name string) string {
	if t, ok := names[of+" "+name]; ok && of != "" {
		return w.Say(t)
	}
	if t, ok := names[name]; ok {
		return w.Say(t)
	}
	return name
}
