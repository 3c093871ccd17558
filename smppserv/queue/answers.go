package queue

import (
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// receiptDelay is how long a receipt stays off other sessions after the submit was answered on its own:
// clients with a connection for each direction do not know the message_id sooner.
const receiptDelay = 200 * time.Millisecond

// A submission is kept no longer than it is needed: until the outcome, where it waits for that (transaction mode, an event on
// the TCP port); and where a receipt may follow, until the answer has been on the wire for receiptDelay. From then on the number
// of its session is enough. Who has not read its answer for long is bounded by its session's window.

// answered is an entry whose submission's answer is looked at some time.
type answered struct {
	r  ref
	id sms.ID // r may stand for another one by then
	at int64
}

// keep keeps what is needed of the submission of a message that has just entered.
func (q *Queue) keep(r ref, m *sms.Message, s road.Submission, now int64) {
	e := q.entries.at(r)
	if s.Awaits() {
		e.flags |= awaited
		q.submissions[r] = s
	}
	if m.Submitter != sms.Hermes && (m.RegisteredDelivery != 0 || m.SetDPF) {
		q.keepAnswer(r, e, s, now)
	}
}

func (q *Queue) keepAnswer(r ref, e *entry, s road.Submission, now int64) {
	e.flags |= answering
	q.submissions[r] = s
	q.answers.push(answered{r, e.id, now + receiptDelay.Milliseconds()})
}

// answer is the submission whose answer may have to be waited for before a receipt of r, nil = there is none.
func (q *Queue) answer(r ref, e *entry) road.Submission {
	if e.flags&answering == 0 {
		return nil
	}
	return q.submissions[r]
}

// known is when the answer is so long on the wire that the number of its session is enough.
func (q *Queue) known(r ref, e *entry, session uint64) {
	e.session = uint32(session)
	if e.flags &^= answering; e.flags&awaited == 0 {
		delete(q.submissions, r)
	}
}

// lookAtAnswers lets go of the submissions whose answers have been out for long enough, of no more than limit.
func (q *Queue) lookAtAnswers(now int64, limit int) (more bool) {
	for q.answers.len() > 0 && q.answers.front().at <= now {
		if limit--; limit < 0 {
			return true
		}
		a := q.answers.pop()
		if q.byID.find(uint64(a.id)) != a.r {
			continue
		}
		e := q.entries.at(a.r)
		if e.flags&answering == 0 {
			continue
		}
		session, since, ok := q.submissions[a.r].Answered()
		if session == 0 || ok && time.Since(since) >= receiptDelay {
			q.known(a.r, e, session)
			continue
		}
		a.at = now + receiptDelay.Milliseconds()
		q.answers.push(a)
	}
	return false
}

// fifo is a line of values, first in, first out.
type fifo[T any] struct {
	values []T
	gone   int
}

func (f *fifo[T]) len() int { return len(f.values) - f.gone }

func (f *fifo[T]) push(v T) { f.values = append(f.values, v) }

func (f *fifo[T]) front() *T { return &f.values[f.gone] }

func (f *fifo[T]) pop() T {
	v := f.values[f.gone]
	var zero T
	f.values[f.gone] = zero
	f.gone++
	switch {
	case f.gone == len(f.values) && cap(f.values) > 1024:
		*f = fifo[T]{}
	case f.gone == len(f.values):
		f.values, f.gone = f.values[:0], 0
	case f.gone > 64 && 2*f.gone > len(f.values):
		n := copy(f.values, f.values[f.gone:])
		clear(f.values[n:])
		f.values, f.gone = f.values[:n], 0
	}
	return v
}
