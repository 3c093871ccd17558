package queue

import (
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// What clients and Hermès can have the log say with every message. The messages' rows tell the rest.
var (
	tryFailed    = loglimit.Cause{Text: "a try failed, to be tried again", PerPeer: 300, Total: 600}
	tryUnjudged  = loglimit.Cause{Text: "a try failed, which says nothing of its message: it goes again as soon as anything does", PerPeer: 300, Total: 600}
	notDelivered = loglimit.Cause{Text: "a message was not delivered", PerPeer: 300, Total: 600}
)

// partyName is how a party is called in the log.
func partyName(systemID string) string {
	if systemID == sms.Hermes {
		return "Hermès"
	}
	return systemID
}

// conclusion takes messages to their final state, or to their next try.
type conclusion struct {
	road.Transition
	q       *Queue
	all     []ref // that are at their end
	outcome sms.Outcome
	at      time.Time
	now     int64 // the same in the queue's time
	owed    []owing
	told    []telling
	from    []sms.Epoch // the other workers that had accepted them
	failed  []ref       // whose next try it is about
	noted   []ref       // of these, for whom an intermediate notification is owed
	answer  chan<- error

	ids     [1]sms.ID
	receipt [1]*sms.Message
	owing   [1]owing
	ref     [1]ref
}

// owing is a receipt, or its like, that may go when it is on disk.
type owing struct {
	m       *sms.Message
	session uint32
	answer  road.Submission // that must be on the wire before it; nil = it is
}

// telling is who waits for an outcome.
type telling struct {
	m          *sms.Message
	submission road.Submission
}

// report is given to the Deliverer: what came of the try.
func (j *job) report(o sms.Outcome) {
	q := j.q
	if o.Verdict == sms.Underway {
		j.underway(o.Progress)
		return
	}
	if j.reported.Swap(true) {
		return
	}
	if o.Verdict == sms.TryAgain && j.ms[0].SingleAttempt() {
		o.Verdict, o.Temporary = sms.Failed, true
	}
	if o.Fault && q.faulty(j.lead) >= maxFaults {
		o.Verdict = sms.Failed
	}
	switch o.Verdict {
	case sms.Returned:
		q.putBack(j, o)
	case sms.HandedOn:
		q.handedOn(j)
	case sms.TryAgain:
		q.retry(j, o)
	default:
		q.conclude(j.all, j.ms, j.lead, j, o, nil)
	}
	q.wake()
}

// maxFaults is how often a message may bring about a fault of the server.
const maxFaults = 3

// faulty counts a fault that a message has brought about.
func (q *Queue) faulty(r ref) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.faults[r]++
	return q.faults[r]
}

// retry puts the message back for its next try: at its time, or, when this one says nothing of the message, with its next turn.
func (q *Queue) retry(j *job, o sms.Outcome) {
	c := &conclusion{Transition: road.Transition{State: sms.Enroute, Error: o.Code, Reason: o.Reason}, q: q}
	c.IDs = c.ids[:0]
	c.Unjudged = o.Unjudged
	j.describe(&c.Transition)
	q.mu.Lock()
	wall, now := q.read()
	q.follow(j.lead)
	e := q.entries.at(j.lead)
	to := q.recipientOf(q.lanes.at(e.lane))
	m := j.ms[slices.Index(j.all, j.lead)]
	q.o.Observer.Retried(m)
	e.set(away, o.Unreached)
	wait := time.Duration(0)
	if !o.Unjudged {
		e.attempts = attempts(int(e.attempts) + 1)
		if wait = o.After; wait <= 0 {
			wait = j.outlet.wait(int(e.attempts))
		}
		e.set(asked, o.After > 0)
		e.set(scheduled, false)
		c.DueAt, c.Wait = sms.NotBefore(wall.Add(wait)), wait
		e.due = now + (wait + time.Millisecond).Milliseconds()
		to.failed[e.lane] = struct{}{}
		delete(to.releasing, e.lane)
	}
	c.Attempts = int(e.attempts)
	if j.text {
		t := q.leads[j.lead]
		if t.pushKey == "" {
			t.pushKey = m.Key()
		}
		c.PushKey = t.pushKey
	}
	for i, r := range j.all {
		p, m := q.entries.at(r), j.ms[i]
		m.Attempts, m.Error, m.Reason, m.TriedAt = int(e.attempts), o.Code, o.Reason, c.At
		if !o.Unjudged {
			m.DueAt, m.Wait = c.DueAt, wait
		}
		c.IDs = append(c.IDs, p.id)
		q.saving(r, p, c)
		if m.OwesIntermediate(q.o.StatusToHermes) && p.flags&told == 0 {
			p.flags |= told
			c.noted = append(c.noted, r)
			q.owe(c, r, p, m, sms.KindIntermediate, false, wall)
		}
	}
	c.failed = append(c.ref[:0], j.all...)
	c.now = now
	c.proceeds(m, o.Progress)
	c.Parked = q.onParked
	if len(c.noted) > 0 {
		c.Parked = func() { // what was owed is owed again by the next try that fails
			q.mu.Lock()
			for i, r := range c.failed {
				if c.still(i, r) {
					q.entries.at(r).flags &^= told
				}
			}
			q.mu.Unlock()
			q.onParked()
		}
	}
	c.Done = c.retried
	q.finish(&c.Transition)
	j.requeue(now)
	switch {
	case o.Unjudged && j.took: // what was begun goes on
		q.readyFirst(e.lane)
	case o.Unjudged:
		q.readyLast(e.lane)
		if j.outlet.paused {
			j.outlet.deferred = append(j.outlet.deferred, q.lanes.at(e.lane).hash)
		}
	}
	q.mu.Unlock()
	if o.Unjudged {
		q.limited.Line(zerolog.InfoLevel, tryUnjudged, loglimit.Peer{Name: partyName(m.Recipient)}).EmbedObject(m).Str("reason", o.Reason).Msg(tryUnjudged.Text)
	} else {
		q.limited.Line(zerolog.InfoLevel, tryFailed, loglimit.Peer{Name: partyName(m.Recipient)}).EmbedObject(m).Int("attempt", c.Attempts).Stringer("next_try_in", wait).Str("reason", o.Reason).Msg(tryFailed.Text)
	}
}

