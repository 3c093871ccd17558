package cluster

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/sms"
)

// arrivalsPage bounds the messages that are taken up at a time.
const arrivalsPage = 5000

// arrived finds what was handed to holders since a transaction, and which one the next look begins with: the oldest that is under way.
// It is planned once, often while nothing is there yet: it leaves no index to choose but that of what arrived.
// In a database that was put back from a dump into another server, what waited has higher numbers than that server's transactions: it is
// found by each look, and was seen; what is handed on there is found by its own number.
const arrived = `
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, m.id, m.arrived::text
FROM (SELECT) one LEFT JOIN (
	SELECT came.id, came.arrived FROM unnest($1::bigint[]) h (epoch), LATERAL (
		SELECT id, arrived FROM messages WHERE holder = h.epoch AND arrived >= $2::text::xid8 AND final_at IS NULL ORDER BY arrived OFFSET 0) came
	WHERE came.id > $3 ORDER BY came.id LIMIT $4) m ON true
ORDER BY m.id`

// TakeIn takes up what others have handed to this node. It looks by a connection of its own: if that breaks, the database may have
// crashed, and then gives the same numbers to transactions again, so that the oldest one says nothing any more.
//
// It waits while the messages of an estate are taken up, at most until ctx ends, and asks nothing without the lease.
func (n *Node) TakeIn(ctx context.Context, d Duties) error {
	// What was handed to an estate comes behind what that had before.
	if err := n.looks.arriving.lock(ctx); err != nil {
		return err
	}
	defer n.looks.arriving.unlock()
	if !n.Holds() {
		return errNoLease
	}
	return n.takeIn(context.WithoutCancel(ctx), d) // it is bounded; cut short, the next one would begin anew
}

var errNoLease = errors.New("this worker does not have its lease now")

// lock is a mutex that is waited for until a context ends. It is made with newLock.
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

func (l lock) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l lock) unlock() { <-l }

// takeIn is TakeIn with looks.arriving held.
func (n *Node) takeIn(ctx context.Context, d Duties) (err error) {
	defer func() {
		if err != nil {
			n.looks.oldest = everSince
		}
	}()
	if n.looks.whole.Swap(false) {
		n.looks.oldest = everSince
	}
	holders := append(n.inheritedOnes(), n.epoch)
	var next string
	seen := map[sms.ID]string{}
	for after, more := int64(0), true; more; {
		oldest, page, err := n.arrivalsAfter(ctx, holders, after)
		if err != nil {
			return err
		}
		if next == "" {
			next = oldest
		}
		var ids []sms.ID
		for _, a := range page {
			if n.looks.seen[a.id] != a.by {
				ids = append(ids, a.id)
			}
			seen[a.id] = a.by
			after = int64(a.id)
		}
		if len(ids) > 0 {
			if err := d.Arrived(ctx, ids); err != nil {
				return err
			}
		}
		more = len(page) == arrivalsPage
	}
	n.looks.oldest, n.looks.seen = next, seen
	return nil
}

// arrival is a message that was handed to this node, and the transaction that did.
type arrival struct {
	id sms.ID
	by string
}

func (n *Node) arrivalsAfter(ctx context.Context, holders []sms.Epoch, after int64) (oldest string, page []arrival, err error) {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	err = n.looks.link.do(ctx, func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, arrived, epochs(holders), n.looks.oldest, after, arrivalsPage)
		if err != nil {
			return err
		}
		var id *int64
		var by *string
		_, err = pgx.ForEachRow(rows, []any{&oldest, &id, &by}, func() error {
			if id != nil {
				page = append(page, arrival{sms.ID(*id), *by})
			}
			return nil
		})
		return err
	})
	return oldest, page, err
}

// everSince is before every transaction.
const everSince = "0"

func epochs(es []sms.Epoch) []int64 {
	all := make([]int64, len(es))
	for i, e := range es {
		all[i] = int64(e)
	}
	return all
}
