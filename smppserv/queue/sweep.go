package queue

import (
	"context"

	"hnetsmpp/smppserv/sms"
)

const (
	// sweepStep is how many ids are looked up at a time.
	sweepStep = 1000
	// takeUpStep is how many messages, which the sweep has found, are read at a time.
	takeUpStep = 64
)

// Sweep looks for waiting messages that are on disk and not here, such as rows that an operator put back to
// ENROUTE, and takes them up. It returns how many there were. It costs nothing unless another program has written.
// Rows above the highest ID seen here are left: they may be additions on their way in.
func (q *Queue) Sweep(ctx context.Context) (n int, err error) {
	q.mu.Lock()
	upTo := q.lastSeen
	q.mu.Unlock()
	written, err := q.o.Store.WrittenElsewhere(ctx)
	if err != nil {
		return 0, err
	}
	q.mu.Lock()
	q.unswept = q.unswept || written
	unswept := q.unswept
	q.mu.Unlock()
	if !unswept {
		return 0, nil
	}
	for after := sms.ID(0); ; {
		ids, err := q.o.Store.WaitingIDs(ctx, after, upTo, sweepStep)
		if err != nil {
			return n, err
		}
		if len(ids) > 0 {
			after = ids[len(ids)-1]
		}
		if err := q.reported(ctx); err != nil { // what is on disk is here, too
			return n, err
		}
		found, err := q.takeUpMissing(ctx, q.staying(ids), q.o.Store.Load)
		if n += found; err != nil {
			return n, err
		}
		if len(ids) < sweepStep {
			break
		}
	}
	q.mu.Lock()
	q.unswept = false
	if n > 0 {
		q.closeTaken(q.now())
	}
	q.mu.Unlock()
	q.wake()
	return n, nil
}

// staying leaves those out that are on their way to another worker.
func (q *Queue) staying(ids []sms.ID) (stay []sms.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		if q.outgoing[id] == nil {
			stay = append(stay, id)
		}
	}
	return stay
}

// takeUpMissing takes up those of the messages that are not here, as load reads them.
func (q *Queue) takeUpMissing(ctx context.Context, ids []sms.ID, load func(context.Context, []sms.ID) ([]*sms.Message, error)) (n int, err error) {
	var missing []sms.ID
	q.mu.Lock()
	for _, id := range ids {
		if !q.isHere(id) {
			missing = append(missing, id)
		}
	}
	q.mu.Unlock()
	for len(missing) > 0 {
		some := missing[:min(len(missing), takeUpStep)]
		missing = missing[len(some):]
		// A message that ended between the two looks is final when it is read again.
		ms, err := load(ctx, some)
		if err != nil {
			return n, err
		}
		q.mu.Lock()
		now := q.now()
		for _, m := range ms {
			if q.byID.find(uint64(m.ID)) == 0 && !m.State.Final() && m.Holder == 0 {
				q.offer(q.takeUp(m, keysOf(m), q.came(m, now), now), m)
				n++
			}
		}
		q.mu.Unlock()
	}
	return n, nil
}

// readable reads those messages that can be, and tells which cannot.
func (q *Queue) readable(ctx context.Context, ids []sms.ID, read reader) (ms []*sms.Message, damaged []sms.ID, err error) {
	ms, err = sms.Readable(ids, func(ids []sms.ID) ([]*sms.Message, error) { return read(ctx, ids) }, func(id sms.ID, err error) {
		damaged = append(damaged, id)
		q.unreadable.Say(q.log, id, err, "the row of a waiting message cannot be read here: it waits, and what came with it goes on. "+sms.MendWaitingRow)
	})
	return ms, damaged, err
}