// finish hands the store what came of a try, with the queue locked: the next try of the message, or of the one behind it, may end before whoever
// reported this one has gone on, and the store keeps what it is handed in its order.
func (q *Queue) finish(v *road.Transition) {
	q.unwritten++
	q.o.Store.Finish(v)
}

// describe says of a transition which try it comes of.
func (j *job) describe(v *road.Transition) {
	v.At, v.Took, v.Through = j.began, time.Since(j.began), j.outlet.name
}

// still tells whether r is still the entry of the i-th message.
func (c *conclusion) still(i int, r ref) bool { return c.q.byID.find(uint64(c.IDs[i])) == r }

// retried is called when the next try is on disk.
func (c *conclusion) retried() {
	q := c.q
	q.mu.Lock()
	for i, r := range c.failed {
		if !c.still(i, r) {
			continue
		}
		if q.unsaved[r] != c { // another one is on its way
			continue
		}
		delete(q.unsaved, r)
		e := q.entries.at(r)
		if e.flags &^= writing; e.flags&held != 0 && (e.status == waiting || e.status == absorbed) {
			m := q.evict(r)
			q.offer(r, m)
		}
	}
	q.mu.Unlock()
	c.written()
}

func (o *Outlet) wait(attempts int) time.Duration {
	if len(o.options.Retry) == 0 {
		return time.Minute
	}
	return o.options.Retry[min(attempts, len(o.options.Retry))-1]
}

// conclude takes messages to their final state: those of a job, or, with j nil, one that the caller has claimed.
// answer, unless it is nil, is told when that is on disk, or that it is refused; it must have room.
func (q *Queue) conclude(all []ref, ms []*sms.Message, lead ref, j *job, o sms.Outcome, answer chan<- error) {
	c := &conclusion{q: q, outcome: o, answer: answer}
	c.all = all
	q.mu.Lock()
	wall, now := q.read()
	q.follow(lead)
	e := q.entries.at(lead)
	m := ms[slices.Index(all, lead)]
	attempts := int(e.attempts)
	tried := j != nil && j.untried == none
	if tried {
		attempts++
	}
	q.ending(c, all, ms, e, attempts, wall, now)
	c.Messages = ms
	if tried {
		j.describe(&c.Transition)
	}
	if tried && c.State == sms.Delivered {
		j.outlet.silent = false
	}
	if tried && c.State == sms.Delivered && e.kind == sms.KindText && !m.IsAck() {
		to := q.recipientOf(q.lanes.at(e.lane))
		to.reached(e.lane)
		to.reached(0)
	}
	if j != nil {
		j.release()
	}
	q.remove(c, all, ms)
	c.Done, c.Parked = c.concluded, q.onParked
	if answer != nil {
		c.Parked = func() {
			answer <- fmt.Errorf("%w: %w", sms.ErrUnavailable, c.Refused)
			q.onParked()
		}
	}
	q.finish(&c.Transition)
	q.mu.Unlock()
	if c.State != sms.Delivered && c.State != sms.Deleted {
		q.limited.Warn(notDelivered, loglimit.Peer{Name: partyName(m.Owner())}).EmbedObject(m).Stringer("state", c.State).Int("error", o.Code).Int("attempts", c.Attempts).Str("reason", o.Reason).
			Msg(notDelivered.Text)
	}
}

