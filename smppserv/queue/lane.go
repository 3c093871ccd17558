package queue

import "hnetsmpp/smppserv/sms"

// laneKey is a conversation: the same two numbers in the same direction.
type laneKey struct{ recipient, source, dest string }

func laneKeyOf(m *sms.Message) laneKey {
	return laneKey{m.Recipient, m.Source.Number, m.Dest.Number}
}

// lane is the line of a conversation's messages, in the order in which they came.
type lane struct {
	q         *Queue
	key       laneKey
	recipient *recipientQueue
	line      list // waiting, taken and changing
	aside     list
	size      int     // entries of any status but concluded
	flying    int     // tries in flight
	outlet    *Outlet // that has those in flight, nil when there are none

	turns         *turns // in which it stands, nil = none
	before, after *lane  // in those turns
}

// list is a doubly linked list of entries.
type list struct{ first, last *entry }

func (l *list) append(e *entry) { l.insertBefore(e, nil) }

// insertBefore puts e before another, nil = at the end.
func (l *list) insertBefore(e, other *entry) {
	e.prev, e.next = l.last, other
	if other == nil {
		l.last = e
	} else {
		e.prev, other.prev = other.prev, e
	}
	if e.prev == nil {
		l.first = e
	} else {
		e.prev.next = e
	}
}

func (l *list) remove(e *entry) {
	if e.prev == nil {
		l.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		l.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
}

func (q *Queue) lane(k laneKey) *lane {
	l := q.lanes[k]
	if l == nil {
		l = &lane{q: q, key: k, recipient: q.recipient(k.recipient)}
		q.lanes[k] = l
	}
	return l
}

func (l *lane) append(e *entry) {
	e.status = waiting
	l.line.append(e)
}

func (l *lane) putAside(e *entry) {
	e.status = aside
	l.aside.append(e)
}

// join moves an entry from aside to the end of the line.
func (l *lane) join(e *entry) {
	l.aside.remove(e)
	l.append(e)
	l.ready()
}

// joinTried is join for one that was tried before: it had its turn, and stands before those that had none.
func (l *lane) joinTried(e *entry) {
	l.aside.remove(e)
	other := l.line.first
	for other != nil && (other.status != waiting || other.attempts > 0) {
		other = other.next
	}
	e.status = waiting
	l.line.insertBefore(e, other)
	l.ready()
}

// take keeps an entry of the line for a try, or for its end.
func (l *lane) take(e *entry) {
	e.status = taken
	l.q.unwakeable(e)
}

// requeue gives it back to the line, in its old place.
func (l *lane) requeue(e *entry) {
	if e.kind == sms.KindDPF {
		l.line.remove(e)
		l.recipient.setDPF(e)
		return
	}
	e.status = waiting
}

// claim keeps an entry for a change or its end: in its place if it stands in the line, else out of every list.
func (l *lane) claim(e *entry) {
	l.q.unwakeable(e)
	switch e.status {
	case waiting:
		e.status = changing
		return
	case aside:
		l.aside.remove(e)
	case dpfPending:
		l.recipient.clearDPF(e)
	}
	e.status = claimed
}

// unclaim gives a claimed entry back; later tells that it is not to be tried yet, and holds nobody back meanwhile.
func (l *lane) unclaim(e *entry, later bool) {
	inLine := e.status == changing
	switch {
	case inLine && !later:
		e.status = waiting
	case inLine:
		l.line.remove(e)
		l.putAside(e)
	case later:
		l.putAside(e)
	default:
		l.append(e)
	}
	l.ready()
}

// remove takes an entry out of the lane for good, whatever its status.
func (l *lane) remove(e *entry) {
	switch e.status {
	case aside:
		l.aside.remove(e)
	case taken, waiting, changing:
		l.line.remove(e)
	}
	l.q.unwakeable(e)
	e.status = concluded
	if l.line.first == nil && l.turns != nil {
		l.turns.remove(l)
	}
	if l.grow(e, -1); l.size == 0 {
		delete(l.q.lanes, l.key)
	}
}

// grow counts e in, or out.
func (l *lane) grow(e *entry, by int) {
	l.size += by
	if e.kind != sms.KindDPF { // nobody is to get one
		l.recipient.size += by
	}
}

// head is the next entry to try. There is none while the next one is being changed:
// those behind it must not overtake it.
func (l *lane) head() *entry {
	e := l.line.first
	for e != nil && e.status == taken {
		e = e.next
	}
	if e != nil && e.status == changing {
		return nil
	}
	return e
}

// ready gives the lane a turn.
func (l *lane) ready() {
	if l.turns == nil && l.line.first != nil {
		l.recipient.turns.push(l)
	}
}

// turns is a first-in first-out of lanes.
type turns struct{ first, last *lane }

func (t *turns) push(l *lane) {
	l.turns, l.before, l.after = t, t.last, nil
	if t.last == nil {
		t.first = l
	} else {
		t.last.after = l
	}
	t.last = l
}

func (t *turns) pop() *lane {
	l := t.first
	if l != nil {
		t.remove(l)
	}
	return l
}

func (t *turns) remove(l *lane) {
	if l.before == nil {
		t.first = l.after
	} else {
		l.before.after = l.after
	}
	if l.after == nil {
		t.last = l.before
	} else {
		l.after.before = l.before
	}
	l.turns, l.before, l.after = nil, nil, nil
}
