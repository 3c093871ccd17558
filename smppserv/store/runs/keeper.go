package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
)

// keeper is the goroutine that makes, merges and clears runs. What it does is cut into steps, the most urgent one first.
type keeper struct {
	x         *Index
	last      uint64           // the highest number of a run
	sealing   *builder         // of a run of sealed tails
	merging   map[int]*builder // by the level of what is merged
	leaving   []clearing
	entries   []Entry   // of a batch to catch up with
	madeAnew  time.Time // the last time
	failed    string    // the failure that was logged last
	started   bool      // it has caught up once
	wasBehind bool
}

type clearing struct {
	Run
	cleared uint32 // pieces
}

const (
	maxFanIn = 64 // runs that are merged at once, when merging lags
	// clearPieces is how many pieces a step deletes.
	clearPieces = 64
	// batch is how many messages are read at once to catch up.
	batch = 1024
	// witherPairs is the size from which a run is written anew when half of its ids are below the horizon.
	witherPairs = 1 << 16

	leastWait, mostWait = time.Second, time.Minute // after a failure
)

// newKeeper reads the runs that are there.
func newKeeper(ctx context.Context, x *Index) (*keeper, error) {
	k := &keeper{x: x, merging: map[int]*builder{}, entries: make([]Entry, 0, batch)}
	rows, err := x.o.Storage.Runs(ctx)
	if err != nil {
		return nil, fmt.Errorf("runs: list the runs: %w", err)
	}
	slices.SortFunc(rows, func(a, b Run) int { // newest first
		return (pair{0, b.First}).compare(pair{0, a.First})
	})
	for _, row := range rows {
		k.last = max(k.last, row.Number)
		if row.State != Whole || x.anew != nil {
			k.leaving = append(k.leaving, clearing{Run: leaving(row)})
			continue
		}
		marks, filters := k.room(nil)
		r, err := x.o.load(ctx, row, marks, filters)
		if n := len(x.runs); err == nil && n > 0 && r.Last >= x.runs[n-1].First {
			err = fmt.Errorf("%w: the ids of run %d overlap those of run %d", ErrDamaged, row.Number, x.runs[n-1].Number)
		}
		switch {
		case errors.Is(err, ErrDamaged):
			x.anew = err
			k.leaving = append(k.leaving, clearing{Run: leaving(row)})
		case err != nil:
			return nil, err
		default:
			x.runs = append(x.runs, r)
		}
	}
	if len(x.runs) > 0 {
		x.through = x.runs[0].Last
	}
	return k, nil
}

// room is the memory that is left for marks and filters of a run that replaces some: these do not count.
func (k *keeper) room(replaced []*run) (marks, filters int) {
	marks, filters = k.x.o.MarkOctets, k.x.o.FilterOctets
	for _, b := range k.builders() {
		m, f := b.octets()
		marks, filters = marks-m, filters-f
		replaced = append(slices.Clip(replaced), b.runs...)
	}
	for _, r := range k.x.runs { // it is the keeper that writes them
		if !slices.Contains(replaced, r) {
			marks, filters = marks-r.markOctets(), filters-len(r.filter)
		}
	}
	return marks, filters
}

func (k *keeper) builders() []*builder {
	var all []*builder
	if k.sealing != nil {
		all = append(all, k.sealing)
	}
	for _, b := range k.merging {
		all = append(all, b)
	}
	return all
}

func (k *keeper) keep(ctx context.Context) {
	wait := leastWait
	for ctx.Err() == nil {
		did, pause, err := k.turn(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrDamaged):
			k.x.Rebuild(err)
		case err != nil:
			k.fails(err)
			sleep(ctx, wait)
			wait = min(2*wait, mostWait)
		case did:
			k.failed, wait = "", leastWait
			if pause && k.unmerged() <= 2*k.x.o.FanIn { // else runs come faster than they are merged
				sleep(ctx, k.x.o.Pause)
			}
		default:
			select {
			case <-k.x.kick:
			case <-ctx.Done():
			}
		}
	}
}

// errUnread tells that the index can do nothing about it.
var errUnread = errors.New("runs: the messages cannot be read")