// concluded is called when the final state is on disk.
func (c *conclusion) concluded() {
	if c.answer != nil && c.Refused == nil {
		c.answer <- nil
	}
	// First the submissions: in transaction mode this is the answer, and no receipt may overtake it.
	c.tell()
	c.written()
}

// ending is how messages get into their final state, that with the entry lead or the only one among them, and what is owed
// because of it. Nothing has changed so far but on paper.
func (q *Queue) ending(c *conclusion, all []ref, ms []*sms.Message, lead *entry, attempts int, wall time.Time, now int64) {
	c.at, c.now = wall, now
	c.Transition = road.Transition{IDs: c.ids[:0], State: c.outcome.FinalState(), Attempts: attempts}
	c.owed = c.owing[:0]
	c.Receipts = c.receipt[:0]
	if c.State != sms.Delivered {
		c.Error, c.Reason = c.outcome.Code, c.outcome.Reason
	}
	to := q.recipientOf(q.lanes.at(lead.lane))
	late := lead.attempts > 0 || lead.due < to.back || slices.ContainsFunc(ms, triedBefore)
	for i, r := range all {
		e, m := q.entries.at(r), ms[i]
		c.IDs = append(c.IDs, e.id)
		alert := m.OwesAlert(c.State, c.outcome, late)
		if m.OwesReceipt(c.State, q.o.StatusToHermes) {
			q.owe(c, r, e, m, sms.KindReceipt, alert, wall)
		}
		switch {
		case alert && c.State == sms.Delivered:
			q.owe(c, r, e, m, sms.KindAlert, false, wall)
		case alert:
			gone := c.outcome.Unreached || c.outcome.State == sms.Expired && lead.flags&away != 0 || to.away()
			w := sms.NewDPF(m, gone, wall, q.o.ReceiptValidity)
			c.Receipts, c.owed = append(c.Receipts, w), append(c.owed, owing{m: w})
		}
	}
}

// remove takes messages out of their lanes for good.
func (q *Queue) remove(c *conclusion, all []ref, ms []*sms.Message) {
	for i, r := range all {
		e := q.entries.at(r)
		q.o.Observer.Concluded(ms[i], c.State)
		if e.flags&awaited != 0 {
			c.told = append(c.told, telling{ms[i], q.submissions[r]})
		}
		q.dropSubmission(r, e)
		if by := ms[i].HandedBy; by != 0 {
			c.from = append(c.from, by)
		}
		if e.flags&leading != 0 {
			delete(q.leads, r)
			e.flags &^= leading
		}
		owner := q.owner(e)
		q.leave(r)
		q.uncount(owner)
	}
}

// triedBefore tells whether a try of a message has failed, though it may have taken no step of its schedule.
func triedBefore(m *sms.Message) bool { return m.Attempts > 0 || m.Reason != "" }

func (q *Queue) dropSubmission(r ref, e *entry) {
	q.dropAnswer(e)
	if e.flags&awaited != 0 {
		e.flags &^= awaited
		delete(q.submissions, r)
	}
}

func (c *conclusion) tell() {
	for _, t := range c.told {
		m := t.m
		m.State, m.Attempts, m.Error, m.Reason, m.FinalAt = c.State, c.Attempts, c.Error, c.Reason, c.at
		c.q.guarded(m, func() { t.submission.Concluded(m, c.outcome) })
	}
}

// owe adds to the transition what tells the submitter of a message that it got into the transition's state, and whether an
// alert follows.
func (q *Queue) owe(c *conclusion, r ref, e *entry, m *sms.Message, kind sms.Kind, alert bool, wall time.Time) {
	n := sms.NewReceipt(kind, m, c.State, c.Error, wall, q.o.ReceiptValidity)
	n.Receipt.DPF = alert
	c.Receipts = append(c.Receipts, n)
	c.owed = append(c.owed, owing{n, e.sessionOf(), q.answer(e)})
}

// written is called when an outcome is on disk: the receipts that it owes may go.
func (c *conclusion) written() {
	q := c.q
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range c.all {
		q.forget(r)
	}
	for _, o := range c.owed {
		q.parties.get(o.m.Owner()).pending++
		r := q.enter(o.m, keysOf(o.m), c.now, c.now, false)
		e := q.entries.at(r)
		if e.session = o.session; o.answer != nil {
			q.keepAnswer(r, e, o.answer, max(c.now, q.wheel.at))
		}
		q.offer(r, o.m)
	}
	for _, by := range c.from {
		q.o.Share.Ended(by)
	}
	if c.Refused == nil { // else it was counted when it was parked
		q.unwritten--
	}
	q.checkIdle()
	q.wake()
}

// parked is for an outcome that the database refuses: nothing waits for it any more. Its messages keep their entries,
// so that nobody tries them again.
func (q *Queue) parked() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.unwritten--
	q.checkIdle()
	q.wake()
}
