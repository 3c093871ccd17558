package smsc

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hnetsmpp/smppserv/session"
)

// EventKind is what happened to a client.
type EventKind string

const (
	EventBound     EventKind = "bound"
	EventUnbound   EventKind = "unbound"
	EventRefused   EventKind = "refused"   // a bind
	EventThrottled EventKind = "throttled" // submits, by the client's rate
	EventProbed    EventKind = "probed"    // it left a deliver_sm unanswered
	EventPaused    EventKind = "paused"
	EventResumed   EventKind = "resumed"
)

// Event is something that happened to a client, or several alike that followed each other closely.
type Event struct {
	At     time.Time // of the last one
	Kind   EventKind
	Reason string // in words; of a bind, what was bound
	Remote string // host:port, "" = none
	Times  int
}

const (
	// maxEvents is how many are kept of a client.
	maxEvents = 20
	// alikeFor is how close they must follow each other to be kept as one.
	alikeFor = time.Minute
)

// watch is what is remembered of clients for operators: of those in config.toml alone, so that strangers take no memory.
type watch struct {
	changed func(systemID string) // may be nil

	mu      sync.Mutex
	clients map[string]*watched
}

type watched struct {
	events                  []Event // oldest first
	bound, unbound, refused Event
}

// retain is for a new configuration.
func (w *watch) retain(d *directory) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := make(map[string]*watched, len(d.byID))
	for id := range d.byID {
		if kept[id] = w.clients[id]; kept[id] == nil {
			kept[id] = &watched{}
		}
	}
	w.clients = kept
}

// note remembers an event, if the client is one of config.toml.
func (w *watch) note(systemID string, e Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	w.mu.Lock()
	c := w.clients[systemID]
	if c == nil {
		w.mu.Unlock()
		return
	}
	c.note(e)
	w.mu.Unlock()
	if w.changed != nil {
		w.changed(systemID)
	}
}

func (c *watched) note(e Event) {
	e.Times = max(e.Times, 1)
	switch e.Kind {
	case EventBound:
		c.bound = e
	case EventUnbound:
		c.unbound = e
	case EventRefused:
		c.refused = e
	}
	if n := len(c.events); n > 0 {
		if last := &c.events[n-1]; last.Kind == e.Kind && last.Reason == e.Reason && host(last.Remote) == host(e.Remote) && e.At.Sub(last.At) < alikeFor {
			e.Times += last.Times
			*last = e
			return
		}
	}
	if len(c.events) >= maxEvents {
		c.events = slices.Delete(c.events, 0, 1)
	}
	c.events = append(c.events, e)
}

func host(remote string) string {
	for i := len(remote) - 1; i >= 0; i-- {
		if remote[i] == ':' {
			return remote[:i]
		}
	}
	return remote
}

// ClientFacts are what operators see of a client of config.toml.
type ClientFacts struct {
	Events                  []Event // the last ones, newest first
	Bound, Unbound, Refused Event   // the last one of its kind; a zero At = there was none since the start
	Rate                    int     // submits in the last whole second
	Sessions                []*session.Session
}

// Client tells what is known of a client; ok is false for one that config.toml does not have.
func (sv *Server) Client(systemID string) (f ClientFacts, ok bool) {
	sv.watch.mu.Lock()
	c := sv.watch.clients[systemID]
	if c == nil {
		sv.watch.mu.Unlock()
		return f, false
	}
	f.Events, f.Bound, f.Unbound, f.Refused = slices.Clone(c.events), c.bound, c.unbound, c.refused
	sv.watch.mu.Unlock()
	slices.Reverse(f.Events)
	r := &sv.registry
	r.mu.RLock()
	defer r.mu.RUnlock()
	if a := r.accounts[systemID]; a != nil {
		f.Rate = a.meter.last(time.Now())
		for _, p := range a.sessions {
			if p.bound {
				f.Sessions = append(f.Sessions, p.s)
			}
		}
	}
	return f, true
}

// Bound is how many clients have a session.
func (sv *Server) Bound() (n int) {
	r := &sv.registry
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, a := range r.accounts {
		if slices.ContainsFunc(a.sessions, func(p *peer) bool { return p.bound }) {
			n++
		}
	}
	return n
}

// Recall is what is known of a client from before the start, where nothing was seen since.
func (sv *Server) Recall(systemID string, bound, unbound, refused Event) {
	sv.watch.mu.Lock()
	defer sv.watch.mu.Unlock()
	c := sv.watch.clients[systemID]
	if c == nil {
		return
	}
	for _, one := range []struct{ now, before *Event }{{&c.bound, &bound}, {&c.unbound, &unbound}, {&c.refused, &refused}} {
		if one.now.At.IsZero() {
			*one.now = *one.before
		}
	}
}

// Note remembers what an operator did to a client.
func (sv *Server) Note(systemID string, kind EventKind, reason string) {
	sv.watch.note(systemID, Event{Kind: kind, Reason: reason})
}

// Window is how many deliver_sm may be in flight on a session now, as its client takes them.
func (sv *Server) Window(s *session.Session) int {
	p, ok := s.Handler().(*peer)
	if !ok {
		return s.Facts().Window
	}
	p.sender.mu.Lock()
	defer p.sender.mu.Unlock()
	return p.sender.now
}

// meter counts what a client submits, second by second.
type meter struct {
	now  atomic.Int64 // second<<20 | count
	done atomic.Int64 // the same of the last second that ended
}

const meterBits = 20

// add counts n in at a time.
func (m *meter) add(at time.Time, n int) {
	second := at.Unix()
	for {
		old := m.now.Load()
		if old>>meterBits == second {
			if m.now.CompareAndSwap(old, old+int64(min(n, 1<<meterBits-1-int(old&(1<<meterBits-1))))) {
				return
			}
			continue
		}
		if m.now.CompareAndSwap(old, second<<meterBits|int64(min(n, 1<<meterBits-1))) {
			m.done.Store(old)
			return
		}
	}
}

// last is the count of the last whole second.
func (m *meter) last(now time.Time) int {
	const mask = 1<<meterBits - 1
	second := now.Unix() - 1
	for _, word := range [...]int64{m.now.Load(), m.done.Load()} {
		if word>>meterBits == second {
			return int(word & mask)
		}
	}
	return 0
}
