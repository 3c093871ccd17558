package simulation

import (
	"context"
	"slices"
	"time"

	"hnetsmpp/smppserv/cluster"
	"hnetsmpp/smppserv/sms"
)

const (
	lease     = 8 * time.Second
	margin    = lease / 8
	lookEvery = 2 * time.Second
)

// node is a worker among several: it stands in for cluster.Node, with the tables nodes and slots as maps of the world's. What is done with
// messages is the real code: cluster.Forwarder and cluster.Rows. It implements cluster.Surroundings.
type node struct {
	*life
	name      string
	rows      *cluster.Rows
	forwarder *cluster.Forwarder
	stop      context.CancelFunc
	stopped   chan struct{} // when all that it looks at has ended

	arrivals, ends, inheritance, silence, sessions, moves kick
	taking                                                chan struct{} // has room for one that takes messages up

	after uint64 // the transaction up to which arrivals were looked at; who has room's

	// With world.mu:
	until   time.Duration // the lease holds
	lost    bool          // it knows that another one has taken over
	others  map[sms.Epoch]*seen
	estates []sms.Epoch // that are taken up
	view    map[string][2]slot
	free    map[uint64]string // sessions that have ended, whose slots are to be given back
	mutes   map[uint64]bool   // sessions that leave unanswered what they are sent
	moved   map[string]bool
	still   time.Duration // until when it stands still
	cut     time.Duration // until when it does not reach the database
	woke    time.Duration // when it stood still last: what it had chosen before is tried then
}

// member is a row of the table nodes.
type member struct {
	epoch sms.Epoch
	beat  int
	until time.Duration
}

// seen is another worker as one sees it: the beat, and since when it is so, and was so last.
type seen struct {
	beat       int
	from, last time.Duration
}

type kick chan struct{}

func (k kick) kick() {
	select {
	case k <- struct{}{}:
	default:
	}
}

// awake returns when the process of a life does not stand still, and tells whether it did.
func (l *life) awake() (stood bool) {
	if l.node == nil {
		return false
	}
	for ; ; stood = true {
		l.mu.Lock()
		wait := l.node.still - l.now()
		over := l.over
		if stood {
			l.node.woke = l.now()
		}
		l.mu.Unlock()
		if wait <= 0 || over {
			return stood
		}
		time.Sleep(min(wait, lease/16))
	}
}

// isCut tells whether the process does not reach the database.
func (l *life) isCut() bool {
	if l.node == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now() < l.node.cut
}

// reachable returns when the process does not stand still, with an error when it does not reach the database.
func (l *life) reachable() error {
	l.awake()
	if l.isCut() {
		return errDisk
	}
	return nil
}

// holds tells whether the lease is held; world.mu is held.
func (n *node) holds() bool { return n.now() < n.until && !n.lost }

// Holds implements cluster.Surroundings.
func (n *node) Holds() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.holds()
}

// Epoch implements cluster.Surroundings.
func (n *node) Epoch() sms.Epoch { return n.epoch }

// Pending implements cluster.Surroundings: no client has a limit here.
func (n *node) Pending(string) int { return 0 }

// NameOf implements cluster.Surroundings.
func (n *node) NameOf(e sms.Epoch) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, m := range n.several.table {
		if m.epoch == e {
			return name
		}
	}
	return ""
}

// LookAround implements cluster.Surroundings.
func (n *node) LookAround() {
	n.arrivals.kick()
	n.ends.kick()
}

// tell sends a notice, which may be lost, to those who have an epoch; 0 = to all others.
func (n *node) tell(to sms.Epoch, what func(*node) kick) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.several.notices++
	dice := n.chance("notice", n.number, n.several.notices)
	if dice.IntN(8) == 0 {
		return
	}
	time.AfterFunc(time.Duration(1+dice.IntN(5))*time.Millisecond, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, o := range n.several.nodes {
			if o != nil && o != n && (to == 0 || n.model.owner(to) == o.epoch) {
				what(o).kick()
			}
		}
	})
}

// TellRows implements cluster.Surroundings.
func (n *node) TellRows(to sms.Epoch) { n.tell(to, func(o *node) kick { return o.arrivals }) }

// TellEnded implements cluster.Surroundings.
func (n *node) TellEnded(to sms.Epoch) { n.tell(to, func(o *node) kick { return o.ends }) }

