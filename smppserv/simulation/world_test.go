package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/memory"
)

var (
	clients = []string{"a", "b", "c"}
	retry   = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second}
)

const (
	window          = 4
	reassemble      = 30 * time.Second
	receiptValidity = 2 * time.Hour
	receiptDelay    = 200 * time.Millisecond
	endless         = time.Hour // what takes so long never ends
)

// world is one seed: everything but the queue and the store, which are the real ones.
type world struct {
	t       *testing.T
	seed    uint64
	dice    *rand.Rand // the script's
	started time.Time
	disk    *memory.Disk
	asks    bool // Hermès asks for final states
	cache   int

	life    *life     // that the script is at
	several *together // nil = one worker has the store

	mu      sync.Mutex
	set     time.Duration // of the wall clock
	faults  faults
	model   model
	failed  []string
	history []string
	said    int  // lines of it
	told    bool // they are kept
	lives   uint64
	numbers uint64 // of sessions, references and external ids
}

// faults are what goes wrong now.
type faults struct {
	write, doubt, unsettled, read int // per cent
	slow                          time.Duration
	outcomes                      bool // of tries
}

// life is from a start to a crash or a stop.
type life struct {
	*world
	number  uint64
	store   *store.Store
	power   memory.Power
	q       *queue.Queue
	hermes  road.Outlet
	bound   map[string][]*session
	over    bool // what it is told from now on does not count
	writes  uint64
	reads   uint64
	answers uint64
	settles uint64
	pending int           // submits that are not answered yet
	calls   int           // cancels and changes under way
	adding  chan struct{} // has room for one that replaces: such wait under a lock, at which simulated time would stop
	callers sync.WaitGroup

	node    *node // nil = it has the store to itself
	epoch   sms.Epoch
	fenced  bool // another worker has taken over from it
	flights map[*flight]bool
}

// gone tells that nothing that a life has in memory counts any more. world.mu is held.
func (l *life) gone() bool { return l.over || l.fenced }

type session struct {
	outlet road.Outlet
	number uint64
}

// now is the time elapsed.
func (w *world) now() time.Duration { return time.Since(w.started) }

func (w *world) wall() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.set)
}

// chance is what a seed chooses of something that has a name, whenever that is asked for.
func (w *world) chance(what string, a, b uint64) *rand.Rand {
	h := w.seed
	for _, c := range []byte(what) {
		h = (h ^ uint64(c)) * 0x100000001B3
	}
	return rand.New(rand.NewPCG(h, a<<20^b))
}

// say notes what happened. mu is held.
func (w *world) say(format string, args ...any) {
	if w.said++; w.said > 20000 {
		panic(fmt.Sprintf("seed %d goes on and on: "+format+"\n%s", append(append([]any{w.seed}, args...), strings.Join(w.history[max(0, len(w.history)-200):], "\n"))...))
	}
	if !w.told { // a fifth of what a seed takes
		return
	}
	w.history = append(w.history, fmt.Sprintf("%12v ", w.now())+fmt.Sprintf(format, args...))
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.say(format, args...)
}

// fail notes a promise that was broken. mu is held.
func (w *world) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.failed = append(w.failed, text)
	w.say("BROKEN: %s", text)
}

// start begins a life.
func (w *world) start() {
	w.mu.Lock()
	if w.life != nil {
		w.model.over(w.life)
	}
	w.mu.Unlock()
	ctx := context.Background()
	var l *life
	for {
		l = w.newLife()
		s, power, err := memory.Open(ctx, w.disk, memory.Options{Log: zerolog.Nop(), Write: l.write, Written: l.written, Settle: l.settle})
		if err != nil {
			w.t.Fatal(err)
		}
		l.store, l.power = s, power
		l.q = l.queue(nil)
		if err = l.q.Start(ctx); err == nil {
			break
		}
		l.shut() // the disk could not be read
		time.Sleep(time.Second)
	}
	w.life = l
	l.attach()
	for _, c := range clients {
		if w.dice.IntN(3) > 0 {
			l.bind(c)
		}
	}
}

