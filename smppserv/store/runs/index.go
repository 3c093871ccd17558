package runs

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

// ErrBehind is what a search gives while the index does not have all messages: at the start, and while it is made anew.
var ErrBehind = errors.New("the index of numbers is catching up with the messages")

// Options are what an index is opened with. All but Storage and Messages may be left out.
type Options struct {
	Storage Storage
	// Messages reads the messages with ids above after, rising, into what into has room for; none when there are no more.
	Messages func(ctx context.Context, after sms.ID, into []Entry) ([]Entry, error)
	// Progress is called by the keeper while it catches up: all messages up to through are found.
	Progress func(through sms.ID)
	Log      zerolog.Logger

	TailMessages int           // that a tail holds in memory, some 200 octets each; 0 = 16384
	FanIn        int           // runs of a level that become one of the next; 0 = 8
	Pause        time.Duration // after a step of merging or clearing, unless runs pile up; 0 = 2 ms
	MarkOctets   int           // memory for directories, some 0.4 % of the runs; 0 = 8 MiB. What is beyond is read when needed
	FilterOctets int           // memory for filters, 1 to 2 octets for each conversation and use; 0 = 32 MiB. The largest runs do without
}

func (o *Options) defaults() {
	o.TailMessages = cmp0(o.TailMessages, 16384)
	o.FanIn = max(2, cmp0(o.FanIn, 8))
	o.MarkOctets = cmp0(o.MarkOctets, 8<<20)
	o.FilterOctets = cmp0(o.FilterOctets, 32<<20)
	if o.Pause == 0 {
		o.Pause = 2 * time.Millisecond
	}
}

func cmp0(n, instead int) int {
	if n == 0 {
		return instead
	}
	return n
}

// maxSealed is how many sealed tails may wait for their run. With one more the index is behind.
const maxSealed = 8

// Index finds the ids of messages. Its methods may be called from any goroutine.
type Index struct {
	o    Options
	kick chan struct{}
	stop context.CancelFunc
	done chan struct{} // the keeper has ended

	mu      sync.RWMutex
	tail    *tail
	sealed  []*tail // oldest first
	runs    []*run  // newest first; never changed, only replaced
	through sms.ID  // all messages up to this one are in
	offered sms.ID  // the highest one that Add was given while the index was behind
	behind  bool
	caught  chan struct{} // closed when the index is not behind
	refused chan error    // has why the messages could not be read before it had them all for the first time
	anew    error         // why the index must be made anew, nil = it need not
	horizon sms.ID
}

// Open reads what of the runs is kept in memory, and begins to catch up with the messages: see Ready. Damage is no error:
// the index is then made anew.
func Open(ctx context.Context, o Options) (*Index, error) {
	o.defaults()
	x := &Index{o: o, kick: make(chan struct{}, 1), done: make(chan struct{}), tail: newTail(nil), behind: true, caught: make(chan struct{}), refused: make(chan error, 1)}
	k, err := newKeeper(ctx, x)
	if err != nil {
		return nil, err
	}
	ctx, x.stop = context.WithCancel(context.Background())
	go func() {
		defer close(x.done)
		k.keep(ctx)
	}()
	return x, nil
}

// Close ends the keeper; a step that is being written is waited for. Nothing is lost: the next start reads it from the messages.
func (x *Index) Close() {
	x.stop()
	<-x.done
}

