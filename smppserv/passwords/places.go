// Package passwords bounds what checking hashed passwords costs: each check takes a processor for some fifty milliseconds.
//
//	a password ── the last good one of its account (Memory) ──────────────────────────► good, for nothing
//	           └─ waits for a place (Places), in turn with other addresses ── hashed ──► good or wrong
package passwords

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"slices"
	"sync"

	"hnetsmpp/pkg/peeraddr"
)

const (
	// MaxWaiting bounds those who wait for a place. With one more, the last of the address that has most of them is sent away.
	MaxWaiting = 1024
	// MaxPerAddress bounds those of one address.
	MaxPerAddress = 256
)

// ErrBusy means that too many wait already.
var ErrBusy = errors.New("too many passwords wait to be checked")

// Places are so many checks at a time. Addresses take turns, an IPv6 /64 as one, so that who sends one waits no longer than for one
// check of each other address. Its methods may be called from any goroutine.
type Places struct {
	mu      sync.Mutex
	free    int
	waiting int
	lines   map[netip.Addr]*line
	turns   []*line // whose turn is next; each line is there once
}

// line is those who wait, of one address.
type line struct {
	addr    netip.Addr
	waiters []*waiter
}

type waiter struct {
	called chan struct{} // closed when it has a place, or err
	err    error
}

// NewPlaces makes n places; 0 = for half of the processors, one at least.
func NewPlaces(n int) *Places {
	if n <= 0 {
		n = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &Places{free: n, lines: map[netip.Addr]*line{}}
}

// Enter waits for a place, which leave gives back. The error is ErrBusy, or that of ctx.
func (p *Places) Enter(ctx context.Context, from netip.Addr) (leave func(), err error) {
	from = peeraddr.Counted(from)
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		return p.leave, nil
	}
	w, err := p.queue(from)
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-w.called:
		if w.err != nil {
			return nil, w.err
		}
		return p.leave, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.called:
		if w.err == nil {
			p.next()
		}
	default:
		p.remove(from, w)
	}
	return nil, ctx.Err()
}

// Waiting is how many wait for a place.
func (p *Places) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

func (p *Places) queue(from netip.Addr) (*waiter, error) {
	l := p.lines[from]
	if l != nil && len(l.waiters) >= MaxPerAddress {
		return nil, ErrBusy
	}
	if p.waiting >= MaxWaiting && !p.sendAway(l) {
		return nil, ErrBusy
	}
	if l = p.lines[from]; l == nil {
		l = &line{addr: from}
		p.lines[from] = l
		p.turns = append(p.turns, l)
	}
	w := &waiter{called: make(chan struct{})}
	l.waiters = append(l.waiters, w)
	p.waiting++
	return w, nil
}

// sendAway makes room for one of l, which may be nil, at the cost of the longest line; false = that is l.
func (p *Places) sendAway(l *line) bool {
	var longest *line
	for _, o := range p.lines {
		if longest == nil || len(o.waiters) > len(longest.waiters) {
			longest = o
		}
	}
	if longest == nil || l != nil && len(l.waiters) >= len(longest.waiters)-1 || l == nil && len(longest.waiters) < 2 {
		return false
	}
	w := longest.waiters[len(longest.waiters)-1]
	p.remove(longest.addr, w)
	w.err = ErrBusy
	close(w.called)
	return true
}

func (p *Places) remove(from netip.Addr, w *waiter) {
	l := p.lines[from]
	l.waiters = slices.DeleteFunc(l.waiters, func(o *waiter) bool { return o == w })
	p.waiting--
	if len(l.waiters) == 0 {
		delete(p.lines, from)
		p.turns = slices.DeleteFunc(p.turns, func(o *line) bool { return o == l })
	}
}

func (p *Places) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next()
}

// next gives a place to the next in turn.
func (p *Places) next() {
	if len(p.turns) == 0 {
		p.free++
		return
	}
	l := p.turns[0]
	p.turns = p.turns[1:]
	w := l.waiters[0]
	l.waiters = l.waiters[1:]
	p.waiting--
	if len(l.waiters) > 0 {
		p.turns = append(p.turns, l)
	} else {
		delete(p.lines, l.addr)
	}
	close(w.called)
}
