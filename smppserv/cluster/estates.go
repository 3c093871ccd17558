package cluster

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/sms"
)

// Estates are the epochs that are over and whose messages are this node's, in ascending order.
func (n *Node) Estates() []sms.Epoch {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.estates)
}

// inherit takes what has no owner, sees that there is a leader, and has the messages of estates taken up that are new.
func (n *Node) inherit(ctx context.Context, d Duties) error {
	if n.retiring.Load() {
		return nil
	}
	estates, err := n.claim(ctx)
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.estates = estates
	maps.DeleteFunc(n.inherited, func(e sms.Epoch, _ bool) bool { return !slices.Contains(estates, e) }) // what becomes an estate again is new
	var fresh []sms.Epoch
	for _, e := range estates {
		if !n.inherited[e] {
			fresh = append(fresh, e)
		}
	}
	n.mu.Unlock()
	if len(fresh) > 0 {
		if err := n.takeUp(ctx, d, fresh); err != nil {
			return err
		}
	}
	return n.settle(ctx, estates)
}

// Retire has it take over from nobody any more, and take up nothing that has no owner: a worker that stops tries none of it.
func (n *Node) Retire() { n.retiring.Store(true) }

// takeUp has the messages of estates taken up: behind what was handed to this node, since earlier messages of their conversations may be among
// that. What is handed to them meanwhile comes behind.
func (n *Node) takeUp(ctx context.Context, d Duties, fresh []sms.Epoch) error {
	if err := n.looks.arriving.lock(ctx); err != nil {
		return err
	}
	defer n.looks.arriving.unlock()
	if err := n.takeIn(ctx, d); err != nil {
		return err
	}
	if err := d.Inherit(ctx, fresh); err != nil {
		return err
	}
	n.mu.Lock()
	for _, e := range fresh {
		n.inherited[e] = true
	}
	n.mu.Unlock()
	n.looks.rows.kick()
	return nil
}

// settle says of estates that all of them is taken up: what others have of the same conversations may follow.
func (n *Node) settle(ctx context.Context, estates []sms.Epoch) error {
	if slices.Equal(estates, n.settled) {
		return nil
	}
	ctx, cancel := n.bound(ctx)
	defer cancel()
	if _, err := n.o.Pool.Exec(ctx, `UPDATE estates SET settled = true WHERE owner = $1 AND epoch = ANY ($2) AND NOT settled`, int64(n.epoch), epochs(estates)); err != nil {
		return err
	}
	n.settled = estates
	return nil
}

// inheritedOnes are the estates whose messages are taken up.
func (n *Node) inheritedOnes() (all []sms.Epoch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.estates {
		if n.inherited[e] {
			all = append(all, e)
		}
	}
	return all
}

// claim takes the estates, and the place of the leader, that nobody has.
func (n *Node) claim(ctx context.Context) (estates []sms.Epoch, err error) {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	var ownerless bool
	var leader int64 // 0 = nobody who is there
	err = n.o.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM estates WHERE owner = 0),
		coalesce((SELECT l.epoch FROM leader l JOIN nodes n ON n.epoch = l.epoch), 0)`).Scan(&ownerless, &leader)
	if err != nil {
		return nil, err
	}
	if ownerless || leader == 0 {
		err = pgx.BeginFunc(ctx, n.o.Pool, func(tx pgx.Tx) error {
			if err := n.present(ctx, tx); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE estates SET owner = $1, settled = false WHERE owner = 0`, int64(n.epoch)); err != nil {
				return err
			}
			err := tx.QueryRow(ctx, `INSERT INTO leader (epoch) VALUES ($1) ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch
				WHERE NOT EXISTS (SELECT FROM nodes WHERE nodes.epoch = leader.epoch) RETURNING epoch`, int64(n.epoch)).Scan(&leader)
			if errors.Is(err, pgx.ErrNoRows) { // another one was quicker, as the next look shows
				return nil
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if was := n.leader.Swap(leader); was != leader && leader == int64(n.epoch) {
		n.o.Log.Info().Msg("this worker does what is done once for all of them, such as the purge")
	}
	return owned(ctx, n.o.Pool, n.epoch)
}

// Leader tells whether this node does the jobs that are done once for all.
func (n *Node) Leader() bool { return n.leader.Load() == int64(n.epoch) && n.Holds() }

