package session

import "time"

// Timers are the session's timers (SMPP 3.4, 7.2); 0 turns one off.
type Timers struct {
	SessionInit time.Duration // from the connection to the bind
	EnquireLink time.Duration // silence before our enquire_link
	Inactivity  time.Duration // silence before our unbind
	Response    time.Duration // to the answer of a request of ours
}

// notReading is how long one Write may take when no other timer notices.
const notReading = 2 * time.Minute

// times is what the timers go by.
type times struct {
	Timers
	opened      time.Time
	enquireSent time.Time // zero: none is unanswered
	unbindEnd   time.Time // of the wait for what an unbind waits for; zero = it has no end
	judging     bool      // a bind has come: session_init is over, its answer may take longer
	closeAt     time.Time // of a session that is closing
	endBy       time.Time // whatever the other timers say of its end: a stop has its time; zero = no such limit
}

// unbinding begins the wait for the answer to an unbind: n times the response timer.
func (t *times) unbinding(now time.Time, n int) {
	if t.Response > 0 {
		t.unbindEnd = now.Add(time.Duration(n) * t.Response)
	}
}

// heard has an enquire_link answered by a PDU that came at lastIn: any does (4.11), one of the same tick of a coarse clock, too.
func (t *times) heard(lastIn time.Time) {
	if !lastIn.Before(t.enquireSent) {
		t.enquireSent = time.Time{}
	}
}

// action is what a timer asks for.
type action uint8

const (
	wait action = iota
	enquire
	expire // requests of ours
	unbindInactive
	drop
	shut // the time to close has come
)

// next says what is to do now, why, and when to ask again (zero: when something changes).
// lastIn is when the last whole PDU came, oldest when our longest unanswered request was sent, writing since when
// the socket takes nothing.
func (t *times) next(now time.Time, st State, lastIn, oldest, writing time.Time) (do action, again time.Time, why error) {
	past := func(end time.Time) bool { // tells whether a timer is over, else notes its end
		switch {
		case end.IsZero():
			return false
		case !now.Before(end):
			return true
		case again.IsZero() || end.Before(again):
			again = end
		}
		return false
	}
	at := func(from time.Time, d time.Duration) bool { return d > 0 && !from.IsZero() && past(from.Add(d)) }
	if at(writing, notReading) {
		return drop, again, errNotReading
	}
	switch {
	case st == Closing:
		if past(t.closeAt) || past(t.endBy) {
			return shut, again, nil
		}
		return wait, again, nil
	case st == Open:
		if !t.judging && at(t.opened, t.SessionInit) {
			return drop, again, ErrSessionInit
		}
		return wait, again, nil
	case st == Unbinding:
		if past(t.unbindEnd) || past(t.endBy) {
			return drop, again, errNoUnbind
		}
		return wait, again, nil
	}
	t.heard(lastIn)
	switch {
	case at(t.enquireSent, t.Response):
		return drop, again, errEnquireLink
	case at(oldest, t.Response):
		return expire, again, nil
	case at(lastIn, t.Inactivity):
		return unbindInactive, again, errInactive
	case t.enquireSent.IsZero() && at(lastIn, t.EnquireLink):
		return enquire, again, nil
	}
	return wait, again, nil
}
