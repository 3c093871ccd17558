package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

const (
	// ProbeTime is how long a node has to probe a session that is in the way of a bind on another one, and to answer.
	ProbeTime = 6 * time.Second
	// AskProbe is what it is asked then, with a Probe as JSON; its Handler answers with a Probed.
	AskProbe = "probe"
	// writeSlotsEvery is how often it is tried again to bring to the database what has changed with places.
	writeSlotsEvery = time.Second
)

// Take takes a place for a session, over all nodes; release gives it back, and returns at once. A node whose session is in the way, this
// one included, is asked to probe it first, where that node is dead it is waited until it is taken over. The error is sms.ErrNoPlace, or
// sms.ErrUnavailable where it cannot be known now who has a place. It ends with ctx, and at the latest after ProbeTime and two leases.
func (n *Node) Take(ctx context.Context, p road.Place) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, ProbeTime+2*n.o.Lease)
	defer cancel()
	s, key := &n.slots, place{p.Client, p.Session}
	s.mu.Lock()
	s.places[key] = holding{Place: p}
	s.mu.Unlock()
	if err := n.take(ctx, p); err != nil {
		n.release(key) // what was in doubt may be there
		return nil, err
	}
	return func() { n.release(key) }, nil
}

func (n *Node) take(ctx context.Context, p road.Place) error {
	var gone []slot // sessions that were found to be gone
	for probed := false; ; probed = true {
		if !n.Holds() {
			return fmt.Errorf("%w: %w", sms.ErrUnavailable, errNoLease)
		}
		way, err := n.tryTake(ctx, p, gone, false)
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", sms.ErrUnavailable, undisclosed(err))
		case len(way) == 0:
			return nil
		case probed:
			return sms.ErrNoPlace
		}
		switch gone, err = n.probe(ctx, p.Client, way); {
		case len(gone) > 0:
		case err != nil: // nobody can tell now
			return fmt.Errorf("%w: %w", sms.ErrUnavailable, undisclosed(err))
		default:
			return sms.ErrNoPlace
		}
	}
}

// inTheWay are the slots because of which p gets none.
func inTheWay(p road.Place, rows []slot) (way []slot) {
	if p.Pair {
		if len(rows) < 2 {
			return nil
		}
		return rows
	}
	for _, o := range rows {
		if o.receives && p.Receives || o.transmits && p.Transmits {
			way = append(way, o)
		}
	}
	return way
}

// tryTake takes a place, if nobody is in the way but who is gone; again tells that the session has one, of which the database may know nothing.
func (n *Node) tryTake(ctx context.Context, p road.Place, gone []slot, again bool) (way []slot, err error) {
	c, err := n.o.Pool.Acquire(ctx) // when all clients bind at once, that may take longer than a statement
	if err != nil {
		return nil, err
	}
	defer c.Release()
	ctx, cancel := n.bound(ctx)
	defer cancel()
	var mine slot
	var taken []slot
	var freed []int16
	try := func(tx pgx.Tx) error {
		rows, err := n.lockSlots(ctx, tx, p.Client)
		if err != nil {
			return err
		}
		taken, freed = nil, nil
		mine = slot{epoch: n.epoch, session: int64(p.Session), receives: p.Receives, transmits: p.Transmits}
		for _, o := range rows {
			if o.epoch != 0 && !slices.ContainsFunc(gone, o.is) && !n.stale(p, o) {
				taken = append(taken, o)
			} else if o.epoch != 0 {
				freed = append(freed, o.number)
			}
		}
		if way = inTheWay(p, taken); len(way) > 0 {
			return nil
		}
		mine.number = 1
		if slices.ContainsFunc(taken, func(o slot) bool { return o.number == 1 }) {
			mine.number = 2
		}
		freed = slices.DeleteFunc(freed, func(number int16) bool { return number == mine.number })
		mine.at, err = n.writeSlot(ctx, tx, p, mine.number, freed)
		return err
	}
	for err = errPassed; errors.Is(err, errPassed); {
		err = pgx.BeginFunc(ctx, c, try)
	}
	if err != nil || len(way) > 0 {
		return way, err
	}
	s := &n.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	s.granted++
	key := place{p.Client, p.Session}
	if again && !s.has(key) { // it has ended meanwhile
		s.free[key] = true
		s.freed.kick()
		return nil, nil
	}
	s.places[key] = holding{p, s.granted, s.places[key].mute}
	for _, number := range freed {
		s.set(p.Client, slot{number: number, at: mine.at})
	}
	for _, o := range taken { // what others have, too, as the table says now
		s.set(p.Client, o)
	}
	s.set(p.Client, mine)
	n.tell.later("slots", "")
	return nil, nil
}