// renewals renew the lease, and see when it does not hold any more.
func (n *node) renewals(ctx context.Context) {
	held, due := true, time.Duration(0)
	for {
		n.awake()
		time.Sleep(time.Millisecond) // who stood still tells so before it has renewed
		if err := n.reachable(); err == nil && n.now() >= due {
			if !n.renew() {
				n.breakOff()
				return
			}
			due = n.now() + lease/4
		}
		n.mu.Lock()
		holds := n.holds()
		wait := min(due-n.now(), lease/16)
		if holds {
			wait = min(wait, n.until-n.now())
		}
		if held && !holds {
			n.model.counts.Lapsed++
		}
		n.mu.Unlock()
		switch {
		case held && !holds:
			n.note("the lease of %s is not held any more", n.name)
			n.breakOff()
		case !held && holds:
			n.note("the lease of %s is held again", n.name)
			n.q.Look()
			n.kickAll()
		}
		held = holds
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(wait, time.Millisecond)):
		}
	}
}

// renew tells whether the epoch is not over.
func (n *node) renew() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now, gap := n.now(), !n.holds()
	m := n.several.table[n.name]
	if m == nil || m.epoch != n.epoch {
		n.lost = true
		n.say("%s sees that it has lost its lease", n.name)
		return false
	}
	m.beat++
	m.until, n.until = now+lease, now+lease-margin
	others := map[sms.Epoch]*seen{}
	for _, o := range n.several.table {
		if o.epoch == n.epoch {
			continue
		}
		is := &seen{o.beat, now, now}
		if was := n.others[o.epoch]; was != nil && was.beat == o.beat && !gap {
			is.from = was.from
		}
		others[o.epoch] = is
	}
	n.others = others
	n.silence.kick()
	return true
}

// breakOff ends the pushes under way.
func (n *node) breakOff() {
	n.mu.Lock()
	var some []*flight
	for f := range n.flights {
		if f.to == sms.Hermes {
			some = append(some, f)
		}
	}
	n.mu.Unlock()
	slices.SortFunc(some, func(a, b *flight) int { return int(a.ms[0].ID - b.ms[0].ID) })
	for _, f := range some {
		f.end(sms.Outcome{Verdict: sms.Returned})
	}
}

func (n *node) kickAll() {
	for _, k := range []kick{n.arrivals, n.ends, n.inheritance, n.sessions} {
		k.kick()
	}
}

// lookAtArrivals takes up what others have handed to this one.
func (n *node) lookAtArrivals(ctx context.Context) error {
	n.taking <- struct{}{}
	defer func() { <-n.taking }()
	return n.takeIn(ctx)
}

// takeIn is for who has room in taking.
func (n *node) takeIn(ctx context.Context) error {
	n.mu.Lock()
	holders := append(slices.Clone(n.estates), n.epoch)
	n.mu.Unlock()
	ids, last := n.disk.Arrived(holders, n.after)
	if len(ids) > 0 {
		if err := n.rows.Arrived(ctx, ids); err != nil {
			n.after = 0
			return err
		}
	}
	n.after = last
	return nil
}

// run has the node take part until it is stopped.
func (n *node) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var all []chan struct{}
	begin := func(f func()) {
		done := make(chan struct{})
		all = append(all, done)
		go func() {
			defer close(done)
			f()
		}()
	}
	for _, l := range []struct {
		kick kick
		see  func(context.Context) error
	}{{n.arrivals, n.lookAtArrivals}, {n.ends, n.rows.Ended}, {n.inheritance, n.inherit}, {n.silence, n.takeOver}, {n.sessions, n.lookAtSessions}} {
		begin(func() {
			for {
				if n.reachable() == nil && ctx.Err() == nil {
					_ = l.see(ctx)
				}
				select {
				case <-ctx.Done():
					return
				case <-l.kick:
				case <-time.After(lookEvery):
				}
			}
		})
	}
	begin(func() { n.forwarder.Run(ctx, n.q) })
	n.stopped = make(chan struct{})
	n.stop = cancel
	go func() {
		defer close(n.stopped)
		for _, done := range all {
			<-done
		}
	}()
}

var _ cluster.Surroundings = (*node)(nil)
