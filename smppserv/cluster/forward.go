package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// Outlets is the queue that messages are handed on from.
type Outlets interface {
	Attach(road.OutletOptions) road.Outlet
}

// Hands gives messages to another holder; see store.Store.HandOn.
type Hands interface {
	HandOn(ids []sms.ID, to sms.Epoch, done func(error))
}

// Surroundings are what a Forwarder needs to know of the other nodes, and tells them: a Node.
type Surroundings interface {
	Epoch() sms.Epoch
	Holds() bool
	Pending(owner string) int
	// Receiver is the node that writes to a client.
	Receiver(client string) (sms.Epoch, bool)
	// NameOf is the name of a node that is there, "" = none.
	NameOf(sms.Epoch) string
	TellRows(to sms.Epoch)
	TellEnded(to sms.Epoch)
	// LookAround has it looked now what was handed to this node, and where that is which it handed on.
	LookAround()
	// MovedAll has Moved list all clients. Moved lists those with another receiver since the last call;
	// Moves says when to call it again.
	MovedAll()
	Moved() (clients []string)
	Moves() <-chan struct{}
}

const (
	// forwardWindow is how many messages of a client are on their way to another node.
	forwardWindow = 256
	// forwardRest is how long nothing is handed on to a node after that failed.
	forwardRest = time.Second
)

// forwardRetry is not used up: what could not be handed on was not tried.
var forwardRetry = []time.Duration{time.Second}

// Forwarder hands what waits here on to other nodes: what is asked, and what waits for a client that is written to there. It is the
// queue's Share.
type Forwarder struct {
	n     Surroundings
	store Hands
	log   zerolog.Logger

	queue   Outlets
	outlets map[string]*forward // by client; Run's

	mu    sync.Mutex
	lines map[sms.Epoch]*line
}

// NewForwarder makes the one of a node.
func NewForwarder(n Surroundings, store Hands, log zerolog.Logger) *Forwarder {
	return &Forwarder{n: n, store: store, log: log, outlets: map[string]*forward{}, lines: map[sms.Epoch]*line{}}
}

// Holds is Node.Holds.
func (f *Forwarder) Holds() bool { return f.n.Holds() }

// Pending is Node.Pending.
func (f *Forwarder) Pending(owner string) int { return f.n.Pending(owner) }

// Ended tells the node that handed a message on that this has ended.
func (f *Forwarder) Ended(handedBy sms.Epoch) { f.n.TellEnded(handedBy) }

// Apart has Duties.Ended look where they are, and takes up what has come here.
func (f *Forwarder) Apart() { f.n.LookAround() }

// LookAround implements Surroundings.
func (n *Node) LookAround() {
	n.looks.rows.kick()
	n.looks.ended.kick()
}

// HandOn gives messages to another holder, and tells that one. done is called when it is on disk, or with an error.
func (f *Forwarder) HandOn(ids []sms.ID, to sms.Epoch, done func(error)) {
	f.store.HandOn(ids, to, func(err error) {
		if err == nil {
			f.n.TellRows(to)
		}
		done(err)
	})
}

// Run attaches an outlet for each client that is written to elsewhere, until ctx ends; then all are detached. It is called once.
func (f *Forwarder) Run(ctx context.Context, queue Outlets) {
	f.queue = queue
	f.n.MovedAll()
	for {
		for _, client := range f.n.Moved() {
			f.look(client)
		}
		select {
		case <-ctx.Done():
			for client := range f.outlets {
				f.detach(client)
			}
			return
		case <-f.n.Moves():
		}
	}
}

// MovedAll implements Surroundings.
func (n *Node) MovedAll() {
	s := &n.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	for client := range s.client {
		s.moved[client] = true
	}
}

// Moved implements Surroundings.
func (n *Node) Moved() (clients []string) {
	s := &n.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	for client := range s.moved {
		clients = append(clients, client)
	}
	clear(s.moved)
	return clients
}

// Moves implements Surroundings.
func (n *Node) Moves() <-chan struct{} { return n.slots.forward }

