// Package road is what edge, queue and store promise each other: how a message is handed over and who is told what.
//
//	edge ── Submission ──► queue ── Addition ──► store      handed in, then on disk: the Submission is answered
//	edge ◄── Deliverer ─── queue ── Transition ─► store     tried, then what came of it is on disk
//	edge ─── Outlet ─────► queue                            how much the edge takes, and when
package road

import (
	"time"

	"hnetsmpp/smppserv/sms"
)

// Submission is the request that handed a message in and is answered when it is on disk:
// a submit_sm or its like, or a line on the TCP port.
type Submission interface {
	// Accepted is called once, when the message is on disk (or, with err, cannot be): the time to answer.
	Accepted(m *sms.Message, duplicate bool, err error)
	// Awaits tells whether Concluded is to be called; it is asked before Accepted is called, and must not call the queue.
	// A submission that does not wait is let go once its answer is out and no receipt has to be held back for it any more.
	Awaits() bool
	// Concluded is called once, when m's final state is on disk, if that happens before a restart.
	Concluded(m *sms.Message, o sms.Outcome)
	// Answered tells on which session Accepted was answered, and since when, with a monotonic reading, the answer is on
	// the wire.
	// A submission without a session returns 0, false.
	Answered() (session uint64, since time.Time, ok bool)
}

// Addition is a message that waits for its place on disk.
type Addition interface {
	Message() *sms.Message
	// Replaces is the end of another message, written in the same transaction; nil = there is none. It is asked for when
	// the message bears its ID, once more if the transaction must be tried again, and not if the message is a duplicate.
	Replaces() *Transition
	// Added is called once, in the order in which the additions came, when the message is on disk and bears its ID.
	// duplicate means that its ExternalID was known: the ID is the earlier message's and nothing was stored.
	Added(duplicate bool, err error)
}

// Transition takes a message, or all the parts of a long one, to its final state or to its next try.
type Transition struct {
	IDs      []sms.ID
	Messages []*sms.Message // of all of IDs, with what the store has of a try of theirs, for whoever writes an end; nil = it looks
	State    sms.State
	Attempts int
	Error    int // an HTTP status or a command_status
	Reason   string
	// At is when the try began, zero = it is no try that this comes of: a validity that is over, a cancel. What was kept of the
	// try before it goes to the tries beside the message.
	At      time.Time
	Took    time.Duration
	Through string // what the try went through: "hermes", "session 13"
	// Unjudged tells that the try says nothing of the message. Where the one before ended alike, they are kept as one, with a count.
	Unjudged bool
	DueAt    time.Time      // of the next try, when State is not final; zero = it stays, and so does Wait
	PushKey  string         // of the text that the parts make, for its next tries; "" = as it was
	Progress string         // sms.Message.Progress from now on, when State is not final; "" = as it was
	Underway bool           // no try has ended: Progress is written, and nothing else
	Wait     time.Duration  // until then
	Receipts []*sms.Message // owed because of it, stored in the same transaction
	Done     func()         // called when all of it is on disk, and the receipts bear their IDs; may be nil

	// Parked is called at most once, when the database has refused a row of it time and again: nobody is to wait for it any
	// more. A final state is kept and may be written later, and then Done is called; a next try is given up. May be nil.
	Parked func()
	// Refused is why, set before Parked is called; nil = it is not parked.
	Refused error
}

// ClockStep is a setting of the wall clock while the worker ran; to a machine that slept it looks the same.
// What bears an ID up to LastID got its times from the clock as it was before. What bears a higher one, up to OnTheirWay, was on its way
// to disk, and its times tell: those of before are nearer to From than to To.
type ClockStep struct {
	LastID     sms.ID
	OnTheirWay sms.ID // the store knows it, zero = nothing was
	From, To   time.Time
	// Of are the lives of the worker whose clock it was, where several share a store; nil = this one's. The store knows them.
	Of []sms.Epoch
}

// By is how far the clock was set, negative = back.
func (s ClockStep) By() time.Duration { return s.To.Round(0).Sub(s.From.Round(0)) }

// Deliverer is one way out: Hermès, or one receiving session of a client.
type Deliverer interface {
	// Deliver starts one try and returns at once. Several messages are the parts of one long text, in their order;
	// incomplete tells that some are missing. report is called exactly once with what came of the try, from any goroutine; and
	// before that, each time the recipient has taken a part of the text, with sms.Underway.
	Deliver(ms []*sms.Message, incomplete bool, report func(sms.Outcome))
}

// OutletOptions describe a Deliverer to the queue.
type OutletOptions struct {
	Recipient string          // a system_id, or sms.Hermes
	Session   uint64          // the session it writes to, 0 = none
	Holder    sms.Epoch       // the worker that it hands messages on to (sms.HandedOn), 0 = it delivers them
	Window    int             // tries in flight
	Serial    bool            // one try at a time in each conversation: the Deliverer does not keep their order by itself
	Retry     []time.Duration // waits after the first, second, … failed try; the last one repeats
	Deliverer Deliverer
}

// Outlet is the queue's end of a Deliverer: what the edge tells the queue of how it can be used.
type Outlet interface {
	// SetWindow changes how many tries may be in flight.
	SetWindow(n int)
	// Pause starts no try for this long.
	Pause(d time.Duration)
	// Rest is Pause for a recipient that is there, and takes nothing now.
	Rest(d time.Duration)
	// Avoid has messages go through the recipient's other outlets, as long as there is one that is not avoided.
	Avoid(on bool)
	// Overtakes tells whether one before m in its conversation must be tried again. A Deliverer that is given m may have reported that
	// when m was on its way to it, and returns m.
	Overtakes(m *sms.Message) bool
	// Resume ends a pause, and the waits of messages that failed while the outlet was shut.
	Resume()
	// Detach starts no more tries. Those in flight still report.
	Detach()
}
