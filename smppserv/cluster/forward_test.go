package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// outlets is a queue that notes who is attached.
type outlets struct {
	mu  sync.Mutex
	all map[string]*outlet
}

type outlet struct {
	road.Outlet
	o      *outlets
	name   string
	opened road.OutletOptions
	rests  int
}

func (o *outlets) Attach(w road.OutletOptions) road.Outlet {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all[w.Recipient] != nil {
		panic("attached twice")
	}
	out := &outlet{o: o, name: w.Recipient, opened: w}
	o.all[w.Recipient] = out
	return out
}

func (out *outlet) Detach() {
	out.o.mu.Lock()
	defer out.o.mu.Unlock()
	delete(out.o.all, out.name)
}

func (out *outlet) Rest(time.Duration) {
	out.o.mu.Lock()
	defer out.o.mu.Unlock()
	out.rests++
}

func (o *outlets) to(client string) *outlet {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all[client]
}

// hands is a store that hands on in the database, or fails.
type hands struct {
	r *rig

	mu      sync.Mutex
	failing error
	batches [][]sms.ID
	hold    chan struct{} // nil = nothing waits
}

func (h *hands) HandOn(ids []sms.ID, to sms.Epoch, done func(error)) {
	h.mu.Lock()
	h.batches = append(h.batches, slices.Clone(ids))
	failing, hold := h.failing, h.hold
	h.mu.Unlock()
	go func() {
		if hold != nil {
			<-hold
		}
		if failing == nil {
			var all []int64
			for _, id := range ids {
				all = append(all, int64(id))
			}
			_, failing = h.r.pool.Exec(context.Background(), handOn, all, int64(to))
		}
		done(failing)
	}()
}

func (h *hands) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

var _ queue.Share = struct {
	*Forwarder
	superseding
}{}

// superseding is what of a queue.Share is not a Forwarder's.
type superseding interface{ Supersede(id, by sms.ID) }

// forwarding is a worker a with a forwarder, and a worker b.
func forwarding(t *testing.T) (a, b *worker, outs *outlets, store *hands) {
	t.Helper()
	r := newRig(t)
	a, b = r.join("a", long, answering(alive)), r.join("b", long, answering(alive))
	outs, store = &outlets{all: map[string]*outlet{}}, &hands{r: r}
	f := NewForwarder(a.Node, store, a.o.Log)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx, outs)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if len(outs.all) > 0 {
			t.Errorf("attached at the end: %v", outs.all)
		}
	})
	return a, b, outs, store
}

// deliver has messages delivered one after the other, and returns what is reported of each.
func (out *outlet) deliver(ids ...sms.ID) <-chan sms.Outcome {
	reports := make(chan sms.Outcome, len(ids))
	for _, id := range ids {
		out.opened.Deliverer.Deliver([]*sms.Message{{ID: id}}, false, func(o sms.Outcome) { reports <- o })
	}
	return reports
}

func TestWhatWaitsForAClientBoundElsewhereIsHandedOnThere(t *testing.T) {
	a, b, outs, store := forwarding(t)
	for id := sms.ID(1); id <= 5; id++ {
		a.r.message(id, a.epoch)
	}
	release := b.takes(numbered(receiver, 1))
	testkit.Await(t, "an outlet is attached", func() bool { return outs.to("acme") != nil })
	hold := make(chan struct{})
	store.set(func() { store.hold = hold })
	out := outs.to("acme")
	if !out.opened.Serial || out.opened.Holder != b.epoch { // one is given back, and the next one of its conversation is not under way
		t.Errorf("it is opened with %+v", out.opened)
	}
	reports := out.deliver(1, 2, 3)
	out.opened.Deliverer.Deliver([]*sms.Message{{ID: 4}, {ID: 5}}, false, func(sms.Outcome) {}) // the parts of a long one
	close(hold)
	for range 3 {
		if o := testkit.Receive(t, reports, "a report"); o.Verdict != sms.HandedOn {
			t.Errorf("reported %+v", o)
		}
	}
	testkit.Await(t, "all arrive in their order", b.has(1, 2, 3, 4, 5))
	store.set(func() {
		if len(store.batches) != 2 || !slices.Equal(store.batches[0], []sms.ID{1}) || !slices.Equal(store.batches[1], []sms.ID{2, 3, 4, 5}) {
			t.Errorf("handed on in %v", store.batches)
		}
	})
	// A session here goes before one elsewhere.
	own := a.takes(numbered(transmitter, 2))
	own()
	release()
	testkit.Await(t, "b's session is gone", func() bool { return outs.to("acme") == nil })
	b.takes(numbered(receiver, 3))
	testkit.Await(t, "there is another one", func() bool { return outs.to("acme") != nil })
	pair := numbered(receiver, 4)
	pair.Pair = true
	ownRelease := a.takes(pair)
	testkit.Await(t, "the client is written to here", func() bool { return outs.to("acme") == nil })
	ownRelease()
	testkit.Await(t, "it is written to there again", func() bool { return outs.to("acme") != nil })
}

