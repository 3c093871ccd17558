package adminapi

import "time"

// Hermes names the contact centre where a system_id would stand.
const Hermes = "hermes"

// Search asks for messages: the query of GET /api/v1/messages. A zero value leaves all through.
type Search struct {
	Client    string    // submitter or recipient
	Number    string    // of the one who writes or is written to: whole, or its beginning with a * at its end; a leading + is taken off
	Campaign  string    // the number of the contact centre's side
	State     string    // a message_state, or waiting, failed
	Direction string    // in (to Hermès, or from a client to another one) or out (to a client)
	Kind      string    // text, receipt
	From, To  time.Time // of its acceptance, To excluded
	Limit     int       // at most MaxLimit, 0 = DefaultLimit
	Cursor    string    // Page.Next of the page before; "" = from the newest on
}

const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Page is a part of what a Search finds, newest first: GET /api/v1/messages.
type Page struct {
	Messages []Message `json:"messages"`
	Next     string    `json:"next,omitempty"` // the cursor of the next page; "" = there is none
	// SearchedTo is how far back was looked, when the time for one look was over before the page was full: Next goes on there.
	SearchedTo time.Time `json:"searched_to,omitzero"`
}

// Message is a message as a list has it.
type Message struct {
	ID        string    `json:"id"`                 // the message_id, in decimal
	KnownBy   string    `json:"known_by,omitempty"` // the message_id that its submitter was given, if that is another one
	Kind      string    `json:"kind"`               // text, receipt, intermediate
	Direction string    `json:"direction"`          // in, out
	From      string    `json:"from"`
	To        string    `json:"to"`
	Submitter string    `json:"submitter"`       // a system_id, or hermes
	Recipient string    `json:"recipient"`       // likewise
	State     string    `json:"state"`           // of SMPP
	Reason    Text      `json:"reason,omitzero"` // of the last failed try
	Error     int       `json:"error,omitempty"` // an HTTP status or a command_status
	Tries     int       `json:"tries"`
	Received  time.Time `json:"received,omitzero"`
	Final     time.Time `json:"final,omitzero"` // zero = it waits
	Next      time.Time `json:"next,omitzero"`  // the next try of what waits, if a time is set for it
	Expires   time.Time `json:"expires,omitzero"`
	Part      string    `json:"part,omitempty"` // "2/3"
	Of        string    `json:"of,omitempty"`   // of a receipt: the message that it is about
	Node      string    `json:"node,omitempty"` // that holds it while it waits, where several share the store
}

// Detail is one message with all that is known of it: GET /api/v1/messages/{id}.
type Detail struct {
	Message
	// Why says, in one line, why it waits, or what became of it.
	Why        Text    `json:"why,omitzero"`
	Timeline   []Step  `json:"timeline"`
	Fields     []Field `json:"fields"` // of the PDU that it came in
	ExternalID string  `json:"external_id,omitempty"`
	PushKey    string  `json:"idempotency_key,omitempty"`
	Octets     int     `json:"octets"` // of its text, as it came
	// Text is the text, for who may read it; nil = not shown.
	Text *string `json:"text,omitempty"`
	// Data are the octets of a binary message.
	Data     []byte    `json:"data,omitempty"`
	Receipts []Message `json:"receipts"` // about it
	Parts    []Message `json:"parts"`    // the others of its text
	Can      []string  `json:"can"`      // retry, cancel, send-again
}

// Step is something that happened to a message.
type Step struct {
	At      time.Time `json:"at,omitzero"`
	Kind    string    `json:"kind"` // accepted, try, receipt, final, waiting
	Text    Text      `json:"text,omitzero"`
	Through string    `json:"through,omitempty"` // of a try: hermes, or "session 13"
	Code    int       `json:"code,omitempty"`    // of a try: an HTTP status or a command_status
	Took    float64   `json:"took_ms,omitempty"`
	ID      string    `json:"id,omitempty"` // of the receipt
}

// Field is one of a PDU, decoded.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Means string `json:"means,omitempty"`
}

// Done is the answer to an action.
type Done struct {
	ID    string `json:"id,omitempty"`    // of a message that was made
	Count int    `json:"count,omitempty"` // of messages that it concerned
	Text  Text   `json:"text,omitzero"`
}

// Erasure is how far the erasure of a person's number has come.
type Erasure struct {
	Done     bool `json:"done"`     // nothing holds it any more; else ask again, and it goes on
	Messages int  `json:"messages"` // that this request has erased
	Lines    int  `json:"lines"`    // of log files that it has taken out
	Text     Text `json:"text"`
}

// States are those of Search.State: the states of SMPP, what has no final one, and what has one of those that nobody wished for.
var States = []string{"SCHEDULED", "ENROUTE", "DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE", "REJECTED", "waiting", "failed"}
