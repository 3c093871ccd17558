package queue

import (
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// What the recipient has of a text that goes out in parts is noted on disk part by part, while the try goes on: one note at a time,
// so that many parts that are taken at once share one. A try that ends with others still to go hands its note to the next one.

// underway notes the progress of a try that goes on.
func (j *job) underway(progress string) {
	j.q.mu.Lock()
	defer j.q.mu.Unlock()
	j.noted, j.took = progress, true
	j.note()
}

// note has the progress written, unless there is none, one is on its way, or the try has ended. The queue is locked.
func (j *job) note() {
	if j.reported.Load() || j.noting || j.noted == "" {
		return
	}
	v := &road.Transition{IDs: []sms.ID{j.q.entries.at(j.lead).id}, State: sms.Enroute, Underway: true, Progress: j.noted}
	v.Done, v.Parked = j.wrote, j.wrote
	j.noting, j.noted = true, ""
	j.q.finish(v)
}

// wrote is called when a note is on disk, or given up.
func (j *job) wrote() {
	q := j.q
	q.mu.Lock()
	q.unwritten--
	j.noting = false
	j.note()
	q.checkIdle()
	q.mu.Unlock()
	q.wake()
}

// putBack ends a try that was not made to an end.
func (q *Queue) putBack(j *job, o sms.Outcome) {
	q.mu.Lock()
	m := j.ms[0]
	if o.Progress == "" || o.Progress == m.Progress {
		j.requeue(q.now())
		q.mu.Unlock()
		return
	}
	now := q.now()
	e := q.entries.at(j.lead)
	c := &conclusion{Transition: road.Transition{State: sms.Enroute, Underway: true}, q: q, now: now}
	c.IDs, c.failed = append(c.ids[:0], e.id), append(c.ref[:0], j.lead)
	c.proceeds(m, o.Progress)
	q.saving(j.lead, e, c)
	c.Done, c.Parked = c.retried, q.onParked
	q.finish(&c.Transition)
	j.requeue(now)
	q.mu.Unlock()
}

// proceeds has the next try of m go on behind this progress.
func (c *conclusion) proceeds(m *sms.Message, progress string) {
	if progress != "" && progress != m.Progress {
		c.Progress, m.Progress = progress, progress
	}
}

// saving notes that only memory knows of the last outcome of r until c is on disk.
func (q *Queue) saving(r ref, e *entry, c *conclusion) {
	e.flags |= writing
	q.unsaved[r] = c
}
