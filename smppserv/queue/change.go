package queue

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// Cancel takes a waiting message to DELETED (cancel_sm). It returns when that is on disk, or
// sms.ErrNotWaiting, or sms.ErrBeingTried, or sms.ErrUnavailable when the database refuses it.
func (q *Queue) Cancel(ctx context.Context, id sms.ID) error {
	e, err := q.claim(ctx, id, true)
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	q.conclude([]*entry{e}, nil, deleted("cancelled"), written)
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
	e, err := q.claim(ctx, id, false)
	if err != nil {
		return err
	}
	q.mu.Lock()
	m := *e.m
	due, expires := q.shown(e.due), q.shown(e.expires)
	m.DueAt, m.ExpiresAt = due, expires
	q.storing++
	q.mu.Unlock()
	if err = f(&m); err != nil {
		q.mu.Lock()
		q.unclaim(e)
		q.mu.Unlock()
		q.stored()
		return err
	}
	q.mu.Lock()
	change := q.retime(e, &m, due, expires)
	q.mu.Unlock()
	changed := make(chan struct{})
	q.o.Store.Change(&m, func(failed error) {
		q.mu.Lock()
		if err = failed; err == nil {
			q.setMessage(e, &m)
			change()
			e.changes++
		}
		q.unclaim(e)
		q.mu.Unlock()
		q.stored()
		close(changed)
	})
	if gaveUp := until(ctx, changed); gaveUp != nil {
		return gaveUp
	}
	return err
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

// replaced is the message that another one takes the place of. Its end is written with the addition of that one, or not at all;
// but one that is being tried ends after its try, unless that delivers it.
type replaced struct {
	tried      *entry   // it, then nothing else is set
	all        []*entry // just it
	outcome    sms.Outcome
	at         time.Time
	transition *road.Transition
	owed       []*entry
}

// Replaces implements road.Addition.
func (e *entry) Replaces() *road.Transition {
	r, q := e.replaces, e.q
	if r == nil || r.tried != nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	r.at = q.wall()
	r.outcome = deleted("replaced by message " + e.m.ID.String())
	r.transition, r.owed = q.ending(r.all, r.all[0], r.outcome, r.all[0].attempts, r.at)
	return r.transition
}

// replaces tells whether m takes the place of o.
func replaces(m, o *sms.Message) bool {
	return o.Kind == sms.KindText && o.Submitter == m.Submitter && o.ServiceType == m.ServiceType && o.Part == (sms.Part{})
}

// tried is the message that m takes the place of while it is being tried, nil = none.
func (q *Queue) tried(m *sms.Message) *replaced {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lanes[laneKeyOf(m)]; l != nil {
		for e := l.line.first; e != nil; e = e.next {
			if e.status == taken && e.m != nil && replaces(m, e.m) {
				return &replaced{tried: e}
			}
		}
	}
	return nil
}

// AddReplacing hands m in; with it, the oldest waiting message of its submitter with the same two numbers and
// service_type becomes DELETED (replace_if_present_flag), and does not count for limit; if it is being tried, after that try,
// unless that succeeds. Where there is none, m is added all the same.
func (q *Queue) AddReplacing(ctx context.Context, m *sms.Message, limit int, s road.Submission) error {
	// Two at a time would find the same message to replace, or none.
	alone := &q.replacing[maphash.Comparable(sumSeed, laneKeyOf(m))%uint64(len(q.replacing))]
	alone.Lock()
	defer alone.Unlock()
	old, err := q.Conversation(ctx, m.Recipient, m.Source.Number, m.Dest.Number)
	if err != nil {
		return err
	}
	var r *replaced
	if at := slices.IndexFunc(old, func(o *sms.Message) bool { return replaces(m, o) }); at >= 0 {
		e, err := q.claim(ctx, old[at].ID, false)
		if err == nil {
			r = &replaced{all: []*entry{e}}
		} else if !errors.Is(err, sms.ErrNotWaiting) && !errors.Is(err, sms.ErrBeingTried) {
			return err
		}
	}
	if r == nil {
		return q.add(m, limit, s, q.tried(m))
	}
	if err = q.add(m, limit, s, r); err != nil {
		q.mu.Lock()
		q.unclaim(r.all[0])
		q.mu.Unlock()
		q.wake()
	}
	return err
}

// Conversation lists the waiting messages from source to dest for the recipient, oldest first; those being tried are left out.
// What was handed in before may still be on its way to disk: that is awaited.
func (q *Queue) Conversation(ctx context.Context, recipient, source, dest string) ([]*sms.Message, error) {
	q.mu.Lock()
	if q.storing > 0 {
		q.mu.Unlock()
		through := make(chan struct{})
		q.o.Store.After(func() { close(through) })
		if err := until(ctx, through); err != nil {
			return nil, err
		}
		q.mu.Lock()
	}
	var ids []sms.ID
	if l := q.lanes[laneKey{recipient, source, dest}]; l != nil {
		for _, line := range [...]*list{&l.line, &l.aside} {
			for e := line.first; e != nil; e = e.next {
				if e.status != waiting && e.status != aside {
					continue
				}
				for _, p := range e.all() {
					ids = append(ids, p.id)
				}
			}
		}
	}
	q.mu.Unlock()
	slices.Sort(ids)
	return q.o.Store.Load(ctx, ids)
}

// claim takes a message that waits, with its text, so that nobody tries it. The caller must conclude or unclaim it.
// A delivery pending flag and a part of a long text are only claimed to be concluded; the rest of the text goes on without it.
func (q *Queue) claim(ctx context.Context, id sms.ID, part bool) (*entry, error) {
	var loaded *sms.Message
	var changes byte // when it was read
	for {
		q.mu.Lock()
		e := q.entries[id]
		if e == nil || e.status == concluded {
			q.mu.Unlock()
			return nil, sms.ErrNotWaiting
		}
		isPart := e.group != nil || e.lead != nil || e.parts != nil || e.status == dpfPending
		if e.status == taken || e.status == changing || e.status == claimed || e.lead != nil && e.lead.status == taken || isPart && !part {
			q.mu.Unlock()
			return nil, sms.ErrBeingTried
		}
		if e.m == nil && loaded != nil && e.changes == changes {
			q.setMessage(e, loaded)
		}
		if e.m != nil {
			q.leaveGroup(e)
			e.lane.claim(e)
			q.mu.Unlock()
			return e, nil
		}
		changes = e.changes
		q.mu.Unlock()
		ms, err := q.o.Store.Load(ctx, []sms.ID{id})
		if err != nil {
			return nil, err
		}
		if len(ms) == 0 || ms[0].State.Final() {
			return nil, sms.ErrNotWaiting
		}
		loaded = ms[0]
	}
}

// unclaim gives a claimed message back to its line.
func (q *Queue) unclaim(e *entry) {
	now := q.now()
	e.lane.unclaim(e, e.due > now && e.attempts == 0)
	q.wakeAt(e, e.nextWake(now))
}
