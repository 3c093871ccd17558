package queue

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"

	"hnetsmpp/smppserv/sms"
)

// defaultMaxGroups bounds the long texts that wait for parts. With one more the oldest goes on incomplete.
const defaultMaxGroups = 50_000

// groupsSaid is how often that is said, in milliseconds.
const groupsSaid = 60_000

// groupKey tells the long text that a part belongs to.
type groupKey struct {
	lane    ref
	party   uint32
	ref     uint16
	form    sms.PartForm
	total   byte
	pushKey string // of a text that was tried before a restart: nothing joins it any more
}

// group gathers the parts of a long text for Hermès. The parts stay aside until all are there or the time is up.
type group struct {
	key    groupKey
	parts  []part // by sequence number; of one that was handed in again each time, the first one first
	came   int    // different ones
	until  int64
	before *group // among those that were not tried, oldest first
	after  *group
}

type part struct {
	sum uint64 // of its text, 0 = not known
	r   ref
	seq byte
}

// groups are the long texts that wait for parts.
type groups struct {
	byKey  map[groupKey]*group
	first  *group
	last   *group
	fresh  int // those in the list
	max    int
	saidAt int64
}

// text is a long text in its line. The part with the lowest ID stands for all.
type text struct {
	parts      []ref // first the came that make the text, in their order, then repeated ones
	came       int
	incomplete bool
	pushKey    string // sms.Message.PushKey of all the parts, once the text was tried
}

// tried tells whether the text was tried before a restart. It is closed when all its parts are taken up.
func (g *group) tried() bool { return g.key.pushKey != "" }

// single tells whether the first part has just come.
func (g *group) single() bool { return len(g.parts) == 1 }

func (q *Queue) isOpen(g *group) bool { return q.groups.byKey[g.key] == g }

func (gs *groups) add(g *group) {
	gs.byKey[g.key] = g
	if g.tried() {
		return
	}
	gs.fresh++
	if g.before = gs.last; gs.last == nil {
		gs.first = g
	} else {
		gs.last.after = g
	}
	gs.last = g
}

func (gs *groups) remove(g *group) {
	delete(gs.byKey, g.key)
	if g.tried() {
		return
	}
	gs.fresh--
	if g.before == nil {
		gs.first = g.after
	} else {
		g.before.after = g.after
	}
	if g.after == nil {
		gs.last = g.before
	} else {
		g.after.before = g.before
	}
}

func (q *Queue) isPart(m *sms.Message) bool {
	if !m.Gathers() {
		return false
	}
	if m.Attempts > 0 && !m.StoredAt.IsZero() { // it goes on as it was tried, whatever the configuration says now
		return m.PushKey != ""
	}
	return m.PushKey != "" || q.o.Reassemble > 0
}

// find is where the first part with this sequence number stands, or would.
func (g *group) find(seq byte) (int, bool) {
	return slices.BinarySearchFunc(g.parts, seq, func(p part, seq byte) int { return cmp.Compare(p.seq, seq) })
}

// park puts a part, which came then, aside with the others of its text, and lets the text go when it was the last.
func (q *Queue) park(r ref, e *entry, m *sms.Message, came, now int64) {
	k := groupKey{e.lane, e.party, m.Part.Ref, m.PartForm, m.Part.Total, m.PushKey}
	p := part{r: r, seq: e.seq}
	if len(m.Content) > 0 {
		p.sum = maphash.Bytes(seed, m.Content)
	}
	g := q.groups.byKey[k]
	if g == nil { // an earlier version may have stored the parts before this one
		earlier := k
		earlier.form = sms.FormUnknown
		if g = q.groups.byKey[earlier]; g != nil {
			k = earlier
		}
	}
	if g != nil && !g.tried() {
		i, there := g.find(p.seq)
		if g.until <= came || there && g.parts[i].sum != p.sum {
			// The older text's time is up, or the reference came round again before it was whole.
			q.closeGroup(g, now)
			g = nil
		}
	}
	if g == nil {
		k.pushKey = strings.Clone(k.pushKey)
		g = &group{key: k, until: came + q.o.Reassemble.Milliseconds()}
		q.groups.add(g)
	}
	q.putAside(r, e)
	e.flags |= grouped
	q.partOf[r] = g
	q.arm(r, now)
	i, there := g.find(p.seq)
	if there {
		for i < len(g.parts) && g.parts[i].seq == p.seq {
			i++
		}
	} else {
		g.came++
	}
	g.parts = slices.Insert(g.parts, i, p)
	if g.came == int(k.total) && !g.tried() {
		q.closeGroup(g, now)
	}
	q.boundGroups(now)
}

// boundGroups sends the oldest texts on their way when too many wait.
func (q *Queue) boundGroups(now int64) {
	for q.groups.fresh > q.groups.max {
		if now-q.groups.saidAt >= groupsSaid {
			q.groups.saidAt = now
			q.log.Warn().Int("most", q.groups.max).
				Msg("too many long texts wait for parts that do not come: the oldest go on incomplete, before hermes.reassemble_timeout")
		}
		q.closeGroup(q.groups.first, now)
	}
}

