package adminapi

import "time"

// Level is how a part of the server, or something to see to, stands.
type Level string

const (
	Good    Level = "good"
	Warning Level = "warning" // work goes on, somebody should look
	Bad     Level = "bad"     // work stands still
	Neutral Level = "neutral" // switched off, or not known yet
)

// The names of Part, in the order in which they are listed.
const (
	PartSMPP          = "smpp"
	PartHermes        = "hermes"
	PartTCP           = "tcp"
	PartStore         = "store"
	PartDisk          = "disk"
	PartConfiguration = "configuration"
)

// Status is the server as a whole: GET /api/v1/status.
type Status struct {
	Node    string    `json:"node"`
	Version string    `json:"version"`
	Started time.Time `json:"started,omitzero"`
	Now     time.Time `json:"now,omitzero"`
	Mode    string    `json:"mode"`
	Ready   bool      `json:"ready"`         // messages are accepted
	Why     string    `json:"why,omitempty"` // they are not
	Parts   []Part    `json:"parts"`         // one of each name
	// Attention is what an operator should see to, the worst first.
	Attention []Notice `json:"attention"`
	Load      Load     `json:"load"`
	Today     Counts   `json:"today"` // since midnight of the server's zone
	// Nodes are all workers, where several can share the store: Load and Attention are of all of them, and each of Parts is the one
	// that stands worst. Node, Started, Ready and Why are those of the one that answers.
	Nodes []Node `json:"nodes,omitempty"`
	// Lacks is what is not known, as a node did not answer.
	Lacks []Text `json:"lacks,omitempty"`
}

// Part is how one part of the server stands.
type Part struct {
	Name  string    `json:"name"`
	Level Level     `json:"level"`
	Since time.Time `json:"since,omitzero"` // of the level and its reason
	Text  Text      `json:"text,omitzero"`  // how it is and because of what, in one line
	// Figures are what belongs to it: octets of disk_free, database and log for the store and the disk, bound and configured
	// for SMPP, connections for TCP, window, in_flight and up (1 or 0, if it is known) for Hermès.
	Figures map[string]int64 `json:"figures,omitempty"`
}

// Notice is something to see to.
type Notice struct {
	Code  string    `json:"code"`           // what it is, the same in each language and version
	About string    `json:"about"`          // what it is about: a client, a node, a key of config.toml; "" = the whole
	Node  string    `json:"node,omitempty"` // it concerns this one alone, of several
	Level Level     `json:"level"`
	Since time.Time `json:"since,omitzero"` // zero = not known
	Text  Text      `json:"text,omitzero"`
	ToDo  Text      `json:"to_do,omitzero"`
	Link  string    `json:"link,omitempty"` // the path of the page where one sees more
}

// Codes of notices that the launcher tells Windows' Event Log of.
const (
	CodeHermesSilent    = "hermes_silent"
	CodeStoreUnwritable = "store_unwritable"
	CodeConfigRefused   = "config_refused"
)

// Load is what is under way now.
type Load struct {
	Waiting   int       `json:"waiting"`         // messages that are not final, those in flight included
	Texts     int       `json:"texts"`           // of them
	Receipts  int       `json:"receipts"`        // of them
	InFlight  int       `json:"in_flight"`       // tries under way
	Oldest    time.Time `json:"oldest,omitzero"` // when the oldest that waits was accepted; zero = none waits
	Sessions  int       `json:"sessions"`
	Unwritten int       `json:"unwritten"` // outcomes on their way to disk
}

// Counts are messages. Receipts are counted by themselves and nowhere else.
type Counts struct {
	Submitted int64 `json:"submitted"` // accepted from clients and from Hermès
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"` // expired, undeliverable or rejected
	Deleted   int64 `json:"deleted"`
	Receipts  int64 `json:"receipts"` // delivered
	Parts     int64 `json:"parts"`    // of what was submitted
}
