package sms

import "time"

// Backlog is what waits for one recipient.
type Backlog struct {
	Recipient string    // a system_id, or Hermes
	Count     int       // messages that are not final, those in flight included
	Texts     int       // of them; the others are receipts and their like
	InFlight  int       // tries under way
	Scheduled int       // for later, by their submitter's wish
	Oldest    ID        // 0 = nothing waits
	Next      time.Time // the earliest next try that a time is set for; zero = there is none

	Outlets int       // ways to it: sessions that receive, or Hermès' one
	Resting int       // of them, those that take nothing now
	Until   time.Time // when the first of these goes on; zero = none rests
	Held    bool      // nothing is tried: an operator paused it, or it is being handed over
}

// Wait is how a message waits.
type Wait struct {
	Trying    bool      // it is being tried, or changed, at this moment
	Scheduled bool      // for Due, by its submitter's wish
	Parts     bool      // for the other parts of its text, until Due
	Due       time.Time // not before; zero = as soon as its turn comes
	Behind    ID        // a message of its conversation that goes first; 0 = none
}

// Receipts are those that are no texts.
func (b Backlog) Receipts() int { return b.Count - b.Texts }
