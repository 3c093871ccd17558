package queue

import (
	"strings"

	"hnetsmpp/smppserv/sms"
)

// centreName is who hands in receipts and alerts: the message centre itself. No system_id is like it.
const centreName = "\x00"

// party is one of those who hand messages in, or who are to get them. An entry knows it by its number;
// it is forgotten when nothing is left that does.
type party struct {
	name      string
	number    uint32
	entries   int // that it handed in
	pending   int // undelivered messages that it owns, those on their way to disk included
	recipient *recipientQueue
}

type parties struct {
	byName   map[string]*party
	byNumber []*party // the first one is nil
	free     []uint32
}

func newParties() parties { return parties{byName: map[string]*party{}, byNumber: []*party{nil}} }

// get is the party with this name. Who calls it counts something in, or calls forget.
func (p *parties) get(name string) *party {
	o := p.byName[name]
	if o != nil {
		return o
	}
	o = &party{name: strings.Clone(name)}
	if n := len(p.free); n > 0 {
		o.number = p.free[n-1]
		p.free = p.free[:n-1]
		p.byNumber[o.number] = o
	} else {
		o.number = uint32(len(p.byNumber))
		p.byNumber = append(p.byNumber, o)
	}
	p.byName[o.name] = o
	return o
}

// forget lets go of a party of which nothing is left.
func (p *parties) forget(o *party) {
	if o.entries > 0 || o.pending > 0 || o.recipient != nil {
		return
	}
	delete(p.byName, o.name)
	p.byNumber[o.number] = nil
	p.free = append(p.free, o.number)
}

// handedIn names who handed m in.
func handedIn(m *sms.Message) string {
	if m.Submitter == sms.Hermes && m.Kind != sms.KindText {
		return centreName
	}
	return m.Submitter
}

// owner is the client whose queue the entry counts in: sms.Message.Owner.
func (q *Queue) owner(e *entry) *party {
	if p := q.parties.byNumber[e.party]; p.name != sms.Hermes && p.name != centreName {
		return p
	}
	return q.parties.byNumber[q.lanes.at(e.lane).recipient]
}

func (q *Queue) uncount(owner *party) {
	owner.pending--
	q.parties.forget(owner)
}