// Ready waits until the index has all messages. If these cannot be read when it is opened, it says why; they are then read again, until they can be.
func (x *Index) Ready(ctx context.Context) error {
	x.mu.RLock()
	caught := x.caught
	x.mu.RUnlock()
	if isClosed(caught) {
		return nil
	}
	select {
	case <-caught:
		return nil
	case err := <-x.refused:
		return err
	case <-x.done:
		return ErrBehind
	case <-ctx.Done():
		if isClosed(caught) {
			return nil
		}
		return ctx.Err()
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Add takes messages that are committed, in the order of their ids. Those that it has already are passed over.
// It waits for nothing.
func (x *Index) Add(entries []Entry) {
	if len(entries) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.behind && !x.put(entries) {
		x.fallBehind()
	}
	if x.behind {
		x.offered = max(x.offered, entries[len(entries)-1].ID)
	}
}

// put adds what is new of entries to the tail; false means that there was not room for all.
func (x *Index) put(entries []Entry) bool {
	for i := range entries {
		e := &entries[i]
		if e.ID <= x.through {
			continue
		}
		if x.tail.messages >= x.o.TailMessages {
			if len(x.sealed) >= maxSealed {
				return false
			}
			x.sealed = append(slices.Clip(x.sealed), x.tail)
			x.tail = newTail(x.tail)
			x.wake()
		}
		x.tail.add(e)
		x.through = e.ID
	}
	return true
}

func (x *Index) fallBehind() {
	if x.behind {
		return
	}
	x.behind, x.caught, x.offered = true, make(chan struct{}), x.through
	x.wake()
}

// Rebuild has the index made anew from the messages, because of what it is given. Searches give ErrBehind until that is done.
func (x *Index) Rebuild(because error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fallBehind()
	if x.anew == nil {
		x.anew = because
		x.wake()
	}
}

// Forget tells that all messages with ids below horizon are purged: what the index knows of them goes in time.
func (x *Index) Forget(horizon sms.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.horizon = max(x.horizon, horizon)
	x.wake()
}

func (x *Index) wake() {
	select {
	case x.kick <- struct{}{}:
	default:
	}
}

// Newest finds the newest message of a key; ok is false when there is none. The message may be purged, or another key's
// with the same hash.
func (x *Index) Newest(ctx context.Context, key Key) (id sms.ID, ok bool, err error) {
	for id, err := range x.Find(ctx, key, 0, math.MaxUint64) {
		return id, err == nil, err
	}
	return 0, false, nil
}

// Find gives the messages of a key with ids from from up to to, newest first. An error ends it. Of a key of which only the newest
// one is kept, older ones may or may not come.
func (x *Index) Find(ctx context.Context, key Key, from, to sms.ID) iter.Seq2[sms.ID, error] {
	return func(yield func(sms.ID, error) bool) {
		s := search{x: x, key: key, from: max(from, 1), to: to, yield: yield}
		for s.from <= s.to && s.look(ctx) {
		}
	}
}

// search goes from to down to from.
type search struct {
	x        *Index
	key      Key
	from, to sms.ID
	yield    func(sms.ID, error) bool
}

// give hands an id out and goes below it; false means that it was the last one.
func (s *search) give(id sms.ID) bool {
	s.to = id - 1
	return s.yield(id, nil) && s.from <= s.to
}

// look goes through all that is there now; it is true when runs were replaced meanwhile, and it must be called again.
func (s *search) look(ctx context.Context) (again bool) {
	x := s.x
	var room [maxSealed + 1]chain
	chains := room[:0]
	x.mu.RLock()
	if x.behind {
		x.mu.RUnlock()
		s.yield(0, ErrBehind)
		return false
	}
	chains = append(chains, x.tail.find(s.key))
	for _, t := range slices.Backward(x.sealed) {
		chains = append(chains, t.find(s.key))
	}
	runs := x.runs
	x.mu.RUnlock()

	for _, c := range chains {
		for ; c.id >= s.from; c.step() {
			if c.id <= s.to && !s.give(c.id) {
				return false
			}
		}
	}
	for _, r := range runs {
		if r.Last < s.from {
			return false
		}
		if r.First > s.to || s.key.NewestOnly() && (r.NewestOnly == 0 || !r.filter.mayHave(s.key)) {
			continue
		}
		if again, on := s.run(ctx, r); again || !on {
			return again
		}
	}
	return false
}

func (s *search) run(ctx context.Context, r *run) (again, on bool) {
	var room [64]sms.ID
	for below := min(s.to, r.Last); below >= s.from; {
		ids, next, err := r.find(ctx, &s.x.o, s.key, s.from, below, room[:0])
		if err != nil {
			return s.failed(ctx, r, err)
		}
		for _, id := range slices.Backward(ids) {
			if !s.give(id) {
				return false, false
			}
		}
		below = next
	}
	return false, true
}

func (s *search) failed(ctx context.Context, r *run, err error) (again, on bool) {
	var cleared errCleared
	if errors.As(err, &cleared) && !s.x.has(r) {
		if err = ctx.Err(); err == nil {
			return true, false
		}
	}
	if errors.Is(err, ErrDamaged) {
		s.x.Rebuild(err)
	}
	s.yield(0, err)
	return false, false
}

func (x *Index) has(r *run) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Contains(x.runs, r)
}
