package queue

import "time"

// following is how the entries follow a setting of the wall clock: chunk by chunk, while others may have the lock in between.
// Meanwhile nothing is tried and no deadline passes, and whoever looks at the times of an entry has it follow first.
type following struct {
	underWay bool
	odd      bool  // of entries that have followed
	by       int64 // the clock was set forward by so many milliseconds
	from     int64 // when that was noticed
	chunk    int   // the next one
}

// beginToFollow has everything move that follows the wall clock, which was set forward by so many milliseconds.
func (q *Queue) beginToFollow(by, now int64) {
	for q.followOn() { // one thing after the other
	}
	q.following = following{underWay: true, odd: !q.following.odd, by: by, from: now}
	for _, p := range q.parties.byNumber {
		if by <= 0 || p == nil || p.recipient == nil {
			continue
		}
		for _, o := range p.recipient.outlets {
			if o.pause != nil {
				o.until = max(o.until-by, now)
				o.pause.Reset(time.Duration(o.until-now) * time.Millisecond)
			}
		}
	}
	q.wake()
}

// followOn has the entries of another chunk follow; false = all have.
func (q *Queue) followOn() bool {
	if !q.underWay {
		return false
	}
	q.chunk, q.underWay = q.entries.walk(q.chunk, func(r ref, _ *entry) { q.follow(r) })
	return q.underWay
}

// follow has an entry follow the last setting of the wall clock, if it has not yet.
func (q *Queue) follow(r ref) {
	if !q.underWay {
		return
	}
	e := q.entries.at(r)
	if (e.flags&odd != 0) == q.odd {
		return
	}
	e.flags ^= odd
	by, now := q.by, q.from
	pending, lasts := e.due > now, e.expires-e.due
	asked := e.flags&scheduled != 0
	if e.before != 0 && e.status == waiting && !pending && e.due >= q.wheel.at {
		q.ready(e.lane) // its time has come, and nobody has looked yet
	}
	if pending && (asked || e.attempts > 0 && by > 0) {
		e.due = max(e.due-by, now+1)
	}
	switch {
	case e.flags&period == 0:
		e.expires -= by
	case pending && asked:
		e.expires = e.due + lasts
	}
	if e.before != 0 {
		q.arm(r, now)
	}
}
