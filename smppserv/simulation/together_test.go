package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

// together are several workers on one store.
type together struct {
	names   []string
	joining []bool // by worker
	dead    int    // the worker that does not come back in the end, -1 = none

	// With world.mu:
	nodes   []*node // by worker, nil = it does not run
	table   map[string]*member
	slots   map[string][2]slot
	lives   map[sms.Epoch]*life
	notices uint64
}

// together lives a seed with several workers.
func (w *world) together() {
	s := &together{table: map[string]*member{}, slots: map[string][2]slot{}, lives: map[sms.Epoch]*life{}, dead: -1}
	w.several = s
	for i := range 2 + w.dice.IntN(2) {
		s.names = append(s.names, fmt.Sprint("worker ", i+1))
	}
	s.nodes, s.joining = make([]*node, len(s.names)), make([]bool, len(s.names))
	for i := range s.names {
		w.begin(i, 0)
	}
	w.pick()
	for range *length {
		w.pick()
		time.Sleep(time.Duration(w.dice.Int64N(int64(2 * time.Second))))
		w.reap()
		w.pick()
		switch w.dice.IntN(10) {
		case 0, 1:
			w.disturb()
		case 2:
			w.converse()
		default:
			w.step()
		}
		if w.dice.IntN(8) == 0 {
			w.overdue()
		}
	}
	if w.dice.IntN(3) == 0 {
		s.dead = w.dice.IntN(len(s.names))
	}
	w.recover()
	w.settleAll()
	w.endAll()
}

// begin has a worker begin after a while.
func (w *world) begin(i int, after time.Duration) {
	s := w.several
	w.mu.Lock()
	s.joining[i] = true
	w.model.sick = w.now()
	w.mu.Unlock()
	go func() {
		time.Sleep(after)
		for w.join(s.names[i]) != nil {
			time.Sleep(time.Second)
		}
		w.mu.Lock()
		s.joining[i] = false
		w.mu.Unlock()
	}()
}

// running are the workers that do anything.
func (w *world) running() (some []*node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.several.nodes {
		if n != nil && !n.lost && n.now() >= n.still {
			some = append(some, n)
		}
	}
	return some
}

// pick has the script go on at one of the workers that do anything.
func (w *world) pick() {
	if w.several == nil {
		return
	}
	for {
		if some := w.running(); len(some) > 0 {
			w.life = some[w.dice.IntN(len(some))].life
			return
		}
		time.Sleep(time.Second)
		w.reap()
	}
}

// forget ends the life of a worker, which begins again after a while.
func (w *world) forget(n *node) {
	s := w.several
	w.mu.Lock()
	at := 0
	for i, o := range s.nodes {
		if o == n {
			s.nodes[i], at = nil, i
		}
	}
	w.mu.Unlock()
	n.shut()
	n.stop()
	w.mu.Lock()
	w.model.over(n.life)
	w.mu.Unlock()
	after := time.Duration(w.dice.Int64N(int64(3 * lease)))
	if w.dice.IntN(2) == 0 {
		after = 0
	}
	w.begin(at, after)
}

// reap ends the lives of workers that have seen that they lost their leases.
func (w *world) reap() {
	w.mu.Lock()
	var some []*node
	for _, n := range w.several.nodes {
		if n != nil && n.lost {
			some = append(some, n)
		}
	}
	w.mu.Unlock()
	for _, n := range some {
		w.forget(n)
	}
}

// kill ends a worker at once: it keeps its lease until that is over.
func (w *world) kill(n *node) {
	w.note("%s is killed", n.name)
	w.mu.Lock()
	w.model.counts.Crashes++
	w.mu.Unlock()
	w.forget(n)
}

// leave stops a worker politely: it gives all away.
func (w *world) leave(n *node) {
	w.note("%s stops", n.name)
	for _, c := range clients {
		for len(n.bound[c]) > 0 {
			n.unbind(c)
		}
	}
	n.answered()
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	err := n.q.Stop(ctx)
	n.stop()
	err = errors.Join(err, n.store.Close(ctx))
	w.mu.Lock()
	if err != nil || n.lost || n.fenced {
		w.say("not politely: %v", err)
		w.model.counts.Crashes++
	} else {
		w.model.stopped(w, n.life)
	}
	w.mu.Unlock()
	if err == nil && w.gaveAway(n) {
		n.tell(0, func(o *node) kick { return o.inheritance })
	}
	w.forget(n)
}