func (w *world) newLife() *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives++
	return &life{world: w, number: w.lives, bound: map[string][]*session{}, adding: make(chan struct{}, 1), flights: map[*flight]bool{}}
}

// queue makes the queue of a life, which has its store.
func (l *life) queue(share queue.Share) *queue.Queue {
	return queue.New(queue.Options{
		Store: reads{l.store, l}, Share: share, Log: zerolog.Nop(), CacheOctets: l.cache,
		Settings: queue.Settings{ReceiptValidity: receiptValidity, Reassemble: reassemble, StatusToHermes: l.asks},
		Clock:    func() (time.Time, time.Duration) { return l.wall(), l.now() },
	})
}

// attach has the queue deliver to Hermès.
func (l *life) attach() {
	l.hermes = l.q.Attach(road.OutletOptions{Window: window, Serial: true, Retry: retry, Deliverer: &deliverer{l, sms.Hermes, 0}})
	l.note("life %d begins", l.number)
}

func (l *life) bind(client string) {
	l.numbers++
	if l.node != nil && !l.node.take(client, l.numbers) {
		return
	}
	s := &session{number: l.numbers}
	s.outlet = l.q.Attach(road.OutletOptions{Recipient: client, Session: s.number, Window: window, Retry: retry, Deliverer: &deliverer{l, client, s.number}})
	l.bound[client] = append(l.bound[client], s)
	l.note("%s binds as session %d", client, s.number)
}

func (l *life) unbind(client string) {
	some := l.bound[client]
	if len(some) == 0 {
		return
	}
	some[0].outlet.Detach()
	if l.node != nil {
		l.node.giveBack(client, some[0].number)
	}
	l.bound[client] = some[1:]
	l.note("session %d of %s is gone", some[0].number, client)
}

// shut ends everything at once.
func (l *life) shut() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.power.Cut(l.chance("cut", l.number, 0).IntN(2) == 0)
	_ = l.q.Stop(ctx)
	_ = l.store.Close(ctx)
	l.answered()
}

// answered returns when all requests are.
func (l *life) answered() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.callers.Wait()
	}()
	select {
	case <-done:
	case <-time.After(endless):
		l.mu.Lock()
		defer l.mu.Unlock()
		l.fail("a request is not answered in %v", endless)
	}
}

// crash loses what is in memory.
func (w *world) crash() {
	if w.several != nil {
		w.kill(w.life.node)
		return
	}
	w.note("the power goes")
	w.life.shut()
	w.mu.Lock()
	w.model.crashed(w)
	w.mu.Unlock()
	w.start()
}

// restart stops politely, if the disk lets it.
func (w *world) restart() {
	if w.several != nil {
		w.leave(w.life.node)
		return
	}
	w.note("it stops")
	l := w.life
	l.answered()
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	err := errors.Join(l.q.Stop(ctx), l.store.Close(ctx))
	w.mu.Lock()
	l.over = true
	if err != nil {
		w.say("not politely: %v", err)
		w.model.crashed(w)
	} else {
		w.model.stopped(w, l)
	}
	w.mu.Unlock()
	l.shut()
	w.start()
}

// write decides what becomes of a transaction.
func (l *life) write(*store.Batch) memory.Fate {
	l.mu.Lock()
	l.writes++
	dice, f := l.chance("write", l.number, l.writes), l.faults
	l.mu.Unlock()
	time.Sleep(time.Duration(dice.Int64N(int64(5*time.Millisecond+f.slow))) + 1)
	if l.awake(); l.isCut() {
		return []memory.Fate{memory.Refused, memory.Refused, memory.Lost, memory.Kept}[dice.IntN(4)]
	}
	switch {
	case dice.IntN(100) < f.write:
		return memory.Refused
	case dice.IntN(100) >= f.doubt:
		return memory.Written
	case dice.IntN(2) == 0:
		return memory.Lost
	}
	return memory.Kept
}

var errDisk = errors.New("the disk does not answer")

