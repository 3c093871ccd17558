package cluster

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// slot is a row of the table slots.
type slot struct {
	number              int16
	epoch               sms.Epoch
	session             int64
	receives, transmits bool
}

// place is what a session of this node has, or is about to have.
type place struct {
	client  string
	session uint64
}

// slots are the sessions of all clients over all nodes.
type slots struct {
	n     *Node
	freed kick

	mu      sync.Mutex
	client  map[string][]slot     // by slot number: as the table said last, with what this node did since
	changes uint64                // what this node did so far
	touched map[string]uint64     // clients that it did something with since the table was read whole
	places  map[place]*road.Place // of this node's sessions; nil = it is being taken
	free    map[place]bool        // to be deleted
	asked   map[string]bool       // clients to be looked at; "" = all
	looked  time.Time             // at all
	moved   map[string]bool       // clients with another receiver since the forwarder asked
	forward kick

	reshared bool // since Duties.Reshared was called
}

func (s *slots) init(n *Node) {
	s.n, s.freed, s.forward = n, make(kick, 1), make(kick, 1)
	s.client, s.touched, s.places, s.free = map[string][]slot{}, map[string]uint64{}, map[place]*road.Place{}, map[place]bool{}
	s.asked, s.moved = map[string]bool{}, map[string]bool{}
}

// look has a client be looked at, or "" all of them.
func (s *slots) look(client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[client] = true
}

// wanted are the clients to be looked at, nil = all; since is what this node has done before.
func (s *slots) wanted() (clients []string, since uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = map[string]bool{}
	if len(asked) > 0 && !asked[""] && time.Since(s.looked) < lookEvery {
		clients = slices.Collect(maps.Keys(asked))
	}
	return clients, s.changes
}

// lookAtSlots reads the slots of the clients that notices named, or, at least each second look, all.
func (n *Node) lookAtSlots(ctx context.Context, d Duties) error {
	s := &n.slots
	clients, since := s.wanted()
	began := time.Now()
	found, err := n.readSlots(ctx, clients)
	if err != nil {
		s.look("")
		return err
	}
	lost, reshared := s.takeUp(clients, found, since, began)
	if reshared {
		d.Reshared()
	}
	if len(lost) > 0 {
		n.takeAgain(ctx, lost, d)
	}
	return nil
}

// takeUp notes what the table says of some clients, nil = of all: asked for when this node had done since. lost are places of this node's
// that are not there; reshared tells that clients transmit at more nodes, or at fewer.
func (s *slots) takeUp(clients []string, found map[string][]slot, since uint64, began time.Time) (lost []road.Place, reshared bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { reshared, s.reshared = s.reshared, false }()
	if clients != nil {
		for _, client := range clients {
			s.seen(client, found[client], since)
		}
		return nil, false
	}
	s.looked = began
	for client := range s.client {
		if found[client] == nil {
			s.seen(client, nil, since)
		}
	}
	for client, rows := range found {
		s.seen(client, rows, since)
	}
	lost = s.reconcile(found, since)
	maps.DeleteFunc(s.touched, func(_ string, change uint64) bool { return change <= since })
	return lost, false
}

// readSlots reads the slots of some clients, nil = of all.
func (n *Node) readSlots(ctx context.Context, clients []string) (map[string][]slot, error) {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	rows, err := n.o.Pool.Query(ctx, `SELECT client, slot, epoch, session, receives, transmits FROM slots
		WHERE $1::text[] IS NULL OR client = ANY ($1) ORDER BY client, slot`, clients)
	if err != nil {
		return nil, err
	}
	found := map[string][]slot{}
	var client string
	var o slot
	_, err = pgx.ForEachRow(rows, append([]any{&client}, o.columns()...), func() error {
		found[client] = append(found[client], o)
		return nil
	})
	return found, err
}

func (o *slot) columns() []any {
	return []any{&o.number, (*int64)(&o.epoch), &o.session, &o.receives, &o.transmits}
}

// seen takes up what the table said of a client, unless this node did something since; s.mu is held.
func (s *slots) seen(client string, rows []slot, since uint64) {
	if s.touched[client] <= since {
		s.set(client, rows)
	}
}

// set notes the slots of a client; s.mu is held.
func (s *slots) set(client string, rows []slot) {
	before, after := s.receiver(s.client[client]), s.receiver(rows)
	s.reshared = s.reshared || transmitters(s.client[client]) != transmitters(rows)
	if len(rows) == 0 {
		delete(s.client, client)
	} else {
		s.client[client] = rows
	}
	if before != after {
		s.moved[client] = true
		s.forward.kick()
	}
}

// change makes what this node did with a client's slots known here: those go that without says, others come; s.mu is held.
func (s *slots) change(client string, without func(slot) bool, with ...slot) {
	s.changes++
	s.touched[client] = s.changes
	rows := append(slices.DeleteFunc(slices.Clone(s.client[client]), without), with...)
	slices.SortFunc(rows, func(a, b slot) int { return cmp.Compare(a.number, b.number) })
	s.set(client, rows)
}

// reconcile compares what the table says with this node's sessions: rows without a session are deleted, places without a row are lost;
// s.mu is held.
func (s *slots) reconcile(found map[string][]slot, since uint64) (lost []road.Place) {
	there := map[place]bool{}
	for client, rows := range found {
		for _, o := range rows {
			if o.epoch != s.n.epoch {
				continue
			}
			p := place{client, uint64(o.session)}
			there[p] = true
			if _, ok := s.places[p]; !ok && s.touched[client] <= since {
				s.free[p] = true
				s.freed.kick()
			}
		}
	}
	for p, have := range s.places {
		if have != nil && !there[p] && s.touched[p.client] <= since {
			lost = append(lost, *have)
		}
	}
	return lost
}

// receiver is the node that writes to a client with these slots, 0 = none.
func (s *slots) receiver(rows []slot) (e sms.Epoch) {
	for _, o := range rows {
		if o.receives && o.epoch == s.n.epoch {
			return o.epoch
		}
		if o.receives && e == 0 {
			e = o.epoch
		}
	}
	return e
}

// Receiver is the node that writes to a client: this one, if the client has a session here that receives.
func (n *Node) Receiver(client string) (sms.Epoch, bool) {
	n.slots.mu.Lock()
	defer n.slots.mu.Unlock()
	e := n.slots.receiver(n.slots.client[client])
	return e, e != 0
}

// Transmitters counts the nodes, this one included, on which a client has a session that transmits.
func (n *Node) Transmitters(client string) int {
	n.slots.mu.Lock()
	defer n.slots.mu.Unlock()
	return transmitters(n.slots.client[client])
}

func transmitters(rows []slot) (count int) {
	var last sms.Epoch
	for _, o := range rows {
		if o.transmits && o.epoch != last {
			last = o.epoch
			count++
		}
	}
	return count
}
