package cluster

import (
	"context"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// slot is a row of the table slots. A place that was given back stays as a row without an epoch, so that others find what changed.
type slot struct {
	number              int16 // 1 or 2
	epoch               sms.Epoch
	session             int64
	receives, transmits bool
	mute                bool   // it leaves unanswered what it is sent
	at                  uint64 // the transaction that wrote it
}

// is tells that both are the same session in the same place.
func (o slot) is(other slot) bool {
	return o.number == other.number && o.epoch == other.epoch && o.session == other.session
}

// place is what a session of this node has, or is about to have.
type place struct {
	client  string
	session uint64
}

// holding is a place that a session of this node has.
type holding struct {
	road.Place
	granted uint64 // the how manieth; 0 = it is being taken
	mute    bool   // see Node.Mute
}

// slots are the sessions of all clients over all nodes.
type slots struct {
	n       *Node
	freed   kick
	forward kick

	oldest string // transaction from which on the next look reads, "" = all; the goroutine's

	mu      sync.Mutex
	whole   bool // the next look reads all
	client  map[string]*[2]slot
	granted uint64
	places  map[place]holding // of this node's sessions
	free    map[place]bool    // to be given back
	marks   map[place]bool    // whose sessions are mute, or not any more, and the database does not know yet
	moved   map[string]bool   // clients with another receiver since the forwarder asked

	reshared bool // since Duties.Reshared was called
}

func (s *slots) init(n *Node) {
	s.n, s.freed, s.forward = n, make(kick, 1), make(kick, 1)
	s.client, s.places, s.free, s.marks, s.moved = map[string]*[2]slot{}, map[place]holding{}, map[place]bool{}, map[place]bool{}, map[string]bool{}
}

// slotAt is the transaction that wrote a row. One that this server has not begun yet is of another server, from which the database was
// dumped: what is written here has lower numbers for a while, and is later all the same.
const slotAt = `(CASE WHEN s.at < pg_snapshot_xmax(pg_current_snapshot()) THEN s.at::text ELSE '0' END)`

// slotMute tells whether the session is mute.
const slotMute = `coalesce(s.mute = s.at, false)`

// changedSlots are the rows that were written since a transaction, and which one the next look begins with.
const changedSlots = `
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, s.client, s.slot, s.epoch, s.session, s.receives, s.transmits, ` + slotMute + `, ` + slotAt + `
FROM (SELECT) one LEFT JOIN slots s ON s.at >= $1::text::xid8`

// change is a row as it is now.
type change struct {
	client string
	slot
}

// lookAtSlots reads what has changed since the last look, or, when notices may have been lost with the database, all.
func (n *Node) lookAtSlots(ctx context.Context, d Duties) error {
	s := &n.slots
	s.mu.Lock()
	whole, granted := s.whole || s.oldest == "", s.granted
	s.whole = false
	s.mu.Unlock()
	from := s.oldest
	if whole {
		from = "0"
	}
	next, changes, err := n.readSlots(ctx, from)
	if err != nil {
		if whole {
			s.readAll()
		}
		return err
	}
	s.oldest = next
	lost, reshared := s.takeUp(changes, whole, granted)
	if reshared {
		d.Reshared()
	}
	if len(lost) > 0 {
		n.takeAgain(ctx, lost, d)
	}
	return nil
}

// readAll has the next look read all.
func (s *slots) readAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = true
}

func (n *Node) readSlots(ctx context.Context, from string) (next string, changes []change, err error) {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	rows, err := n.o.Pool.Query(ctx, changedSlots, from)
	if err != nil {
		return "", nil, err
	}
	var client, at *string
	var number *int16
	var epoch, session *int64
	var receives, transmits *bool
	var mute bool
	_, err = pgx.ForEachRow(rows, []any{&next, &client, &number, &epoch, &session, &receives, &transmits, &mute, &at}, func() error {
		if client == nil { // nothing has changed
			return nil
		}
		by, err := strconv.ParseUint(*at, 10, 64)
		changes = append(changes, change{*client, slot{*number, sms.Epoch(*epoch), *session, *receives, *transmits, mute, by}})
		return err
	})
	return next, changes, err
}