func (f *Forwarder) look(client string) {
	to, ok := f.n.Receiver(client)
	ok = ok && to != f.n.Epoch()
	if o := f.outlets[client]; o != nil {
		if ok && o.to == to {
			return
		}
		f.detach(client)
	}
	if !ok {
		return
	}
	o := &forward{f: f, client: client, to: to}
	o.mu.Lock() // nothing is delivered before the outlet is known
	defer o.mu.Unlock()
	// Serial: what is given back must not be overtaken by what comes behind it.
	o.outlet = f.queue.Attach(road.OutletOptions{Recipient: client, Holder: to, Window: forwardWindow, Serial: true, Retry: forwardRetry, Deliverer: o})
	f.outlets[client] = o
}

func (f *Forwarder) detach(client string) {
	f.outlets[client].outlet.Detach()
	delete(f.outlets, client)
}

// forward is the way out to a client's session on another node.
type forward struct {
	f      *Forwarder
	client string
	to     sms.Epoch

	mu     sync.Mutex
	outlet road.Outlet
}

// parcel is what is handed on as one: a message, or the parts of a long one.
type parcel struct {
	ids    []sms.ID
	from   *forward
	report func(sms.Outcome)
}

// Deliver implements road.Deliverer.
func (o *forward) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	p := parcel{from: o, report: report}
	for _, m := range ms {
		p.ids = append(p.ids, m.ID)
	}
	if to, ok := o.f.n.Receiver(o.client); !ok || to != o.to { // the outlet is about to be detached
		go p.giveBack()
		return
	}
	o.f.lineTo(o.to).put(p)
}

// giveBack returns a parcel to the queue.
func (p *parcel) giveBack() {
	p.from.mu.Lock()
	outlet := p.from.outlet
	p.from.mu.Unlock()
	outlet.Rest(forwardRest)
	p.report(sms.Outcome{Verdict: sms.Returned, Reason: "the worker where the client is bound takes nothing now"})
}

func (f *Forwarder) lineTo(to sms.Epoch) *line {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.lines[to]
	if l == nil {
		for e, old := range f.lines {
			if f.n.NameOf(e) == "" && old.idle() {
				delete(f.lines, e)
			}
		}
		l = &line{f: f, to: to}
		f.lines[to] = l
	}
	return l
}

// line is what goes to one node: in its order, one transaction at a time, each with all that came during the one before.
type line struct {
	f  *Forwarder
	to sms.Epoch

	mu      sync.Mutex
	waiting []parcel
	busy    bool
	rest    time.Time // nothing is handed on before
}

func (l *line) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.busy
}

func (l *line) put(p parcel) {
	l.mu.Lock()
	if time.Now().Before(l.rest) { // it was on its way here when the rest began
		l.mu.Unlock()
		go p.giveBack()
		return
	}
	l.waiting = append(l.waiting, p)
	idle := !l.busy
	l.busy = true
	l.mu.Unlock()
	if idle {
		l.goOn()
	}
}

// goOn hands on what waits, if anything does.
func (l *line) goOn() {
	l.mu.Lock()
	parcels := l.waiting
	l.waiting = nil
	l.busy = len(parcels) > 0
	l.mu.Unlock()
	if len(parcels) == 0 {
		return
	}
	var ids []sms.ID
	for _, p := range parcels {
		ids = append(ids, p.ids...)
	}
	l.f.HandOn(ids, l.to, func(err error) {
		if err != nil { // what came meanwhile must not overtake it
			l.mu.Lock()
			parcels = append(parcels, l.waiting...)
			l.waiting, l.rest = nil, time.Now().Add(forwardRest)
			l.mu.Unlock()
			go l.failed(parcels, err)
			return
		}
		go l.handed(parcels)
	})
}

func (l *line) handed(parcels []parcel) {
	for _, p := range parcels {
		p.report(sms.Outcome{Verdict: sms.HandedOn})
	}
	l.goOn()
}

func (l *line) failed(parcels []parcel, err error) {
	l.f.log.Debug().Err(undisclosed(err)).Int("messages", len(parcels)).Msg("messages are not handed on to another worker now")
	for _, p := range parcels {
		p.giveBack()
	}
	l.goOn()
}
