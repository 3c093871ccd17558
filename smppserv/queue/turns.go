package queue

// turns are the lanes that have something of one party at their head, first in, first out.
type turns struct {
	number uint32
	round  *round
	party  uint32
	first  ref
	last   ref
	before *turns // in the round
	after  *turns
}

// round gives lanes their turns: first those who handed messages in take turns, then the conversations of each.
type round struct {
	first   *turns
	last    *turns
	parties map[uint32]*turns // that have one
}

// numbers stand for turns, so that a lane can name those in which it stands. The first one is for none.
type numbers struct {
	all  []*turns
	free []*turns
}

func (q *Queue) newTurns(rd *round, party uint32) *turns {
	var t *turns
	if n := len(q.lines.free); n > 0 {
		t = q.lines.free[n-1]
		q.lines.free = q.lines.free[:n-1]
	} else {
		t = &turns{number: uint32(len(q.lines.all))}
		q.lines.all = append(q.lines.all, t)
	}
	t.round, t.party = rd, party
	if rd.parties == nil {
		rd.parties = map[uint32]*turns{}
	}
	rd.parties[party] = t
	rd.push(t)
	return t
}

func (rd *round) push(t *turns) {
	if t.before, t.after = rd.last, nil; rd.last == nil {
		rd.first = t
	} else {
		rd.last.after = t
	}
	rd.last = t
}

func (rd *round) remove(t *turns) {
	if t.before == nil {
		rd.first = t.after
	} else {
		t.before.after = t.after
	}
	if t.after == nil {
		rd.last = t.before
	} else {
		t.after.before = t.before
	}
	t.before, t.after = nil, nil
}

// lendable is how many messages a lane may have for a party to lend its turn to those before its own there.
const lendable = 8

// heading is the head of a lane that has something in its line, or, where there is none, what is first in that.
func (q *Queue) heading(l *lane) *entry {
	r := q.head(l)
	if r == 0 {
		r = l.line
	}
	return q.entries.at(r)
}

// lender is a party that has something behind e in the lane, and no lane that waits for a turn: it gives its turn to what is before
// its own, which would else wait for all that the other one has handed in. 0 = there is none.
func (q *Queue) lender(rd *round, l *lane, e *entry) uint32 {
	if l.size > lendable {
		return 0
	}
	for r := e.next; r != 0; {
		behind := q.entries.at(r)
		if behind.party != e.party && rd.parties[behind.party] == nil {
			return behind.party
		}
		r = behind.next
	}
	return 0
}

// lends tells whether a party may have lent its turn to e.
func (q *Queue) lends(party uint32, l *lane, e *entry) bool {
	for r := e.next; r != 0 && l.size <= lendable; {
		behind := q.entries.at(r)
		if behind.party == party {
			return true
		}
		r = behind.next
	}
	return false
}

// queueUp gives a lane, which has none and something in its line, a turn after the others of that party.
func (q *Queue) queueUp(rd *round, lr ref, l *lane) {
	e := q.heading(l)
	party := e.party
	if rd.parties[party] != nil { // else its turn comes as soon as anybody's
		if lender := q.lender(rd, l, e); lender != 0 {
			party = lender
		}
	}
	q.queueUpAs(party, rd, lr, l)
}

func (q *Queue) queueUpAs(party uint32, rd *round, lr ref, l *lane) {
	t := rd.parties[party]
	if t == nil {
		t = q.newTurns(rd, party)
	}
	l.turns, l.before, l.after = t.number, t.last, 0
	if t.last == 0 {
		t.first = lr
	} else {
		q.lanes.at(t.last).after = lr
	}
	t.last = lr
}

// leaveTurns takes a lane out of its turns, if it has one.
func (q *Queue) leaveTurns(l *lane) {
	if l.turns == 0 {
		return
	}
	t := q.lines.all[l.turns]
	if l.before == 0 {
		t.first = l.after
	} else {
		q.lanes.at(l.before).after = l.after
	}
	if l.after == 0 {
		t.last = l.before
	} else {
		q.lanes.at(l.after).before = l.before
	}
	l.turns, l.before, l.after = 0, 0, 0
	if t.first == 0 {
		t.round.remove(t)
		delete(t.round.parties, t.party)
		t.round = nil
		q.lines.free = append(q.lines.free, t)
	}
}

// nextTurn takes the lane whose turn it is, and tells whose turn; 0 = there is none. The party's next one comes after those of
// the other parties.
func (q *Queue) nextTurn(rd *round) (lr ref, party uint32) {
	t := rd.first
	if t == nil {
		return 0, 0
	}
	lr, party = t.first, t.party
	rd.remove(t)
	rd.push(t)
	q.leaveTurns(q.lanes.at(lr))
	return lr, party
}

// ready gives the lane a turn. One that it has comes sooner where that can be: what is at its head is not that party's any more, or
// somebody lends his.
func (q *Queue) ready(lr ref) {
	l := q.lanes.at(lr)
	switch {
	case l.line == 0:
	case l.turns == 0:
		to := q.recipientOf(l)
		q.queueUp(&to.turns, lr, l)
		to.mark()
	case l.size <= lendable:
		t, e := q.lines.all[l.turns], q.heading(l)
		switch soon := t.first == lr; {
		case t.party == e.party && (soon || q.lender(t.round, l, e) == 0):
			return
		case t.party != e.party && soon && q.lends(t.party, l, e):
			return // else what it is lent comes after all that the other one has handed in
		}
		rd := t.round
		q.leaveTurns(l)
		q.queueUp(rd, lr, l)
	}
}

// readyLast gives the lane a turn after all others of its party.
func (q *Queue) readyLast(lr ref) {
	q.leaveTurns(q.lanes.at(lr))
	q.ready(lr)
}

// readyFirst gives the lane a turn before all others.
func (q *Queue) readyFirst(lr ref) {
	l := q.lanes.at(lr)
	if l.line == 0 {
		return
	}
	q.leaveTurns(l)
	q.ready(lr)
	t := q.lines.all[l.turns]
	if t.first != lr {
		before := l.before
		t.last = before
		q.lanes.at(before).after = 0
		q.lanes.at(t.first).before = lr
		l.before, l.after, t.first = 0, t.first, lr
	}
	if rd := t.round; rd.first != t {
		rd.remove(t)
		t.after = rd.first
		rd.first.before, rd.first = t, t
	}
}
