package cluster

import (
	"context"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/sms"
)

// arrivalsPage bounds the messages that are taken up at a time.
const arrivalsPage = 5000

// arrived finds what was handed to holders since a transaction, and which one the next look begins with: the oldest that is under way.
const arrived = `
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, m.id, m.arrived::text
FROM (SELECT) one LEFT JOIN (
	SELECT id, arrived FROM messages
	WHERE holder = ANY ($1) AND arrived >= $2::text::xid8 AND final_at IS NULL AND id > $3
	ORDER BY id LIMIT $4) m ON true
ORDER BY m.id`

// arrivals takes up what others have handed to this node.
func (n *Node) arrivals(ctx context.Context, d Duties) (err error) {
	holders := append(n.Estates(), n.epoch)
	var next string
	from := n.looks.oldest
	whole := n.looks.whole.Swap(false)
	if whole {
		from = "0"
	}
	defer func() {
		if err != nil && whole {
			n.looks.whole.Store(true)
		}
	}()
	seen := map[sms.ID]string{}
	for after, more := int64(0), true; more; {
		oldest, page, err := n.arrivalsAfter(ctx, holders, from, after)
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

func (n *Node) arrivalsAfter(ctx context.Context, holders []sms.Epoch, from string, after int64) (oldest string, page []arrival, err error) {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	rows, err := n.o.Pool.Query(ctx, arrived, epochs(holders), from, after, arrivalsPage)
	if err != nil {
		return "", nil, err
	}
	var id *int64
	var by *string
	_, err = pgx.ForEachRow(rows, []any{&oldest, &id, &by}, func() error {
		if id != nil {
			page = append(page, arrival{sms.ID(*id), *by})
		}
		return nil
	})
	return oldest, page, err
}

func epochs(es []sms.Epoch) []int64 {
	all := make([]int64, len(es))
	for i, e := range es {
		all[i] = int64(e)
	}
	return all
}
