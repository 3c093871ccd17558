package queue

import (
	"context"

	"hnetsmpp/smppserv/guard"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// Cancel takes a waiting message to DELETED (cancel_sm). It returns when that is on disk, or
// sms.ErrNotWaiting, or sms.ErrBeingTried, or sms.ErrUnavailable when the database refuses it.
func (q *Queue) Cancel(ctx context.Context, id sms.ID) error { return q.CancelBy(ctx, id, "cancelled") }

// CancelBy is Cancel for another reason. What another worker asks for (road.AskOf) is on disk before that one does not wait any more, or is
// not done.
func (q *Queue) CancelBy(ctx context.Context, id sms.ID, reason string) error {
	if road.AskOf(ctx, 1) != nil {
		return q.cancelAsked(ctx, id, reason)
	}
	r, m, err := q.claim(ctx, id, true)
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	q.conclude([]ref{r}, []*sms.Message{m}, r, nil, deleted(reason), written)
	q.wake()
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Replace changes a waiting message (replace_sm): f is given a copy to change; its Content must be replaced, not written into.
// It returns f's error, or sms.ErrNotWaiting, or sms.ErrBeingTried, or nil when the change is on disk.
func (q *Queue) Replace(ctx context.Context, id sms.ID, f func(*sms.Message) error) error {
	r, old, err := q.claim(ctx, id, false)
	if err != nil {
		return err
	}
	q.mu.Lock()
	q.follow(r)
	e := q.entries.at(r)
	m := *old
	due, expires := q.shown(e.due), q.shown(e.expires)
	m.DueAt, m.ExpiresAt = due, expires
	q.storing.Add(1)
	q.mu.Unlock()
	if fault := guard.Do(func() { err = f(&m) }); fault != nil {
		q.log.Error().EmbedObject(old).Err(fault).Str("stack", fault.Stack).
			Msg("replacing a message brought about a fault of the server: it stays as it was; please report this line")
		err = fault
	}
	if err != nil {
		q.mu.Lock()
		q.offerAgain(r, old)
		q.unclaim(r)
		q.mu.Unlock()
		q.stored()
		return err
	}
	q.mu.Lock()
	change := q.retime(r, old, &m, due, expires)
	q.mu.Unlock()
	changed := make(chan struct{})
	q.o.Store.Change(&m, road.AskOf(ctx, 1), func(failed error) {
		q.mu.Lock()
		kept := old
		if err = failed; err == nil {
			kept = &m
			change()
			e.changes++
			q.changes++
			if service := serviceHash(m.ServiceType); service != e.service {
				e.service = service
				delete(q.seniorities, e.lane)
			}
		}
		q.offerAgain(r, kept)
		q.unclaim(r)
		q.mu.Unlock()
		q.stored()
		close(changed)
	})
	if gaveUp := until(ctx, changed); gaveUp != nil {
		return gaveUp
	}
	return err
}

// offerAgain gives the message of a claimed entry back to memory.
func (q *Queue) offerAgain(r ref, m *sms.Message) {
	if q.entries.at(r).flags&writing != 0 {
		q.hold(r, m)
	} else {
		q.offer(r, m)
	}
}

func deleted(reason string) sms.Outcome {
	return sms.Outcome{Verdict: sms.Failed, State: sms.Deleted, Reason: reason}
}

// until returns when done is closed, or ctx's error.
func until(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// claim takes a message that waits, with its text, so that nobody tries it. The caller must conclude or unclaim it. One that another
// worker is to have is waited for until that has it, for a second: it does not wait here.
// A delivery pending flag and a part of a long text are only claimed to be concluded, and read only as far as that needs;
// the rest of the text goes on without it.
func (q *Queue) claim(ctx context.Context, id sms.ID, toEnd bool) (ref, *sms.Message, error) {
	var loaded *sms.Message
	var changes uint8 // when it was read
	read := q.o.Store.Load
	if toEnd {
		read = q.o.Store.LoadHeads
	}
	for {
		q.mu.Lock()
		if p := q.outgoing[id]; p != nil {
			q.mu.Unlock()
			return 0, nil, p.left(ctx)
		}
		r, err := q.claimable(id, toEnd)
		if err != nil {
			q.mu.Unlock()
			return 0, nil, err
		}
		e := q.entries.at(r)
		m := q.message(r)
		if m == nil && loaded != nil && e.changes == changes {
			loaded.Attempts = int(e.attempts)
			m = loaded
		}
		if m != nil {
			q.claimNow(r, e, m)
			q.mu.Unlock()
			return r, m, nil
		}
		changes = e.changes
		q.mu.Unlock()
		ms, err := read(ctx, []sms.ID{id})
		if err != nil {
			return 0, nil, err
		}
		if len(ms) == 0 || ms[0].State.Final() {
			return 0, nil, sms.ErrNotWaiting
		}
		loaded = ms[0]
	}
}

// left waits until another worker has a message, for a second, and is why it cannot be claimed here.
func (p *passing) left(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, passAgain)
	defer cancel()
	if until(within, p.gone) != nil {
		return sms.ErrBeingTried
	}
	return sms.ErrNotWaiting
}

// claimable is the entry of a message that waits, and may be claimed.
func (q *Queue) claimable(id sms.ID, toEnd bool) (ref, error) {
	r := q.byID.find(uint64(id))
	if r == 0 {
		return 0, sms.ErrNotWaiting
	}
	e := q.entries.at(r)
	isPart := e.flags&(grouped|leading) != 0 || e.status == absorbed || e.status == dpfPending
	switch {
	case e.status == concluded:
		return 0, sms.ErrNotWaiting
	case e.status == taken || e.status == changing || e.status == claimed || isPart && !toEnd,
		e.status == absorbed && q.entries.at(e.prev).status == taken:
		return 0, sms.ErrBeingTried
	}
	return r, nil
}

// claimNow takes a claimable entry, whose message is m.
func (q *Queue) claimNow(r ref, e *entry, m *sms.Message) {
	q.follow(r)
	if t := q.leads[r]; e.flags&leading != 0 && t.pushKey == "" && (e.attempts > 0 || e.flags&untold != 0) {
		t.pushKey = m.Key() // the text was tried under it
	}
	q.leaveGroup(r, q.wheel.at)
	q.evict(r)
	q.claimEntry(r, e)
}
