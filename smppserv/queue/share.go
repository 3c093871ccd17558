package queue

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// Share is what a queue is told of the others on its store, and tells them. Its methods are called under the queue's lock: they must
// return at once, and not ask the queue; but HandOn is not.
type Share interface {
	// Holds tells whether what this worker holds is still its own: else no try begins.
	Holds() bool
	// Pending is how many undelivered messages the owner has at the others, as they said last.
	Pending(owner string) int
	// HandOn gives messages to another holder. It calls done, from any goroutine, when that is on disk, or with an error.
	HandOn(ids []sms.ID, to sms.Epoch, done func(error))
	// Ended is told that a message which this holder handed on is in its final state, on disk.
	Ended(handedBy sms.Epoch)
	// Apart is told that something waits for earlier messages of its conversation that another worker has: see Queue.Apart.
	Apart()
	// Supersede is told that a message which this holder has handed on is not wanted any more: whoever has it is to do what
	// Queue.Supersede does. That may be too late.
	Supersede(id, by sms.ID)
}

// alone is for a queue that has its store to itself.
type alone struct{}

func (alone) Holds() bool           { return true }
func (alone) Pending(string) int    { return 0 }
func (alone) Ended(sms.Epoch)       {}
func (alone) Apart()                {}
func (alone) Supersede(_, _ sms.ID) {}
func (alone) HandOn(_ []sms.ID, _ sms.Epoch, done func(error)) {
	done(errors.New("the store has one worker"))
}

// Look has the queue look again whether tries may begin.
func (q *Queue) Look() { q.wake() }

// owned is how many undelivered messages an owner has, at all workers.
func (q *Queue) owned(owner *party) int { return owner.pending + q.o.Share.Pending(owner.name) }

// passing is a message that is stored here and that another worker is to have: a part of a long text that began there. It is handed on
// when the answer to its submit has been on the wire for receiptDelay, so that no receipt overtakes that.
type passing struct {
	m          *sms.Message // without what trying it takes
	owner      *party
	submission road.Submission // may be nil
	at         int64
	cancelled  bool
	gone       chan struct{} // closed when another worker has it
}

// passAgain is the wait after messages could not be handed on.
const passAgain = time.Second

// pass has a message, which its owner's count has, go to its holder.
func (q *Queue) pass(m *sms.Message, owner *party, s road.Submission, now int64) {
	light := &sms.Message{ID: m.ID, Submitter: m.Submitter, Recipient: m.Recipient, Source: m.Source, Dest: m.Dest, ServiceType: m.ServiceType, Holder: m.Holder, AcceptedBy: m.AcceptedBy}
	p := &passing{m: light, owner: owner, submission: s, at: now, gone: make(chan struct{})}
	q.passing.push(p)
	q.outgoing[m.ID] = p
	q.sees(m)
	q.wake()
}

// passTaken is pass for one that was taken up.
func (q *Queue) passTaken(m *sms.Message, now int64) {
	owner := q.parties.get(m.Owner())
	owner.pending++
	q.pass(m, owner, nil, now)
}

// passOn hands on what is to be by now, no more than limit.
func (q *Queue) passOn(now int64, limit int) (more bool) {
	if q.passing.len() == 0 {
		return false
	}
	ready := map[sms.Epoch][]*passing{}
	for n := q.passing.len(); n > 0 && (*q.passing.front()).at <= now; n-- {
		if limit--; limit < 0 {
			more = true
			break
		}
		p := q.passing.pop()
		if p.submission != nil {
			session, since, ok := p.submission.Answered()
			if session != 0 && (!ok || time.Since(since) < receiptDelay) {
				p.at = now + receiptDelay.Milliseconds()
				q.passing.push(p)
				continue
			}
		}
		ready[p.m.Holder] = append(ready[p.m.Holder], p)
	}
	for to, some := range ready {
		ids := make([]sms.ID, len(some))
		for i, p := range some {
			ids[i] = p.m.ID
		}
		q.storing.Add(1)
		go q.o.Share.HandOn(ids, to, func(err error) { q.passed(some, err) })
	}
	return more
}

