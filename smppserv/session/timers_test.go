package session

import (
	"errors"
	"testing"
	"time"
)

func TestTheTimersAskForTheNearestThing(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	after := func(d time.Duration) time.Time { return start.Add(d) }
	all := Timers{SessionInit: 5 * time.Second, EnquireLink: 30 * time.Second, Inactivity: time.Minute, Response: 10 * time.Second}
	var never time.Time
	for _, tc := range []struct {
		name                                        string
		timers                                      Timers
		state                                       State
		now                                         time.Duration
		lastIn, oldest, writing                     time.Time
		enquireSent, unbindEnd, closeAt, endBy, nxt time.Time
		do                                          action
		why                                         error
	}{
		{name: "an open session waits for its bind", timers: all, state: Open, lastIn: start, nxt: after(5 * time.Second)},
		{name: "no bind in time ends an open session", timers: all, state: Open, now: 5 * time.Second, lastIn: start, do: drop, why: ErrSessionInit},
		{name: "without session_init an open session waits for ever", timers: Timers{Response: time.Second}, state: Open, now: time.Hour, lastIn: start},
		{name: "an open session is not enquired", timers: Timers{EnquireLink: time.Second}, state: Open, now: time.Hour, lastIn: start},
		{name: "silence is looked at when enquire_link is due", timers: all, state: BoundTX, now: time.Second, lastIn: start, nxt: after(30 * time.Second)},
		{name: "enquire_link is due", timers: all, state: BoundRX, now: 30 * time.Second, lastIn: start, do: enquire},
		{name: "an enquire_link on its way is not repeated", timers: all, state: BoundTRX, now: 35 * time.Second, lastIn: start,
			enquireSent: after(30 * time.Second), nxt: after(40 * time.Second)},
		{name: "an unanswered enquire_link ends the session", timers: all, state: BoundTRX, now: 40 * time.Second, lastIn: start,
			enquireSent: after(30 * time.Second), do: drop, why: errEnquireLink},
		{name: "any PDU answers an enquire_link", timers: all, state: BoundTRX, now: 40 * time.Second, lastIn: after(31 * time.Second),
			enquireSent: after(30 * time.Second), nxt: after(61 * time.Second)},
		{name: "an answer within the same tick of the clock counts", timers: all, state: BoundTRX, now: 40 * time.Second, lastIn: after(30 * time.Second),
			enquireSent: after(30 * time.Second), nxt: after(60 * time.Second)},
		{name: "inactivity asks for unbind", timers: Timers{Inactivity: time.Minute}, state: BoundTX, now: time.Minute, lastIn: start,
			do: unbindInactive, why: errInactive},
		{name: "a request is looked at when its answer is overdue", timers: all, state: BoundRX, now: 3 * time.Second, lastIn: start,
			oldest: after(2 * time.Second), nxt: after(12 * time.Second)},
		{name: "an unanswered request expires", timers: all, state: BoundRX, now: 12 * time.Second, lastIn: start, oldest: after(2 * time.Second), do: expire},
		{name: "a session without timers waits for ever", state: BoundRX, now: time.Hour, lastIn: start, oldest: start},
		{name: "our unbind waits for its answer", timers: all, state: Unbinding, now: 2 * time.Second, lastIn: start,
			unbindEnd: after(11 * time.Second), nxt: after(11 * time.Second)},
		{name: "an unanswered unbind ends the session", timers: all, state: Unbinding, now: 11 * time.Second, lastIn: start,
			unbindEnd: after(11 * time.Second), do: drop, why: errNoUnbind},
		{name: "a stop does not wait for our unbind's answer for long", timers: all, state: Unbinding, now: 2 * time.Second, lastIn: start,
			unbindEnd: after(11 * time.Second), endBy: after(5 * time.Second), nxt: after(5 * time.Second)},
		{name: "a stop ends without our unbind's answer", timers: all, state: Unbinding, now: 5 * time.Second, lastIn: start,
			unbindEnd: after(11 * time.Second), endBy: after(5 * time.Second), do: drop, why: errNoUnbind},
		{name: "a stop ends without our unbind's answer where there are no timers", state: Unbinding, now: 5 * time.Second, lastIn: start,
			endBy: after(5 * time.Second), do: drop, why: errNoUnbind},
		{name: "a closing session gives the peer time", timers: all, state: Closing, now: time.Second, lastIn: start,
			closeAt: after(2 * time.Second), nxt: after(2 * time.Second)},
		{name: "a closing session shuts in the end", timers: all, state: Closing, now: 2 * time.Second, lastIn: start, closeAt: after(2 * time.Second), do: shut},
		{name: "a closing session shuts when a stop ends", timers: all, state: Closing, now: 2 * time.Second, lastIn: start,
			closeAt: after(9 * time.Second), endBy: after(2 * time.Second), do: shut},
		{name: "a peer that does not read is noticed without timers", state: BoundTX, now: time.Second, lastIn: start, writing: start, nxt: after(notReading)},
		{name: "a peer that never reads is dropped", state: BoundTX, now: notReading, lastIn: start, writing: start, do: drop, why: errNotReading},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ts := times{Timers: tc.timers, opened: start, enquireSent: tc.enquireSent, unbindEnd: tc.unbindEnd, closeAt: tc.closeAt, endBy: tc.endBy}
			do, again, why := ts.next(after(tc.now), tc.state, tc.lastIn, tc.oldest, tc.writing)
			if do != tc.do || !errors.Is(why, tc.why) {
				t.Fatalf("asks for %d because of %v, want %d because of %v", do, why, tc.do, tc.why)
			}
			if do == wait && !again.Equal(tc.nxt) {
				t.Fatalf("asks again at %v, want %v (never is %v)", again, tc.nxt, never)
			}
		})
	}
}