// Once tells whether this node does a job, such as calling a client: nobody else does for ttl, by the database's clock, or until this node
// is over. The node that has the job may ask again, and has it for ttl from then on.
func (n *Node) Once(ctx context.Context, job string, ttl time.Duration) bool {
	if !n.Holds() {
		return false
	}
	ctx, cancel := n.bound(ctx)
	defer cancel()
	done, err := n.o.Pool.Exec(ctx, `INSERT INTO once (job, epoch, until)
		SELECT $1, epoch, clock_timestamp() + $3 * interval '1 ms' FROM nodes WHERE epoch = $2 FOR KEY SHARE
		ON CONFLICT (job) DO UPDATE SET epoch = excluded.epoch, until = excluded.until
		WHERE once.epoch = excluded.epoch OR once.until < clock_timestamp()`, job, int64(n.epoch), ttl.Milliseconds())
	if err != nil {
		n.o.Log.Warn().Err(undisclosed(err)).Str("job", job).Msg("it is not known whether another worker does a job: it is not done now")
		return false
	}
	return done.RowsAffected() > 0 && n.Holds()
}

const (
	sweepEvery = 10 * time.Minute
	// sweepTime bounds a sweep: it reads the holders of all messages that wait.
	sweepTime = 2 * time.Minute
)

// sweep is the leader's: estates of which nothing waits any more go, but for those whose clock was set while what an earlier life of the same
// worker had accepted waited, and still does; and what waits of an epoch that nobody knows becomes one, as after a
// database was copied.
func (n *Node) sweep(ctx context.Context) error {
	if !n.Leader() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	l := link{pool: n.o.Pool, epoch: n.epoch, limit: sweepTime}
	defer l.close()
	return l.do(ctx, func(c *pgx.Conn) error {
		adopted, err := c.Exec(ctx, `
			WITH holders AS MATERIALIZED (SELECT DISTINCT holder FROM messages WHERE final_at IS NULL),
			emptied AS (DELETE FROM estates e WHERE since < clock_timestamp() - interval '1 hour' AND NOT EXISTS (SELECT FROM holders WHERE holder = e.epoch)
				AND NOT EXISTS (SELECT FROM groups g WHERE g.epoch = e.epoch AND g.until >= extract(epoch FROM clock_timestamp()) * 1000)
				AND NOT EXISTS (SELECT FROM messages m WHERE m.final_at IS NULL AND m.arrived IS NOT NULL AND m.handed_by = e.epoch)
				AND NOT EXISTS (SELECT FROM clock_steps c JOIN estates o ON lower(o.node) = lower(e.node) WHERE c.epoch = e.epoch AND e.node <> '' AND EXISTS (
					SELECT FROM messages m WHERE m.final_at IS NULL AND (m.holder = o.epoch OR m.handed_by = o.epoch) AND m.id <= greatest(c.message_id, c.on_their_way))))
			INSERT INTO estates (epoch, owner) SELECT holder, 0 FROM holders
			WHERE NOT EXISTS (SELECT FROM nodes WHERE nodes.epoch = holder) AND NOT EXISTS (SELECT FROM estates e WHERE e.epoch = holder)
			ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		if e := adopted.RowsAffected(); e > 0 {
			n.o.Log.Warn().Int64("epochs", e).Msg("messages wait that no worker has: they are taken up")
			n.looks.estates.kick()
		}
		_, err = c.Exec(ctx, `DELETE FROM clock_steps c WHERE NOT EXISTS (SELECT FROM fences WHERE fences.epoch = c.epoch)
			AND NOT EXISTS (SELECT FROM estates e WHERE e.epoch = c.epoch)`)
		if err != nil {
			return err
		}
		_, err = c.Exec(ctx, `DELETE FROM asks WHERE until < clock_timestamp() - interval '1 minute'`)
		if err != nil {
			return err
		}
		if _, err = c.Exec(ctx, `DELETE FROM slots WHERE epoch = 0 AND since < clock_timestamp() - interval '1 day'`); err != nil {
			return err
		}
		_, err = c.Exec(ctx, `DELETE FROM once WHERE until < clock_timestamp() - interval '1 day'`)
		return err
	})
}
