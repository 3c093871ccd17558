package queue

import (
	"unsafe"

	"hnetsmpp/smppserv/sms"
)

// soonLined is how many messages may stand in the lines of a recipient for one more to be kept in memory: it will be tried soon.
const soonLined = 8192

// octets is what a message takes in memory.
func octets(m *sms.Message) int {
	n := int(unsafe.Sizeof(*m)) + cap(m.Content) + cap(m.TLVs) + len(m.Source.Number) + len(m.Dest.Number) + len(m.ServiceType) +
		len(m.Alphabet) + len(m.Reason) + len(m.ExternalID) + len(m.PushKey) + len(m.Progress)
	if m.Receipt != nil {
		n += int(unsafe.Sizeof(*m.Receipt)) + len(m.Receipt.ExternalID)
	}
	return n
}

// offer keeps a new message in memory if its text is known, there is room, and it may be tried soon.
func (q *Queue) offer(r ref, m *sms.Message) {
	if m.Content == nil || q.cached+octets(m) > q.o.CacheOctets {
		return
	}
	e := q.entries.at(r)
	to := q.recipientOf(q.lanes.at(e.lane))
	if to.lined > soonLined || to.away() || e.status == aside && e.flags&grouped == 0 || e.status == dpfPending {
		return
	}
	q.hold(r, m)
}

// hold keeps m in memory.
func (q *Queue) hold(r ref, m *sms.Message) {
	q.evict(r)
	m.First = nil // another one's
	q.entries.at(r).flags |= held
	q.held[r] = m
	q.cached += octets(m)
}

// message is what memory has of r, nil = nothing.
func (q *Queue) message(r ref) *sms.Message {
	if q.entries.at(r).flags&held == 0 {
		return nil
	}
	return q.held[r]
}

// evict lets go of a message, and returns it if there was one.
func (q *Queue) evict(r ref) *sms.Message {
	e := q.entries.at(r)
	if e.flags&held == 0 {
		return nil
	}
	m := q.held[r]
	e.flags &^= held
	delete(q.held, r)
	q.cached -= octets(m)
	return m
}
