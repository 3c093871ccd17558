package smsc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
)

// account is a client that has been here: its sessions share its rate.
type account struct {
	client   *Client // as configured now
	rate     session.Rate
	sessions []*peer // that hold a place

	meter     meter
	throttled atomic.Int64 // when that was noted last, in seconds since 1970

	references references // of long texts on their way to it
}

// registry knows which sessions each client has bound.
type registry struct {
	sv *Server

	mu       sync.RWMutex
	accounts map[string]*account
}

func (r *registry) init(sv *Server) { r.sv, r.accounts = sv, map[string]*account{} }

const maxSessions = 2

// inTheWay are the sessions because of which k gets no place.
func (a *account) inTheWay(k session.State) (holders []*peer) {
	if a.client.BindPolicy == Pair && len(a.sessions) < maxSessions {
		return nil
	}
	for _, p := range a.sessions {
		if a.client.BindPolicy == Pair || p.kind.Receives() && k.Receives() || p.kind.Transmits() && k.Transmits() {
			holders = append(holders, p)
		}
	}
	return holders
}

// grant gives p a place, or returns the status that refuses it. A place whose holder is silent is taken from it:
// a client that lost its connection without our hearing of it must not lock itself out. Nor must one whose connection was lost while its bind
// waited for a worker that is dead: until that bind is judged, whether anybody is there is not known. errReloaded: c is to be judged anew.
func (r *registry) grant(p *peer, c *Client, k session.State) error {
	for probed := false; ; {
		r.mu.Lock()
		if r.sv.directory.Load().byID[c.SystemID] != c {
			r.mu.Unlock()
			return errReloaded
		}
		a := r.account(c)
		holders := a.inTheWay(k)
		if len(holders) == 0 {
			p.kind, p.account = k, a
			a.sessions = append(a.sessions, p)
			p.judged = make(chan struct{})
			r.mu.Unlock()
			return r.grantEverywhere(p, c, k)
		}
		i := slices.IndexFunc(holders, func(o *peer) bool { return o.judged != nil })
		if i >= 0 {
			judged := holders[i].judged
			r.mu.Unlock()
			select {
			case <-judged:
				probed = false
			case <-p.s.Gone():
				return errGaveUp
			}
			continue
		}
		r.mu.Unlock()
		if probed {
			return smpp.RALYBND
		}
		dropped := make(chan bool, 1)
		go func() { dropped <- r.dropSilent(holders) }()
		select {
		case probed = <-dropped:
			if !probed {
				return smpp.RALYBND
			}
		case <-p.s.Gone():
			return errGaveUp
		}
	}
}

// dropSilent probes sessions, all at the same time, closes those that are silent, and waits until they have left. It tells whether one has.
func (r *registry) dropSilent(holders []*peer) bool {
	var all sync.WaitGroup
	left := make([]bool, len(holders))
	for i, p := range holders {
		all.Go(func() {
			left[i] = session.DropSilent([]*session.Session{p.s}, r.sv.o.ProbeTime, errGhost) && r.awaitLeft(p)
		})
	}
	all.Wait()
	return slices.Contains(left, true)
}

// awaitLeft waits until a session that is over has given its place back.
func (r *registry) awaitLeft(p *peer) bool {
	r.mu.Lock()
	if p.account == nil || !slices.Contains(p.account.sessions, p) {
		r.mu.Unlock()
		return true
	}
	if p.left == nil {
		p.left = make(chan struct{})
	}
	left := p.left
	r.mu.Unlock()
	select {
	case <-left:
		return true
	case <-time.After(r.sv.o.ProbeTime):
		return false
	}
}

func (r *registry) account(c *Client) *account {
	a := r.accounts[c.SystemID]
	if a == nil {
		a = &account{client: c, rate: r.sv.directory.Load().rate(c, 1)}
		r.accounts[c.SystemID] = a
	}
	return a
}

// grantEverywhere gives p, which has a place here, one among the client's sessions at all workers.
func (r *registry) grantEverywhere(p *peer, c *Client, k session.State) error {
	if r.sv.o.Others == nil {
		return nil
	}
	ctx, cancel := p.until()
	defer cancel()
	release, err := r.sv.o.Others.Take(ctx, road.Place{Client: c.SystemID, Session: p.s.ID(), Receives: k.Receives(), Transmits: k.Transmits(),
		Pair: c.BindPolicy == Pair, Remote: p.remote})
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.leave(p)
		p.account = nil
		if p.gaveUp() {
			return errGaveUp
		}
		if errors.Is(err, sms.ErrNoPlace) {
			return smpp.RALYBND
		}
		return fmt.Errorf("it is not known which sessions it has at other workers: %w: %w", err, smpp.RSYSERR)
	case p.gone:
		release()
	default:
		p.release = release
	}
	r.share(p.account)
	return nil
}

