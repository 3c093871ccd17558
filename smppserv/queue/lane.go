package queue

import "hnetsmpp/smppserv/sms"

// lane is the line of a conversation's messages, in the order in which they came. A conversation is the same two numbers in the
// same direction: 64 bits of a hash stand for it, and should those of two ever be the same, they share a line.
type lane struct {
	hash      uint64
	recipient uint32 // the number of the party
	line      ref    // the first of those that are waiting, taken or changing
	aside     ref    // the first of those
	size      uint32 // entries of any status but concluded
	turns     uint32 // the number of those in which it stands, 0 = none
	before    ref    // in those turns
	after     ref
	flight    uint32 // the number of its tries in flight, 0 = there are none
}

// flight is the tries of a lane that are in flight, all at one outlet.
type flight struct {
	outlet *Outlet
	n      int
}

// flights has numbers for them, the first one is for none.
type flights struct {
	all  []flight
	free []uint32
}

func (f *flights) add(o *Outlet) uint32 {
	if n := len(f.free); n > 0 {
		number := f.free[n-1]
		f.free = f.free[:n-1]
		f.all[number] = flight{outlet: o}
		return number
	}
	f.all = append(f.all, flight{outlet: o})
	return uint32(len(f.all) - 1)
}

func (f *flights) drop(number uint32) {
	f.all[number] = flight{}
	f.free = append(f.free, number)
}

// A list is known by its first entry: that one's prev is the last. The last one's next is 0.

// insertBefore puts r before other, 0 = at the end.
func (q *Queue) insertBefore(first *ref, r ref, e *entry, other ref) {
	switch {
	case *first == 0:
		e.prev, e.next = r, 0
		*first = r
	case other == 0:
		head := q.entries.at(*first)
		e.prev, e.next = head.prev, 0
		q.entries.at(head.prev).next = r
		head.prev = r
	default:
		o := q.entries.at(other)
		e.prev, e.next = o.prev, other
		if other == *first {
			*first = r
		} else {
			q.entries.at(o.prev).next = r
		}
		o.prev = r
	}
}

func (q *Queue) unlink(first *ref, r ref, e *entry) {
	switch {
	case *first == r && e.next == 0:
		*first = 0
	case *first == r:
		*first = e.next
		q.entries.at(e.next).prev = e.prev
	case e.next == 0:
		q.entries.at(e.prev).next = 0
		q.entries.at(*first).prev = e.prev
	default:
		q.entries.at(e.prev).next = e.next
		q.entries.at(e.next).prev = e.prev
	}
	e.prev, e.next = 0, 0
}

// lane is that of a conversation for a recipient.
func (q *Queue) lane(hash uint64, recipient string) ref {
	to := q.recipient(recipient)
	for ; ; hash = spread(hash + 1) { // what two recipients have is never mixed up
		r := q.byHash.find(hash)
		if r != 0 && q.lanes.at(r).recipient == to.party.number {
			return r
		}
		if r == 0 {
			r, l := q.lanes.add()
			l.hash, l.recipient = hash, to.party.number
			q.byHash.add(r)
			to.lanes++
			return r
		}
	}
}

// findLane is lane where there is one, else 0.
func (q *Queue) findLane(c conversation) ref {
	p := q.parties.byName[c.recipient]
	if p == nil {
		return 0
	}
	for hash := c.hash(); ; hash = spread(hash + 1) {
		r := q.byHash.find(hash)
		if r == 0 || q.lanes.at(r).recipient == p.number {
			return r
		}
	}
}

func (q *Queue) recipientOf(l *lane) *recipientQueue {
	return q.parties.byNumber[l.recipient].recipient
}

func (q *Queue) putInLine(r ref, e *entry, other ref) {
	l := q.lanes.at(e.lane)
	e.status = waiting
	q.insertBefore(&l.line, r, e, other)
	q.strew(r)
	if other != 0 {
		q.strew(other)
	}
	q.enrol(e)
	if p := q.placedIn(e.lane); *p == (placed{e.lane, e.id}) { // it left that place
		*p = placed{}
	}
	q.recipientOf(l).lined++
}

// strew notes the lane of an entry that waits for a time, unless it is at the head: what stands before it may be due before it is.
func (q *Queue) strew(r ref) {
	if e := q.entries.at(r); e.due > q.wheel.at && e.attempts > 0 && q.lanes.at(e.lane).line != r {
		q.strewn[e.lane] = struct{}{}
	}
}

func (q *Queue) takeFromLine(r ref, e *entry) {
	l := q.lanes.at(e.lane)
	q.unlink(&l.line, r, e)
	q.recipientOf(l).lined--
}

func (q *Queue) append(r ref, e *entry) { q.putInLine(r, e, 0) }

// strayed is how far behind its place by age an entry of the line is looked for, or behind what does not wait for a time one that does. What stands
// before an older one was in flight when that came back: no more than are in flight at a time.
const strayed = 1024

// placed is the entry that was put by its age into the line of a lane last, as long as it stands there. What a worker takes up comes in the order of its age: where
// it stands between what is in a long line already, the next one's place is looked for behind it, not from the head.
type placed struct {
	lane ref
	id   sms.ID
}

func (q *Queue) placedIn(lr ref) *placed { return &q.placed[int(lr)%len(q.placed)] }

// placedBefore is the last one that was put by its age where e is to go, if it stands there still and is older; else 0.
func (q *Queue) placedBefore(e *entry) ref {
	p := q.placedIn(e.lane)
	if p.lane != e.lane || p.id >= e.id {
		return 0
	}
	r := q.byID.find(uint64(p.id))
	if r == 0 {
		return 0
	}
	if o := q.entries.at(r); o.lane != e.lane || o.status != waiting && o.status != taken && o.status != changing {
		return 0
	}
	return r
}

