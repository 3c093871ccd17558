package worker

import (
	"encoding/json"
)

// The kinds of line on a worker's stdout.
const (
	EventReady = "ready"
	EventAlive = "alive"
)

// Ready says that every port listens and the store is recovered. Addresses are
// the real ones, so that port 0 can be configured; "" = that port is off.
type Ready struct {
	Event   string `json:"event"` // EventReady
	Version string `json:"version"`
	PID     int    `json:"pid"`
	SMPP    string `json:"smpp"`
	SMPPTLS string `json:"smpp_tls,omitempty"`
	TCP     string `json:"tcp"`
	TCPTLS  string `json:"tcp_tls,omitempty"`
	Admin   string `json:"admin,omitempty"`
}

// Alive says that the worker does not hang.
type Alive struct {
	Event string `json:"event"` // EventAlive
}

// Event is one line of a worker's stdout.
type Event struct {
	Kind  string // EventReady, EventAlive, EventErase, or what a newer worker says
	Ready Ready  // filled for EventReady
	Erase Erase  // filled for EventErase
}

// ParseEvent reads one line. It is false for anything that is not an event.
func ParseEvent(line []byte) (Event, bool) {
	var head struct{ Event string }
	if json.Unmarshal(line, &head) != nil || head.Event == "" {
		return Event{}, false
	}
	e := Event{Kind: head.Event}
	if e.Kind == EventReady && json.Unmarshal(line, &e.Ready) != nil {
		return Event{}, false
	}
	if e.Kind == EventErase && json.Unmarshal(line, &e.Erase) != nil {
		return Event{}, false
	}
	return e, true
}
