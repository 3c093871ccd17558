// Package adminapi is the words of the admin port: what its requests and answers hold, for those who serve them and
// for those who ask.
package adminapi

import "time"

// Session is an SMPP connection, one of the list that GET /api/v1/sessions answers with.
type Session struct {
	ID       uint64    `json:"id"`
	SystemID string    `json:"system_id"` // "" before the bind
	State    string    `json:"state"`     // OPEN, BOUND_TX, BOUND_RX, BOUND_TRX, UNBINDING, CLOSING
	Remote   string    `json:"remote"`    // host:port
	Version  string    `json:"interface_version"`
	Since    time.Time `json:"since"`
}

// Problem is the answer to a request that was refused.
type Problem struct {
	Error string `json:"error"`
}
