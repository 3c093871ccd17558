package smpp

import (
	"fmt"
	"strings"
)

// MessageState is a message_state (5.2.28).
type MessageState byte

const (
	StateScheduled     MessageState = 0 // v5 4.7.15
	StateEnroute       MessageState = 1 // 5.2.28
	StateDelivered     MessageState = 2 // 5.2.28
	StateExpired       MessageState = 3 // 5.2.28
	StateDeleted       MessageState = 4 // 5.2.28
	StateUndeliverable MessageState = 5 // 5.2.28
	StateAccepted      MessageState = 6 // 5.2.28
	StateUnknown       MessageState = 7 // 5.2.28
	StateRejected      MessageState = 8 // 5.2.28
	StateSkipped       MessageState = 9 // v5 4.7.15
)

// states is only read: a state's name and its form in a receipt's text.
var states = [...]struct{ name, stat string }{
	StateScheduled:     {"SCHEDULED", "SCHEDLD"},
	StateEnroute:       {"ENROUTE", "ENROUTE"},
	StateDelivered:     {"DELIVERED", "DELIVRD"},
	StateExpired:       {"EXPIRED", "EXPIRED"},
	StateDeleted:       {"DELETED", "DELETED"},
	StateUndeliverable: {"UNDELIVERABLE", "UNDELIV"},
	StateAccepted:      {"ACCEPTED", "ACCEPTD"},
	StateUnknown:       {"UNKNOWN", "UNKNOWN"},
	StateRejected:      {"REJECTED", "REJECTD"},
	StateSkipped:       {"SKIPPED", "SKIPPED"},
}

// String returns the name in the specification: "DELIVERED".
func (s MessageState) String() string {
	if s > StateSkipped {
		return fmt.Sprintf("message_state %d", byte(s))
	}
	return states[s].name
}

// Stat returns the seven letters that a receipt's text has for the state (Appendix B),
// UNKNOWN for a state that is not defined.
func (s MessageState) Stat() string {
	if s > StateSkipped {
		s = StateUnknown
	}
	return states[s].stat
}

// ParseStat reads the state of a receipt's text. It takes the seven letters or the whole
// name, in any case.
func ParseStat(stat string) (MessageState, bool) {
	for i, s := range states {
		if strings.EqualFold(stat, s.stat) || strings.EqualFold(stat, s.name) {
			return MessageState(i), true
		}
	}
	return StateUnknown, false
}