// putByAge puts an entry into the line before what came later and is not under way, and behind all that came before.
func (q *Queue) putByAge(r ref, e *entry) {
	line := q.lanes.at(e.lane).line
	next := line
	if line != 0 && q.entries.at(q.entries.at(line).prev).id < e.id {
		next = 0
	} else if before := q.placedBefore(e); before != 0 {
		next = q.entries.at(before).next
	}
	other := ref(0)
	for looks := 0; next != 0 && looks < strayed; {
		o := q.entries.at(next)
		switch {
		case o.id < e.id:
			other, looks = 0, 0
		case other == 0 && (o.status == waiting || q.isLeaving(next)):
			other = next
		}
		if other != 0 {
			looks++
		}
		next = o.next
	}
	q.putInLine(r, e, other)
	*q.placedIn(e.lane) = placed{e.lane, e.id}
}

func (q *Queue) putAside(r ref, e *entry) {
	e.status = aside
	q.insertBefore(&q.lanes.at(e.lane).aside, r, e, 0)
	q.enrol(e)
}

func (q *Queue) takeFromAside(r ref, e *entry) { q.unlink(&q.lanes.at(e.lane).aside, r, e) }

// join moves an entry from aside to the end of the line.
func (q *Queue) join(r ref) {
	e := q.entries.at(r)
	q.takeFromAside(r, e)
	q.append(r, e)
	q.ready(e.lane)
}

// joinTried is join for one that was tried before: it had its turn, and stands before those that had none.
func (q *Queue) joinTried(r ref) {
	e := q.entries.at(r)
	q.takeFromAside(r, e)
	other := q.lanes.at(e.lane).line
	for other != 0 {
		o := q.entries.at(other)
		if o.status == waiting && o.attempts == 0 {
			break
		}
		other = o.next
	}
	q.putInLine(r, e, other)
	q.ready(e.lane)
}

// take keeps an entry of the line for a try, or for its end.
func (q *Queue) take(r ref, e *entry) {
	e.status = taken
	q.disarm(r)
}

// giveBack returns it to the line, in its old place.
func (q *Queue) giveBack(r ref, e *entry) {
	if e.kind == sms.KindDPF {
		q.takeFromLine(r, e)
		q.recipientOf(q.lanes.at(e.lane)).setDPF(r, e)
		return
	}
	e.status = waiting
	q.strew(r)
}

// claimEntry keeps an entry for a change or its end: in its place if it stands in the line, else out of every list.
func (q *Queue) claimEntry(r ref, e *entry) {
	q.disarm(r)
	switch e.status {
	case waiting:
		e.status = changing
		return
	case aside:
		q.takeFromAside(r, e)
	case dpfPending:
		q.recipientOf(q.lanes.at(e.lane)).clearDPF(r, e)
	}
	e.status = claimed
}

// unclaim gives a claimed message back. One that is not to be tried yet holds nobody back meanwhile.
func (q *Queue) unclaim(r ref) {
	now := q.now()
	q.follow(r)
	e := q.entries.at(r)
	later, inLine := e.due > now && e.attempts == 0, e.status == changing
	switch {
	case inLine && !later:
		e.status = waiting
		q.strew(r)
	case inLine:
		q.takeFromLine(r, e)
		q.putAside(r, e)
	case later:
		q.putAside(r, e)
	default:
		q.append(r, e)
	}
	q.ready(e.lane)
	q.arm(r, now)
	if e.flags&succeeded != 0 {
		q.end(r, superseded)
	}
}

// leave takes an entry out of its lane for good, whatever its status, and gives what stands behind it a turn.
func (q *Queue) leave(r ref) {
	e := q.entries.at(r)
	switch e.status {
	case aside:
		q.takeFromAside(r, e)
	case taken, waiting, changing:
		q.takeFromLine(r, e)
	}
	q.disarm(r)
	e.status = concluded
	q.quit(e)
}

// quit takes an entry that is in no list out of its lane, and gives what stands behind it a turn.
func (q *Queue) quit(e *entry) {
	lr := e.lane
	l := q.lanes.at(lr)
	to := q.recipientOf(l)
	if e.attempts > 0 {
		q.stillFailed(to, lr)
	}
	q.grow(l, e, -1)
	if l.size < longLane/2 {
		delete(q.seniorities, lr)
	}
	switch {
	case l.size == 0:
		delete(q.strewn, lr)
		q.leaveTurns(l)
		q.byHash.remove(lr)
		q.lanes.drop(lr)
		to.lanes--
		to.forget()
	case l.line == 0:
		q.leaveTurns(l)
	default:
		q.ready(lr)
	}
}

// grow counts e in, or out.
func (q *Queue) grow(l *lane, e *entry, by int) {
	l.size += uint32(by)
	if e.kind == sms.KindDPF { // nobody is to get one
		return
	}
	to := q.recipientOf(l)
	to.size += by
	if e.kind == sms.KindText {
		to.texts += by
	}
}

// head is the next entry to try, 0 = none. There is none while the next one is being changed:
// those behind it must not overtake it.
func (q *Queue) head(l *lane) ref {
	r := l.line
	for r != 0 {
		e := q.entries.at(r)
		if e.status == changing {
			return 0
		}
		if e.status != taken {
			break
		}
		r = e.next
	}
	return r
}
