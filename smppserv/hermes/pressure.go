package hermes

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
)

const (
	// deadAfter is how many tries in a row must find nobody there until the server counts as dead.
	deadAfter = 3
	// So it does when the last deadFailing pushes, of at least deadConversations, all failed at the server.
	deadFailing, deadConversations = 20, 5
	// maxPause bounds the time between two probes, and so how late a recovery is noticed; and the pauses of a server that
	// refuses pushes for now without saying for how long, of which firstPause is the first.
	firstPause, maxPause = time.Second, 15 * time.Second
	// maxRequestedPause bounds how long the server may ask everybody to wait.
	maxRequestedPause = time.Minute
	// maxStillborn is how many tries in a row may meet closed connections, for each that may be in flight.
	maxStillborn = 4
)

// kind is what a try says of the server.
type kind uint8

const (
	answered  kind = iota // it is there, and what it said is about the one message
	taken                 // likewise, and it took the message
	erring                // likewise, but its own fault
	refused               // it wants fewer pushes (429, or 407 of a proxy)
	silence               // nobody was there, or a gateway answered in the server's place (502, 503, 504)
	stillborn             // nothing: a connection that was used before was closed meanwhile
	unmade                // nothing: no request was made
)

func kindOf(o sms.Outcome) kind {
	switch code := o.Code; {
	case o.Verdict == sms.Done:
		return taken
	case o.Verdict != sms.TryAgain:
		return answered
	case code == 0, code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		return silence
	case code == http.StatusTooManyRequests, code == http.StatusProxyAuthRequired:
		return refused
	case code/100 == 5:
		return erring
	}
	return answered
}

// pressure is how hard a server is pressed, by what the tries made there tell.
//
//	alive, 1 to most pushes at a time ── deadAfter silences in a row, or deadFailing failures ──► dead: one probe, a pause,
//	   ▲      each round of answers adds one; silence or a refusal halves,                          one probe, a longer pause, …
//	   │      once for all that were in flight; a refusal pauses all                                │
//	   └────────────────────────────────── from 1 again ◄── an answer ──────────────────────────────┘
type pressure struct {
	most     int // pushes at a time, never more
	window   int // that there may be now
	inFlight int
	awaited  int    // of these, in transaction mode
	peak     int    // the most in flight since the window changed
	answers  int    // since then
	begun    uint64 // tries
	halved   uint64 // of those, when the window was halved last: they say no more about it

	dead      bool
	failed    bool     // it is dead of failures, not of silence: answers that are failures keep it so
	silent    int      // in a row, while alive
	stillborn int      // in a row
	probes    int      // since dead
	epoch     uint64   // of the tries that count for that: those that began before it died or was last alive do not
	faults    []uint64 // the conversations of the last pushes, while all fail
	pausing   pausing
	pace      pace
}

// pausing is what is remembered of refusals.
type pausing struct {
	n     int    // in a row, with nothing taken in between
	begun uint64 // tries when the last one came
	until time.Time
}

func newPressure(most int) pressure { return pressure{most: most, window: 1} }

// verdict is what follows from a try for the others.
type verdict struct {
	died, revived bool
	pause         time.Duration // of everything, 0 = none
}

// begin counts a try in and returns its number and epoch.
func (b *pressure) begin(now time.Time) (number, epoch uint64) {
	b.begun++
	b.inFlight++
	b.peak = max(b.peak, b.inFlight)
	b.pace.begin(now)
	return b.begun, b.epoch
}

// now is how many pushes may be in flight at the moment. Those in transaction mode, whose senders wait for the answer, need no room
// as long as the server does not refuse.
func (b *pressure) now() int {
	if b.dead || b.pausing.n > 0 || b.pace.limits() {
		return b.pace.room(b.window, b.inFlight)
	}
	return min(b.window+b.awaited, b.most)
}

// opens is when the next push may begin, where one waits for the other.
func (b *pressure) opens() time.Time {
	if b.pausing.until.After(b.pace.next) {
		return b.pausing.until
	}
	return b.pace.next
}

