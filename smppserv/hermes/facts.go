package hermes

import (
	"slices"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
)

// State is how the server stands that messages are pushed to.
type State uint8

const (
	Unknown State = iota // nothing was pushed yet
	Up
	Silent  // the last tries found nobody there, or failed: it is still pushed to
	Pausing // it wants fewer pushes
	Dead    // it is probed by one request at a time
)

// Facts are what operators see of it.
type Facts struct {
	State    State
	Since    time.Time // of the state, zero = since the start
	Code     int       // the HTTP status of the last try that made it so, 0 = there was no answer
	Why      string    // the same in words; "" = it is up, or nothing was pushed yet
	Answered time.Time // when it took a message last, zero = not since the start
	Window   int       // pushes that may be in flight now
	Most     int       // and at most
	InFlight int
	Next     time.Time // when it is tried again, of Pausing and Dead; zero = at once
}

// regard is what is remembered of how the server stands.
type regard struct {
	state    State
	since    time.Time
	code     int
	why      string
	answered time.Time
}

// regarded is called with what a try at the server of the URL came to, after the pressure has learnt of it.
func (p *Push) regarded(o *sms.Outcome, k kind, now time.Time) {
	r := &p.regard
	if k == taken {
		r.answered = now
	}
	var next State
	switch {
	case k == unmade || k == stillborn:
		return
	case p.pushes.dead:
		next = Dead
	case k == silence || k == erring:
		next = Silent
	case k == refused || now.Before(p.pushes.pausing.until):
		next = Pausing
	default:
		next = Up
	}
	if k == silence || k == erring || k == refused {
		r.code, r.why = o.Code, o.Reason
	}
	if next == Up {
		r.code, r.why = 0, ""
	}
	if next != r.state {
		r.state, r.since = next, now
	}
}

// Facts are as they are now.
func (p *Push) Facts() Facts {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, r := time.Now(), p.regard
	f := Facts{State: r.state, Since: r.since, Code: r.code, Why: r.why, Answered: r.answered,
		Window: p.pushes.now(), Most: p.pushes.most, InFlight: len(p.flying)}
	if until := p.pushes.pausing.until; now.Before(until) {
		f.Next = until
	}
	if f.State == Pausing && f.Next.IsZero() { // nobody has looked since it was over
		f.State = Up
	}
	return f
}

// Erase takes what Hermès answered out of the facts where it matches.
func (p *Push) Erase(match func(text []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if match([]byte(p.regard.why)) {
		p.regard.why, _, _ = strings.Cut(p.regard.why, saying)
	}
}

// maxRejections is how many are kept.
const maxRejections = 50

// Rejection is a line, or a connection, that the TCP port did not take.
type Rejection struct {
	At   time.Time
	From string // the peer's address, "" = an operator
	Code string // as in the answer
	Why  string
	ID   string // the line's own
}

// PortFacts are what operators see of the TCP port.
type PortFacts struct {
	Connections int
	Accepted    int64 // lines, since the start
	Rejected    int64
	Last        time.Time   // when a line came last
	Rejections  []Rejection // the last ones, newest first
}

// rejections are the last ones; the port's mu guards them.
type rejections struct {
	accepted, rejected int64
	last               time.Time
	ring               []Rejection // oldest first
}

// note keeps one. A flood of the same takes one place.
func (r *rejections) note(j Rejection) {
	r.rejected++
	if n := len(r.ring); n > 0 {
		if last := &r.ring[n-1]; last.From == j.From && last.Code == j.Code && last.Why == j.Why {
			*last = j
			return
		}
	}
	if len(r.ring) >= maxRejections {
		r.ring = slices.Delete(r.ring, 0, 1)
	}
	r.ring = append(r.ring, j)
}

// Erase lets go of the rejections that match.
func (p *Port) Erase(match func(text []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.ring = slices.DeleteFunc(p.seen.ring, func(j Rejection) bool { return match([]byte(j.Why)) || match([]byte(j.ID)) })
}

// Facts are as they are now.
func (p *Port) Facts() PortFacts {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := PortFacts{Connections: len(p.connections), Accepted: p.seen.accepted, Rejected: p.seen.rejected, Last: p.seen.last,
		Rejections: slices.Clone(p.seen.ring)}
	slices.Reverse(f.Rejections)
	return f
}
