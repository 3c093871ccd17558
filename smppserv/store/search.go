package store

import (
	"context"
	"errors"
	"time"

	"hnetsmpp/smppserv/sms"
)

// Direction is which way a message goes.
type Direction uint8

const (
	Either Direction = iota
	In               // to Hermès, or from a client to another one
	Out              // from Hermès, or the message centre, to a client
)

// Search says which messages are looked for. A zero field leaves all through.
type Search struct {
	Client    string      // submitter or recipient
	Number    string      // of either side, as in sms.Address
	Beginning bool        // Number is only how it begins
	Campaign  string      // the number of the contact centre's side
	States    []sms.State // sms.Scheduled finds what its sender wanted later and was not tried; sms.Enroute has those, too
	Direction Direction
	Kinds     []sms.Kind
	From, To  time.Time // of FirstReceived, To excluded. What came while the clock was wrong may be left out
	Below     sms.ID    // leaves out that message and all newer ones: Found.Next of the page before; 0 = from the newest on
	Limit     int       // 1 to MaxFound
}

// MaxFound bounds the Limit of a Search.
const MaxFound = 1000

// Found is a part of what a Search finds, newest first and without their Content.
type Found struct {
	Messages []*sms.Message
	Next     sms.ID // Search.Below of what is older; 0 = that is all
	// SearchedTo is how far back was looked, when the time for one look, 300 ms, was over before Limit were found: Next goes on
	// there. Zero = it was not.
	SearchedTo time.Time
}

var errNotBuilt = errors.New("not built yet")

// Search finds messages, in about 300 ms at most.
func (s *Store) Search(ctx context.Context, q Search) (Found, error) { return Found{}, errNotBuilt }

// Tries lists the tries of a message, the oldest first; there may be none.
func (s *Store) Tries(ctx context.Context, id sms.ID) ([]sms.Try, error) { return nil, errNotBuilt }
