package queue

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"hnetsmpp/smppserv/sms"
)

// recoverStep is how many messages are taken up together.
const recoverStep = 1024

// recovery takes up the waiting messages of the store in the order in which they came.
type recovery struct {
	q     *Queue
	ms    []*sms.Message
	total int
	// open are the long texts of each lane that wait for parts, oldest first.
	// Those whose time was up when the next message came were in the line before it.
	open map[*lane][]*group
}

// recover takes up every waiting message of the store.
func (q *Queue) recover(ctx context.Context) error {
	r := recovery{q: q, open: map[*lane][]*group{}}
	steps, err := q.o.Store.ClockSteps(ctx)
	if err != nil {
		return fmt.Errorf("take up the waiting messages: %w", err)
	}
	q.mu.Lock()
	q.steps, q.noted = steps, len(steps)
	q.mu.Unlock()
	err = q.o.Store.Waiting(ctx, 0, func(m *sms.Message) error {
		own := *m // the store's is another one when this returns
		own.TLVs = bytes.Clone(m.TLVs)
		if m.Receipt != nil {
			receipt := *m.Receipt
			own.Receipt = &receipt
		}
		if r.ms = append(r.ms, &own); len(r.ms) < recoverStep {
			return nil
		}
		return r.step(ctx)
	})
	if err == nil {
		err = r.step(ctx)
	}
	r.end()
	if err != nil {
		return fmt.Errorf("take up the waiting messages: %w", err)
	}
	if r.total > 0 {
		q.log.Info().Int("messages", r.total).Msg("waiting messages taken up")
	}
	return nil
}

// end puts the texts into their lines. What stands first in one now may have been in flight when the worker ended.
func (r *recovery) end() {
	q := r.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closeTaken()
	for _, l := range q.lanes {
		if l.line.first != nil {
			l.line.first.untold = true
		}
	}
}

func (r *recovery) step(ctx context.Context) error {
	if err := r.readParts(ctx); err != nil {
		return err
	}
	q := r.q
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range r.ms {
		l := q.lane(laneKeyOf(m))
		groups := r.open[l]
		for len(groups) > 0 && (!q.isOpen(groups[0]) || groups[0].until <= q.came(m)) {
			if q.isOpen(groups[0]) {
				q.closeGroup(groups[0])
			}
			groups = groups[1:]
		}
		e := q.takeUp(m)
		if m.Transaction() {
			q.end(e, restart)
		}
		if e.group != nil && e.group.single() && !e.group.tried() {
			groups = append(groups, e.group)
		}
		if len(groups) > 0 {
			r.open[l] = groups
		} else {
			delete(r.open, l)
		}
	}
	r.total += len(r.ms)
	r.ms = r.ms[:0]
	return nil
}

// readParts reads the texts of parts: texts that have the same reference are told apart by them.
func (r *recovery) readParts(ctx context.Context) error {
	var ids []sms.ID
	byID := map[sms.ID]*sms.Message{}
	r.q.mu.Lock()
	for _, m := range r.ms {
		if r.q.isPart(m) {
			ids = append(ids, m.ID)
			byID[m.ID] = m
		}
	}
	r.q.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	parts, err := r.q.o.Store.Load(ctx, ids)
	for _, p := range parts {
		byID[p.ID].Content = p.Content
	}
	return err
}

func (q *Queue) takeUp(m *sms.Message) *entry {
	e := &entry{q: q, m: m, owner: m.Owner(), due: q.came(m), heapAt: -1}
	q.pending[e.owner]++
	q.enter(e, true)
	return e
}

// Sweep looks for waiting messages that are on disk and not here, such as rows that an operator put back to
// ENROUTE, and takes them up. It returns how many there were.
// Rows above the highest ID seen here are left: they may be additions on their way in.
func (q *Queue) Sweep(ctx context.Context) (int, error) {
	q.mu.Lock()
	upTo := q.lastSeen
	q.mu.Unlock()
	written, err := q.o.Store.WrittenElsewhere(ctx)
	if err != nil || !written {
		return 0, err
	}
	ids, err := q.o.Store.WaitingIDs(ctx, 0, upTo, math.MaxInt)
	if err != nil {
		return 0, err
	}
	var missing []sms.ID
	q.mu.Lock()
	for _, id := range ids {
		if q.entries[id] == nil {
			missing = append(missing, id)
		}
	}
	q.mu.Unlock()
	if len(missing) == 0 {
		return 0, nil
	}
	// A message that ended between the two looks is final when it is read again.
	ms, err := q.o.Store.Load(ctx, missing)
	if err != nil {
		return 0, err
	}
	n := 0
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range ms {
		if q.entries[m.ID] == nil && !m.State.Final() {
			q.takeUp(m)
			n++
		}
	}
	q.closeTaken()
	q.wake()
	return n, nil
}
