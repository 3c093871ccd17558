package hermes

import (
	"time"

	"hnetsmpp/smppserv/sms"
)

// The codes of rejected lines.
const (
	codeBadRequest       = "bad_request"
	codeUnauthorized     = "unauthorized"
	codeNoClient         = "no_client"
	codeQueueFull        = "queue_full"
	codeStoreUnavailable = "store_unavailable"
)

// appendStart begins a line. echo is the id that it answers, as JSON; nil = there is none.
func appendStart(b, echo []byte) []byte {
	b = append(b, '{')
	if echo != nil {
		b = append(append(append(b, `"id":`...), echo...), ',')
	}
	return b
}

func appendAccepted(b, echo []byte, id sms.ID, duplicate bool) []byte {
	b = append(appendStart(b, echo), `"status":"accepted","message_id":`...)
	b = appendString(b, id.String())
	if duplicate {
		b = append(b, `,"duplicate":true`...)
	}
	return append(b, '}', '\n')
}

func appendRejected(b, echo []byte, code, why string) []byte {
	b = append(appendStart(b, echo), `"status":"rejected","code":`...)
	b = appendString(append(appendString(b, code), `,"error":`...), why)
	return append(b, '}', '\n')
}

func appendEvent(b, echo []byte, id sms.ID, state sms.State, at time.Time) []byte {
	b = append(appendStart(b, echo), `"event":"status","message_id":`...)
	b = appendString(append(appendString(b, id.String()), `,"state":`...), state.String())
	b = at.UTC().AppendFormat(append(b, `,"at":"`...), time.RFC3339)
	return append(b, '"', '}', '\n')
}