// takeUp notes what a look found, which began when so many places had been granted. lost are places that the database does not know;
// reshared tells that clients transmit at more nodes, or at fewer.
func (s *slots) takeUp(changes []change, whole bool, granted uint64) (lost []road.Place, reshared bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if whole {
		lost = s.replace(changes, granted)
	} else {
		for _, c := range changes {
			s.set(c.client, c.slot)
		}
	}
	reshared, s.reshared = s.reshared, false
	return lost, reshared
}

// replace forgets what is known for what the database says, but for places that were granted later; s.mu is held.
func (s *slots) replace(changes []change, granted uint64) (lost []road.Place) {
	there := map[place]bool{}
	rows := map[string]*[2]slot{}
	for _, c := range changes {
		if rows[c.client] == nil {
			rows[c.client] = &[2]slot{}
		}
		rows[c.client][c.number-1] = c.slot
		if c.epoch == s.n.epoch {
			there[place{c.client, uint64(c.session)}] = true
		}
	}
	for client, was := range s.client {
		is := rows[client]
		if is == nil {
			is = &[2]slot{}
		}
		for i, o := range was {
			if h, ok := s.places[place{client, uint64(o.session)}]; ok && o.epoch == s.n.epoch && h.granted > granted {
				continue
			}
			is[i].number = int16(i + 1)
			was[i].at = 0
			s.set(client, is[i])
		}
		delete(rows, client)
	}
	for client, is := range rows {
		for _, o := range is {
			s.set(client, o)
		}
	}
	for p, h := range s.places {
		if h.granted > 0 && h.granted <= granted && !there[p] {
			lost = append(lost, h.Place)
		}
	}
	return lost
}

// set notes a row, unless a later one is known; s.mu is held.
func (s *slots) set(client string, o slot) {
	rows := s.client[client]
	if rows == nil {
		rows = &[2]slot{}
		s.client[client] = rows
	}
	if o.number < 1 || o.number > 2 || o.at < rows[o.number-1].at {
		return
	}
	if o.epoch == s.n.epoch {
		p := place{client, uint64(o.session)}
		if h, ok := s.places[p]; !ok { // it was given back, or is of a bind that failed
			s.free[p] = true
			s.freed.kick()
			o.epoch = 0
		} else if h.mute != o.mute { // as where the place was taken again
			s.marks[p] = true
			s.freed.kick()
		}
	}
	before, writers := s.receiver(rows), transmitters(rows)
	rows[o.number-1] = o
	if s.receiver(rows) != before {
		s.moved[client] = true
		s.forward.kick()
	}
	s.reshared = s.reshared || transmitters(rows) != writers
}

func (s *slots) has(p place) bool {
	_, ok := s.places[p]
	return ok
}

// receiver is the node that writes to a client with these slots, 0 = none.
func (s *slots) receiver(rows *[2]slot) sms.Epoch {
	if rows == nil {
		return 0
	}
	if e := s.receiverAmong(rows, false); e != 0 {
		return e
	}
	return s.receiverAmong(rows, true) // where nobody answers, nothing goes to and fro
}

// receiverAmong is that of the sessions that are mute, or of those that are not.
func (s *slots) receiverAmong(rows *[2]slot, mute bool) (e sms.Epoch) {
	for _, o := range rows {
		if o.epoch == 0 || !o.receives || o.mute != mute {
			continue
		}
		if o.epoch == s.n.epoch {
			return o.epoch
		}
		if e == 0 {
			e = o.epoch
		}
	}
	return e
}

// Receiver is the node that writes to a client: this one, if the client has a session here that receives, unless that is mute and one at
// another node is not.
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

func transmitters(rows *[2]slot) (count int) {
	var last sms.Epoch
	if rows == nil {
		return 0
	}
	for _, o := range rows {
		if o.epoch != 0 && o.transmits && o.epoch != last {
			last = o.epoch
			count++
		}
	}
	return count
}
