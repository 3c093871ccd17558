package cluster

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"hnetsmpp/smppserv/sms"
)

// lookEvery is how often everything is looked at without a notice.
const lookEvery = 2 * time.Second

// kick has a look begin now, or once more when the one under way has ended.
type kick chan struct{}

func (k kick) kick() {
	select {
	case k <- struct{}{}:
	default:
	}
}

// looks are what a node looks at, each by a goroutine of its own.
type looks struct {
	rows, ended, estates, slots, asks, answers, pending, silent kick

	whole    atomic.Bool // all rows that arrived are looked at
	link     link        // of the look for rows; arriving's
	arriving lock        // held while rows are taken up that were handed to this node, or that an estate had

	oldest string            // transaction from which on rows that arrive are looked for; arriving's
	seen   map[sms.ID]string // by which transaction rows arrived that are taken up, as far as the look sees them; arriving's
}

func (l *looks) init() {
	for _, k := range []*kick{&l.rows, &l.ended, &l.estates, &l.slots, &l.asks, &l.answers, &l.pending, &l.silent} {
		*k = make(kick, 1)
	}
	l.seen, l.arriving = map[sms.ID]string{}, newLock()
}

// kickAll is for what may have changed without a notice.
func (l *looks) kickAll() {
	for _, k := range []kick{l.rows, l.ended, l.estates, l.slots, l.asks, l.answers, l.pending} {
		k.kick()
	}
}

// Run looks, hears notices, takes over and serves asks until ctx ends or the node is lost. Slots, asks and notices need it.
func (n *Node) Run(ctx context.Context, d Duties) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-ctx.Done():
		case <-n.lost:
			cancel()
		}
	}()
	var all sync.WaitGroup
	for _, l := range []look{
		{"messages handed to this worker", n.looks.rows, lookEvery, func(ctx context.Context) error { return n.TakeIn(ctx, d) }},
		{"ends of messages handed on", n.looks.ended, lookEvery, d.Ended},
		{"messages of workers that are over", n.looks.estates, lookEvery, func(ctx context.Context) error { return n.inherit(ctx, d) }},
		{"sessions at other workers", n.looks.slots, lookEvery, func(ctx context.Context) error { return n.lookAtSlots(ctx, d) }},
		{"what other workers ask", n.looks.asks, lookEvery, n.serve},
		{"answers of other workers", n.looks.answers, answersEvery, n.lookForAnswers},
		{"messages waiting at other workers", n.looks.pending, pendingEvery, n.exchangePending},
		{"sessions that ended, or are mute", n.slots.freed, writeSlotsEvery, n.writeSlots},
		{"facts of this worker", make(kick), factsEvery, n.gatherFacts},
		{"silent workers", n.looks.silent, lookEvery, n.takeOver},
		{"what nobody has", make(kick), sweepEvery, n.sweep},
	} {
		all.Go(func() { n.look(ctx, l) })
	}
	all.Go(func() { n.sentinel(ctx, d) })
	all.Go(func() { n.listen(ctx) })
	all.Go(func() { n.tell.run(ctx) })
	all.Wait()
	n.served.wait()
	n.looks.link.close()
}

// warnAfter is how many times a look fails in a row before that is said: one may meet a connection that has broken.
const warnAfter = 3

// look is one thing that a node looks at.
type look struct {
	at    string
	kick  kick
	every time.Duration
	see   func(context.Context) error
}

// look looks at something each now and then, and when it is kicked, until ctx ends. It begins at once. Nothing is looked at without the lease:
// the database, which may be away or just back, is to have no more to do then than to renew that.
func (n *Node) look(ctx context.Context, l look) {
	timer := time.NewTimer(l.every)
	defer timer.Stop()
	for failed := 0; ; {
		var err error
		if n.Holds() {
			err = l.see(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failed = 0
		case n.Holds() && !n.published.failing.Load(): // else the database is away, as is said elsewhere
			if failed++; failed == warnAfter {
				n.o.Log.Warn().Err(undisclosed(err)).Str("at", l.at).Msg("looks fail, and are repeated until they succeed")
			}
		}
		timer.Reset(l.every)
		select {
		case <-ctx.Done():
			return
		case <-l.kick:
		case <-timer.C:
		}
	}
}

// pause waits, and tells whether ctx has not ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
