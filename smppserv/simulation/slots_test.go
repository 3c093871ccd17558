package simulation

import (
	"context"
	"maps"
	"slices"

	"hnetsmpp/smppserv/sms"
)

// What stands in for the table slots: which worker has which sessions of a client, of which there are two in all.

// slot is a session of a client; epoch 0 = nobody has it.
type slot struct {
	epoch   sms.Epoch
	session uint64
}

// Receiver implements cluster.Surroundings.
func (n *node) Receiver(client string) (sms.Epoch, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.receiver(n.view[client])
	return e, e != 0
}

func (n *node) receiver(of [2]slot) (e sms.Epoch) {
	for _, s := range of {
		if s.epoch == n.epoch {
			return s.epoch
		}
		if e == 0 {
			e = s.epoch
		}
	}
	return e
}

// MovedAll implements cluster.Surroundings.
func (n *node) MovedAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range clients {
		n.moved[c] = true
	}
}

// Moved implements cluster.Surroundings.
func (n *node) Moved() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer clear(n.moved)
	return slices.Sorted(maps.Keys(n.moved))
}

// Moves implements cluster.Surroundings.
func (n *node) Moves() <-chan struct{} { return n.moves }

// take takes a slot for a session, if the client has one left and the database can be asked.
func (n *node) take(client string, session uint64) bool {
	n.mu.Lock()
	slots := n.several.slots[client]
	at := slices.IndexFunc(slots[:], func(s slot) bool { return s.epoch == 0 })
	if at < 0 || !n.holds() || n.now() < n.cut {
		n.mu.Unlock()
		return false
	}
	slots[at] = slot{n.epoch, session}
	n.several.slots[client] = slots
	n.look(client, slots)
	n.mu.Unlock()
	n.tell(0, func(o *node) kick { return o.sessions })
	return true
}

// look notes what slots a client has; world.mu is held.
func (n *node) look(client string, slots [2]slot) {
	for i, s := range slots {
		if _, ended := n.free[s.session]; ended && s.epoch == n.epoch {
			slots[i].epoch = 0
		}
	}
	if n.receiver(slots) != n.receiver(n.view[client]) {
		n.moved[client] = true
		n.moves.kick()
	}
	n.view[client] = slots
}

// giveBack gives back the slot of a session that has ended.
func (n *node) giveBack(client string, session uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.free[session] = client
	n.look(client, n.view[client])
	n.sessions.kick()
}

// lookAtSessions gives slots back, and sees which others there are.
func (n *node) lookAtSessions(context.Context) error {
	n.mu.Lock()
	freed := len(n.free) > 0
	for session, client := range n.free {
		slots := n.several.slots[client]
		for i, s := range slots {
			if s == (slot{n.epoch, session}) {
				slots[i] = slot{}
			}
		}
		n.several.slots[client] = slots
	}
	clear(n.free)
	for _, c := range clients {
		n.look(c, n.several.slots[c])
	}
	n.mu.Unlock()
	if freed {
		n.tell(0, func(o *node) kick { return o.sessions })
	}
	return nil
}