// lockSlots reads the slots of a client, which are judged by one node at a time.
func (n *Node) lockSlots(ctx context.Context, tx pgx.Tx, client string) (rows []slot, err error) {
	b := &pgx.Batch{}
	b.Queue(limitLocks, n.lockLimit())
	b.Queue(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, "hnetsmpp slots "+client)
	b.Queue(`SELECT slot, epoch, session, receives, transmits, `+slotMute+`, `+slotAt+` FROM slots s WHERE client = $1 ORDER BY slot`, client).Query(func(found pgx.Rows) (err error) {
		rows, err = pgx.CollectRows(found, func(r pgx.CollectableRow) (o slot, err error) {
			var at string
			if err = r.Scan(&o.number, (*int64)(&o.epoch), &o.session, &o.receives, &o.transmits, &o.mute, &at); err == nil {
				o.at, err = strconv.ParseUint(at, 10, 64)
			}
			return o, err
		})
		return err
	})
	return rows, tx.SendBatch(ctx, b).Close()
}

// errPassed means that the row of a slot was written by a later transaction than the one that was about to.
var errPassed = errors.New("the place was written meanwhile")

// takeSlot writes a row, of which rows are looked for, and told apart, by their transactions: one of an earlier transaction than the row had
// would not be seen. A row that is as it was when the statement began may be another server's.
const takeSlot = `WITH n AS (SELECT epoch FROM nodes WHERE epoch = $3 FOR KEY SHARE),
	s AS (INSERT INTO slots (client, slot, epoch, session, receives, transmits, remote, at) SELECT $1, $2, epoch, $4, $5, $6, $7, pg_current_xact_id() FROM n
		ON CONFLICT (client, slot) DO UPDATE SET epoch = excluded.epoch, session = excluded.session, receives = excluded.receives,
		transmits = excluded.transmits, remote = excluded.remote, since = excluded.since, at = excluded.at
		WHERE slots.at < excluded.at OR slots.at = (SELECT was.at FROM slots was WHERE was.client = $1 AND was.slot = $2)
		RETURNING at::text)
SELECT s.at FROM n LEFT JOIN s ON true`

// writeSlot gives p a slot, frees others, and returns the transaction that did. The error may be errPassed.
func (n *Node) writeSlot(ctx context.Context, tx pgx.Tx, p road.Place, number int16, freed []int16) (at uint64, err error) {
	var by *string
	b := &pgx.Batch{}
	b.Queue(takeSlot, p.Client, number, int64(n.epoch), int64(p.Session), p.Receives, p.Transmits, p.Remote).QueryRow(func(r pgx.Row) error { return r.Scan(&by) })
	if len(freed) > 0 {
		b.Queue(`UPDATE slots SET epoch = 0, since = clock_timestamp(), at = pg_current_xact_id() WHERE client = $1 AND slot = ANY ($2)`, p.Client, freed)
	}
	switch err = tx.SendBatch(ctx, b).Close(); {
	case errors.Is(err, pgx.ErrNoRows):
		n.lose()
		return 0, ErrLost
	case err != nil:
		return 0, err
	case by == nil:
		return 0, errPassed
	}
	return strconv.ParseUint(*by, 10, 64)
}

// stale tells that a row is a session of this node's that has ended, or that takes its place anew.
func (n *Node) stale(p road.Place, o slot) bool {
	if o.epoch != n.epoch {
		return false
	}
	n.slots.mu.Lock()
	defer n.slots.mu.Unlock()
	return uint64(o.session) == p.Session || !n.slots.has(place{p.Client, uint64(o.session)})
}

// release gives a place back.
func (n *Node) release(key place) {
	s := &n.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.places, key)
	s.free[key] = true
	s.freed.kick()
	if rows := s.client[key.client]; rows != nil {
		for _, o := range rows {
			if o.epoch == n.epoch && o.session == int64(key.session) {
				o.epoch = 0
				s.set(key.client, o)
			}
		}
	}
}

// writeSlots brings to the database what has changed with the places of this node's sessions.
func (n *Node) writeSlots(ctx context.Context) error {
	return errors.Join(n.releaseSlots(ctx), n.markSlots(ctx))
}

