package cluster

import "time"

// Clock reads the wall clock and, at the same moment, the time elapsed since some other one, which setting the clock does not change.
type Clock func() (wall time.Time, elapsed time.Duration)

// systemClock is the machine's. While the machine sleeps elapsed may stand still.
func systemClock() Clock {
	start := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now, now.Sub(start)
	}
}

// maxStep is how far the wall clock may move against the monotonic one before the machine may have slept.
const maxStep = time.Second

// reading is one look at the clock.
type reading struct {
	elapsed time.Duration
	apart   time.Duration // the wall clock from elapsed
}

func (c Clock) read() reading {
	wall, elapsed := c()
	return reading{elapsed, time.Duration(wall.UnixNano()) - elapsed}
}

// term is how long a node holds its lease, by one renewal.
type term struct {
	sent  reading       // of the renewal; its zero value is none
	until time.Duration // elapsed

	lapsed time.Time // by the wall clock; zero = it was not found to be over yet
	jumped bool      // it is over since the clock jumped
}

// newTerm is the term of a renewal that was sent then and succeeded.
func newTerm(sent reading, lease time.Duration) *term {
	return &term{sent: sent, until: sent.elapsed + lease - lease/8}
}

func (t *term) holds(now reading) bool {
	return now.elapsed < t.until && !t.jumpedAt(now)
}

func (t *term) jumpedAt(now reading) bool {
	return (now.apart - t.sent.apart).Abs() > maxStep
}

// over is t when it was found not to hold: it does not again, whatever the clocks say later.
func (t *term) over(now reading) *term {
	jumped, lapsed := t.jumped || t.jumpedAt(now), t.lapsed
	switch {
	case lapsed.IsZero():
		lapsed = time.Now()
	case jumped == t.jumped:
		return t
	}
	return &term{sent: t.sent, lapsed: lapsed, jumped: jumped}
}

// renewed is the term after one of t by a renewal that was sent in before. While it was under way the machine may have slept, and longer than the
// lease: then t is found to be over by a jump of the clock, and stays.
func (t *term) renewed(before *term, sent reading, lease time.Duration) *term {
	if t != before && t.jumped {
		return t
	}
	return newTerm(sent, lease)
}
