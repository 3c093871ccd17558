package queue

import (
	"cmp"
	"hash/maphash"
	"slices"

	"hnetsmpp/smppserv/sms"
)

// groupKey tells the long text that a part belongs to.
type groupKey struct {
	lane      laneKey
	submitter string
	ref       uint16
	total     byte
	pushKey   string // of a text that was tried before a restart: nothing joins it any more
}

// group gathers the parts of a long text for Hermès. The parts stay aside until all are there or the time is up.
type group struct {
	key      groupKey
	parts    []*entry // by sequence number - 1, nil = missing
	sums     []uint64 // of their texts, 0 = not known
	repeated []*entry // the same part, handed in again
	missing  int
	until    int64
}

// tried tells whether the text was tried before a restart. It is closed when all its parts are taken up.
func (g *group) tried() bool { return g.key.pushKey != "" }

// single tells whether the first part has just come.
func (g *group) single() bool { return g.missing == len(g.parts)-1 && len(g.repeated) == 0 }

func (q *Queue) isOpen(g *group) bool { return q.groups[g.key] == g }

var sumSeed = maphash.MakeSeed()

func (q *Queue) isPart(m *sms.Message) bool {
	if m.Recipient != sms.Hermes || m.Kind != sms.KindText || m.Transaction() || m.Part.Total < 2 || m.Part.Seq < 1 || m.Part.Seq > m.Part.Total {
		return false
	}
	if m.Attempts > 0 && !m.StoredAt.IsZero() { // it goes on as it was tried, whatever the configuration says now
		return m.PushKey != ""
	}
	return m.PushKey != "" || q.o.Reassemble > 0
}

// park puts a part, which came then, aside with the others of its text, and lets the text go when it was the last.
func (q *Queue) park(e *entry, came int64) {
	m := e.m
	k := groupKey{e.lane.key, m.Submitter, m.Part.Ref, m.Part.Total, m.PushKey}
	var sum uint64
	if len(m.Content) > 0 {
		sum = maphash.Bytes(sumSeed, m.Content)
	}
	e.seq = m.Part.Seq
	g, i := q.groups[k], int(e.seq)-1
	if g != nil && !g.tried() && (g.until <= came || g.parts[i] != nil && g.sums[i] != sum) {
		// The older text's time is up, or the reference came round again before it was whole.
		q.closeGroup(g)
		g = nil
	}
	if g == nil {
		n := int(m.Part.Total)
		g = &group{key: k, parts: make([]*entry, n), sums: make([]uint64, n), missing: n,
			until: came + q.o.Reassemble.Milliseconds()}
		q.groups[k] = g
	}
	e.lane.putAside(e)
	e.group = g
	q.wakeAt(e, min(g.until, e.expires))
	if g.parts[i] != nil {
		g.repeated = append(g.repeated, e)
		return
	}
	g.parts[i], g.sums[i] = e, sum
	if g.missing--; g.missing == 0 && !g.tried() {
		q.closeGroup(g)
	}
}

// closeTaken sends on their way, once parts were taken up from the store, the texts that were tried before, with the parts
// that they had then, and those whose time is up.
func (q *Queue) closeTaken() {
	var ready []*group
	now := q.now()
	for _, g := range q.groups {
		if g.tried() || g.until <= now {
			ready = append(ready, g)
		}
	}
	slices.SortFunc(ready, func(a, b *group) int { return cmp.Compare(lowest(a.came()).id, lowest(b.came()).id) })
	for _, g := range ready {
		q.closeGroup(g)
	}
}

// closeGroup sends the text on its way with the parts that came. The part with the lowest ID stands for all in the line.
func (q *Queue) closeGroup(g *group) {
	delete(q.groups, g.key)
	came := g.came()
	all := append(came, g.repeated...)
	lead := lowest(all)
	lead.parts, lead.came, lead.incomplete, lead.pushKey = all, len(came), g.missing > 0, g.key.pushKey
	for _, e := range all {
		e.group = nil
		if e.due > lead.due {
			lead.due, lead.scheduled = e.due, e.scheduled
		}
		lead.expireWith(e)
		lead.attempts = max(lead.attempts, e.attempts)
		if e != lead {
			q.unwakeable(e)
			e.lane.aside.remove(e)
			e.status, e.lead = absorbed, lead
		}
	}
	now := q.now()
	switch {
	case g.tried():
		lead.lane.joinTried(lead)
	case lead.attempts > 0 || lead.due <= now:
		lead.lane.join(lead)
	}
	q.wakeAt(lead, lead.nextWake(now))
	q.wake()
}

// came are the parts that are there, in their order, each once.
func (g *group) came() (parts []*entry) {
	for _, e := range g.parts {
		if e != nil {
			parts = append(parts, e)
		}
	}
	return parts
}

// expireWith has e expire with a part that it stands for, if that is sooner.
func (e *entry) expireWith(part *entry) {
	if part.expires < e.expires {
		e.expires, e.period = part.expires, part.period
	}
}

func lowest(parts []*entry) *entry {
	return slices.MinFunc(parts, func(a, b *entry) int { return cmp.Compare(a.id, b.id) })
}

// leaveGroup takes one part out of its text, which then goes out incomplete unless the part came twice.
func (q *Queue) leaveGroup(e *entry) {
	switch {
	case e.group != nil:
		e.group.remove(e)
		if e.group.missing == len(e.group.parts) {
			delete(q.groups, e.group.key)
		}
		e.group = nil
	case e.lead != nil:
		e.lead.removePart(e)
		e.lead = nil
	case e.parts != nil:
		if e.pushKey == "" && (e.attempts > 0 || e.untold) && e.m != nil {
			e.pushKey = e.m.Key() // the text was tried under it
		}
		e.removePart(e)
		if len(e.parts) > 0 {
			q.promote(e)
		}
		e.parts = nil
	}
}

func (g *group) remove(e *entry) {
	i := slices.Index(g.parts, e)
	if i < 0 {
		g.repeated = slices.DeleteFunc(g.repeated, func(o *entry) bool { return o == e })
		return
	}
	if r := slices.IndexFunc(g.repeated, e.samePart); r >= 0 {
		g.parts[i] = g.repeated[r]
		g.repeated = slices.Delete(g.repeated, r, r+1)
		return
	}
	g.parts[i], g.sums[i] = nil, 0
	g.missing++
}

func (e *entry) samePart(o *entry) bool { return e.seq == o.seq }

func (e *entry) removePart(p *entry) {
	i := slices.Index(e.parts, p)
	if i < e.came {
		if r := slices.IndexFunc(e.parts[e.came:], p.samePart); r >= 0 {
			e.parts[i] = e.parts[e.came+r]
			i = e.came + r
		} else {
			e.came--
			e.incomplete = true
		}
	}
	e.parts = slices.Delete(e.parts, i, i+1)
}

// promote puts another part in the place of lead, which has left its text.
func (q *Queue) promote(lead *entry) {
	next := lowest(lead.parts)
	next.parts, next.came, next.incomplete, next.lead = lead.parts, lead.came, lead.incomplete, nil
	next.pushKey, next.untold = lead.pushKey, lead.untold
	next.due, next.scheduled, next.attempts, next.asked = lead.due, lead.scheduled, lead.attempts, lead.asked
	for _, o := range next.parts {
		next.expireWith(o)
		if o != next {
			o.lead = next
		}
	}
	if lead.status == aside {
		next.lane.putAside(next)
	} else {
		next.status = waiting
		next.lane.line.insertBefore(next, lead)
	}
	q.wakeAt(next, next.nextWake(q.now()))
}
