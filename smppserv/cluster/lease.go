package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// renewal renews the lease and reads what is known of everybody. facts is NULL where nothing new is to be said.
const renewal = `
WITH mine AS (
	UPDATE nodes SET beat = beat + 1, alive_until = clock_timestamp() + $2 * interval '1 ms', lease_ms = $2, facts = coalesce($3::text::jsonb, facts),
		config_hash = $4::text::jsonb
	WHERE epoch = $1 RETURNING 1)
SELECT (SELECT count(*) FROM mine), n.name, n.epoch, n.beat, n.lease_ms, (extract(epoch FROM n.alive_until - clock_timestamp()) * 1000)::bigint,
	n.since, n.address, n.version, n.config_hash::text, n.facts::text
FROM nodes n`

// reconnectTime is how many leases a renewal may take while the lease is not held.
const reconnectTime = 4

// maxRetry bounds the wait after a renewal that failed.
const maxRetry = time.Second

// renewals renews the lease until ctx ends or the node is lost.
func (n *Node) renewals(ctx context.Context) {
	defer n.renewing.close()
	for {
		err := n.renew(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrLost):
			n.lose()
			return
		}
		n.complain(err)
		retry := min(n.o.Lease/16, maxRetry)
		wait := retry
		if err == nil {
			wait = n.untilRenewal(retry)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-n.lost:
			timer.Stop()
			return
		case <-n.renewing.now:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// longestRenewal bounds the time between two renewals: what a node held that dies is tried within its lease and two seconds, and it may have
// renewed that just before it died, but just after others looked.
const longestRenewal = 1800 * time.Millisecond

// untilRenewal is the wait for the next renewal: earlier than usual when it can find that another node is silent.
func (n *Node) untilRenewal(retry time.Duration) time.Duration {
	now := n.o.Clock.read().elapsed
	wait := max(n.term.Load().sent.elapsed+min(n.o.Lease/4, longestRenewal)-now, retry)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, o := range n.neighbours {
		if left := o.due(n.o.Lease) - now; left > 0 {
			wait = min(wait, left)
		}
	}
	return wait
}

// complain says once for each kind of reason that the lease cannot be renewed, and once that it can again.
func (n *Node) complain(err error) {
	p := &n.published
	if err == nil {
		if p.failing.Swap(false) {
			p.refusals = nil
			n.o.Log.Info().Msg("the lease is renewed again")
		}
		return
	}
	code := refusal(err)
	if slices.Contains(p.refusals, code) {
		return
	}
	p.failing.Store(true)
	p.refusals = append(p.refusals, code)
	what := "the lease cannot be renewed: the database does not answer; unless it does soon, nothing is delivered until it does"
	if code != "" {
		what = "the lease cannot be renewed: the database refuses it; unless it takes it soon, nothing is delivered until it does"
	}
	n.o.Log.Error().Err(undisclosed(err)).Stringer("lease", n.o.Lease).Msg(what)
}

// refusal is the SQLSTATE with which the database refuses something, "" where it does not answer, or starts or ends.
func refusal(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && !strings.HasPrefix(e.Code, "57") {
		return e.Code
	}
	return ""
}

// undisclosed is an error without what pgx tells of the DSN when it cannot connect: user and database.
func undisclosed(err error) error {
	if c, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		if inner := errors.Unwrap(c); inner != nil {
			return &unreached{inner}
		}
	}
	return err
}

// unreached is why the database was not reached, each reason once.
type unreached struct{ err error }

func (e *unreached) Error() string { return store.CannotConnect(e.err.Error()) }

func (e *unreached) Unwrap() error { return e.err }

func (n *Node) renew(ctx context.Context) error {
	limit := n.o.Lease / 2
	held := n.Holds()
	before := n.term.Load()
	sent := n.o.Clock.read()
	if !held { // no lease is lost by waiting for a connection to a database that has much to do, or to the second of its hosts
		limit = reconnectTime * n.o.Lease
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	facts := n.news()
	mine, rows, err := n.sendRenewal(ctx, facts)
	var refused *pgconn.PgError
	if facts != nil && errors.As(err, &refused) && strings.HasPrefix(refused.Code, "22") {
		n.published.unfit = true
		n.o.Log.Error().Str("code", refused.Code).Msg("the database refuses what operators are to see of this node on others: it is not published")
		mine, rows, err = n.sendRenewal(ctx, nil)
	}
	if err != nil {
		return err
	}
	if !mine {
		return ErrLost
	}
	if facts != nil {
		n.published.last = facts
	}
	now := n.o.Clock.read()
	gap := !n.term.Load().holds(now)
	n.mu.Lock()
	n.observe(rows, sent, now, gap)
	n.mu.Unlock()
	for {
		if t := n.term.Load(); n.term.CompareAndSwap(t, t.renewed(before, sent, n.o.Lease)) {
			break
		}
	}
	n.looks.silent.kick()
	return nil
}

func (n *Node) sendRenewal(ctx context.Context, facts *[]byte) (mine bool, rows []row, err error) {
	var said *string
	if facts != nil {
		s := string(*facts)
		said = &s
	}
	configuration, err := n.configuration()
	if err != nil {
		return false, nil, err
	}
	err = n.renewing.do(ctx, func(c *pgx.Conn) error {
		found, err := c.Query(ctx, renewal, int64(n.epoch), n.o.Lease.Milliseconds(), said, configuration)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(found, func(r pgx.CollectableRow) (o row, err error) {
			var count, lease, left int64
			var configuration, facts string
			if err = r.Scan(&count, &o.name, (*int64)(&o.epoch), &o.beat, &lease, &left, &o.since, &o.address, &o.version, &configuration, &facts); err != nil {
				return o, err
			}
			mine = count > 0
			o.lease, o.left = time.Duration(lease)*time.Millisecond, time.Duration(left)*time.Millisecond
			o.facts = []byte(facts)
			return o, json.Unmarshal([]byte(configuration), &o.configuration)
		})
		return err
	})
	return mine, rows, err
}

// observe takes up what a renewal found; n.mu is held.
func (n *Node) observe(rows []row, sent, now reading, gap bool) {
	others := rows[:0]
	for _, r := range rows {
		if r.epoch == n.epoch {
			n.self = r
		} else {
			others = append(others, r)
		}
	}
	n.neighbours.observe(others, sent.elapsed, now.elapsed, gap)
	n.altered()
}

const (
	// awayAfter is how many leases without a renewal a node keeps its clients.
	awayAfter = 3
	// maxTick bounds how long it is not noticed that the wall clock has moved.
	maxTick = 100 * time.Millisecond
)

// sentinel tells the parts of the worker in time when the lease is not held any more.
func (n *Node) sentinel(ctx context.Context, d Duties) {
	held, away := true, false
	tick := min(n.o.Lease/32, maxTick)
	for {
		t, holds := n.term.Load(), n.Holds()
		now := n.o.Clock.read()
		switch {
		case held && !holds:
			n.o.Log.Warn().Msg("the lease is not held any more: nothing is delivered until it is renewed")
			d.Lapsed()
			n.renewNow()
		case !held && holds:
			n.o.Log.Info().Msg("the lease is held again")
			d.Regained()
			away = false
			n.looks.kickAll() // what was looked at meanwhile may not have been done
		}
		held = holds
		if !held && !away && now.elapsed-t.sent.elapsed > awayAfter*n.o.Lease {
			n.o.Log.Error().Msg("the lease was not renewed for three of its lengths: clients are unbound, so that they go elsewhere")
			d.Away()
			away = true
		}
		wait := tick
		if held {
			wait = max(min(tick, t.until-now.elapsed), time.Millisecond)
		}
		if !pause(ctx, wait) {
			if held && n.isLost() {
				d.Lapsed()
			}
			return
		}
	}
}

func (n *Node) renewNow() {
	select {
	case n.renewing.now <- struct{}{}:
	default:
	}
}

// other is what is known of another node, and ok = it is there; changed is closed when something of that is new.
func (n *Node) other(e sms.Epoch) (o neighbour, ok bool, changed <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p := n.neighbours[e]; p != nil {
		return *p, true, n.changed
	}
	return neighbour{}, false, n.changed
}

// others are the epochs of all other nodes.
func (n *Node) others() (all []sms.Epoch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for e := range n.neighbours {
		all = append(all, e)
	}
	return all
}