// closeTaken sends on their way, once parts were taken up from the store, the texts that were tried before, with the parts
// that they had then, and those whose time is up.
func (q *Queue) closeTaken(now int64) {
	type closing struct {
		g      *group
		lowest sms.ID
	}
	var ready []closing
	for _, g := range q.groups.byKey {
		if g.tried() || g.until <= now {
			came, _ := g.all()
			ready = append(ready, closing{g, q.entries.at(q.lowest(came)).id})
		}
	}
	slices.SortFunc(ready, func(a, b closing) int { return cmp.Compare(a.lowest, b.lowest) })
	for _, c := range ready {
		q.closeGroup(c.g, now)
	}
}

// all are the parts in their order, each once, and those that came again.
func (g *group) all() (came, again []ref) {
	came = make([]ref, 0, len(g.parts))
	for i, p := range g.parts {
		if i > 0 && g.parts[i-1].seq == p.seq {
			again = append(again, p.r)
		} else {
			came = append(came, p.r)
		}
	}
	return came, again
}

// closeGroup sends the text on its way with the parts that came. The part with the lowest ID stands for all in the line.
func (q *Queue) closeGroup(g *group, now int64) {
	q.groups.remove(g)
	if g.came == int(g.key.total) {
		q.remember(g, now)
	}
	came, again := g.all()
	all := append(came, again...)
	leadRef := q.lowest(all)
	lead := q.entries.at(leadRef)
	lead.flags |= leading
	q.leads[leadRef] = &text{parts: all, came: len(came), incomplete: len(came) < int(g.key.total), pushKey: g.key.pushKey}
	for _, r := range all {
		q.follow(r)
		e := q.entries.at(r)
		e.flags &^= grouped
		delete(q.partOf, r)
		if e.due > lead.due {
			lead.due = e.due
			lead.set(scheduled, e.flags&scheduled != 0)
		}
		lead.expireWith(e)
		lead.attempts = max(lead.attempts, e.attempts)
		if r != leadRef {
			q.disarm(r)
			q.takeFromAside(r, e)
			e.status, e.prev = absorbed, leadRef
		}
	}
	switch {
	case g.tried():
		q.joinTried(leadRef)
	case lead.attempts > 0 || lead.due <= now:
		q.join(leadRef)
	}
	if lead.attempts > 0 && lead.status == waiting {
		q.recipientOf(q.lanes.at(lead.lane)).failed[lead.lane] = struct{}{}
	}
	q.arm(leadRef, now)
	q.wake()
}

// expireWith has e expire with a part that it stands for, if that is sooner.
func (e *entry) expireWith(part *entry) {
	if part.expires < e.expires {
		e.expires = part.expires
		e.set(period, part.flags&period != 0)
	}
}

func (q *Queue) lowest(parts []ref) ref {
	return slices.MinFunc(parts, func(a, b ref) int { return cmp.Compare(q.entries.at(a).id, q.entries.at(b).id) })
}

// leaveGroup takes one part out of its text, which then goes out incomplete unless the part came twice.
func (q *Queue) leaveGroup(r ref, now int64) {
	e := q.entries.at(r)
	switch {
	case e.flags&grouped != 0:
		g := q.partOf[r]
		i := slices.IndexFunc(g.parts, func(p part) bool { return p.r == r })
		g.parts = slices.Delete(g.parts, i, i+1)
		if _, again := g.find(e.seq); !again {
			g.came--
		}
		if len(g.parts) == 0 {
			q.groups.remove(g)
		}
		e.flags &^= grouped
		delete(q.partOf, r)
	case e.status == absorbed:
		q.removePart(q.leads[e.prev], r, e.seq)
		e.prev = 0
	case e.flags&leading != 0:
		t := q.leads[r]
		if m := q.message(r); t.pushKey == "" && (e.attempts > 0 || e.flags&untold != 0) && m != nil {
			t.pushKey = m.Key() // the text was tried under it
		}
		q.removePart(t, r, e.seq)
		delete(q.leads, r)
		e.flags &^= leading
		if len(t.parts) > 0 {
			q.promote(t, r, e, now)
		}
	}
}

func (q *Queue) removePart(t *text, r ref, seq byte) {
	i := slices.Index(t.parts, r)
	if i < t.came {
		again := slices.IndexFunc(t.parts[t.came:], func(o ref) bool { return q.entries.at(o).seq == seq })
		if again >= 0 {
			t.parts[i] = t.parts[t.came+again]
			i = t.came + again
		} else {
			t.came--
			t.incomplete = true
		}
	}
	t.parts = slices.Delete(t.parts, i, i+1)
}

// promote puts another part in the place of lead, which has left its text.
func (q *Queue) promote(t *text, leadRef ref, lead *entry, now int64) {
	nextRef := q.lowest(t.parts)
	next := q.entries.at(nextRef)
	next.prev = 0
	next.flags |= leading
	q.leads[nextRef] = t
	const shared = untold | scheduled | asked
	next.flags = next.flags&^shared | lead.flags&shared
	next.due, next.attempts = lead.due, lead.attempts
	for _, r := range t.parts {
		q.follow(r)
		o := q.entries.at(r)
		next.expireWith(o)
		if r != nextRef {
			o.prev = nextRef
		}
	}
	if lead.status == aside {
		q.putAside(nextRef, next)
	} else {
		q.putInLine(nextRef, next, leadRef)
	}
	q.arm(nextRef, now)
}
