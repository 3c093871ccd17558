package postgres

import (
	"hnetsmpp/smppserv/road"

	"github.com/jackc/pgx/v5"
)

// answerAsks fails where one of so many was answered, has had its time, or was taken away by whoever waited for it: the last of these waits
// for the end of the transaction, and then finds the answer.
const answerAsks = "WITH a AS (UPDATE asks SET answer = v.answer, answered_at = clock_timestamp() FROM unnest($1::bigint[], $2::bytea[]) v (id, answer) " +
	"WHERE asks.id = v.id AND asks.answered_at IS NULL AND asks.until > clock_timestamp() RETURNING 1) SELECT sqrt(count(*) - $3) FROM a"

// answer is the last thing before COMMIT, so that the time of an ask is over by then or not.
func answer(q *pgx.Batch, asked []road.Ask) {
	if len(asked) == 0 {
		return
	}
	ids, answers := make([]int64, len(asked)), make([][]byte, len(asked))
	for i, a := range asked {
		ids[i], answers[i] = a.ID, notNil(a.Answer)
	}
	q.Queue(answerAsks, ids, answers, int64(len(asked)))
}