func (l *life) settle() error {
	if err := l.reachable(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settles++
	if l.chance("settle", l.number, l.settles).IntN(100) < l.faults.unsettled {
		return errDisk
	}
	return nil
}

// written tells the model of a transaction that is on disk.
func (l *life) written(b *store.Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.model.written(l, b)
}

// answer takes the time that the answer of a commit is under way.
func (l *life) answer() {
	l.mu.Lock()
	l.answers++
	dice, f := l.chance("answer", l.number, l.answers), l.faults
	l.mu.Unlock()
	time.Sleep(time.Duration(dice.Int64N(int64(5*time.Millisecond+f.slow))) + 1)
	l.awake()
}

// reads is a store that cannot always be read.
type reads struct {
	*store.Store
	l *life
}

func (r reads) fault() error {
	l := r.l
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	if l.chance("read", l.number, l.reads).IntN(100) < l.faults.read {
		return errDisk
	}
	return nil
}

func (r reads) Load(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	if err := r.fault(); err != nil {
		return nil, err
	}
	return r.Store.Load(ctx, ids)
}

func (r reads) LoadHeads(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	if err := r.fault(); err != nil {
		return nil, err
	}
	return r.Store.LoadHeads(ctx, ids)
}

// deliverer is Hermès, or a session of a client.
type deliverer struct {
	*life
	to      string
	session uint64
}

// Deliver implements road.Deliverer.
func (d *deliverer) Deliver(ms []*sms.Message, incomplete bool, report func(sms.Outcome)) {
	w := d.world
	stood := d.awake()
	w.mu.Lock()
	if d.over || stood && !d.node.holds() {
		w.mu.Unlock()
		report(sms.Outcome{Verdict: sms.Returned})
		return
	}
	try := w.model.tried(d, ms, incomplete, d.node != nil && d.node.woke == w.now())
	dice, bad := w.chance("try", uint64(ms[0].ID), uint64(try)), w.faults.outcomes
	w.mu.Unlock()
	o := sms.Outcome{Verdict: sms.Done}
	if n := dice.IntN(100); bad {
		switch {
		case n < 20:
			o = sms.Outcome{Verdict: sms.TryAgain, Code: 503, Reason: "busy"}
		case n < 25:
			o = sms.Outcome{Verdict: sms.TryAgain, Code: 503, Reason: "later", After: time.Duration(dice.IntN(20)) * time.Second}
		case n < 32:
			o = sms.Outcome{Verdict: sms.TryAgain, Code: 88, Reason: "not now", Unjudged: true}
		case n < 38:
			o = sms.Outcome{Verdict: sms.Failed, Code: 400, Reason: "never"}
		case n < 45:
			o = sms.Outcome{Verdict: sms.Returned}
		case n < 48:
			o = sms.Outcome{Verdict: sms.TryAgain, Unreached: true, Reason: "nobody is there"}
		case n < 50:
			o = sms.Outcome{Verdict: sms.TryAgain, Fault: true, Reason: "a fault"}
		}
	}
	ms = append([]*sms.Message(nil), ms...)
	begun := d.model.progress(d, ms, dice.IntN(3))
	if o.Progress = begun; o.Verdict == sms.Done || o.Verdict == sms.Failed {
		o.Progress = ""
	}
	took := time.Duration(dice.Int64N(int64(time.Second)))
	if dice.IntN(8) == 0 {
		took *= 20
	}
	f := &flight{d, ms, report}
	w.mu.Lock()
	d.flights[f] = true
	w.mu.Unlock()
	end := func() {
		d.awake()
		f.end(o)
	}
	if begun != "" {
		time.AfterFunc(took/2, func() {
			d.awake()
			report(sms.Outcome{Verdict: sms.Underway, Progress: begun})
		})
	} else if dice.IntN(6) == 0 {
		end()
		return
	}
	time.AfterFunc(took, end)
}

// flight is a try under way.
type flight struct {
	*deliverer
	ms     []*sms.Message
	report func(sms.Outcome)
}

// end tells the queue what came of it, once.
func (f *flight) end(o sms.Outcome) {
	f.mu.Lock()
	if !f.flights[f] {
		f.mu.Unlock()
		return
	}
	delete(f.flights, f)
	if !f.over {
		f.model.reported(f.world, f.deliverer, f.ms, o)
	}
	f.mu.Unlock()
	f.report(o)
}
