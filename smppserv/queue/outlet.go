package queue

import (
	"slices"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// recipientQueue is everything that is for one recipient of messages, and its ways out.
type recipientQueue struct {
	q       *Queue
	size    int   // messages and receipts of any status but concluded
	turns   turns // of the lanes that may have something to try
	outlets []*Outlet
	retry   []time.Duration // of the last outlet: used for waits when there is none

	dpfs map[*lane]map[*entry]struct{} // by where a delivery ends them; nil = anywhere
	back int64                         // when a client came that had been absent; 0 = not yet
}

// Waits tells whether something waits for the recipient, who has no outlet, that could be tried now if it had one.
func (q *Queue) Waits(recipient string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.recipients[recipient]
	if r == nil {
		return false
	}
	now := q.now()
	for l := r.turns.first; l != nil; l = l.after {
		if e := l.head(); e != nil && e.due <= now && e.expires > now {
			return true
		}
	}
	return false
}

func (q *Queue) recipient(recipient string) *recipientQueue {
	r := q.recipients[recipient]
	if r == nil {
		r = &recipientQueue{q: q, dpfs: map[*lane]map[*entry]struct{}{}}
		q.recipients[recipient] = r
	}
	return r
}

// Outlet is open until it is detached. It implements road.Outlet.
type Outlet struct {
	q         *Queue
	recipient *recipientQueue
	options   road.OutletOptions
	window    int
	taken     int   // tries in flight
	turns     turns // of the lanes that must wait for this outlet and no other
	paused    bool
	silent    bool // paused since the last Resume
	pause     *time.Timer
	until     int64 // when that is over
	detached  bool
}

// Attach opens an outlet: from now on its Deliverer is given what waits for its recipient.
func (q *Queue) Attach(w road.OutletOptions) road.Outlet {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.recipient(w.Recipient)
	if w.Recipient != sms.Hermes && len(r.outlets) == 0 {
		r.present(q.now())
	}
	o := &Outlet{q: q, recipient: r, options: w, window: w.Window}
	r.outlets, r.retry = append(r.outlets, o), w.Retry
	q.wake()
	return o
}

// SetWindow implements road.Outlet.
func (o *Outlet) SetWindow(n int) {
	o.q.mu.Lock()
	defer o.q.mu.Unlock()
	o.window = n
	o.q.wake()
}

// Pause implements road.Outlet.
func (o *Outlet) Pause(d time.Duration) {
	o.q.mu.Lock()
	defer o.q.mu.Unlock()
	o.stopPause()
	o.paused, o.silent, o.until = true, true, o.q.in(d)
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		o.q.mu.Lock()
		defer o.q.mu.Unlock()
		if o.pause == t {
			o.stopPause()
			o.q.wake()
		}
	})
	o.pause = t
}

func (o *Outlet) stopPause() {
	if o.pause != nil {
		o.pause.Stop()
		o.pause = nil
	}
	o.paused = false
}

// Resume implements road.Outlet.
func (o *Outlet) Resume() {
	q := o.q
	q.mu.Lock()
	defer q.mu.Unlock()
	o.stopPause()
	o.silent = false
	now := q.now()
	for _, l := range q.lanes {
		if l.recipient == o.recipient {
			l.retryNow(now)
		}
	}
	q.wake()
}

// retryNow ends the waits of the messages that failed. They stand before those that were never tried.
func (l *lane) retryNow(now int64) {
	for e := l.line.first; e != nil && (e.attempts > 0 || e.status != waiting); e = e.next {
		if e.status == waiting && e.due > now && !e.asked && !e.scheduled {
			e.due = now
			l.q.wakeAt(e, e.expires)
		}
	}
	l.ready()
}

// Detach implements road.Outlet.
func (o *Outlet) Detach() {
	o.q.mu.Lock()
	defer o.q.mu.Unlock()
	o.detached = true
	o.stopPause()
	o.recipient.outlets = slices.DeleteFunc(o.recipient.outlets, func(other *Outlet) bool { return other == o })
	for l := o.turns.pop(); l != nil; l = o.turns.pop() {
		o.recipient.turns.push(l)
	}
	o.q.wake()
}

func (o *Outlet) room() int {
	if o.paused || o.detached {
		return 0
	}
	return o.window - o.taken
}

// nextJobs takes up to max tries that may start now, and what has expired.
func (q *Queue) nextJobs(max int) []*job {
	now := q.look()
	q.dueDeadlines(now)
	var jobs []*job
	if !q.quiesced && !q.stopping && q.unwritten < maxUnwritten {
		for _, r := range q.recipients {
			jobs = r.pump(jobs, now, max)
		}
	}
	jobs = append(jobs, q.jobs...)
	q.jobs = nil
	q.trying += len(jobs)
	return jobs
}

// pump gives lanes their turns while an outlet has room.
func (r *recipientQueue) pump(jobs []*job, now int64, max int) []*job {
	for len(jobs) < max {
		l := r.next()
		if l == nil {
			break
		}
		if j := r.try(l, now); j != nil {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// next is the lane whose turn it is: one of those that wait for an outlet which has room now, else any.
func (r *recipientQueue) next() *lane {
	free := false
	for _, o := range r.outlets {
		if o.room() <= 0 {
			continue
		}
		if l := o.turns.pop(); l != nil {
			return l
		}
		free = true
	}
	if !free {
		return nil
	}
	return r.turns.pop()
}

// try takes the lane's next message for a try, if it may be tried now.
// If not, the lane gets its next turn from what keeps the message: a deadline, a report, an outlet without room.
func (r *recipientQueue) try(l *lane, now int64) *job {
	e := l.head()
	switch {
	case e == nil, e.due > now:
		return nil
	case e.expires <= now:
		r.q.end(e, validity)
		l.ready()
		return nil
	}
	o, notBefore := r.choose(l, e, now)
	switch {
	case notBefore > now:
		e.due = notBefore
		r.q.wakeAt(e, e.nextWake(now))
		return nil
	case o == nil || o.options.Serial && l.flying > 0:
		return nil
	case o.room() <= 0:
		o.turns.push(l)
		return nil
	}
	l.take(e)
	l.outlet = o
	l.flying++
	o.taken++
	l.ready()
	return &job{q: r.q, lead: e, outlet: o}
}

func (r *recipientQueue) freest() *Outlet {
	var best *Outlet
	for _, o := range r.outlets {
		if room := o.room(); room > 0 && (best == nil || room > best.room()) {
			best = o
		}
	}
	return best
}

// choose finds the outlet for e: the one that has the lane's messages in flight, so that they stay in order;
// for a receipt the session that its message came in on; else the one with most room.
// A receipt that must go elsewhere waits until receiptDelay after the answer to its submit.
// While an outlet that was detached has messages of the lane, there is none for those behind.
func (r *recipientQueue) choose(l *lane, e *entry, now int64) (o *Outlet, notBefore int64) {
	if l.flying > 0 && l.outlet.detached {
		return nil, 0
	}
	if e.answer != nil {
		session, since, ok := e.answer.Answered()
		if session != 0 {
			for _, own := range r.outlets {
				if own.options.Session == session && (l.flying == 0 || l.outlet == own) {
					return own, 0
				}
			}
			if !ok {
				return nil, now + receiptDelay.Milliseconds()
			}
			if left := min(receiptDelay-time.Since(since), receiptDelay); left > 0 {
				return nil, r.q.in(left)
			}
		}
		e.answer = nil
	}
	if l.flying > 0 {
		return l.outlet, 0
	}
	return r.freest(), 0
}
