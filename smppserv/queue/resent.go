package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"
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
func (q *Queue) resent(m *sms.Message, k keys) (first *sms.Message) {
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
	if look {
		ids = q.lookForParts(ctx, m, wall.Add(-2*within))
	}
	if len(ids) == 0 {
		return nil
	}
	ms, err := q.o.Store.Load(ctx, ids)
	if err != nil {
		return nil // it is taken for new: twice is better than never
	}
	texts := []wholeText{{parts: ms}}
	if look {
		texts = wholeTexts(slices.DeleteFunc(ms, func(o *sms.Message) bool { return !sameText(o, m) }), within)
	}
	for _, t := range texts { // the first one first
		if look {
			left := within - wall.Sub(t.last) // of the time in which it is remembered
			if left <= 0 {
				continue
			}
			q.rememberFound(k.conversation, t.parts, now+left.Milliseconds())
		}
		for _, o := range t.parts {
			if first == nil && sameText(o, m) && o.Part == m.Part && bytes.Equal(o.Content, m.Content) {
				first = o
			}
		}
	}
	return first
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

// lookForParts looks in the store for the parts that came from then on of texts that m may belong to.
func (q *Queue) lookForParts(ctx context.Context, m *sms.Message, from time.Time) (ids []sms.ID) {
	looked := 0
	err := q.o.Store.ByNumber(ctx, m.Source.Number, from, time.Time{}, 0, func(o *sms.Message) error {
		if looked++; looked > maxLooked {
			return errLookedEnough
		}
		if sameText(o, m) {
			ids = append(ids, o.ID)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errLookedEnough) || len(ids) < int(m.Part.Total) {
		return nil
	}
	return ids
}

// wholeText is a text of which all parts came, the last one then.
type wholeText struct {
	parts []*sms.Message
	last  time.Time
	came  [256]bool
	n     int
}

func (t *wholeText) add(o *sms.Message) {
	t.parts, t.last = append(t.parts, o), o.FirstReceived()
	if !t.came[o.Part.Seq] {
		t.came[o.Part.Seq] = true
		t.n++
	}
}

// takes tells whether a part belongs to the text, as park does.
func (t *wholeText) takes(o *sms.Message, within time.Duration) bool {
	return t.n < int(o.Part.Total) && o.FirstReceived().Before(t.parts[0].FirstReceived().Add(within)) && !slices.ContainsFunc(t.parts, func(p *sms.Message) bool {
		return p.Part.Seq == o.Part.Seq && !bytes.Equal(p.Content, o.Content)
	})
}

// wholeTexts puts parts of one reference together again as they were when they came, and leaves out what is not whole. Of those that were tried
// it is known; the others are of the text that was waiting for parts then.
func wholeTexts(parts []*sms.Message, within time.Duration) (whole []wholeText) {
	slices.SortStableFunc(parts, func(a, b *sms.Message) int { return a.FirstReceived().Compare(b.FirstReceived()) })
	var texts []*wholeText
	tried := map[string]*wholeText{}
	var open *wholeText
	for _, o := range parts {
		t := open
		if o.PushKey != "" {
			t = tried[o.PushKey]
		} else if t != nil && !t.takes(o, within) {
			t = nil
		}
		if t == nil {
			t = &wholeText{}
			texts = append(texts, t)
		}
		if t.add(o); o.PushKey != "" {
			tried[o.PushKey] = t
		} else {
			open = t
		}
	}
	for _, t := range texts {
		if t.n >= int(t.parts[0].Part.Total) {
			whole = append(whole, *t)
		}
	}
	return whole
}

// addAgain answers a part that was handed in before as it was then.
func addAgain(m, first *sms.Message, s road.Submission) {
	m.ID, m.KnownBy = first.ID, first.KnownBy
	if s != nil {
		s.Accepted(m, true, nil)
	}
}