func TestWhatWaitsForAMuteSessionIsHandedOnToWhereTheClientAnswers(t *testing.T) {
	a, b, outs, _ := forwarding(t)
	p := receiver
	p.Pair = true
	a.r.message(1, a.epoch)
	a.takes(numbered(p, 1))
	release := b.takes(numbered(p, 1))
	if outs.to("acme") != nil {
		t.Error("it is handed on while the session here answers")
	}
	a.Mute("acme", 1, true)
	testkit.Await(t, "an outlet is attached", func() bool { return outs.to("acme") != nil })
	if o := testkit.Receive(t, outs.to("acme").deliver(1), "a report"); o.Verdict != sms.HandedOn {
		t.Errorf("reported %+v", o)
	}
	testkit.Await(t, "it arrives", b.has(1))
	release()
	testkit.Await(t, "nobody else is there", func() bool { return outs.to("acme") == nil })
	b.takes(numbered(p, 2))
	testkit.Await(t, "somebody is there again", func() bool { return outs.to("acme") != nil })
	a.Mute("acme", 1, false)
	testkit.Await(t, "the session here answers again", func() bool { return outs.to("acme") == nil })
}

func TestWhatCannotBeHandedOnGoesBackInOrder(t *testing.T) {
	a, b, outs, store := forwarding(t)
	for id := sms.ID(1); id <= 3; id++ {
		a.r.message(id, a.epoch)
	}
	b.takes(numbered(receiver, 1))
	testkit.Await(t, "an outlet is attached", func() bool { return outs.to("acme") != nil })
	hold := make(chan struct{})
	store.set(func() { store.failing, store.hold = errors.New("the disk is full"), hold })
	out := outs.to("acme")
	reports := out.deliver(1, 2)
	close(hold)
	for range 2 {
		if o := testkit.Receive(t, reports, "a report"); o.Verdict != sms.Returned {
			t.Errorf("reported %+v", o)
		}
	}
	outs.mu.Lock()
	rests := out.rests
	outs.mu.Unlock()
	if rests == 0 {
		t.Error("the outlet does not rest")
	}
	store.set(func() {
		if len(store.batches) != 1 {
			t.Errorf("%v were handed on: what came after what failed overtakes it", store.batches)
		}
		store.failing, store.hold = nil, nil
	})
	testkit.Await(t, "it is handed on after the rest", func() bool {
		return testkit.Receive(t, out.deliver(1), "a report").Verdict == sms.HandedOn
	})
	testkit.Await(t, "it arrives", b.has(1))
}

func TestWhatIsHandedToADeadWorkerIsItsHeirs(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", short), r.join("b", short, answering(alive))
	r.message(1, a.epoch)
	b.takes(numbered(receiver, 1))
	testkit.Await(t, "a knows where the client is", func() bool { e, _ := a.Receiver("acme"); return e == b.epoch })
	b.die()
	r.exec(handOn, []int64{1}, int64(b.epoch))
	testkit.Await(t, "a has b's messages", func() bool { return a.is(func() bool { return slices.Equal(a.inherited, []sms.Epoch{b.epoch}) }) })
	testkit.Await(t, "the client is nowhere", func() bool { _, ok := a.Receiver("acme"); return !ok })
}
