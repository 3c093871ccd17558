package adminapi

import "time"

// Client is one of config.toml, bound or not, or one that config.toml no longer has and messages wait for:
// GET /api/v1/clients, and GET /api/v1/clients/{system_id}.
type Client struct {
	SystemID    string    `json:"system_id"`
	Configured  bool      `json:"configured"` // config.toml has it
	Disabled    bool      `json:"disabled"`
	Numbers     []string  `json:"numbers"`        // empty = all
	State       string    `json:"state"`          // BOUND_TX, BOUND_RX, BOUND_TRX, BOUND_TX+BOUND_RX, or UNBOUND
	Since       time.Time `json:"since,omitzero"` // of the state; zero = not known
	Why         Text      `json:"why,omitzero"`   // it is not bound
	Paused      *Pause    `json:"paused"`         // nil = it is not
	Sessions    []Session `json:"sessions"`
	Waiting     Waiting   `json:"waiting"` // for it
	Today       Traffic   `json:"today"`   // since midnight of the server's zone
	Rate        int       `json:"rate"`    // submits in the last whole second
	Limit       int       `json:"limit"`   // submits per second, 0 = none
	LastBind    *Event    `json:"last_bind"`
	LastRefusal *Event    `json:"last_refusal"` // of a bind
	Traced      bool      `json:"traced"`
	Events      []Event   `json:"events,omitempty"` // the last ones, newest first; of a single client only
}

// Pause is that nothing is sent to a client, by an operator's wish.
type Pause struct {
	Since time.Time `json:"since,omitzero"`
	By    string    `json:"by"`
}

// Traffic is one client's.
type Traffic struct {
	In     int64 `json:"in"`  // accepted from it
	Out    int64 `json:"out"` // delivered to it, receipts left out
	Failed int64 `json:"failed"`
}

// Event is something that happened to a client.
type Event struct {
	At     time.Time `json:"at,omitzero"`
	Kind   string    `json:"kind"` // bound, unbound, refused, throttled, probed, paused, resumed
	Text   Text      `json:"text,omitzero"`
	Remote string    `json:"remote,omitempty"` // host:port
	Node   string    `json:"node,omitempty"`   // where it happened, where several share the store
}

// Session is an SMPP connection, one of the list that GET /api/v1/sessions answers with.
type Session struct {
	ID        uint64    `json:"id"`             // among those of its node
	Node      string    `json:"node,omitempty"` // that has it, where several share the store
	SystemID  string    `json:"system_id"`      // "" before the bind
	State     string    `json:"state"`          // OPEN, BOUND_TX, BOUND_RX, BOUND_TRX, UNBINDING, CLOSING
	Remote    string    `json:"remote"`         // host:port
	Version   string    `json:"interface_version"`
	Since     time.Time `json:"since,omitzero"`
	TLS       bool      `json:"tls"`
	Heard     time.Time `json:"heard,omitzero"` // when the last octet came
	Window    int       `json:"window"`         // deliver_sm that may be in flight
	InFlight  int       `json:"in_flight"`      // deliver_sm that are
	Submits   int64     `json:"submits"`        // accepted on it
	Refused   int64     `json:"refused"`        // submits that were not
	Delivers  int64     `json:"delivers"`       // deliver_sm that it took
	LastError Text      `json:"last_error,omitzero"`
}

// Waiting is what waits for one recipient: GET /api/v1/waiting?by=recipient.
type Waiting struct {
	Recipient string    `json:"recipient"` // a system_id; "hermes" for Hermès
	Count     int       `json:"count"`
	Texts     int       `json:"texts"`
	Receipts  int       `json:"receipts"`
	InFlight  int       `json:"in_flight"`
	Scheduled int       `json:"scheduled"`       // of them, for later by their sender's wish
	Oldest    time.Time `json:"oldest,omitzero"` // when the oldest was accepted; zero = none waits
	OldestID  string    `json:"oldest_id,omitempty"`
	Why       Text      `json:"why,omitzero"`
	Next      time.Time `json:"next,omitzero"` // the next try, if a time is set for it
	// Nodes are those that hold a part of it, the one with most first, where several share the store.
	Nodes []WaitingAt `json:"nodes,omitempty"`
}

// WaitingAt is what waits for a recipient at one node.
type WaitingAt struct {
	Node   string    `json:"node"`
	Count  int       `json:"count"`
	Oldest time.Time `json:"oldest,omitzero"`
	Why    Text      `json:"why,omitzero"`
}
