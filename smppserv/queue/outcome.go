package queue

import (
	"bytes"
	"time"

	"github.com/rs/zerolog"

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
		j.giveBack()
		q.mu.Unlock()
	case sms.TryAgain:
		q.retry(j, o)
	default:
		q.conclude(j.all(), j, o)
	}
	q.wake()
}

// retry puts the message back for its next try.
func (q *Queue) retry(j *job, o sms.Outcome) {
	e, m := j.lead, j.lead.m
	now := time.Now()
	move := &sms.Move{State: sms.Enroute, Error: o.Code, Reason: o.Reason}
	var owed []*entry
	q.mu.Lock()
	q.o.Observer.Retried(m)
	e.attempts++
	wait := o.After
	if e.asked = wait > 0; !e.asked {
		wait = e.lane.route.wait(e.attempts)
	}
	move.Attempts, move.DueAt = e.attempts, sms.NotBefore(now.Add(wait))
	e.due = milli(move.DueAt)
	for _, p := range j.all() {
		p.m.Attempts, p.m.Error, p.m.Reason, p.m.DueAt = e.attempts, o.Code, o.Reason, move.DueAt
		move.IDs = append(move.IDs, p.id)
		if p.m.OwesIntermediate() && q.hears(p.m) && !p.told {
			p.told = true
			owed = q.owe(owed, move, p, sms.KindIntermediate, now)
		}
		owed = q.watch(owed, move, p, now)
	}
	q.unwritten++
	j.giveBack()
	q.mu.Unlock()
	describe(q.log.Info(), m).Int("attempt", move.Attempts).Stringer("next_try_in", wait).Str("reason", o.Reason).Msg("a try failed, to be tried again")
	move.Done = func() { q.written(nil, owed) }
	q.o.Store.Move(move)
}

func (r *route) wait(attempts int) time.Duration {
	if len(r.retry) == 0 {
		return time.Minute
	}
	return r.retry[min(attempts, len(r.retry))-1]
}

// conclude takes messages to their final state: those of a job, or, with j nil, one that the caller has claimed.
func (q *Queue) conclude(all []*entry, j *job, o sms.Outcome) {
	now := time.Now()
	lead := all[0]
	if j != nil {
		lead = j.lead
	}
	move := &sms.Move{IDs: make([]sms.ID, 0, len(all)), State: o.FinalState(), Error: o.Code, Attempts: lead.attempts}
	var owed []*entry
	q.mu.Lock()
	if j != nil && j.untried == none {
		move.Attempts++
	}
	if move.State == sms.Delivered {
		move.Error = 0
	} else {
		move.Reason = o.Reason
	}
	for _, e := range all {
		move.IDs = append(move.IDs, e.id)
		q.o.Observer.Concluded(e.m, move.State)
		if o.Temporary || o.State == sms.Expired {
			owed = q.watch(owed, move, e, now)
		}
		if e.m.Kind == sms.KindWatch && move.State == sms.Delivered {
			owed = q.owe(owed, move, e, sms.KindAlert, now)
		}
		if q.owesReceipt(e.m, move.State) {
			owed = q.owe(owed, move, e, sms.KindReceipt, now)
		}
		e.lane.drop(e)
		q.unowe(e.owner)
	}
	lead.lane.ready()
	q.unwritten++
	if j != nil {
		j.free()
	}
	q.mu.Unlock()
	if move.State != sms.Delivered && move.State != sms.Deleted {
		describe(q.log.Warn(), lead.m).Stringer("state", move.State).Int("error", o.Code).Int("attempts", move.Attempts).Str("reason", o.Reason).
			Msg("a message was not delivered")
	}
	move.Done = func() {
		// First the senders: in transaction mode this is the answer, and no receipt may overtake it.
		for _, e := range all {
			if m := e.m; e.sender != nil {
				m.State, m.Attempts, m.Error, m.Reason, m.FinalAt = move.State, move.Attempts, move.Error, move.Reason, now
				e.sender.Concluded(m, o)
			}
		}
		q.written(all, owed)
	}
	q.o.Store.Move(move)
}

// owesReceipt tells whether m's submitter must hear of its final state. Hermès asks for all of them or for none.
func (q *Queue) owesReceipt(m *sms.Message, s sms.State) bool {
	if m.FromHermes() {
		return q.o.StatusToHermes
	}
	return m.OwesReceipt(s)
}

func (q *Queue) hears(m *sms.Message) bool { return m.Submitter != sms.Hermes || q.o.StatusToHermes }

// owe adds to the move what tells the submitter of e that e got into the move's state.
func (q *Queue) owe(owed []*entry, move *sms.Move, e *entry, kind sms.Kind, now time.Time) []*entry {
	r := sms.NewReceipt(kind, e.m, move.State, move.Error, now, q.o.ReceiptValidity)
	r.Receipt.DPF = e.watched
	if cap(r.Content) > messageOctets {
		r.Content = bytes.Clone(r.Content) // it would keep all of a long text in memory
	}
	move.Receipts = append(move.Receipts, r)
	return append(owed, &entry{q: q, m: r, owner: r.Owner(), answer: e.sender, heapAt: -1})
}

// watch has e's submitter alerted, when it asked for that, as soon as the recipient, who is out of reach, can be reached.
func (q *Queue) watch(owed []*entry, move *sms.Move, e *entry, now time.Time) []*entry {
	if !e.m.SetDPF || e.watched {
		return owed
	}
	e.watched = true
	w := sms.NewWatch(e.m, now, q.o.ReceiptValidity)
	move.Receipts = append(move.Receipts, w)
	return append(owed, &entry{q: q, m: w, owner: w.Owner(), heapAt: -1})
}

// watchAbsent is watch for a message that cannot be tried at all, since its recipient has no way out.
func (q *Queue) watchAbsent(e *entry, m *sms.Message) {
	if !m.SetDPF || len(e.lane.route.outlets) > 0 {
		return
	}
	e.watched = true
	w := sms.NewWatch(m, time.Now(), q.o.ReceiptValidity)
	go func() { // not from here: the store waits for us
		if err := q.Add(w, 0, nil); err != nil {
			q.log.Warn().Err(err).Stringer("message_id", w.Receipt.Of).Msg("no alert_notification will follow")
		}
	}()
}

// written is called when an outcome is on disk: the receipts that it owes may go.
func (q *Queue) written(gone, owed []*entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range gone {
		q.leave(e)
	}
	for _, r := range owed {
		q.pending[r.owner]++
		q.enter(r)
	}
	q.unwritten--
	q.checkIdle()
	q.wake()
}

// describe names a message in a log line, without its text.
func describe(ev *zerolog.Event, m *sms.Message) *zerolog.Event {
	ev = ev.Uint64("message_id", uint64(m.ID)).Str("from", m.Source.Number).Str("to", m.Dest.Number)
	if m.Submitter != sms.Hermes {
		ev = ev.Str("submitter", m.Submitter)
	}
	if m.Recipient != sms.Hermes {
		ev = ev.Str("recipient", m.Recipient)
	}
	if m.Receipt != nil {
		ev = ev.Uint64("receipt_of", uint64(m.Receipt.Of))
	}
	return ev
}
