package queue

import "math/bits"

const (
	slotBits = 8
	slots    = 1 << slotBits
	levels   = 5 // 2^40 ms are 34 years
	// endOfSlot marks, where an entry names its neighbour, the slot at whose end it stands.
	endOfSlot = 1 << 31
)

// wheel has the entries in slots by the time at which each must be looked at: those of the lowest level are a millisecond wide,
// those of each other one 256 times as wide as below. Setting a deadline and taking it back cost the same however many there are.
// What is in a wide slot is put into narrower ones when its time comes.
type wheel struct {
	q     *Queue
	at    int64 // what was due before was looked at
	n     int
	slots [levels * slots]slot
	full  [levels][slots / 64]uint64
}

// slot is a line of entries, 0 = it is empty.
type slot struct{ first, last ref }

// arm has an entry looked at when that is needed, instead of any earlier arrangement.
func (q *Queue) arm(r ref, now int64) {
	e := q.entries.at(r)
	q.wheel.remove(r, e)
	q.wheel.place(r, e, q.wakeTime(r, e, max(now, q.wheel.at)))
}

func (q *Queue) disarm(r ref) { q.wheel.remove(r, q.entries.at(r)) }

// wakeTime is when an entry must be looked at.
func (q *Queue) wakeTime(r ref, e *entry, now int64) int64 {
	switch {
	case e.flags&grouped != 0:
		return min(q.partOf[r].until, e.expires)
	case e.status == aside || e.due > now:
		return min(e.due, e.expires)
	}
	return e.expires
}

func (w *wheel) place(r ref, e *entry, wake int64) {
	wake = min(max(wake, w.at), w.at|(1<<(levels*slotBits)-1))
	level := 0
	if d := uint64(wake ^ w.at); d != 0 {
		level = (bits.Len64(d) - 1) / slotBits
	}
	i := uint32(wake>>(level*slotBits)) % slots
	n := uint32(level*slots) + i
	s := &w.slots[n]
	e.before, e.after = uint32(s.last), endOfSlot|n
	if s.last == 0 {
		e.before = endOfSlot | n
		s.first = r
		w.full[level][i>>6] |= 1 << (i & 63)
	} else {
		w.q.entries.at(s.last).after = uint32(r)
	}
	s.last = r
	w.n++
}

func (w *wheel) remove(r ref, e *entry) {
	if e.before == 0 {
		return
	}
	switch {
	case e.before&endOfSlot != 0 && e.after&endOfSlot != 0:
		n := e.before &^ endOfSlot
		w.slots[n] = slot{}
		i := n % slots
		w.full[n/slots][i>>6] &^= 1 << (i & 63)
	case e.before&endOfSlot != 0:
		w.slots[e.before&^endOfSlot].first = ref(e.after)
		w.q.entries.at(ref(e.after)).before = e.before
	case e.after&endOfSlot != 0:
		w.slots[e.after&^endOfSlot].last = ref(e.before)
		w.q.entries.at(ref(e.before)).after = e.after
	default:
		w.q.entries.at(ref(e.after)).before = e.before
		w.q.entries.at(ref(e.before)).after = e.after
	}
	e.before, e.after = 0, 0
	w.n--
}

// next is when the next entry is due, or, where it stands in a wide slot, when that begins; false = there is none.
func (w *wheel) next() (int64, bool) {
	for level := range levels {
		shift := level * slotBits
		from := int(w.at>>shift) % slots
		if level > 0 {
			from++ // what stands in the one that has begun is on its way down
		}
		for i := from; i < slots; i = (i | 63) + 1 {
			if left := w.full[level][i>>6] >> (i & 63); left != 0 {
				i += bits.TrailingZeros64(left)
				return w.at>>(shift+slotBits)<<(shift+slotBits) | int64(i)<<shift, true
			}
		}
	}
	return 0, false
}

// advance looks at what is due up to now, in the order of time, at no more than limit entries. more tells that there are others.
func (w *wheel) advance(now int64, limit int) (more bool) {
	for {
		for level := levels - 1; level >= 0; level-- {
			s := &w.slots[level*slots+int(w.at>>(level*slotBits))%slots]
			for s.first != 0 {
				if limit--; limit < 0 {
					return true
				}
				r := s.first
				e := w.q.entries.at(r)
				w.remove(r, e)
				if wake := w.q.wakeTime(r, e, w.at-1); level > 0 || wake > w.at {
					w.place(r, e, wake)
				} else {
					w.q.due(r, e, now)
				}
			}
		}
		if w.at >= now {
			return false
		}
		next, ok := w.next()
		if !ok || next > now {
			w.at = now
			return false
		}
		w.at = next
	}
}

// due acts on a deadline that has passed.
func (q *Queue) due(r ref, e *entry, now int64) {
	switch {
	case e.flags&grouped != 0:
		q.closeGroup(q.partOf[r], now)
	case e.expires <= now:
		q.end(r, validity)
	case e.status == aside:
		q.join(r)
		q.arm(r, now)
	default:
		q.ready(e.lane)
		q.arm(r, now)
	}
}
