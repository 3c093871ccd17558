package runs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
)

// merge does a step of the merge of the lowest level; did is false when there is none.
func (k *keeper) merge(ctx context.Context, horizon sms.ID) (did bool, err error) {
	if gone := k.unused(func(r *run) bool { return r.Last < horizon }); len(gone) > 0 {
		return true, k.drop(ctx, gone)
	}
	all := k.x.runs
	for begin := 0; begin < len(all); {
		level, end := all[begin].Level, begin+1
		for end < len(all) && all[end].Level == level {
			end++
		}
		if k.merging[level] == nil {
			if due := k.due(all[begin:end], horizon); due != nil {
				if err := k.begin(ctx, due, horizon); err != nil {
					return false, err
				}
			}
		}
		if b := k.merging[level]; b != nil {
			err := k.advance(ctx, &b, stepOctets)
			if b == nil {
				delete(k.merging, level)
			}
			return true, err
		}
		begin = end
	}
	return false, nil
}

// due is what of the runs of a level is to become one: newest first, none of them is being merged.
func (k *keeper) due(level []*run, horizon sms.ID) []*run {
	if n := len(level); n >= k.x.o.FanIn {
		return level[n-min(n, maxFanIn):]
	}
	for i, r := range level {
		if r.Pairs >= witherPairs && r.First < horizon && horizon > r.First+(r.Last-r.First)/2 {
			return level[i : i+1]
		}
	}
	return nil
}

// begin begins a run of the pairs of others: of the next level, or of the same when there is one.
func (k *keeper) begin(ctx context.Context, runs []*run, horizon sms.ID) error {
	var sources []source
	var keys uint64
	for _, r := range runs {
		sources = append(sources, &pairs{ctx: ctx, o: &k.x.o, row: r.Run})
		keys += r.NewestOnly
	}
	from, err := newMerge(horizon, sources)
	if err != nil {
		return err
	}
	row := Run{Level: runs[0].Level, State: Growing}
	row.First, row.Last = extent(runs)
	row.First = max(row.First, horizon)
	if len(runs) > 1 {
		row.Level++
	}
	row.Number = k.number()
	marks, filters := k.room(runs)
	b := newBuilder(row, from, keys, marks, filters)
	b.runs = runs
	k.merging[runs[0].Level] = b
	return nil
}

// unused lists the runs that are not being merged and are as wanted.
func (k *keeper) unused(wanted func(*run) bool) (found []*run) {
	for _, r := range k.x.runs {
		if wanted(r) && !slices.ContainsFunc(k.builders(), func(b *builder) bool { return slices.Contains(b.runs, r) }) {
			found = append(found, r)
		}
	}
	return found
}

// drop removes runs.
func (k *keeper) drop(ctx context.Context, gone []*run) error {
	var s Step
	for _, r := range gone {
		s.Runs = append(s.Runs, leaving(r.Run))
	}
	if err := k.x.o.Storage.Write(ctx, &s); err != nil {
		return fmt.Errorf("runs: drop %d runs: %w", len(gone), err)
	}
	for _, row := range s.Runs {
		k.leaving = append(k.leaving, clearing{Run: row})
	}
	k.x.mu.Lock()
	defer k.x.mu.Unlock()
	k.x.runs = slices.DeleteFunc(slices.Clone(k.x.runs), func(r *run) bool { return slices.Contains(gone, r) })
	return nil
}

// makeAnew removes all there is: the messages are then read from the first one on.
func (k *keeper) makeAnew(ctx context.Context, because error) error {
	if again := mostWait - time.Since(k.madeAnew); !k.madeAnew.IsZero() && again > 0 {
		sleep(ctx, again) // a disk that damages all that is written to it is not worn down
	}
	x := k.x
	x.o.Log.Warn().Err(because).Msg("the index of numbers is made anew from the messages; nothing is lost")
	var s Step
	for _, r := range x.runs {
		s.Runs = append(s.Runs, leaving(r.Run))
	}
	for _, b := range k.builders() {
		s.Runs = append(s.Runs, leaving(b.run.Run))
	}
	if len(s.Runs) > 0 {
		if err := x.o.Storage.Write(ctx, &s); err != nil {
			return fmt.Errorf("runs: drop all runs: %w", err)
		}
	}
	for _, row := range s.Runs {
		k.leaving = append(k.leaving, clearing{Run: row})
	}
	k.sealing = nil
	clear(k.merging)
	k.madeAnew = time.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.runs, x.sealed, x.tail, x.through, x.anew = nil, nil, newTail(nil), 0, nil
	return nil
}

// catchUp reads some of the messages that the index does not have. It has them all when it has what Add was given meanwhile;
// or when there are no more, and Add was given none while it looked.
func (k *keeper) catchUp(ctx context.Context) error {
	x := k.x
	x.mu.RLock()
	after, offered := x.through, x.offered
	x.mu.RUnlock()
	if k.started && !k.wasBehind {
		x.o.Log.Warn().Stringer("after", after).Msg("the index of numbers is behind; it catches up with the messages")
	}
	k.wasBehind = true
	entries, err := x.o.Messages(ctx, after, k.entries[:0])
	if err != nil {
		err = fmt.Errorf("%w behind %d: %w", errUnread, after, err)
		if !k.started {
			select {
			case x.refused <- err:
			default:
			}
		}
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.anew != nil {
		return nil
	}
	if len(entries) > 0 {
		x.put(entries) // what has no room is read again
		if x.o.Progress != nil {
			x.o.Progress(x.through)
		}
	}
	if x.offered > 0 && x.through >= x.offered || len(entries) == 0 && x.offered == offered {
		x.through = max(x.through, offered)
		x.behind, k.started, k.wasBehind = false, true, false
		close(x.caught)
	}
	return nil
}
