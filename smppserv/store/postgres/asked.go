package postgres

import (
	"context"

	"hnetsmpp/smppserv/road"

	"github.com/jackc/pgx/v5"
)

const (
	isOpen = "asks.answered_at IS NULL AND asks.until > clock_timestamp()"
	// openAsks fails where one of so many asks was answered, has had its time, or was taken away by whoever waited for it. It locks none: who
	// takes one away is not to wait for what will fail then.
	openAsks = "SELECT sqrt(count(*) - $2) FROM asks WHERE id = any($1) AND " + isOpen
	// answerAsks answers them, or fails as openAsks does; who takes one away waits for the end of the transaction from here on, and then finds
	// the answer.
	answerAsks = "WITH a AS (UPDATE asks SET answer = v.answer, answered_at = clock_timestamp() FROM unnest($1::bigint[], $2::bytea[]) v (id, answer) " +
		"WHERE asks.id = v.id AND " + isOpen + " RETURNING 1) SELECT sqrt(count(*) - $3) FROM a"
	voidAsks = "SELECT v.id FROM unnest($1::bigint[]) v (id) WHERE NOT EXISTS (SELECT FROM asks WHERE asks.id = v.id AND " + isOpen + ")"
)

func idsOf(asked []road.Ask) []int64 {
	ids := make([]int64, len(asked))
	for i, a := range asked {
		ids[i] = a.ID
	}
	return ids
}

// checkAsks is before all that is written: nothing is done for an ask that is void already.
func checkAsks(q *pgx.Batch, asked []road.Ask) {
	if len(asked) > 0 {
		q.Queue(openAsks, idsOf(asked), int64(len(asked)))
	}
}

// answer is the last thing before COMMIT, so that the time of an ask is over by then or not.
func answer(q *pgx.Batch, asked []road.Ask) {
	if len(asked) == 0 {
		return
	}
	answers := make([][]byte, len(asked))
	for i, a := range asked {
		answers[i] = notNil(a.Answer)
	}
	q.Queue(answerAsks, idsOf(asked), answers, int64(len(asked)))
}

// voidAsks are those that made a transaction fail, as far as the database tells.
func (w *writer) voidAsks(ctx context.Context, asked []road.Ask) []int64 {
	if w.conn == nil {
		return nil
	}
	rows, err := w.conn.Query(ctx, voidAsks, idsOf(asked))
	if err == nil {
		var ids []int64
		if ids, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err == nil {
			return ids
		}
	}
	w.abort(ctx) // the next transaction meets the fault, too
	return nil
}
