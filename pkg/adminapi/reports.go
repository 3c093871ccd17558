package adminapi

import "time"

// ReportQuery is the query of GET /api/v1/reports.
type ReportQuery struct {
	By       string // campaign, client, number, day, hour
	From, To time.Time
	Client   string // "" = all
	Campaign string // "" = all
	Number   string // of by=number
}

// Report is the traffic of a period, a row for each campaign, client, number, day or hour.
type Report struct {
	By   string      `json:"by"`
	From time.Time   `json:"from,omitzero"`
	To   time.Time   `json:"to,omitzero"`
	Rows []ReportRow `json:"rows"`
	Sum  ReportRow   `json:"sum"`
}

// ReportRow counts texts; receipts are counted by themselves. Times are from acceptance to the final state.
type ReportRow struct {
	Key       string           `json:"key"`
	Received  int64            `json:"received"`  // accepted, from clients and from Hermès
	Pushed    int64            `json:"pushed"`    // delivered to Hermès
	Delivered int64            `json:"delivered"` // delivered to clients
	Failed    int64            `json:"failed"`
	Reasons   map[string]int64 `json:"reasons"` // of the failed: expired, undeliverable, rejected, with the HTTP status or command_status
	Deleted   int64            `json:"deleted"`
	Receipts  int64            `json:"receipts"`
	Parts     int64            `json:"parts"`
	Median    float64          `json:"median_ms"` // 0 = nothing was delivered
	P99       float64          `json:"p99_ms"`
}

// Series is the traffic as a curve: GET /api/v1/series?span=hour|day|month. Points are in ascending order, Step apart.
type Series struct {
	Span   string        `json:"span"`
	Step   time.Duration `json:"step_ns"`
	Points []Point       `json:"points"`
	Before []Point       `json:"before"` // the same hour a week ago; of span=hour only
}

// Point is one step of a Series. What is per step is counted from At on.
type Point struct {
	At        time.Time `json:"at,omitzero"`
	Submitted int64     `json:"submitted"`
	Pushed    int64     `json:"pushed"`
	Delivered int64     `json:"delivered"`
	Failed    int64     `json:"failed"`
	Receipts  int64     `json:"receipts"`
	Waiting   int64     `json:"waiting"`   // at its end
	OldestMS  int64     `json:"oldest_ms"` // age of the oldest that waits, at its end
	PushP50   float64   `json:"push_p50_ms"`
	PushP99   float64   `json:"push_p99_ms"`
}

// Setting is a key of config.toml: GET /api/v1/settings.
type Setting struct {
	Key     string `json:"key"`
	Value   string `json:"value"` // in effect; "•••" where it is secret
	Secret  bool   `json:"secret"`
	Source  string `json:"source"`  // "config.toml:12", "default", "${NAME}", or the file of a …_file key
	Pending string `json:"pending"` // the file's value, that waits for a restart; "" = none
	Restart bool   `json:"restart"` // a change takes a restart
}

// Settings are all of them.
type Settings struct {
	File    string    `json:"file"`
	Taken   time.Time `json:"taken,omitzero"`  // when the file was last taken up
	Fault   string    `json:"fault"`           // why what it is now was not; "" = it was
	Faulty  time.Time `json:"faulty,omitzero"` // since when
	Pending []string  `json:"pending"`         // keys that wait for a restart
	All     []Setting `json:"all"`
}

// LogLine is a line of the worker's log: GET /api/v1/log.
type LogLine struct {
	At      time.Time         `json:"at,omitzero"`
	Level   string            `json:"level"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields"`
}

// AuditEntry is something that somebody did: GET /api/v1/audit.
type AuditEntry struct {
	ID   int64     `json:"id"`
	At   time.Time `json:"at,omitzero"`
	Who  string    `json:"who"`  // a user, "token" for the commands of the machine, "local" for whoever reaches loopback, "config.toml"
	From string    `json:"from"` // an address; "" = this machine
	What string    `json:"what"` // login, login refused, unbind, pause, resume, retry, cancel, send-again, hand-over, show text, trace, send, reload, …
	On   string    `json:"on"`   // a client, a message_id, a key
	More string    `json:"more,omitempty"`
}

// Audit is a page of them, newest first.
type Audit struct {
	Entries []AuditEntry `json:"entries"`
	Next    string       `json:"next,omitempty"`
}

// Problem is the answer to a request that was refused (RFC 9457, application/problem+json).
type Problem struct {
	Type   string `json:"type"`             // "about:blank"
	Title  string `json:"title"`            // what is wrong, in a few words
	Status int    `json:"status"`           // of HTTP
	Detail string `json:"detail,omitempty"` // and what to do
}

// ReportsBy are the rows of a Report; Spans are those of a Series.
var (
	ReportsBy = []string{"campaign", "client", "number", "day", "hour"}
	Spans     = []string{"hour", "day", "month"}
)