// releaseSlots frees the places that were given back.
func (n *Node) releaseSlots(ctx context.Context) error {
	s := &n.slots
	var clients []string
	var sessions []int64
	s.mu.Lock()
	for p := range s.free {
		clients, sessions = append(clients, p.client), append(sessions, int64(p.session))
	}
	s.mu.Unlock()
	if len(clients) == 0 {
		return nil
	}
	ctx, cancel := n.bound(ctx)
	defer cancel()
	_, err := n.o.Pool.Exec(ctx, `UPDATE slots SET epoch = 0, since = clock_timestamp(), at = pg_current_xact_id()
		FROM unnest($2::text[], $3::bigint[]) AS freed (client, session)
		WHERE slots.client = freed.client AND slots.session = freed.session AND slots.epoch = $1`, int64(n.epoch), clients, sessions)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, client := range clients {
		delete(s.free, place{client, uint64(sessions[i])})
	}
	n.tell.later("slots", "")
	return nil
}

// probe has the nodes of sessions that are in the way probe them, and returns those that are gone, and why others could not be asked.
func (n *Node) probe(ctx context.Context, client string, way []slot) (gone []slot, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, o := range way {
		all.Go(func() {
			is, failed := n.isGone(ctx, client, o)
			mu.Lock()
			defer mu.Unlock()
			if is {
				gone = append(gone, o)
			}
			err = errors.Join(err, failed)
		})
	}
	all.Wait()
	return gone, err
}

// isGone asks the node of a session whether that has gone; an error is the database's, or that this node is lost. A node that does not answer is asked again as long as it renews its lease,
// and else waited for until somebody has taken over from it.
func (n *Node) isGone(ctx context.Context, client string, o slot) (gone bool, err error) {
	for ctx.Err() == nil {
		if !n.Holds() { // nothing is heard of others then
			return false, errNoLease
		}
		ask, cancel := context.WithTimeout(ctx, ProbeTime)
		gone, err := n.askProbe(ask, o.epoch, Probe{client, uint64(o.session)})
		cancel()
		if err == nil {
			return gone, nil
		}
		if o.epoch == n.epoch { // it cannot probe its own
			return false, nil
		}
		_, refused := errors.AsType[*RefusedError](err)
		if !refused && !errors.Is(err, ErrNoAnswer) {
			return false, err
		}
		was, there, changed := n.other(o.epoch)
		known, err := n.isNode(ctx, o.epoch)
		switch {
		case ctx.Err() != nil:
			return false, nil
		case err != nil:
			return false, err
		case !known:
			return true, nil
		case refused:
			return false, nil
		case !there: // it is new here, which a bind can wait for
			pause(ctx, n.o.Lease/8)
			continue
		}
		for now := was; there && now.beat == was.beat; now, there, changed = n.other(o.epoch) {
			if !n.Holds() {
				return false, errNoLease
			}
			select {
			case <-ctx.Done():
				return false, nil
			case <-n.lost:
				return false, ErrLost
			case <-changed:
			case <-time.After(min(n.o.Lease/8, time.Second)):
			}
		}
	}
	return false, nil
}

// isNode asks the database whether there is a node of this epoch.
func (n *Node) isNode(ctx context.Context, e sms.Epoch) (there bool, err error) {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	err = n.o.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM nodes WHERE epoch = $1)`, int64(e)).Scan(&there)
	return there, err
}

// Probe names a session that is in the way of one at another node.
type Probe struct {
	Client  string // system_id
	Session uint64
}

// Probed tells whether it is gone: it has ended, or it is silent and was closed.
type Probed struct{ Gone bool }

// askProbe never asks an heir: its own session of that number is another one.
func (n *Node) askProbe(ctx context.Context, at sms.Epoch, p Probe) (gone bool, err error) {
	body, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	body, err = n.ask(ctx, at, AskProbe, body, false)
	if err != nil {
		return false, err
	}
	var answer Probed
	err = json.Unmarshal(body, &answer)
	return answer.Gone, err
}

// hasEnded tells that what is to be probed has no place here any more: that is on its way to the database.
func (n *Node) hasEnded(body []byte) bool {
	var p Probe
	if json.Unmarshal(body, &p) != nil {
		return false
	}
	n.slots.mu.Lock()
	defer n.slots.mu.Unlock()
	return !n.slots.has(place{p.Client, p.Session})
}

// takeAgain takes places again that the database has forgotten; the sessions end whose places others have.
func (n *Node) takeAgain(ctx context.Context, lost []road.Place, d Duties) {
	for _, p := range lost {
		way, err := n.tryTake(ctx, p, nil, true)
		switch {
		case err != nil: // the next look finds it again
			return
		case len(way) > 0:
			n.o.Log.Error().Str("system_id", p.Client).Uint64("session", p.Session).
				Msg("the database has forgotten a session's place, and another session has it: the session is unbound")
			d.Displaced(p.Client, p.Session)
		}
	}
}
