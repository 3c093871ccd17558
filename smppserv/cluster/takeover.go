package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/sms"
)

// errAlive means that a node that was to be taken over from has renewed its lease, or that another one has taken over from it.
var errAlive = errors.New("the node has renewed its lease, or is taken over from already")

const (
	// stillSilent are the nodes with this epoch and beat whose lease is over, as neighbour.silent has it.
	stillSilent = ` nodes WHERE epoch = $1 AND beat = $2
		AND (alive_until < clock_timestamp() OR alive_until > clock_timestamp() + (lease_ms + 1000) * interval '1 ms')`
	// endBackends ends the connections of an epoch: what was stopped inside a transaction would hold its locks.
	endBackends = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND usename = current_user AND application_name = $1 AND pid <> pg_backend_pid()`
)

// bury takes over from a dead node, in the transaction of its caller: heir owns what it left. Of several that do, one succeeds; the
// others' error is errAlive.
func bury(ctx context.Context, tx pgx.Tx, dead *neighbour, heir sms.Epoch) error {
	var silent bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM`+stillSilent+`)`, int64(dead.epoch), dead.beat).Scan(&silent); err != nil {
		return err
	}
	if !silent {
		return errAlive
	}
	if _, err := tx.Exec(ctx, endBackends, Application(dead.epoch)); err != nil {
		return fmt.Errorf("end the connections of %s: %w", dead.name, err)
	}
	gone, err := tx.Exec(ctx, `DELETE FROM`+stillSilent, int64(dead.epoch), dead.beat)
	switch {
	case err != nil:
		return err
	case gone.RowsAffected() == 0:
		return errAlive
	}
	return bequeath(ctx, tx, dead.epoch, dead.name, heir)
}

// bequeath gives away what an epoch has whose node, of that name, is deleted; heir 0 = to whoever looks first.
func bequeath(ctx context.Context, tx pgx.Tx, e sms.Epoch, name string, heir sms.Epoch) error {
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM fences WHERE epoch = $1`, int64(e)) // waits for what it still writes
	b.Queue(`INSERT INTO estates (epoch, owner, node) VALUES ($1, $2, $3)`, int64(e), int64(heir), name)
	b.Queue(`UPDATE estates SET owner = $2, settled = false WHERE owner = $1`, int64(e), int64(heir))
	b.Queue(`UPDATE slots SET epoch = 0, since = clock_timestamp(), at = pg_current_xact_id() WHERE epoch = $1`, int64(e))
	for _, table := range []string{"leader", "pending", "once"} {
		b.Queue(`DELETE FROM `+table+` WHERE epoch = $1`, int64(e))
	}
	b.Queue(`DELETE FROM asks WHERE from_epoch = $1`, int64(e)) // what others asked of it, they take away
	return tx.SendBatch(ctx, b).Close()
}

// takeOver takes over from the nodes that are silent.
func (n *Node) takeOver(ctx context.Context) (err error) {
	for _, o := range n.silentOnes() {
		if !n.Holds() || n.retiring.Load() {
			return nil
		}
		was := n.takeOverFrom(ctx, o)
		switch {
		case was == nil:
			n.o.Log.Warn().Str("node", o.name).Int64("epoch", int64(o.epoch)).Stringer("silent", (n.o.Clock.read().elapsed - o.from).Truncate(time.Millisecond)).
				Msg("another worker was silent for its lease: its messages are this one's now")
			n.mu.Lock()
			delete(n.neighbours, o.epoch)
			n.altered()
			n.mu.Unlock()
			n.tell.later("nodes", "")
			n.looks.kickAll()
		case errors.Is(was, errAlive):
		default:
			err = fmt.Errorf("take over from %s: %w", o.name, was)
		}
	}
	return err
}

func (n *Node) silentOnes() (all []*neighbour) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, o := range n.neighbours {
		if o.silent(n.o.Lease) {
			found := *o
			all = append(all, &found)
		}
	}
	return all
}

func (n *Node) takeOverFrom(ctx context.Context, o *neighbour) error {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	return pgx.BeginFunc(ctx, n.o.Pool, func(tx pgx.Tx) error {
		if err := n.limitLocks(ctx, tx); err != nil {
			return err
		}
		if err := n.present(ctx, tx); err != nil {
			return err
		}
		return bury(ctx, tx, o, n.epoch)
	})
}

// present proves in a transaction that this node was not taken over from, and lets nobody do that until its end.
func (n *Node) present(ctx context.Context, tx pgx.Tx) error {
	err := tx.QueryRow(ctx, `SELECT 1 FROM nodes WHERE epoch = $1 FOR KEY SHARE`, int64(n.epoch)).Scan(new(int))
	if errors.Is(err, pgx.ErrNoRows) {
		n.lose()
		return ErrLost
	}
	return err
}

// Leave gives everything away at once: rows, slots, name. All that is to be written is on disk before, and nothing is written
// afterwards; Run has returned. ctx bounds the wait for a database that is away; then others take over as from a dead node.
func (n *Node) Leave(ctx context.Context) error {
	n.renewing.stop()
	n.tell.link.close()
	n.term.Store(n.term.Load().over(n.o.Clock.read()))
	if n.isLost() {
		return ErrLost
	}
	for first := true; ; first = false {
		err := n.leave(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrLost) && !first: // what was in doubt is done
			return nil
		case errors.Is(err, ErrLost):
			n.lose()
			return err
		case !pause(ctx, n.o.Lease/4):
			return fmt.Errorf("leave the workers on the store: %w", undisclosed(err))
		}
	}
}

// leave goes past the pool, which the store has closed by then.
func (n *Node) leave(ctx context.Context) error {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	l := link{pool: n.o.Pool, epoch: n.epoch, limit: n.o.Lease / 2}
	defer l.close()
	return l.do(ctx, func(c *pgx.Conn) error {
		err := pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			gone, err := tx.Exec(ctx, `DELETE FROM nodes WHERE epoch = $1`, int64(n.epoch))
			switch {
			case err != nil:
				return err
			case gone.RowsAffected() == 0:
				return ErrLost
			}
			return bequeath(ctx, tx, n.epoch, n.o.Name, 0)
		})
		if err == nil && n.statement(ctx, c, `SELECT pg_notify($1, $2)`, channel, n.tell.payload("nodes", "")) != nil {
			n.o.Log.Debug().Msg("other workers hear of the stop at their next look")
		}
		return err
	})
}
