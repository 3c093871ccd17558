package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
)

const (
	// handOverStep is how many messages get another recipient together.
	handOverStep = 500
	// handOverLook is how often it is looked whether what was being tried can be handed over, and handOverPatience for how long while
	// nothing can.
	handOverLook, handOverPatience = 50 * time.Millisecond, 5 * time.Second
)

// HandOver gives what waits for one client to another, receipts too, in the order in which it came. What came before the call counts.
// Meanwhile nothing is tried for the client that it waits for: one step would be on its way while the next one is still tried there.
// It goes in steps, each of which is on disk before it takes effect: after an error, or a restart, so much is handed over as n says
// or the store has, and a further call goes on. What is being tried, and what stands behind it, is handed over when its try has ended
// without success; left is what was not by the end of ctx, or when nothing could be for handOverPatience, and what went to another worker
// meanwhile, which has it for the old client: that is no error. n counts along through progress, which may be nil.
func (q *Queue) HandOver(ctx context.Context, from, to string, progress func(n int)) (n, left int, err error) {
	if from == to || from == sms.Hermes || to == sms.Hermes {
		return 0, 0, fmt.Errorf("hand over from %q to %q: two clients are needed", from, to)
	}
	if err := q.through(ctx); err != nil {
		return 0, 0, err
	}
	defer q.vacate(from, -1)
	upTo := q.vacate(from, 1)
	for idle := time.Duration(0); ; idle += handOverLook {
		ids, busy := q.waitingFor(from, upTo)
		for step := range slices.Chunk(ids, handOverStep) {
			moved, err := q.handOver(ctx, step, from, to)
			if n += moved; moved > 0 {
				idle = 0
			}
			if progress != nil {
				progress(n)
			}
			if err != nil {
				return n, len(ids) - moved + busy, err
			}
			if moved < len(step) { // something is being tried meanwhile: nothing may overtake it
				break
			}
		}
		rest, busy := q.waitingFor(from, upTo)
		here := len(rest) + busy
		left = here + q.wentFrom(from)
		if here == 0 || idle >= handOverPatience {
			return n, left, nil
		}
		select {
		case <-time.After(handOverLook):
		case <-ctx.Done():
			return n, left, nil
		}
	}
}

// vacate has nothing be tried for a client while calls hand over what waits for it, and returns the last message that came.
func (q *Queue) vacate(recipient string, calls int) (last sms.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.leaving[recipient] += calls; q.leaving[recipient] == 0 {
		delete(q.leaving, recipient)
		delete(q.went, recipient)
	}
	q.holds(recipient)
	return q.lastSeen
}

// goes counts messages that another worker has now; q.mu is held.
func (q *Queue) goes(recipient string, n int) {
	if q.leaving[recipient] > 0 {
		q.went[recipient] += n
	}
}

func (q *Queue) wentFrom(recipient string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.went[recipient]
}

// waitingFor lists what may be handed over now, in ascending order, and counts what may not: it is being tried, or its line is.
func (q *Queue) waitingFor(recipient string, upTo sms.ID) (ids []sms.ID, busy int) {
	type one struct {
		id   sms.ID
		lane ref
	}
	var all []one
	busyLanes := map[ref]struct{}{}
	for chunk, more := 0, true; more; {
		q.mu.Lock()
		if chunk == 0 {
			for id, p := range q.outgoing {
				if p.m.Recipient == recipient && id <= upTo {
					busy++
				}
			}
		}
		p := q.parties.byName[recipient]
		if p == nil || p.recipient == nil {
			q.mu.Unlock()
			return nil, busy
		}
		chunk, more = q.entries.walk(chunk, func(_ ref, e *entry) {
			switch {
			case e.status == concluded || e.id > upTo || q.lanes.at(e.lane).recipient != p.number:
			case q.movable(e):
				all = append(all, one{e.id, e.lane})
			default:
				busyLanes[e.lane] = struct{}{}
				busy++
			}
		})
		q.mu.Unlock()
	}
	for _, o := range all {
		if _, waits := busyLanes[o.lane]; waits {
			busy++
		} else {
			ids = append(ids, o.id)
		}
	}
	slices.Sort(ids)
	return ids, busy
}

// movable tells whether nothing is under way with an entry or in its line.
func (q *Queue) movable(e *entry) bool {
	return (e.status == waiting || e.status == aside || e.status == dpfPending) && e.flags&writing == 0 && q.lanes.at(e.lane).flight == 0
}

// handOver hands a step over, and returns when that is on disk.
func (q *Queue) handOver(ctx context.Context, ids []sms.ID, from, to string) (n int, err error) {
	ms, err := q.o.Store.LoadHeads(ctx, ids)
	if err != nil {
		return 0, err
	}
	var claimed []ref
	var of []*sms.Message
	var moved []sms.ID
	busy := map[ref]struct{}{}
	q.mu.Lock()
	for _, m := range ms {
		r := q.byID.find(uint64(m.ID))
		if r == 0 || m.State.Final() || m.Recipient != from {
			continue
		}
		e := q.entries.at(r)
		if e.status == concluded {
			continue
		}
		if _, waits := busy[e.lane]; waits || !q.movable(e) {
			busy[e.lane] = struct{}{}
			continue
		}
		q.follow(r)
		q.evict(r)
		q.claimEntry(r, e)
		claimed, of, moved = append(claimed, r), append(of, m), append(moved, m.ID)
	}
	q.storing.Add(1)
	q.mu.Unlock()
	if len(moved) == 0 {
		q.stored()
		return 0, nil
	}
	written := make(chan error, 1)
	q.o.Store.Readdress(moved, to, func(err error) {
		q.mu.Lock()
		for i, r := range claimed {
			if err != nil {
				q.giveBackClaimed(r)
				continue
			}
			of[i].Recipient = to
			q.readdress(r, of[i])
		}
		q.mu.Unlock()
		q.stored()
		written <- err
	})
	select {
	case err := <-written:
		if err != nil {
			return 0, err
		}
		return len(moved), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// giveBackClaimed is unclaim for whatever was claimed.
func (q *Queue) giveBackClaimed(r ref) {
	e := q.entries.at(r)
	if e.kind != sms.KindDPF {
		q.unclaim(r)
		return
	}
	q.follow(r)
	q.recipientOf(q.lanes.at(e.lane)).setDPF(r, e)
	q.arm(r, q.now())
}

// readdress moves a claimed entry to the lane that its message, whose recipient is another one now, belongs to.
func (q *Queue) readdress(r ref, m *sms.Message) {
	now := q.now()
	q.follow(r)
	e := q.entries.at(r)
	owner := q.owner(e)
	if e.status == changing {
		q.takeFromLine(r, e)
	}
	q.quit(e)
	e.lane = q.lane(keysOf(m).conversation, m.Recipient)
	if e.flags&answering == 0 {
		e.session = 0
	}
	q.grow(q.lanes.at(e.lane), e, 1)
	q.owner(e).pending++
	q.uncount(owner)
	to := q.recipientOf(q.lanes.at(e.lane))
	switch {
	case e.kind == sms.KindDPF:
		to.setDPF(r, e)
	case e.attempts == 0 && e.due > now:
		q.putAside(r, e)
	default:
		q.putByAge(r, e)
		if q.ready(e.lane); e.attempts > 0 {
			to.failed[e.lane] = struct{}{}
		}
	}
	q.arm(r, now)
}