// until is a context for what judges a bind. It ends when nobody waits for that any more, or with cancel, which must be called.
func (p *peer) until() (ctx context.Context, cancel func()) {
	ctx, cancel = context.WithCancel(context.Background())
	gone := p.s.Gone()
	go func() {
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// gaveUp tells that nobody waits for the answer to the bind that is judged.
func (p *peer) gaveUp() bool {
	select {
	case <-p.s.Gone():
		return true
	default:
		return false
	}
}

// decided tells who waits for that what became of p's bind.
func (p *peer) decided() {
	if p.judged != nil {
		close(p.judged)
		p.judged = nil
	}
}

// leave takes p out of its client's sessions.
func (r *registry) leave(p *peer) {
	p.decided()
	p.account.sessions = slices.DeleteFunc(p.account.sessions, func(o *peer) bool { return o == p })
	if p.left != nil {
		close(p.left)
	}
}

// share gives the sessions of a client here their share of its rate: as many workers as it transmits to have the same.
func (r *registry) share(a *account) {
	n := 1
	if r.sv.o.Others != nil {
		n = max(n, r.sv.o.Others.Transmitters(a.client.SystemID))
	}
	if rate := r.sv.directory.Load().rate(a.client, n); !rate.Same(a.rate) {
		a.rate = rate
	}
}

// Reshare is called when clients have come to other workers, or left them.
func (sv *Server) Reshare() {
	r := &sv.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.accounts {
		if len(a.sessions) > 0 {
			r.share(a)
		}
	}
}

// bound opens the way out for what waits for the client.
func (r *registry) bound(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.decided()
	if p.gone {
		return
	}
	p.bound = true
	if p.kind.Receives() {
		p.outlet = r.sv.o.Queue.Attach(road.OutletOptions{
			Recipient: p.account.client.SystemID, Session: p.s.ID(), Window: p.sender.window, Retry: clientRetry[:], Deliverer: p,
		})
		p.sender.outlet = p.outlet // nothing is sent before mu is free: Deliver asks for settings
	}
}

// Receives tells whether a client has a session that it can be written to on.
func (sv *Server) Receives(systemID string) bool {
	r := &sv.registry
	r.mu.RLock()
	defer r.mu.RUnlock()
	a := r.accounts[systemID]
	return a != nil && slices.ContainsFunc(a.sessions, func(p *peer) bool { return p.bound && !p.gone && p.kind.Receives() })
}

// clientRetry are the waits before a message that the client could not take is tried again.
var clientRetry = [...]time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute}

// unbound frees p's place, here last: until then who binds anew waits for it (dropSilent), and is not refused because of it elsewhere.
func (r *registry) unbound(p *peer) {
	r.mu.Lock()
	p.gone = true
	outlet, release := p.outlet, p.release
	r.mu.Unlock()
	if outlet != nil {
		outlet.Detach()
		p.sender.over()
	}
	if release != nil {
		release() // another one may be served when this one is not any more
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leave(p)
}

// holder is the session of this number, if it has a client's place.
func (r *registry) holder(session uint64) *peer {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, a := range r.accounts {
		for _, p := range a.sessions {
			if p.s.ID() == session {
				return p
			}
		}
	}
	return nil
}

// reload gives the accounts their new settings and unbinds the sessions of clients that are gone or disabled. Those count until they have
// left, here and for other workers.
func (r *registry) reload(d *directory) {
	var orphans []*peer
	r.mu.Lock()
	for id, a := range r.accounts {
		c := d.byID[id]
		if c == nil || c.Disabled {
			if orphans = append(orphans, a.sessions...); len(a.sessions) == 0 {
				delete(r.accounts, id)
			}
			continue
		}
		a.client = c
		r.share(a)
	}
	r.mu.Unlock()
	for _, p := range orphans {
		p.s.Unbind(errNoAccount)
	}
}

// settings are the client and the rate of a session as they are now.
func (r *registry) settings(p *peer) (*Client, session.Rate) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return p.account.client, p.account.rate
}

var _ session.Handler = (*peer)(nil)
