package queue

import (
	"context"
	"errors"
	"slices"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// replaced is the message that another one takes the place of. Its end is written with the addition of that one, or not at all;
// but one that is being tried ends after its try, unless that delivers it.
type replaced struct {
	r     ref
	id    sms.ID
	tried bool // then it is not claimed
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
	c := &conclusion{q: q, outcome: deleted("replaced by message " + a.m.ID.String())}
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

// oldest is the message that m takes the place of, as far as entries tell: that with the lowest ID above after; while it is
// tried, or else.
func (q *Queue) oldest(m *sms.Message, after sms.ID, tried bool) (oldest ref) {
	p, lr := q.parties.byName[handedIn(m)], q.findLane(conversationOf(m))
	if p == nil || lr == 0 {
		return 0
	}
	service, lowest := serviceHash(m.ServiceType), sms.ID(0)
	l := q.lanes.at(lr)
	for _, first := range [...]ref{l.line, l.aside} {
		for r := first; r != 0; {
			e := q.entries.at(r)
			if e.party == p.number && e.service == service && e.flags&whole != 0 && e.kind == sms.KindText && e.id > after &&
				(oldest == 0 || e.id < lowest) && (tried && e.status == taken || !tried && (e.status == waiting || e.status == aside)) {
				oldest, lowest = r, e.id
			}
			r = e.next
		}
	}
	return oldest
}

// claimOldest claims the message that m takes the place of, nil = there is none that can be claimed.
func (q *Queue) claimOldest(ctx context.Context, m *sms.Message) (*replaced, error) {
	for after := sms.ID(0); ; {
		q.mu.Lock()
		r := q.oldest(m, after, false)
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
// unless that succeeds. Where there is none, m is added all the same.
func (q *Queue) AddReplacing(ctx context.Context, m *sms.Message, limit int, s road.Submission) error {
	// Two at a time would find the same message to replace, or none.
	alone := &q.replacing[conversationOf(m).hash()%uint64(len(q.replacing))]
	alone.Lock()
	defer alone.Unlock()
	if err := q.through(ctx); err != nil {
		return err
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
	if r := q.oldest(m, 0, true); r != 0 {
		old = &replaced{r: r, id: q.entries.at(r).id, tried: true}
	}
	q.mu.Unlock()
	return q.add(m, limit, s, old)
}

// through waits until all that was handed in before is on disk, or was refused.
func (q *Queue) through(ctx context.Context) error {
	q.mu.Lock()
	storing := q.storing
	q.mu.Unlock()
	if storing == 0 {
		return nil
	}
	through := make(chan struct{})
	q.o.Store.After(func() { close(through) })
	return until(ctx, through)
}

// cancelStep is how many messages of a conversation are taken back together.
const cancelStep = 256

// CancelConversation takes back what submitter has waiting from source to dest for the recipient, of one service_type or, with "",
// of any: cancel_sm without a message_id. What is being tried is left. What was handed in before may still be on its way to
// disk: that is awaited. It returns how many are DELETED on disk.
func (q *Queue) CancelConversation(ctx context.Context, recipient, source, dest, submitter, serviceType string) (n int, err error) {
	if err := q.through(ctx); err != nil {
		return 0, err
	}
	like := &sms.Message{Submitter: submitter, Recipient: recipient, Source: sms.Address{Number: source}, Dest: sms.Address{Number: dest}, ServiceType: serviceType}
	q.mu.Lock()
	ids := q.waitingOf(like)
	q.mu.Unlock()
	for ids := range slices.Chunk(ids, cancelStep) {
		cancelled, err := q.cancelAll(ctx, ids, like)
		if n += cancelled; err != nil {
			return n, err
		}
	}
	return n, nil
}

// waitingOf lists, newest first, what waits in like's conversation, of its submitter and, unless that is "", of its service_type,
// as far as entries tell. The newest are taken back first, since those behind a message wait for it until the end.
func (q *Queue) waitingOf(like *sms.Message) (ids []sms.ID) {
	p, lr := q.parties.byName[like.Submitter], q.findLane(conversationOf(like))
	if p == nil || lr == 0 {
		return nil
	}
	service := serviceHash(like.ServiceType)
	l := q.lanes.at(lr)
	for _, first := range [...]ref{l.line, l.aside} {
		for r := first; r != 0; {
			e := q.entries.at(r)
			if e.status == waiting || e.status == aside {
				for _, p2 := range q.all(r) {
					if o := q.entries.at(p2); o.party == p.number && o.kind == sms.KindText && (like.ServiceType == "" || o.service == service) {
						ids = append(ids, o.id)
					}
				}
			}
			r = e.next
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids
}

// cancelAll takes back messages, as far as they wait and are like that one, and returns when that is on disk.
func (q *Queue) cancelAll(ctx context.Context, ids []sms.ID, like *sms.Message) (n int, err error) {
	read := map[sms.ID]*sms.Message{}
	ms, err := q.o.Store.LoadHeads(ctx, ids)
	if err != nil {
		return 0, err
	}
	for _, m := range ms {
		if conversationOf(m) == conversationOf(like) && (like.ServiceType == "" || m.ServiceType == like.ServiceType) && !m.State.Final() {
			read[m.ID] = m
		}
	}
	written := make(chan error, len(ids))
	asked := 0
	for _, id := range ids {
		m := read[id]
		if m == nil {
			continue
		}
		q.mu.Lock()
		r, err := q.claimable(id, true)
		if err != nil {
			q.mu.Unlock()
			continue
		}
		e := q.entries.at(r)
		if kept := q.message(r); kept != nil {
			m = kept
		}
		m.Attempts = int(e.attempts)
		q.claimNow(r, e, m)
		q.mu.Unlock()
		q.conclude([]ref{r}, []*sms.Message{m}, r, nil, deleted("cancelled"), written)
		asked++
	}
	q.wake()
	for range asked {
		select {
		case failed := <-written:
			if failed == nil {
				n++
			}
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
	return n, nil
}
