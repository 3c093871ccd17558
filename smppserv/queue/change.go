package queue

import (
	"context"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
)

// Cancel takes a waiting message to DELETED (cancel_sm). It returns when that is on disk, or
// ErrNotWaiting, or ErrBeingTried.
func (q *Queue) Cancel(ctx context.Context, id sms.ID) error {
	e, err := q.claim(ctx, id, true)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	e.sender = concludedSender{e.sender, done}
	q.conclude([]*entry{e}, nil, sms.Outcome{Verdict: sms.Failed, State: sms.Deleted, Reason: "cancelled"})
	q.wake()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// concludedSender closes done when the end is on disk.
type concludedSender struct {
	sms.Sender
	done chan struct{}
}

func (s concludedSender) Concluded(m *sms.Message, o sms.Outcome) {
	close(s.done)
	if s.Sender != nil {
		s.Sender.Concluded(m, o)
	}
}

func (s concludedSender) Answered() (uint64, time.Time, bool) {
	if s.Sender == nil {
		return 0, time.Time{}, false
	}
	return s.Sender.Answered()
}

// Replace changes a waiting message (replace_sm): f is given a copy to change; its Content must be replaced, not written into.
// It returns f's error, or ErrNotWaiting, or ErrBeingTried, or nil when the change is on disk.
func (q *Queue) Replace(ctx context.Context, id sms.ID, f func(*sms.Message) error) error {
	e, err := q.claim(ctx, id, false)
	if err != nil {
		return err
	}
	q.mu.Lock()
	m := *e.m
	m.DueAt = time.UnixMilli(e.due)
	q.storing++
	q.mu.Unlock()
	if err := f(&m); err != nil {
		q.mu.Lock()
		q.release(e)
		q.mu.Unlock()
		q.stored()
		return err
	}
	changed := make(chan error, 1)
	q.o.Store.Change(&m, func(err error) {
		q.mu.Lock()
		if err == nil {
			q.setMessage(e, &m)
			e.due, e.expires = milli(m.DueAt), milli(m.ExpiresAt)
			e.changes++
		}
		q.release(e)
		q.mu.Unlock()
		q.stored()
		changed <- err
	})
	select {
	case err := <-changed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// AddReplacing hands m in; when it is on disk, the oldest waiting message of its submitter with the same two numbers and
// service_type becomes DELETED (replace_if_present_flag). Where there is none, m is added all the same.
// The one to be replaced may still be on its way to disk: that is awaited.
func (q *Queue) AddReplacing(ctx context.Context, m *sms.Message, limit int, s sms.Sender) error {
	if err := q.awaitAdditions(ctx); err != nil {
		return err
	}
	old, err := q.Conversation(ctx, m.Recipient, m.Source.Number, m.Dest.Number)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(old, func(o *sms.Message) bool {
		return o.Kind == sms.KindText && o.Submitter == m.Submitter && o.ServiceType == m.ServiceType && o.Part == (sms.Part{})
	})
	if at < 0 {
		return q.add(m, limit, s, nil)
	}
	e, err := q.claim(ctx, old[at].ID, false)
	if err != nil {
		return q.add(m, limit, s, nil)
	}
	if err := q.add(m, limit, s, e); err != nil {
		q.mu.Lock()
		q.release(e)
		q.mu.Unlock()
		q.wake()
		return err
	}
	return nil
}

// Conversation lists the waiting messages from source to dest for the recipient, oldest first; those being tried are left out.
func (q *Queue) Conversation(ctx context.Context, recipient, source, dest string) ([]*sms.Message, error) {
	var ids []sms.ID
	q.mu.Lock()
	if l := q.lanes[laneKey{recipient, source, dest}]; l != nil {
		for _, line := range []*list{&l.line, &l.aside} {
			for e := line.first; e != nil; e = e.next {
				switch {
				case e.status != waiting && e.status != aside:
				case e.parts != nil:
					for _, p := range e.parts {
						ids = append(ids, p.id)
					}
				default:
					ids = append(ids, e.id)
				}
			}
		}
	}
	q.mu.Unlock()
	slices.Sort(ids)
	return q.o.Store.Load(ctx, ids)
}

// claim takes a message that waits, with its text, so that nobody tries it. The caller must conclude or release it.
// A part of a long text is only claimed to be concluded: the rest goes on without it.
func (q *Queue) claim(ctx context.Context, id sms.ID, part bool) (*entry, error) {
	var loaded *sms.Message
	var changes byte // when it was read
	for {
		q.mu.Lock()
		e := q.entries[id]
		if e == nil || e.status == concluded {
			q.mu.Unlock()
			return nil, ErrNotWaiting
		}
		isPart := e.group != nil || e.lead != nil || e.parts != nil
		if e.status == taken || e.status == changing || e.status == claimed || e.lead != nil && e.lead.status == taken || isPart && !part {
			q.mu.Unlock()
			return nil, ErrBeingTried
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
			return nil, ErrNotWaiting
		}
		loaded = ms[0]
	}
}

// release gives a claimed message back to its line.
func (q *Queue) release(e *entry) {
	now := nowMilli()
	e.lane.release(e, e.due > now && e.attempts == 0)
	q.wakeAt(e, e.nextWake(now))
}
