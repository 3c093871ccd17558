package sms

import (
	"errors"
	"time"
)

// ErrQueueFull means that the owner of the message has as many undelivered ones as it may have.
var ErrQueueFull = errors.New("too many undelivered messages")

// ErrNotWaiting means that a message is unknown or its state final.
var ErrNotWaiting = errors.New("the message is not waiting")

// Addition is a message that waits for its place on disk.
type Addition interface {
	Message() *Message
	// Replaces is the end of another message, written in the same transaction; nil = there is none. It is asked for when
	// the message bears its ID, once more if the transaction must be tried again, and not if the message is a duplicate.
	Replaces() *Move
	// Added is called once, in the order in which the additions came, when the message is on disk and bears its ID.
	// duplicate means that its ExternalID was known: the ID is the earlier message's and nothing was stored.
	Added(duplicate bool, err error)
}

// Move takes a message, or all the parts of a long one, to its final state or to its next try.
type Move struct {
	IDs      []ID
	State    State
	Attempts int
	Error    int
	Reason   string
	DueAt    time.Time  // of the next try, when State is not final
	Receipts []*Message // owed because of it, stored in the same transaction
	Done     func()     // called when all of it is on disk, and the receipts bear their IDs; may be nil
}

// Sender is who handed a message in and waits to hear of it.
type Sender interface {
	// Accepted is called once, when the message is on disk (or, with err, cannot be): the time to answer.
	Accepted(m *Message, duplicate bool, err error)
	// Concluded is called once, when m's final state is on disk, if that happens before a restart.
	Concluded(m *Message, o Outcome)
	// Answered tells on which session Accepted was answered, and since when the answer is on the wire.
	// A sender without sessions returns 0, false.
	Answered() (session uint64, since time.Time, ok bool)
}

// Deliverer is one way out: Hermès, or one receiving session of a client.
type Deliverer interface {
	// Deliver starts one try and returns at once. Several messages are the parts of one long text, in their order;
	// incomplete tells that some are missing. report is called exactly once, from any goroutine.
	Deliver(ms []*Message, incomplete bool, report func(Outcome))
}

// Way describes a Deliverer to the queue.
type Way struct {
	Recipient string          // a system_id, or Hermes
	Session   uint64          // the session it writes to, 0 = none
	Window    int             // tries in flight
	Serial    bool            // one try at a time in each conversation: the way does not keep their order by itself
	Retry     []time.Duration // waits after the first, second, … failed try; the last one repeats
	Deliverer Deliverer
}

// Outlet is an open Way.
type Outlet interface {
	// SetWindow changes how many tries may be in flight.
	SetWindow(n int)
	// Pause starts no try for this long.
	Pause(d time.Duration)
	// Resume ends a pause, and the waits of messages that failed while the way was shut.
	Resume()
	// Detach starts no more tries. Those in flight still report.
	Detach()
}