// converse has one worker accept some messages of a conversation, whose client goes from worker to worker meanwhile.
func (w *world) converse() {
	client, like := w.client(), w.text("")
	for range 2 + w.dice.IntN(3) {
		for range 1 + w.dice.IntN(4) {
			w.numbers++
			m := *like
			m.Recipient, m.Source, m.Dest = client, like.Dest, like.Source
			m.ReceivedAt, m.DueAt, m.ExpiresAt, m.Period = w.wall(), w.wall(), w.wall().Add(24*time.Hour), true
			m.Content = fmt.Appendf(nil, "c%d", w.numbers)
			w.submit(&m, false)
		}
		time.Sleep(time.Duration(w.dice.IntN(1500)) * time.Millisecond)
		at := w.life
		for _, n := range w.running() {
			if len(n.bound[client]) > 0 {
				n.unbind(client)
			}
		}
		time.Sleep(time.Duration(w.dice.IntN(50)) * time.Millisecond)
		if w.pick(); len(w.life.bound[client]) == 0 {
			w.life.bind(client)
		}
		if w.life = at; !slices.Contains(w.running(), at.node) {
			return
		}
	}
}

// disturb has something happen to a worker.
func (w *world) disturb() {
	n := w.life.node
	long := time.Duration(w.dice.Int64N(int64(4 * lease)))
	switch w.dice.IntN(6) {
	case 0:
		w.kill(n)
	case 1:
		w.leave(n)
	case 2, 3:
		w.mu.Lock()
		n.still = w.now() + long
		w.model.counts.Stalls++
		w.model.sick = n.still
		w.say("%s stands still for %v", n.name, long)
		w.mu.Unlock()
	default:
		w.mu.Lock()
		n.cut = w.now() + long
		w.model.counts.Cuts++
		w.model.sick = n.cut
		w.say("%s does not reach the database for %v", n.name, long)
		w.mu.Unlock()
	}
}

// recover has all work again, and everybody there but a worker that is dead for good.
func (w *world) recover() {
	s := w.several
	w.mu.Lock()
	w.faults = faults{}
	for _, n := range s.nodes {
		if n != nil {
			n.still, n.cut = 0, 0
		}
	}
	w.model.sick = w.now()
	w.say("all is well from now on")
	w.mu.Unlock()
	for ready := false; !ready; time.Sleep(time.Second) {
		w.reap()
		w.mu.Lock()
		ready = true
		for i, n := range s.nodes {
			ready = ready && !s.joining[i] && n != nil && n.holds()
		}
		w.mu.Unlock()
	}
	if s.dead >= 0 {
		n := s.nodes[s.dead]
		w.note("%s is killed for good", n.name)
		n.shut()
		n.stop()
		w.mu.Lock()
		s.nodes[s.dead] = nil
		w.model.over(n.life)
		w.mu.Unlock()
	}
	some := w.running()
	for _, n := range some {
		n.hermes.SetWindow(window)
		n.hermes.Avoid(false)
		n.hermes.Resume()
		for _, c := range clients {
			for len(n.bound[c]) > 0 {
				n.unbind(c)
			}
		}
	}
	for _, c := range clients {
		n := some[w.dice.IntN(len(some))]
		for len(n.bound[c]) == 0 { // a slot may still be that of one that is dead
			time.Sleep(time.Second)
			n.bind(c)
		}
	}
}

// settleAll lets time pass until nothing waits any more.
func (w *world) settleAll() {
	for w.now() < settled*2 {
		time.Sleep(5 * time.Second)
		idle := w.disk.Waiting() == 0
		for _, n := range w.running() {
			w.life = n.life
			n.hermes.Resume()
			w.sweep()
			idle = idle && w.quiet()
		}
		if idle {
			time.Sleep(2 * lookEvery) // whoever handed on what has ended hears of it
			return
		}
	}
}

// endAll stops everything and looks at what is left.
func (w *world) endAll() {
	w.reap()
	some := w.running()
	for _, n := range some {
		w.ended(n.life)
	}
	w.examine()
	for _, n := range some {
		n.stop()
		n.shut()
	}
}

func TestOfSeveralWorkersOneTriesAMessageAndWhoeverLostItsLeaseWritesNothing(t *testing.T) {
	live(t, (*world).together, sample{short: 20, usual: 100, ci: 300, least: 250, several: true})
}
