package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// Join takes an epoch and a lease, which is renewed from then on until Leave or Lost. Where the name has a node, it waits until that one
// has been silent for its lease, and takes over from it; if it was renewed meanwhile, the error is a *HeldError, and where a program has the
// database for itself another store.ErrHeld. Estates without an owner are
// taken, too: all that is this node's when Join returns is in the store's Waiting, and Duties.Inherit is not called for it. After any other
// error Join may be called again.
func Join(ctx context.Context, o Options) (*Node, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	n := &Node{o: o, lost: make(chan struct{}), neighbours: neighbours{}, changed: make(chan struct{}), inherited: map[sms.Epoch]bool{}}
	n.term.Store(&term{})
	n.looks.init()
	n.tell.init(n)
	n.asking.init()
	n.served.init(n)
	n.slots.init(n)
	n.renewing.now = make(chan struct{}, 1)
	if err := n.enter(ctx); err != nil {
		return nil, fmt.Errorf("join the workers on the store: %w", err)
	}
	n.renewing.link = link{pool: o.Pool, epoch: n.epoch, limit: o.Lease / 2}
	n.looks.link = link{pool: o.Pool, epoch: n.epoch, limit: o.Lease / 2}
	renew, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.renewals(renew)
	}()
	n.renewing.stop = func() {
		cancel()
		<-ended
	}
	return n, nil
}

// errTaken means that another one has the name: what was begun is undone.
var errTaken = errors.New("another one has the name")

// errGivenUp means that the name became free while it was asked who has it.
var errGivenUp = errors.New("the name is free")

// enter takes the name, when it is free.
func (n *Node) enter(ctx context.Context) error {
	var dead *neighbour // under the same name
	for {
		taken, err := n.tryEnter(ctx, dead)
		switch {
		case errors.Is(err, errGivenUp):
			dead = nil
			continue
		case err != nil:
			return err
		case taken == nil:
			return nil
		}
		n.o.Log.Info().Str("node", n.o.Name).Str("address", taken.address).Stringer("lease", max(taken.lease, n.o.Lease)).
			Msg("a worker of this name has not said that it stopped: its lease is waited for")
		if dead, err = n.watch(ctx, taken); err != nil {
			return err
		}
	}
}

// watch waits until the node of this name has been silent for its lease; nil = it has gone meanwhile.
func (n *Node) watch(ctx context.Context, r *row) (*neighbour, error) {
	now := n.o.Clock.read().elapsed
	o := &neighbour{row: *r, from: now, last: now}
	for !o.silent(n.o.Lease) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(n.o.Lease / 16):
		}
		sent := n.o.Clock.read().elapsed
		var seen *row
		err := n.within(ctx, func(ctx context.Context) (err error) {
			seen, err = named(ctx, n.o.Pool, n.o.Name)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil: // a database that is away says nothing of the node
			o.from = n.o.Clock.read().elapsed
		case seen == nil:
			return nil, nil
		case seen.epoch != o.epoch || seen.beat != o.beat:
			return nil, &HeldError{seen.name, seen.address, seen.since, n.o.Name}
		default:
			o.row, o.last = *seen, sent
		}
	}
	return o, nil
}

func (n *Node) within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	return f(ctx)
}

// named is the node of a name, nil = there is none. Names that differ by the case of ASCII letters alone are one, as names of Windows machines are.
func named(ctx context.Context, q querier, name string) (*row, error) {
	var r row
	var lease, left int64
	err := q.QueryRow(ctx, `SELECT name, epoch, beat, lease_ms, (extract(epoch FROM alive_until - clock_timestamp()) * 1000)::bigint, since, address
		FROM nodes WHERE lower(name) = lower($1 COLLATE "C") ORDER BY name = $1 DESC LIMIT 1`, name).Scan(&r.name, (*int64)(&r.epoch), &r.beat, &lease, &left, &r.since, &r.address)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	r.lease, r.left = time.Duration(lease)*time.Millisecond, time.Duration(left)*time.Millisecond
	return &r, err
}

