package simulation

import (
	"slices"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// The part of the model that is about several workers (I9). Its methods are called with world.mu held.

// owner is which epoch has what an epoch holds.
func (m *model) owner(e sms.Epoch) sms.Epoch {
	if heir, over := m.heirs[e]; over {
		return heir
	}
	return e
}

// wrote holds a transaction against who may write what: whoever has a message.
func (m *model) wrote(l *life, b *store.Batch) {
	if l.node == nil {
		return
	}
	if l.fenced {
		l.fail("epoch %d writes, and another worker has taken over from it", l.epoch)
	}
	mine := func(id sms.ID, what string) bool {
		o := m.all[id]
		if o == nil || o.state.Final() {
			return false
		}
		if at := m.owner(o.holder); at != l.epoch {
			l.fail("epoch %d writes %s of message %d, which epoch %d has", l.epoch, what, id, at)
		}
		return true
	}
	for _, v := range b.Tried {
		for _, id := range v.IDs {
			mine(id, "a try")
		}
	}
	for _, c := range b.Changed {
		mine(c.ID, "a change")
	}
	for _, v := range b.Ended {
		for _, id := range v.IDs {
			if mine(id, "the end") && m.all[id].adder != l {
				m.counts.Inherited++
			}
		}
	}
	for _, h := range b.HandedOn {
		for _, id := range h.IDs {
			if mine(id, "the handing on") {
				m.all[id].holder = h.To
				m.counts.HandedOn++
				l.say("on disk: %d is handed on from epoch %d to epoch %d", id, l.epoch, h.To)
			}
		}
	}
}

// leased holds a try against who may try what.
func (m *model) leased(d *deliverer, o *message, ms []*sms.Message) {
	if d.node == nil {
		return
	}
	if !d.node.holds() {
		d.fail("message %d is tried by epoch %d, whose lease is not held", o.m.ID, d.epoch)
	}
	if at := m.owner(o.holder); at != d.epoch {
		d.fail("message %d is tried by epoch %d, and epoch %d has it", o.m.ID, d.epoch, at)
	}
	if d.to != sms.Hermes {
		return
	}
	if o.took {
		m.counts.Again++
	}
	lowest := ms[0]
	for _, p := range ms {
		if p.ID < lowest.ID {
			lowest = p
		}
	}
	key := lowest.Key()
	if o.key != key && slices.Equal(o.with, ids(ms)) {
		d.fail("message %d is tried under the key %s, and was under %s", o.m.ID, key, o.key)
	}
	o.key, o.with = key, ids(ms)
}
