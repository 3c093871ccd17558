package store

import (
	"context"
	"time"

	"hnetsmpp/smppserv/sms"
)

// ClientNote is what is kept of a client over a restart.
type ClientNote struct {
	Client                  string // system_id
	Bound, Unbound, Refused ClientEvent
	Paused                  Pause
}

// ClientEvent is the last one of its kind; a zero At = there was none.
type ClientEvent struct {
	At     time.Time
	Remote string // host:port
	Why    string // in words, "" = there is nothing to say
}

// Pause is that nothing is sent to a client; a zero Since = it is not so.
type Pause struct {
	Since time.Time
	By    string
}

// NoteClient keeps those events of n that are not zero; Paused is left alone. It returns at once, and it is on disk within about
// a second: a flood of them is one write a second. It is for clients of the configuration: there is no bound on their number.
func (s *Store) NoteClient(n ClientNote) {}

// PauseClient keeps that a client is paused, or, with the zero Pause, that it is not. It returns at once; done tells when it is on
// disk.
func (s *Store) PauseClient(client string, p Pause, done func(error)) {}

// ClientNotes lists all that is kept, what is on its way to disk included, in ascending order of the clients.
func (s *Store) ClientNotes(ctx context.Context) ([]ClientNote, error) { return nil, errNotBuilt }

// Readdress gives messages that are not final to another recipient, in one transaction. At most a thousand at once. It returns at
// once; done tells when it is on disk.
func (s *Store) Readdress(ids []sms.ID, recipient string, done func(error)) {}
