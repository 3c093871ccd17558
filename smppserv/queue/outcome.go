package queue

import (
	"fmt"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// report is given to the Deliverer: what came of the try.
func (j *job) report(o sms.Outcome) {
	q, e := j.q, j.lead
	if o.Verdict == sms.TryAgain && e.m.SingleAttempt() {
		o.Verdict, o.Temporary = sms.Failed, true
	}
	switch o.Verdict {
	case sms.Returned:
		q.mu.Lock()
		j.requeue()
		q.mu.Unlock()
	case sms.TryAgain:
		q.retry(j, o)
	default:
		q.conclude(j.lead.all(), j, o, nil)
	}
	q.wake()
}

// retry puts the message back for its next try.
func (q *Queue) retry(j *job, o sms.Outcome) {
	e, m := j.lead, j.lead.m
	now := q.wall()
	transition := &road.Transition{State: sms.Enroute, Error: o.Code, Reason: o.Reason}
	var owed, told []*entry
	q.mu.Lock()
	q.o.Observer.Retried(m)
	e.attempts++
	e.away = o.Unreached
	wait := o.After
	if e.asked = wait > 0; !e.asked {
		wait = e.lane.recipient.wait(e.attempts)
	}
	transition.Attempts, transition.DueAt = e.attempts, sms.NotBefore(now.Add(wait))
	e.due, e.scheduled, transition.Wait = q.in(wait), false, wait
	if e.parts != nil && e.pushKey == "" {
		e.pushKey = m.Key()
	}
	transition.PushKey = e.pushKey
	for _, p := range j.lead.all() {
		p.m.Attempts, p.m.Error, p.m.Reason, p.m.DueAt, p.m.Wait = e.attempts, o.Code, o.Reason, transition.DueAt, wait
		transition.IDs = append(transition.IDs, p.id)
		if p.m.OwesIntermediate(q.o.StatusToHermes) && !p.told {
			p.told = true
			told = append(told, p)
			owed = q.owe(owed, transition, p, sms.KindIntermediate, false, now)
		}
	}
	q.unwritten++
	j.requeue()
	q.mu.Unlock()
	q.log.Info().EmbedObject(m).Int("attempt", transition.Attempts).Stringer("next_try_in", wait).Str("reason", o.Reason).Msg("a try failed, to be tried again")
	transition.Done, transition.Parked = func() { q.written(transition, nil, owed) }, q.onParked
	if len(told) > 0 {
		transition.Parked = func() { // what was owed is owed again by the next try that fails
			q.mu.Lock()
			for _, p := range told {
				p.told = false
			}
			q.mu.Unlock()
			q.onParked()
		}
	}
	q.o.Store.Finish(transition)
}

func (r *recipientQueue) wait(attempts int) time.Duration {
	if len(r.retry) == 0 {
		return time.Minute
	}
	return r.retry[min(attempts, len(r.retry))-1]
}

// conclude takes messages to their final state: those of a job, or, with j nil, one that the caller has claimed.
// written, unless it is nil, is told when that is on disk, or that it is refused; it must have room.
func (q *Queue) conclude(all []*entry, j *job, o sms.Outcome, written chan<- error) {
	now := q.wall()
	lead := all[0]
	if j != nil {
		lead = j.lead
	}
	q.mu.Lock()
	attempts := lead.attempts
	tried := j != nil && j.untried == none
	if tried {
		attempts++
	}
	transition, owed := q.ending(all, lead, o, attempts, now)
	q.remove(all, transition.State)
	if tried && transition.State == sms.Delivered && lead.kind == sms.KindText && !lead.m.IsAck() {
		lead.lane.recipient.reached(lead.lane)
		lead.lane.recipient.reached(nil)
	}
	lead.lane.ready()
	q.unwritten++
	if j != nil {
		j.release()
	}
	q.mu.Unlock()
	if transition.State != sms.Delivered && transition.State != sms.Deleted {
		q.log.Warn().EmbedObject(lead.m).Stringer("state", transition.State).Int("error", o.Code).Int("attempts", transition.Attempts).Str("reason", o.Reason).
			Msg("a message was not delivered")
	}
	transition.Done = func() {
		if written != nil && transition.Refused == nil {
			written <- nil
		}
		// First the submissions: in transaction mode this is the answer, and no receipt may overtake it.
		tellSubmissions(all, transition, o, now)
		q.written(transition, all, owed)
	}
	transition.Parked = q.onParked
	if written != nil {
		transition.Parked = func() {
			written <- fmt.Errorf("%w: %w", sms.ErrUnavailable, transition.Refused)
			q.onParked()
		}
	}
	q.o.Store.Finish(transition)
}

// ending is how messages get into their final state, lead or the only one among them, and what is owed because of it.
// Nothing has changed so far but on paper.
func (q *Queue) ending(all []*entry, lead *entry, o sms.Outcome, attempts int, now time.Time) (transition *road.Transition, owed []*entry) {
	transition = &road.Transition{IDs: make([]sms.ID, 0, len(all)), State: o.FinalState(), Attempts: attempts}
	if transition.State != sms.Delivered {
		transition.Error, transition.Reason = o.Code, o.Reason
	}
	late := lead.attempts > 0 || lead.due < lead.lane.recipient.back
	for _, e := range all {
		transition.IDs = append(transition.IDs, e.id)
		alert := e.m.OwesAlert(transition.State, o, late)
		if e.m.OwesReceipt(transition.State, q.o.StatusToHermes) {
			owed = q.owe(owed, transition, e, sms.KindReceipt, alert, now)
		}
		switch {
		case alert && transition.State == sms.Delivered:
			owed = q.owe(owed, transition, e, sms.KindAlert, false, now)
		case alert:
			away := o.Unreached || o.State == sms.Expired && lead.away || e.lane.recipient.away()
			w := sms.NewDPF(e.m, away, now, q.o.ReceiptValidity)
			transition.Receipts, owed = append(transition.Receipts, w), append(owed, &entry{q: q, m: w, owner: w.Owner(), due: q.now(), heapAt: -1})
		}
	}
	return transition, owed
}

// remove takes messages out of their lanes for good.
func (q *Queue) remove(all []*entry, state sms.State) {
	for _, e := range all {
		q.o.Observer.Concluded(e.m, state)
		e.lane.remove(e)
		q.uncount(e.owner)
	}
}

func tellSubmissions(all []*entry, transition *road.Transition, o sms.Outcome, now time.Time) {
	for _, e := range all {
		if m := e.m; e.submission != nil {
			m.State, m.Attempts, m.Error, m.Reason, m.FinalAt = transition.State, transition.Attempts, transition.Error, transition.Reason, now
			e.submission.Concluded(m, o)
		}
	}
}

// owe adds to the transition what tells the submitter of e that e got into the transition's state, and whether an alert follows.
func (q *Queue) owe(owed []*entry, transition *road.Transition, e *entry, kind sms.Kind, alert bool, now time.Time) []*entry {
	r := sms.NewReceipt(kind, e.m, transition.State, transition.Error, now, q.o.ReceiptValidity)
	r.Receipt.DPF = alert
	transition.Receipts = append(transition.Receipts, r)
	return append(owed, &entry{q: q, m: r, owner: r.Owner(), answer: e.submission, due: q.now(), heapAt: -1})
}

// written is called when an outcome is on disk: the receipts that it owes may go.
func (q *Queue) written(transition *road.Transition, gone, owed []*entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range gone {
		q.forget(e)
	}
	for _, r := range owed {
		q.pending[r.owner]++
		q.enter(r, false)
	}
	if transition.Refused == nil { // else it was counted when it was parked
		q.unwritten--
	}
	q.checkIdle()
	q.wake()
}

// onParked is for an outcome that the database refuses: nothing waits for it any more. Its messages keep their entries,
// so that nobody tries them again.
func (q *Queue) onParked() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.unwritten--
	q.checkIdle()
	q.wake()
}
