package admin

import (
	"net/netip"
	"sync"
	"time"

	"hnetsmpp/pkg/peeraddr"
)

const (
	// maxAttempts is how many wrong passwords an address has in attemptTime; then it waits for the end of that.
	maxAttempts = 20
	attemptTime = time.Minute
	// maxGuessers bounds the addresses that are counted; beyond, all others are counted as one.
	maxGuessers = 10_000
	// maxNoted are how many of them enter the audit at once, and then one more in each attemptTime: strangers do not grow it.
	maxNoted = maxAttempts
)

// attempts count wrong passwords, by address. Nobody is shut out by somebody else's.
type attempts struct {
	mu  sync.Mutex
	all map[netip.Addr]*guesses

	since       time.Time // up to when noted was let decay
	noted, left int       // wrong ones that entered the audit, one less for each attemptTime; and those that did not
}

type guesses struct {
	n     int
	since time.Time
}

// wait is how long an address has to wait before it may try again; 0 = it may.
func (a *attempts) wait(from netip.Addr) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.of(peeraddr.Counted(from))
	if g == nil || g.n < maxAttempts {
		return 0
	}
	return max(0, attemptTime-time.Since(g.since))
}

// of are the guesses of an address that still count.
func (a *attempts) of(from netip.Addr) *guesses {
	g := a.all[from]
	if g == nil && len(a.all) >= maxGuessers {
		g = a.all[netip.Addr{}]
	}
	if g != nil && time.Since(g.since) >= attemptTime {
		return nil
	}
	return g
}

// enters tells whether the wrong one that was just counted is to enter the audit, and how many before it did not.
func (a *attempts) enters() (enters bool, left int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if times := int(min(now.Sub(a.since)/attemptTime, maxNoted)); times > 0 {
		a.since, a.noted = now, max(0, a.noted-times)
	}
	if a.noted >= maxNoted {
		a.left++
		return false, 0
	}
	a.noted++
	left, a.left = a.left, 0
	return true, left
}

// wrong counts one.
func (a *attempts) wrong(from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from = peeraddr.Counted(from)
	if g := a.of(from); g != nil {
		g.n++
		return
	}
	if a.all == nil {
		a.all = map[netip.Addr]*guesses{}
	}
	if a.all[from] == nil && len(a.all) >= maxGuessers {
		for other, g := range a.all {
			if time.Since(g.since) >= attemptTime {
				delete(a.all, other)
			}
		}
		if len(a.all) >= maxGuessers {
			from = netip.Addr{}
		}
	}
	a.all[from] = &guesses{n: 1, since: time.Now()}
}

// right forgets them: who has the password guesses no more.
func (a *attempts) right(from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, peeraddr.Counted(from))
}
