package queue

import (
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

type status uint8

const (
	aside      status = iota // before its time, or a part that waits for the others: in its lane, but not in the line
	waiting                  // in the line of its lane
	taken                    // being tried or about to end: in the line, and for nobody else to touch
	changing                 // being changed or cancelled: in the line, and holds back those behind it
	claimed                  // the same for one from aside, which is in no list meanwhile
	absorbed                 // a part that goes with the first of its group
	dpfPending               // a delivery pending flag: in no list, until its recipient was reached
	concluded                // its final state is on the way to disk
)

// entry is a waiting message.
type entry struct {
	q          *Queue
	m          *sms.Message    // nil while only the disk has it
	submission road.Submission // nil after a restart, and of receipts
	answer     road.Submission // of a receipt: whose answer must be on the wire before it; nil once it is
	replaces   *replaced       // what this one takes the place of, nil = nothing
	successor  sms.ID          // took its place while it was tried, 0 = none

	id       sms.ID
	owner    string
	lane     *lane
	prev     *entry // in the lane's line, or among those aside
	next     *entry
	due      int64 // in the queue's time, as all times here; until it is on disk when it came
	expires  int64
	wake     int64 // when the deadlines call it up
	heapAt   int   // its place among the deadlines, -1 = none
	attempts int
	status   status
	kind     sms.Kind
	changes  byte // replace_sm so far
	told     bool // an intermediate notification was sent
	away     bool // nobody was there at the last try; of a delivery pending flag, when it was set
	asked    bool // due is what the recipient asked for (Retry-After)
	// due is what the submitter asked for; it follows the wall clock until it has come
	scheduled bool
	period    bool // sms.Message.Period: expires does not follow the wall clock
	seq       byte // of a part

	group      *group   // of a part that waits for the others
	lead       *entry   // of an absorbed part: the one that stands for it
	parts      []*entry // of that one: all of them, first the came that make the text, in their order, then repeated ones
	came       int
	incomplete bool
	untold     bool   // it may have been tried before a restart, of which nothing is known then
	pushKey    string // sms.Message.PushKey of all the parts, once the text was tried
}

// all are the parts that e stands for, or e alone.
func (e *entry) all() []*entry {
	if e.parts != nil {
		return e.parts
	}
	return []*entry{e}
}

// Message implements road.Addition.
func (e *entry) Message() *sms.Message { return e.m }

// Added implements road.Addition: the message is on disk, or will never be.
// The queue knows of it before the request is answered, for the next request may be to cancel it. No receipt overtakes the answer:
// the store's goroutine is here, and only it can bring the outcome's.
func (e *entry) Added(duplicate bool, err error) {
	q, m, submission, old := e.q, e.m, e.submission, e.replaces
	kept := err == nil && !duplicate
	e.replaces = nil
	q.mu.Lock()
	if old != nil && old.tried != nil {
		if kept {
			if old.tried.successor = m.ID; old.tried.status == waiting { // the try has failed meanwhile
				q.end(old.tried, superseded)
			}
		}
		old = nil
	}
	switch {
	case kept:
		q.o.Observer.Accepted(m)
		q.enter(e, false)
		if old != nil {
			q.remove(old.all, old.transition.State)
			q.unwritten++
		}
	default:
		q.uncount(e.owner)
		if old != nil {
			q.unclaim(old.all[0])
		}
	}
	q.mu.Unlock()
	if submission != nil {
		submission.Accepted(m, duplicate, err)
	}
	if kept && old != nil {
		tellSubmissions(old.all, old.transition, old.outcome, old.at)
		q.written(old.transition, old.all, old.owed)
	}
	q.stored()
}

// stored is called when an addition or a change is through with the disk.
func (q *Queue) stored() {
	q.mu.Lock()
	q.storing--
	q.checkIdle()
	q.mu.Unlock()
	q.wake()
}

func (q *Queue) uncount(owner string) {
	if q.pending[owner]--; q.pending[owner] <= 0 {
		delete(q.pending, owner)
	}
}

// enter puts a message that is on disk into its lane. e.m is set; its text is let go when there is no room for it.
// e.due is when it came.
func (q *Queue) enter(e *entry, stored bool) {
	now, came, m := q.look(), e.due, e.m
	e.id, e.kind, e.attempts = m.ID, m.Kind, m.Attempts
	q.reckon(e, came, stored)
	e.told = m.Attempts > 0 // by the first try that failed
	q.entries[e.id] = e
	q.lastSeen = max(q.lastSeen, e.id)
	e.lane = q.lane(laneKeyOf(m))
	e.lane.grow(e, 1)
	switch {
	case m.Kind == sms.KindDPF:
		e.away = m.Receipt.Away
		e.lane.recipient.setDPF(e)
		if q.wakeAt(e, e.expires); e.lane.recipient.back > came { // it bound meanwhile
			q.end(e, reached)
		}
	case q.isPart(m):
		q.park(e, came)
	case e.attempts == 0 && e.due > now:
		e.lane.putAside(e)
		q.wakeAt(e, min(e.due, e.expires))
	default:
		e.lane.append(e)
		q.wakeAt(e, e.nextWake(now))
		e.lane.ready()
	}
	q.cache(e)
}

// nextWake is when an entry in the line must be looked at again: at its next try, or when it expires.
func (e *entry) nextWake(now int64) int64 {
	if e.due > now {
		return min(e.due, e.expires)
	}
	return e.expires
}

// messageOctets is about what a message takes in memory besides its text.
const messageOctets = 512

func octets(m *sms.Message) int { return messageOctets + len(m.Content) + len(m.TLVs) }

// cache keeps e's message in memory if there is room and its text is known.
func (q *Queue) cache(e *entry) {
	if q.cached+octets(e.m) > q.o.CacheOctets || e.m.Content == nil {
		e.m = nil
		return
	}
	q.cached += octets(e.m)
}

// setMessage keeps m, which was read from disk or takes the place of the one before.
func (q *Queue) setMessage(e *entry, m *sms.Message) {
	q.evict(e)
	e.m = m
	q.cached += octets(m)
}

func (q *Queue) evict(e *entry) {
	if e.m != nil {
		q.cached -= octets(e.m)
		e.m = nil
	}
}

// forget takes a concluded entry out of memory.
func (q *Queue) forget(e *entry) {
	delete(q.entries, e.id)
	q.evict(e)
}
