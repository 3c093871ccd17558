package queue

import (
	"slices"

	"hnetsmpp/smppserv/sms"
)

// From longLane entries on a lane's messages are kept in the order of their age for who looks for the oldest one; below half of that no more.
const longLane = 256

// class is what a message that another one takes the place of has in common with it, besides the conversation.
type class struct{ party, service uint32 }

// seniority lists the messages of a long lane that another one may take the place of, in ascending order. Some have left since: they are
// taken out when they are met, and when they are as many as those that are left all is listed anew.
type seniority struct {
	of map[class][]sms.ID
	n  int
}

// isReplaceable tells whether another message may take the place of this one.
func (e *entry) isReplaceable() bool { return e.flags&whole != 0 && e.kind == sms.KindText }

// eldest is the message of a class in a lane with the lowest ID above after and such a status, 0 = there is none. Looking for it again and
// again takes no longer in a long lane than in a short one.
func (q *Queue) eldest(lr ref, c class, after sms.ID, fits func(status) bool) (eldest ref) {
	if q.lanes.at(lr).size < longLane {
		q.eachReplaceable(lr, func(r ref, e *entry) {
			if e.class() == c && e.id > after && fits(e.status) && (eldest == 0 || e.id < q.entries.at(eldest).id) {
				eldest = r
			}
		})
		return eldest
	}
	s := q.seniorityOf(lr)
	ids := s.of[c]
	at, _ := slices.BinarySearch(ids, after+1)
	kept := at
	for ; at < len(ids) && eldest == 0; at++ {
		r := q.standing(lr, c, ids[at])
		if r == 0 {
			continue
		}
		ids[kept] = ids[at]
		kept++
		if fits(q.entries.at(r).status) {
			eldest = r
		}
	}
	gone := at - kept
	s.n -= gone
	if kept == 0 || kept == 1 && eldest != 0 { // they were in front: nothing need be moved
		ids = ids[gone:]
	} else {
		ids = slices.Delete(ids, kept, at)
	}
	if s.of[c] = ids; len(ids) == 0 {
		delete(s.of, c)
	}
	return eldest
}

// standing is the entry of a message of a class that is in this lane still, else 0.
func (q *Queue) standing(lr ref, c class, id sms.ID) ref {
	r := q.byID.find(uint64(id))
	if r == 0 {
		return 0
	}
	if e := q.entries.at(r); e.lane != lr || e.status == concluded || e.class() != c {
		return 0
	}
	return r
}

func (e *entry) class() class { return class{e.party, e.service} }

// eachReplaceable calls f for the messages in the lists of a lane that another one may take the place of.
func (q *Queue) eachReplaceable(lr ref, f func(ref, *entry)) {
	l := q.lanes.at(lr)
	for _, r := range [...]ref{l.line, l.aside} {
		for r != 0 {
			e := q.entries.at(r)
			if e.isReplaceable() {
				f(r, e)
			}
			r = e.next
		}
	}
}

// seniorityOf is that of a lane, which is listed when it is not.
func (q *Queue) seniorityOf(lr ref) *seniority {
	s := q.seniorities[lr]
	if s != nil {
		return s
	}
	s = &seniority{of: map[class][]sms.ID{}}
	var of class
	var ids []sms.ID // of that class: most have the one before's
	q.eachReplaceable(lr, func(_ ref, e *entry) {
		if c := e.class(); c != of {
			s.of[of] = ids
			of, ids = c, s.of[c]
		}
		ids = append(ids, e.id)
		s.n++
	})
	s.of[of] = ids
	delete(s.of, class{}) // no party has that number
	for _, ids := range s.of {
		slices.Sort(ids)
	}
	q.seniorities[lr] = s
	return s
}

// enrol lists a message that comes into a list of its lane, if it is not listed.
func (q *Queue) enrol(e *entry) {
	s := q.seniorities[e.lane]
	switch {
	case s == nil || !e.isReplaceable():
	case s.n > 2*int(q.lanes.at(e.lane).size):
		delete(q.seniorities, e.lane)
	default:
		c := e.class()
		ids := s.of[c]
		at, listed := slices.BinarySearch(ids, e.id)
		if !listed {
			s.of[c] = slices.Insert(ids, at, e.id)
			s.n++
		}
	}
}