// fails says once what does not succeed, unless that is for Ready to say.
func (k *keeper) fails(err error) {
	unread, text := errors.Is(err, errUnread), err.Error()
	if text == k.failed || unread && !k.started {
		return
	}
	k.failed = text
	if unread {
		k.x.o.Log.Warn().Err(err).Msg("the index of numbers cannot be made: messages are not found by their number until it is; it is tried again")
		return
	}
	k.x.o.Log.Warn().Err(err).Msg("the index of numbers is not written; it is tried again, and the messages themselves are safe")
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// unmerged counts the runs of level 0.
func (k *keeper) unmerged() (n int) {
	for _, r := range k.x.runs {
		if r.Level == 0 {
			n++
		}
	}
	return n
}

// turn does the step that is the most urgent one; did is false when there is nothing to do, pause when others may go first
// before the next one.
func (k *keeper) turn(ctx context.Context) (did, pause bool, err error) {
	x := k.x
	x.mu.RLock()
	anew, behind, horizon, sealed := x.anew, x.behind, x.horizon, x.sealed
	x.mu.RUnlock()
	switch {
	case anew != nil:
		return true, false, k.makeAnew(ctx, anew)
	case k.sealing != nil || len(sealed) > 0:
		if k.sealing == nil {
			if err := k.seal(sealed, horizon); err != nil {
				return false, false, err
			}
		}
		return true, false, k.advance(ctx, &k.sealing, stepOctets<<max(len(sealed)-1, 0))
	case behind && k.unmerged() < maxFanIn:
		return true, false, k.catchUp(ctx)
	case len(k.leaving) > 0:
		return true, !behind, k.clear(ctx)
	}
	did, err = k.merge(ctx, horizon)
	return did, !behind, err
}

func (k *keeper) number() uint64 {
	k.last++
	return k.last
}

// seal begins a run of all sealed tails: when steps take long they are more at a time.
func (k *keeper) seal(tails []*tail, horizon sms.ID) error {
	var sources []source
	keys := 0
	for _, t := range tails {
		sources = append(sources, t.sorted())
		for i := range t.slots {
			if t.slots[i].key.NewestOnly() {
				keys++
			}
		}
	}
	pairs, err := newMerge(horizon, sources)
	if err != nil {
		return err
	}
	row := Run{Number: k.number(), State: Growing, First: max(tails[0].first, horizon), Last: tails[len(tails)-1].last}
	marks, filters := k.room(nil)
	k.sealing = newBuilder(row, pairs, uint64(keys), marks, filters)
	k.sealing.tails = tails
	return nil
}

// advance writes the next step of a builder. When it was the last one, *at is nil and the run takes its place.
func (k *keeper) advance(ctx context.Context, at **builder, limit int) error {
	b := *at
	if !b.pending {
		if err := b.fill(limit); err != nil {
			k.abandon(b)
			*at = nil
			return err
		}
	}
	if err := k.x.o.Storage.Write(ctx, &b.step); err != nil {
		return fmt.Errorf("runs: write run %d: %w", b.run.Number, err)
	}
	b.pending, b.begun = false, true
	if b.run.State == Growing {
		return nil
	}
	*at = nil
	k.place(b)
	return nil
}

// abandon has what a builder wrote cleared.
func (k *keeper) abandon(b *builder) {
	if b.begun || b.pending {
		k.leaving = append(k.leaving, clearing{Run: leaving(b.run.Run)})
	}
}

// place puts a run where what it replaces is.
func (k *keeper) place(b *builder) {
	x := k.x
	for _, r := range b.runs {
		k.leaving = append(k.leaving, clearing{Run: leaving(r.Run)})
	}
	var made []*run
	if b.run.State == Whole {
		made = []*run{b.run}
	} else {
		k.leaving = append(k.leaving, clearing{Run: b.run.Run})
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	at := 0
	if len(b.runs) > 0 {
		at = slices.Index(x.runs, b.runs[0])
	}
	x.runs = slices.Concat(x.runs[:at], made, x.runs[at+len(b.runs):])
	x.sealed = slices.Clone(x.sealed[len(b.tails):])
}

// clear deletes pieces of what is Leaving, and its row with the last ones.
func (k *keeper) clear(ctx context.Context) error {
	c := &k.leaving[0]
	var s Step
	left := uint32(clearPieces)
	from := c.cleared
	for _, kind := range [...]struct {
		first PieceNumber
		count uint32
	}{{blocks, c.Blocks}, {directory, c.Directory}, {filters, c.Filter}} {
		if from >= kind.count {
			from -= kind.count
			continue
		}
		if n := min(kind.count-from, left); n > 0 {
			s.Clear = append(s.Clear, Clearing{c.Number, kind.first + PieceNumber(from), kind.first + PieceNumber(from+n)})
			left -= n
		}
		from = 0
	}
	if left > 0 {
		s.Gone = []uint64{c.Number}
	}
	if err := k.x.o.Storage.Write(ctx, &s); err != nil {
		return fmt.Errorf("runs: clear run %d: %w", c.Number, err)
	}
	c.cleared += clearPieces - left
	if left > 0 {
		k.leaving = slices.Delete(k.leaving, 0, 1)
	}
	return nil
}
