package simulation

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/cluster"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/memory"
)

// join begins the life of a worker under a name: when whoever had it before is over, or silent for a lease. It is asked again after an error.
func (w *world) join(name string) error {
	l := w.newLife()
	var was member
	for from := w.now(); ; time.Sleep(lease / 16) {
		w.mu.Lock()
		m := w.several.table[name]
		if m == nil {
			w.mu.Unlock()
			break
		}
		if *m != was {
			was, from = *m, w.now()
		}
		w.mu.Unlock()
		if w.now()-from > lease && w.now() > was.until {
			break
		}
	}
	l.epoch = w.disk.Epoch()
	n := &node{life: l, name: name, view: map[string][2]slot{}, moved: map[string]bool{}, free: map[uint64]string{}, mutes: map[uint64]bool{}, taking: make(chan struct{}, 1)}
	for _, k := range []*kick{&n.arrivals, &n.ends, &n.inheritance, &n.silence, &n.sessions, &n.moves} {
		*k = make(kick, 1)
	}
	if was.epoch != 0 {
		w.bury(l, was.epoch, was.beat)
	}
	w.mu.Lock()
	l.node = n
	w.several.lives[l.epoch] = l
	w.several.table[name] = &member{epoch: l.epoch, until: w.now() + lease}
	n.until = w.now() + lease - margin
	w.say("%s begins as epoch %d", name, l.epoch)
	w.mu.Unlock()
	n.estates, _ = w.disk.Claim(l.epoch, l.claimed)
	ctx, stop := context.WithCancel(context.Background())
	renewing := make(chan struct{})
	err := n.open(ctx)
	go func() {
		defer close(renewing)
		n.renewals(ctx)
	}()
	if err != nil {
		stop()
		<-renewing
		l.shut()
		w.gaveAway(n)
		return err
	}
	n.run()
	looking := n.stop
	n.stop = func() {
		looking()
		<-n.stopped
		stop()
		<-renewing
	}
	w.mu.Lock()
	w.several.nodes[slices.Index(w.several.names, name)] = n
	w.mu.Unlock()
	l.attach()
	n.tell(0, func(o *node) kick { return o.inheritance })
	return nil
}

// unasking is the Share of a worker that asks nothing of another: see the package's comment.
type unasking struct{ *cluster.Forwarder }

// Supersede implements queue.Share.
func (unasking) Supersede(_, _ sms.ID) {}

// open begins the life's store and queue.
func (n *node) open(ctx context.Context) (err error) {
	l := n.life
	n.after = 0
	l.store, l.power, err = memory.Open(ctx, l.disk, memory.Options{Log: zerolog.Nop(), Write: l.write, Written: l.written, Answer: l.answer, Settle: l.settle, Read: l.reachable,
		Epoch: l.epoch, Node: n.name, GroupTime: reassemble})
	if err != nil {
		return err
	}
	n.forwarder = cluster.NewForwarder(n, l.store, zerolog.Nop())
	l.q = l.queue(unasking{n.forwarder})
	n.rows = cluster.NewRows(l.q, l.store, n.forwarder.Apart, zerolog.Nop())
	if err := n.rows.Parted(ctx, n.estates); err != nil {
		return err
	}
	return l.q.Start(ctx)
}

// gaveAway gives all that an epoch has to whoever claims it.
func (w *world) gaveAway(n *node) bool {
	return w.disk.Bequeath(n.epoch, 0, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.bequeathed(n.epoch, 0)
		return true
	})
}

// takeOver takes over from those that are silent.
func (n *node) takeOver(context.Context) error {
	n.mu.Lock()
	dead := map[sms.Epoch]int{}
	for e, o := range n.others {
		if o.last-o.from >= lease && n.holds() {
			dead[e] = o.beat
		}
	}
	n.mu.Unlock()
	for _, e := range slices.Sorted(maps.Keys(dead)) {
		if n.bury(n.life, e, dead[e]) {
			n.tell(0, func(o *node) kick { return o.inheritance })
			n.tell(0, func(o *node) kick { return o.sessions })
			n.kickAll()
		}
	}
	return nil
}

// bury has heir take over from an epoch that is silent, if its beat is still the same.
func (w *world) bury(heir *life, dead sms.Epoch, beat int) bool {
	return w.disk.Bequeath(dead, heir.epoch, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, m := range w.several.table {
			if m.epoch == dead && m.beat == beat && m.until < w.now() {
				w.bequeathed(dead, heir.epoch)
				w.model.counts.TakenOver++
				return true
			}
		}
		return false
	})
}

// bequeathed notes that an epoch is over, when nothing more of it can get to the disk. world.mu is held.
func (w *world) bequeathed(e, heir sms.Epoch) {
	w.say("epoch %d is over, and what it had is epoch %d's", e, heir)
	for name, m := range w.several.table {
		if m.epoch == e {
			delete(w.several.table, name)
		}
	}
	for client, slots := range w.several.slots {
		for i, s := range slots {
			if s.epoch == e {
				slots[i] = slot{}
			}
		}
		w.several.slots[client] = slots
	}
	w.model.sick = w.now()
	w.model.heirs[e] = heir
	for of, owner := range w.model.heirs {
		if owner == e {
			w.model.heirs[of] = heir
		}
	}
	if l := w.several.lives[e]; l != nil && !l.fenced {
		l.fenced = true
		w.model.over(l)
	}
}

// inherit takes what nobody has, and has the messages of estates taken up that are new.
func (n *node) inherit(ctx context.Context) error {
	if !n.Holds() {
		return nil
	}
	owned, ok := n.disk.Claim(n.epoch, n.claimed)
	if !ok {
		return nil
	}
	n.taking <- struct{}{}
	defer func() { <-n.taking }()
	n.mu.Lock()
	fresh := slices.DeleteFunc(slices.Clone(owned), func(e sms.Epoch) bool { return slices.Contains(n.estates, e) })
	n.mu.Unlock()
	if len(fresh) > 0 {
		if err := n.takeIn(ctx); err != nil {
			return err
		}
		if err := n.rows.Inherit(ctx, fresh); err != nil {
			return err
		}
		n.mu.Lock()
		n.estates = owned
		n.mu.Unlock()
		n.arrivals.kick()
	}
	n.disk.Settle(n.epoch, owned)
	return nil
}

// claimed notes what was nobody's.
func (l *life) claimed(estate sms.Epoch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.say("what epoch %d had is epoch %d's", estate, l.epoch)
	l.model.heirs[estate] = l.epoch
}