// learn draws the conclusions from a try, which it counts out. retry are the waits of messages: the first one is that of the first
// probe. conversation is asked for when it matters.
func (b *pressure) learn(number, epoch uint64, k kind, after time.Duration, now time.Time, retry []time.Duration, conversation func() uint64) (v verdict) {
	b.inFlight--
	switch k {
	case unmade:
		return v
	case stillborn:
		if b.stillborn++; b.stillborn <= maxStillborn*b.most {
			return v
		}
		k = silence // if every connection is closed, there is something wrong
	case taken:
		b.stillborn = 0
		b.pausing.n = 0
		b.pace.took(number)
	default:
		b.stillborn = 0
	}
	b.count(k, conversation)
	if b.dead {
		switch {
		case k == silence || k == erring && b.failed:
			if epoch != b.epoch {
				return v
			}
			v.pause = max(b.probePause(retry), b.asked(k, after))
			b.probes++
			b.pausing.until = now.Add(v.pause)
			return v
		}
		b.revive()
		v.revived = true
	}
	switch k {
	case silence:
		b.narrow(number)
		if epoch == b.epoch {
			b.silent++
		}
		if v.pause = b.asked(k, after); v.pause > 0 {
			v.pause = b.pauseFor(number, v.pause, now)
		}
	case refused:
		b.silent = 0
		if !b.pace.alone(number) { // else the window is not to blame
			b.narrow(number)
		}
		v.pause = b.pauseFor(number, b.asked(k, after), now)
	default:
		b.silent = 0
		b.widen()
	}
	if failed := b.fails(); failed || b.silent >= deadAfter {
		v.pause = max(v.pause, b.die(failed, retry))
		b.pausing.until = now.Add(v.pause)
		v.died = true
	}
	return v
}

// asked is the pause that the server itself asks for.
func (b *pressure) asked(k kind, after time.Duration) time.Duration {
	if k != silence && k != refused {
		return 0
	}
	return min(after, maxRequestedPause)
}

func (b *pressure) narrow(number uint64) {
	if number > b.halved {
		b.window, b.answers, b.peak, b.halved = max(1, b.window/2), 0, 0, b.begun
	}
}

func (b *pressure) widen() {
	if b.answers++; b.answers < b.window {
		return
	}
	if b.peak >= b.window && b.window < b.most { // else nobody knows what so many do
		b.window++
	}
	b.answers, b.peak = 0, b.inFlight
}

// pauseFor is the pause that a try asks for, or, with 0, that follows from the refusals so far. One of those that were in flight
// together pauses all; the others may only ask for more.
func (b *pressure) pauseFor(number uint64, d time.Duration, now time.Time) time.Duration {
	p := &b.pausing
	if number <= p.begun {
		if d == 0 || !now.Add(d).After(p.until) {
			return 0
		}
		p.until = now.Add(d)
		return d
	}
	if d == 0 {
		d = min(firstPause<<min(p.n, 8), maxPause)
	}
	b.pace.slow(b.begun, now)
	*p = pausing{n: p.n + 1, begun: b.begun, until: now.Add(d)}
	return d
}

// count remembers the pushes that failed at the server, as long as there is no other answer.
func (b *pressure) count(k kind, conversation func() uint64) {
	switch k {
	case erring, silence:
		if len(b.faults) >= deadFailing {
			b.faults = slices.Delete(b.faults, 0, 1)
		}
		b.faults = append(b.faults, conversation())
	default:
		b.faults = b.faults[:0]
	}
}

func (b *pressure) fails() bool {
	if len(b.faults) < deadFailing {
		return false
	}
	of := slices.Clone(b.faults)
	slices.Sort(of)
	return len(slices.Compact(of)) >= deadConversations
}

func (b *pressure) die(failed bool, retry []time.Duration) time.Duration {
	b.dead, b.failed, b.probes, b.silent = true, failed, 0, 0
	b.window, b.answers, b.halved, b.faults = 1, 0, b.begun, b.faults[:0]
	b.pace = pace{}
	b.epoch++
	pause := b.probePause(retry)
	b.probes++
	return pause
}

func (b *pressure) revive() {
	b.dead, b.silent, b.probes = false, 0, 0
	b.window, b.answers, b.peak, b.halved, b.faults = 1, 0, 0, b.begun, b.faults[:0]
	b.pausing.until = time.Time{}
	b.epoch++
}

// probePause is the wait before the next probe: twice the one before, and a little less, so that several of us do not come together.
func (b *pressure) probePause(retry []time.Duration) time.Duration {
	d := maxPause
	if len(retry) > 0 && retry[0] < maxPause>>min(b.probes, 30) {
		d = retry[0] << min(b.probes, 30)
	}
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}

// forget lets tries that are in flight, and pauses, count no more; the dead stays dead until it answers.
func (b *pressure) forget(most int) {
	b.most, b.window = most, min(b.window, most)
	b.epoch++
	b.silent, b.probes, b.faults = 0, 0, b.faults[:0]
	b.pausing, b.pace = pausing{begun: b.begun}, pace{}
}

// another is for another server, of which nothing is known.
func (b *pressure) another() {
	b.revive()
	b.pausing, b.pace = pausing{begun: b.begun}, pace{}
}

// pauses tells whether everything waits, or the server is dead.
func (b *pressure) pauses(now time.Time) bool { return b.dead || now.Before(b.pausing.until) }

// admits tells whether a try may begin where no outlet pauses: while it is dead, one in each pause.
func (b *pressure) admits(now time.Time) bool {
	switch {
	case !b.dead:
		return true
	case now.Before(b.pausing.until):
		return false
	}
	b.pausing.until = now.Add(maxPause)
	return true
}
