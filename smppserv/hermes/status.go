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

// appendStart begins a line, with the id if there is one.
func appendStart(b []byte, id string) []byte {
	b = append(b, '{')
	if id != "" {
		b = append(appendString(append(b, `"id":`...), id), ',')
	}
	return b
}

func appendAccepted(b []byte, externalID string, id sms.ID, duplicate bool) []byte {
	b = append(appendStart(b, externalID), `"status":"accepted","message_id":`...)
	b = appendString(b, id.String())
	if duplicate {
		b = append(b, `,"duplicate":true`...)
	}
	return append(b, '}', '\n')
}

func appendRejected(b []byte, externalID, code, why string) []byte {
	b = append(appendStart(b, externalID), `"status":"rejected","code":`...)
	b = appendString(append(appendString(b, code), `,"error":`...), why)
	return append(b, '}', '\n')
}

func appendEvent(b []byte, externalID string, id sms.ID, state sms.State, at time.Time) []byte {
	b = append(appendStart(b, externalID), `"event":"status","message_id":`...)
	b = appendString(append(appendString(b, id.String()), `,"state":`...), state.String())
	b = at.UTC().AppendFormat(append(b, `,"at":"`...), time.RFC3339)
	return append(b, '"', '}', '\n')
}
