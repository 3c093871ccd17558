package hermes

import (
	"net/http"
	"time"

	"hnetsmpp/smppserv/sms"
)

const (
	// deadAfter is how many tries in a row must find nobody there until the server counts as dead.
	deadAfter = 3
	// maxPause bounds the time between two probes, and so how late a recovery is noticed.
	maxPause = 15 * time.Second
)

// breaker judges a server by the tries made there.
//
//	closed ── deadAfter silences in a row ──► open: one probe, a pause, one probe, a longer pause, …
//	   ▲                                       │
//	   └────────────── any answer ─────────────┘
//
// No answer is silence, and so is what a gateway answers in the place of a server that is down. Any other answer, 500 and 429
// too, comes from the server and is about the one message: others must not wait because of it.
type breaker struct {
	open   bool
	failed int       // in a row while closed, probes since while open
	epoch  uint64    // of the tries that count: those that began before it opened or closed last do not
	until  time.Time // while open, no probe before this; for statuses, which have no outlet of their own
}

type transition uint8

const (
	unchanged transition = iota
	opened
	probeFailed
	closed
)

func (b *breaker) learn(epoch uint64, silent bool) transition {
	switch {
	case !silent && b.open:
		b.open, b.failed = false, 0
		b.epoch++
		return closed
	case !silent:
		b.failed = 0
		return unchanged
	case epoch != b.epoch:
		return unchanged
	}
	b.failed++
	switch {
	case b.open:
		return probeFailed
	case b.failed < deadAfter:
		return unchanged
	}
	b.open, b.failed = true, 0
	b.epoch++
	return opened
}

// forget lets tries that are in flight count no more.
func (b *breaker) forget() {
	b.epoch++
	b.failed = 0
	b.until = time.Time{}
}

// pause is the wait before the next probe.
func (b *breaker) pause(retry []time.Duration) time.Duration {
	if len(retry) == 0 {
		return maxPause
	}
	return min(retry[max(1, min(b.failed, len(retry)))-1], maxPause)
}

// admits tells whether a try may begin; while open, one per pause.
func (b *breaker) admits(now time.Time) bool {
	if !b.open {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(maxPause)
	return true
}

// silence tells whether an outcome is a sign that nobody is there.
func silence(o sms.Outcome) bool {
	switch o.Code {
	case 0, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return o.Verdict == sms.TryAgain
	}
	return false
}

// learn draws the conclusions from a try that was made.
func (p *Push) learn(t *try, o sms.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, s := t.breaker, p.settings.Load()
	change := b.learn(t.epoch, o.Unreached)
	name := "hermes.url"
	if b == &p.statuses {
		name = "hermes.status_url"
	}
	switch change {
	case opened:
		p.log.Error().Str("reason", o.Reason).Msg(name + " does not answer: it is probed by one request at a time until it does")
	case closed:
		p.log.Info().Msg(name + " answers again")
	}
	if b == &p.statuses {
		b.until = time.Now().Add(b.pause(s.retry))
		return
	}
	if p.outlet == nil || p.closing {
		return
	}
	switch change {
	case opened:
		p.outlet.SetWindow(1)
		p.outlet.Pause(b.pause(s.retry))
	case probeFailed:
		p.outlet.Pause(b.pause(s.retry))
	case closed:
		p.outlet.SetWindow(s.concurrency)
		p.outlet.Resume()
	}
}