// passed is called when messages are another worker's on disk, or could not be handed on.
func (q *Queue) passed(some []*passing, err error) {
	q.mu.Lock()
	again := q.in(passAgain)
	for _, p := range some {
		if err != nil {
			p.at = again
			q.passing.push(p)
			continue
		}
		if p.submission != nil && p.submission.Awaits() {
			q.abroad[p.m.ID] = telling{p.m, p.submission}
		}
		q.uncount(p.owner)
		delete(q.outgoing, p.m.ID)
		q.goes(p.m.Recipient, 1)
		close(p.gone)
		if p.cancelled {
			q.o.Share.Supersede(p.m.ID, 0)
		}
	}
	q.mu.Unlock()
	q.stored()
}

// handedOn is for a try that has given the messages to another worker.
func (q *Queue) handedOn(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var returned []sms.ID
	by, superseded := q.successors[j.lead]
	q.goes(j.outlet.options.Recipient, len(j.all))
	q.part(j)
	j.release()
	for i, r := range j.all {
		e := q.entries.at(r)
		if e.flags&awaited != 0 {
			q.abroad[e.id] = telling{j.ms[i], q.submissions[r]}
		}
		q.dropSubmission(r, e)
		owner := q.owner(e)
		q.leave(r)
		q.uncount(owner)
		q.forget(r)
		if superseded {
			q.o.Share.Supersede(j.ms[i].ID, by)
		}
		if _, back := q.cameBack[j.ms[i].ID]; back {
			delete(q.cameBack, j.ms[i].ID)
			returned = append(returned, j.ms[i].ID)
		}
	}
	if len(returned) > 0 {
		go q.takeBack(returned)
	}
	q.checkIdle()
}

// Abroad lists, in ascending order, the messages that other workers have and whose outcome somebody waits for here.
func (q *Queue) Abroad() []sms.ID {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Sorted(maps.Keys(q.abroad))
}

// Ended is told of messages that Abroad lists, as the store has them: of those that are final, who waits hears. One that the store does
// not have any more is left out of ms; gone are those.
func (q *Queue) Ended(ms []*sms.Message, gone []sms.ID) {
	q.mu.Lock()
	for _, id := range gone {
		delete(q.abroad, id)
	}
	q.mu.Unlock()
	for _, m := range ms {
		if !m.State.Final() {
			continue
		}
		q.mu.Lock()
		t, ok := q.abroad[m.ID]
		delete(q.abroad, m.ID)
		q.mu.Unlock()
		if !ok {
			continue
		}
		o := sms.Outcome{Verdict: sms.Failed, State: m.State, Code: m.Error, Reason: m.Reason}
		if m.State == sms.Delivered {
			o = sms.Outcome{Verdict: sms.Done}
		}
		q.guarded(m, func() { t.submission.Concluded(m, o) })
	}
}

// TakeIn takes up messages that other workers have handed on to this one, those that are not here yet, and tells how many there were.
func (q *Queue) TakeIn(ctx context.Context, ids []sms.ID) (n int, err error) {
	if _, err := q.readSteps(ctx, othersFresh); err != nil {
		return 0, err
	}
	n, err = q.takeUpMissing(ctx, ids, func(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
		ms, _, err := q.readable(ctx, ids, q.o.Store.Load)
		return ms, err
	})
	q.mu.Lock()
	q.closeTaken(q.now())
	q.mu.Unlock()
	q.wake()
	return n, err
}

// TakeOver takes up what another worker held, as after a restart: waiting calls f for each message, in ascending order of their IDs and
// without their Content; the message is valid until f returns. It tells how many there were.
func (q *Queue) TakeOver(ctx context.Context, waiting func(ctx context.Context, f func(*sms.Message) error) error) (n int, err error) {
	if _, err := q.readSteps(ctx, 0); err != nil {
		return 0, err
	}
	r := recovery{q: q, open: map[ref][]*group{}}
	if err = waiting(ctx, func(m *sms.Message) error { return r.take(ctx, m) }); err == nil {
		err = r.step(ctx)
	}
	r.end()
	q.wake()
	return r.total, err
}
