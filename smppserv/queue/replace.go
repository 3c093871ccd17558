package queue

import (
	"context"
	"errors"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// replaced is the message that another one takes the place of. Its end is written with the addition of that one, or not at all;
// but one that is being tried ends after its try, unless that delivers it.
type replaced struct {
	r     ref // if it is claimed
	id    sms.ID
	tried bool // or at another worker; then it is not claimed
	m     *sms.Message
	end   *conclusion
}

// Replaces implements road.Addition.
func (a *addition) Replaces() *road.Transition {
	old, q := a.replaces, a.q
	if old == nil || old.tried {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	wall, now := q.read()
	c := &conclusion{q: q, outcome: deleted(superseding(a.m.ID))}
	c.all = append(c.ref[:0], old.r)
	e := q.entries.at(old.r)
	q.ending(c, c.all, []*sms.Message{old.m}, e, int(e.attempts), wall, now)
	old.end = c
	return &c.Transition
}

// replaces tells whether m takes the place of o.
func replaces(m, o *sms.Message) bool {
	return o.Kind == sms.KindText && o.Submitter == m.Submitter && o.ServiceType == m.ServiceType && o.Part == (sms.Part{}) &&
		conversationOf(m) == conversationOf(o)
}

// oldest is the message that m takes the place of, as far as entries tell: that with the lowest ID above after and such a status.
func (q *Queue) oldest(m *sms.Message, after sms.ID, fits func(status) bool) (oldest ref) {
	p, lr := q.parties.byName[handedIn(m)], q.findLane(conversationOf(m))
	if p == nil || lr == 0 {
		return 0
	}
	return q.eldest(lr, class{p.number, serviceHash(m.ServiceType)}, after, fits)
}

func isWaiting(s status) bool { return s == waiting || s == aside }

func isTried(s status) bool { return s == taken }

// claimOldest claims the message that m takes the place of, nil = there is none that can be claimed.
func (q *Queue) claimOldest(ctx context.Context, m *sms.Message) (*replaced, error) {
	for after := sms.ID(0); ; {
		q.mu.Lock()
		r := q.oldest(m, after, isWaiting)
		var id sms.ID
		if r != 0 {
			id = q.entries.at(r).id
		}
		q.mu.Unlock()
		if r == 0 {
			return nil, nil
		}
		r, o, err := q.claim(ctx, id, true)
		switch {
		case errors.Is(err, sms.ErrNotWaiting) || errors.Is(err, sms.ErrBeingTried):
			return nil, nil
		case err != nil:
			return nil, err
		case replaces(m, o):
			return &replaced{r: r, id: id, m: o}, nil
		}
		q.giveUp(r) // a hash was the same, and nothing else
		after = id
	}
}

// giveUp gives back what was claimed.
func (q *Queue) giveUp(r ref) {
	q.mu.Lock()
	q.unclaim(r)
	q.mu.Unlock()
	q.wake()
}

// AddReplacing hands m in; with it, the oldest waiting message of its submitter with the same two numbers and
// service_type becomes DELETED (replace_if_present_flag), and does not count for limit; if it is being tried, after that try,
// unless that succeeds. Where there is none, m is added all the same. elsewhere, which may be nil, tells the oldest such message that other workers
// have, 0 = none.
func (q *Queue) AddReplacing(ctx context.Context, m *sms.Message, limit int, s road.Submission, elsewhere func(context.Context) (sms.ID, error)) error {
	// Two at a time would find the same message to replace, or none.
	alone := &q.replacing[conversationOf(m).hash()%uint64(len(q.replacing))]
	alone.Lock()
	defer alone.Unlock()
	if err := q.through(ctx); err != nil {
		return err
	}
	here, there := sms.ID(0), sms.ID(0)
	if elsewhere != nil {
		here = q.oldestHere(m) // first: from here it may go there meanwhile
		var err error
		if there, err = elsewhere(ctx); err != nil {
			return err
		}
	}
	if there != 0 && (here == 0 || there < here) {
		return q.add(m, limit, s, &replaced{id: there, tried: true})
	}
	old, err := q.claimOldest(ctx, m)
	if err != nil {
		return err
	}
	if old != nil {
		if err = q.add(m, limit, s, old); err != nil {
			q.giveUp(old.r)
		}
		return err
	}
	q.mu.Lock()
	if r := q.oldest(m, 0, isTried); r != 0 {
		old = &replaced{id: q.entries.at(r).id, tried: true}
	} else if here != 0 {
		old = &replaced{id: here, tried: true}
	}
	q.mu.Unlock()
	return q.add(m, limit, s, old)
}

// oldestHere is the message that m takes the place of, as far as entries tell, 0 = none.
func (q *Queue) oldestHere(m *sms.Message) sms.ID {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r := q.oldest(m, 0, func(s status) bool { return isWaiting(s) || isTried(s) }); r != 0 {
		return q.entries.at(r).id
	}
	return 0
}

// through waits until all that was handed in before is on disk, or was refused.
func (q *Queue) through(ctx context.Context) error {
	q.mu.Lock()
	storing := q.storing.Load()
	q.mu.Unlock()
	if storing == 0 {
		return nil
	}
	return q.reported(ctx)
}

// reported waits until what is on disk now is known here.
func (q *Queue) reported(ctx context.Context) error {
	reported := make(chan struct{})
	q.o.Store.After(func() { close(reported) })
	return until(ctx, reported)
}

// Supersede takes a message to DELETED whose place another one has, by, or, with 0, which was cancelled: one that waits at once,
// as Cancel does; one that is being tried after that try, unless that delivers it. It returns as Cancel does.
func (q *Queue) Supersede(ctx context.Context, id, by sms.ID) error {
	err := q.CancelBy(ctx, id, superseding(by))
	if !errors.Is(err, sms.ErrBeingTried) {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.byID.find(uint64(id))
	if r == 0 {
		return sms.ErrNotWaiting
	}
	if e := q.entries.at(r); e.status == absorbed {
		r = e.prev
	}
	q.succeed(q.entries.at(r).id, by)
	return nil
}

// superseding is why a message is DELETED whose place another one has, or, with 0, which was cancelled, if only after a try.
func superseding(by sms.ID) string {
	if by == 0 {
		return "cancelled while it was tried"
	}
	return "replaced by message " + by.String()
}
