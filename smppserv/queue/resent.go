package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

const (
	// defaultMaxComplete bounds the parts of complete texts that are remembered, some forty octets each. Those before them are
	// looked up in the store.
	defaultMaxComplete = 100_000
	// resentTime bounds a look into the store.
	resentTime = 5 * time.Second
	// maxLooked bounds the messages of a number that are looked through.
	maxLooked = 1000
)

// complete is the parts of texts that were complete not long ago: for hermes.reassemble_timeout. One that is sent again, since its
// answer was lost, is answered as it was the first time, and goes no further.
type complete struct {
	ids   map[uint64]sms.ID // by resentKey
	order fifo[completePart]
	max   int
	// until then there may be parts that only the store knows of: those of before the start, or that found no room.
	blind int64
}

type completePart struct {
	key   uint64
	until int64
}

// resentKey tells a part, with its octets, from all others. What is found by it is looked at before it counts.
func resentKey(conversation uint64, submitter string, p sms.Part, sum uint64) uint64 {
	var b [28]byte
	binary.LittleEndian.PutUint64(b[:], conversation)
	binary.LittleEndian.PutUint64(b[8:], maphash.String(seed, submitter))
	binary.LittleEndian.PutUint64(b[16:], sum)
	binary.LittleEndian.PutUint16(b[24:], p.Ref)
	b[26], b[27] = p.Total, p.Seq
	return maphash.Bytes(seed, b[:])
}

// remember keeps the parts of a text that is complete, and on disk.
func (q *Queue) remember(g *group, now int64) {
	c := &q.complete
	c.expire(now)
	hash, from := q.lanes.at(g.key.lane).hash, q.parties.byNumber[g.key.party].name
	until := now + q.o.Reassemble.Milliseconds()
	for i, p := range g.parts {
		if p.sum == 0 || i > 0 && g.parts[i-1].seq == p.seq { // the first one counts
			continue
		}
		c.add(resentKey(hash, from, sms.Part{Ref: g.key.ref, Total: g.key.total, Seq: p.seq}, p.sum), q.entries.at(p.r).id, until)
	}
}

// rememberFound keeps the parts of a text that was complete elsewhere, or before the start: with the first part of the next one under its
// reference it is not looked for any more. What one part came as first counts.
func (q *Queue) rememberFound(conversation uint64, parts []*sms.Message, until int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range parts {
		key := resentKey(conversation, o.Submitter, o.Part, maphash.Bytes(seed, o.Content))
		if q.complete.ids[key] == 0 {
			q.complete.add(key, o.ID, until)
		}
	}
}

func (c *complete) add(key uint64, id sms.ID, until int64) {
	if c.order.len() >= c.max {
		c.blind = max(c.blind, c.order.front().until)
		c.forget()
	}
	c.ids[key] = id
	c.order.push(completePart{key, until})
}

// expire lets go of those whose time is up.
func (c *complete) expire(now int64) {
	for c.order.len() > 0 && c.order.front().until <= now {
		c.forget()
	}
}

// forget lets go of the oldest part. It may have been remembered anew since, and is forgotten then all the same.
func (c *complete) forget() { delete(c.ids, c.order.pop().key) }

// resent finds the message that m repeats: a part of a text that was complete not long ago. nil = none is known.
func (q *Queue) resent(m *sms.Message, k keys) *sms.Message {
	if m.Part.Total < 2 || len(m.Content) == 0 {
		return nil
	}
	q.mu.Lock()
	if !q.isPart(m) {
		q.mu.Unlock()
		return nil
	}
	wall, now := q.read()
	q.complete.expire(now)
	id := q.complete.ids[resentKey(k.conversation, m.Submitter, m.Part, maphash.Bytes(seed, m.Content))]
	look := id == 0 && now < q.complete.blind && !q.waitsForParts(m)
	within := q.o.Reassemble
	q.mu.Unlock()
	if id == 0 && !look {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resentTime)
	defer cancel()
	ids := []sms.ID{id}
	var left time.Duration // of the time in which it is remembered
	if look {
		ids, left = q.lookForText(ctx, m, wall, within)
	}
	if len(ids) == 0 {
		return nil
	}
	ms, err := q.o.Store.Load(ctx, ids)
	if err != nil {
		return nil // it is taken for new: twice is better than never
	}
	if look {
		q.rememberFound(k.conversation, ms, now+left.Milliseconds())
	}
	for _, o := range ms { // the first one first
		if sameText(o, m) && o.Part == m.Part && bytes.Equal(o.Content, m.Content) {
			return o
		}
	}
	return nil
}

// waitsForParts tells whether the text that m is a part of has begun.
func (q *Queue) waitsForParts(m *sms.Message) bool {
	lr, p := q.findLane(conversationOf(m)), q.parties.byName[handedIn(m)]
	if lr == 0 || p == nil {
		return false
	}
	for _, form := range [...]sms.PartForm{m.PartForm, sms.FormUnknown} {
		if q.groups.byKey[groupKey{lane: lr, party: p.number, ref: m.Part.Ref, form: form, total: m.Part.Total}] != nil {
			return true
		}
	}
	return false
}

// sameText tells whether o, if it has the octets, is a part of the text that m is a part of. What was taken back is no part of any.
func sameText(o, m *sms.Message) bool {
	return o.Kind == sms.KindText && o.State != sms.Deleted && o.Submitter == m.Submitter && conversationOf(o) == conversationOf(m) &&
		o.Part.Ref == m.Part.Ref && o.Part.Total == m.Part.Total && (o.PartForm == m.PartForm || o.PartForm == sms.FormUnknown)
}

var errLookedEnough = errors.New("looked enough")

// lookForText looks in the store for the texts that m may belong to, of which all parts came and the last one not long ago: those of their
// parts that stand in m's place, and of the others the last ones. They are remembered for as long as is left.
func (q *Queue) lookForText(ctx context.Context, m *sms.Message, wall time.Time, within time.Duration) (ids []sms.ID, left time.Duration) {
	var last time.Time
	var came [256]bool
	looked, parts := 0, 0
	err := q.o.Store.ByNumber(ctx, m.Source.Number, wall.Add(-2*within), time.Time{}, 0, func(o *sms.Message) error {
		if looked++; looked > maxLooked {
			return errLookedEnough
		}
		if !sameText(o, m) {
			return nil
		}
		if last.IsZero() {
			last = o.FirstReceived()
		}
		if o.Part.Seq == m.Part.Seq || !came[o.Part.Seq] {
			ids = append(ids, o.ID)
		}
		if !came[o.Part.Seq] {
			came[o.Part.Seq] = true
			parts++
		}
		return nil
	})
	left = within - wall.Sub(last)
	if err != nil && !errors.Is(err, errLookedEnough) || parts < int(m.Part.Total) || left <= 0 {
		return nil, 0
	}
	return ids, left
}

// addAgain answers a part that was handed in before as it was then.
func addAgain(m, first *sms.Message, s road.Submission) {
	m.ID, m.KnownBy = first.ID, first.KnownBy
	if s != nil {
		s.Accepted(m, true, nil)
	}
}