// lockName keeps two that differ by case alone from joining at once.
const lockName = `SELECT pg_advisory_xact_lock(hashtextextended('hnetsmpp node ' || lower($1 COLLATE "C"), 0))`

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// tryEnter takes the name, and all of the dead node's that had it, if there was one. taken is who has it now.
func (n *Node) tryEnter(ctx context.Context, dead *neighbour) (taken *row, err error) {
	configuration, err := n.configuration()
	if err != nil {
		return nil, err
	}
	sent := n.o.Clock.read()
	ctx, cancel := n.bound(ctx)
	defer cancel()
	var epoch sms.Epoch
	var estates []sms.Epoch
	var oldest string // the transaction from which on rows that arrive are looked for
	err = pgx.BeginFunc(ctx, n.o.Pool, func(tx pgx.Tx) error {
		taken = nil
		if err := n.limitLocks(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT nextval('epochs'), pg_snapshot_xmin(pg_current_snapshot())::text`).Scan((*int64)(&epoch), &oldest); err != nil {
			return err
		}
		if dead != nil {
			if err := bury(ctx, tx, dead, epoch); err != nil && !errors.Is(err, errAlive) {
				return err
			}
		}
		if _, err := tx.Exec(ctx, lockName, n.o.Name); err != nil {
			return err
		}
		if taken, err = named(ctx, tx, n.o.Name); err != nil {
			return err
		}
		if taken != nil {
			return errTaken
		}
		added, err := tx.Exec(ctx, `INSERT INTO nodes (name, epoch, alive_until, beat, lease_ms, address, version, config_hash)
			VALUES ($1, $2, clock_timestamp() + $3 * interval '1 ms', 0, $3, $4, $5, $6::text::jsonb) ON CONFLICT (name) DO NOTHING`,
			n.o.Name, int64(epoch), n.o.Lease.Milliseconds(), n.o.Address, n.o.Version, configuration)
		if err != nil {
			return err
		}
		if added.RowsAffected() == 0 { // by a version before, which does not lock the name
			switch taken, err = named(ctx, tx, n.o.Name); {
			case err != nil:
				return err
			case taken == nil:
				return errGivenUp
			}
			return errTaken
		}
		if _, err := tx.Exec(ctx, `INSERT INTO fences (epoch, commits) VALUES ($1, 0)`, int64(epoch)); err != nil {
			return err
		}
		if err := n.takeLoners(ctx, tx, epoch); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE estates SET owner = $1, settled = false WHERE owner = 0`, int64(epoch)); err != nil {
			return err
		}
		estates, err = owned(ctx, tx, epoch)
		return err
	})
	switch {
	case errors.Is(err, errTaken):
		return taken, nil
	case err != nil:
		return nil, err
	}
	n.epoch, n.estates = epoch, estates
	for _, e := range estates {
		n.inherited[e] = true
	}
	n.looks.oldest = oldest
	n.term.Store(newTerm(sent, n.o.Lease))
	n.tell.later("nodes", "")
	return nil, nil
}

// errLoner means that a program has the database for itself, as one that copies a store does; see postgres.Open.
var errLoner = fmt.Errorf("%w: a program works on the database for itself, such as one that copies a store; wait for its end", store.ErrHeld)

// takeLoners takes over from those who had the database for themselves, and are dead; one that lives is errLoner.
func (n *Node) takeLoners(ctx context.Context, tx pgx.Tx, heir sms.Epoch) error {
	rows, err := tx.Query(ctx, `SELECT epoch, EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hnetsmpp ' || epoch)
		FROM fences WHERE NOT EXISTS (SELECT FROM nodes WHERE nodes.epoch = fences.epoch)`)
	if err != nil {
		return err
	}
	var dead []sms.Epoch
	var epoch int64
	var lives bool
	_, err = pgx.ForEachRow(rows, []any{&epoch, &lives}, func() error {
		if lives {
			return errLoner
		}
		dead = append(dead, sms.Epoch(epoch))
		return nil
	})
	for _, e := range dead {
		if err == nil {
			err = bequeath(ctx, tx, e, "", heir)
		}
	}
	return err
}

// owned are the estates of an epoch.
func owned(ctx context.Context, q rowsQuerier, e sms.Epoch) ([]sms.Epoch, error) {
	rows, err := q.Query(ctx, `SELECT epoch FROM estates WHERE owner = $1 ORDER BY epoch`, int64(e))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[sms.Epoch])
}

type rowsQuerier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// limitLocks has a transaction wait less than a lease for others.
const limitLocks = `SELECT set_config('lock_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true)`

func (n *Node) lockLimit() string { return fmt.Sprint(n.o.Lease.Milliseconds() / 2) }

func (n *Node) limitLocks(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, limitLocks, n.lockLimit())
	return err
}
