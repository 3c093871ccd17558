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

// answers are the submissions whose answers are looked at some time, in the order of those times.
type answers struct {
	line fifo[answered]
	gone uint32 // from the line so far
}

// answered is one of them; without a submission nobody asks any more.
type answered struct {
	r          ref
	submission road.Submission
	at         int64
}

func (a *answers) add(v answered) (place uint32) {
	a.line.push(v)
	return a.gone + uint32(a.line.len()) - 1
}

func (a *answers) at(place uint32) *answered { return a.line.at(int(place - a.gone)) }

func (a *answers) take() answered {
	a.gone++
	return a.line.pop()
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
	e.session = q.answers.add(answered{r, s, now + receiptDelay.Milliseconds()})
}

// answer is the submission whose answer may have to be waited for before a receipt of e, nil = there is none.
func (q *Queue) answer(e *entry) road.Submission {
	if e.flags&answering == 0 {
		return nil
	}
	return q.answers.at(e.session).submission
}

// sessionOf is the session of the submit of e, 0 = it is not known.
func (e *entry) sessionOf() uint32 {
	if e.flags&answering != 0 {
		return 0
	}
	return e.session
}

// dropAnswer lets go of the submission whose answer is waited for, if there is one.
func (q *Queue) dropAnswer(e *entry) {
	if e.flags&answering != 0 {
		q.answers.at(e.session).submission = nil
		e.flags &^= answering
		e.session = 0
	}
}

// known is when the answer is so long on the wire that the number of its session is enough.
func (q *Queue) known(e *entry, session uint64) {
	q.dropAnswer(e)
	e.session = uint32(session)
}

// lookAtAnswers lets go of the submissions whose answers have been out for long enough, of no more than limit.
func (q *Queue) lookAtAnswers(now int64, limit int) (more bool) {
	for q.answers.line.len() > 0 && q.answers.line.front().at <= now {
		if limit--; limit < 0 {
			return true
		}
		a := q.answers.take()
		if a.submission == nil {
			continue
		}
		e := q.entries.at(a.r)
		session, since, ok := a.submission.Answered()
		if session == 0 || ok && time.Since(since) >= receiptDelay {
			e.flags &^= answering // it has no place any more
			q.known(e, session)
			continue
		}
		a.at = now + receiptDelay.Milliseconds()
		e.session = q.answers.add(a)
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

func (f *fifo[T]) front() *T { return f.at(0) }

func (f *fifo[T]) at(i int) *T { return &f.values[f.gone+i] }

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
