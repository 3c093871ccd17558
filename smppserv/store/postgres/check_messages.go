package postgres

import (
	"context"
	"fmt"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"
	"hnetsmpp/smppserv/store/transfer"

	"github.com/jackc/pgx/v5"
)

// part is what a part of the messages came to. It counts when all of it was read.
type part struct {
	rows, waiting, failed int
	highest               sms.ID
	hours                 map[int64]int64
	faults                []string
	ids                   []int64 // those that are looked for by their numbers
	sources, destinations []string
}

var checkMessages = "SELECT " + fmt.Sprintf(columns, "m.content") + " FROM messages m WHERE "

// messages reads messages as a worker does, but for what is sealed in them.
func (k *check) messages(ctx context.Context, tx pgx.Tx, _ string, from, to int64) error {
	read, err := tx.Query(ctx, checkMessages+k.ofBlocks, from, to)
	if err != nil {
		return err
	}
	defer read.Close()
	r := reader{keys: store.Blind()}
	p := part{hours: map[int64]int64{}}
	m := &sms.Message{}
	for read.Next() {
		undecoded := r.read(read, m)
		if err := read.Err(); err != nil {
			return err
		}
		p.add(k, &r, m, undecoded)
	}
	if err := read.Err(); err != nil {
		return err
	}
	k.take(&p)
	for _, of := range []struct {
		column  string
		numbers []string
	}{{"source", p.sources}, {"destination", p.destinations}} {
		err := k.attemptIn(ctx, tx, "the index messages_"+of.column, func(tx pgx.Tx) error { return k.compare(ctx, tx, of.column, p.ids, of.numbers) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *part) add(k *check, r *reader, m *sms.Message, undecoded error) {
	p.rows++
	p.highest = max(p.highest, m.ID)
	if r.id > k.counted {
		p.hours[tally.Hour(r.received)]++
	}
	is := "has ended"
	if r.final == nil {
		is = "waits"
		p.waiting++
	}
	switch m.State {
	case sms.Expired, sms.Undeliverable, sms.Rejected:
		p.failed++
	}
	if undecoded != nil && len(p.faults) < sampled {
		p.faults = append(p.faults, fmt.Sprintf("message %d %s, and cannot be read: %v", m.ID, is, undecoded))
	}
	if (k.Messages+p.rows)%k.step == 0 {
		p.ids, p.sources, p.destinations = append(p.ids, r.id), append(p.sources, string(r.source)), append(p.destinations, string(r.destination))
	}
}

func (k *check) take(p *part) {
	k.Rows += int64(p.rows)
	k.Messages, k.Waiting, k.failed = k.Messages+p.rows, k.Waiting+p.waiting, k.failed+p.failed
	k.highest = max(k.highest, p.highest)
	k.Compared += len(p.ids)
	for hour, n := range p.hours {
		k.there[hour] += n
	}
	for _, fault := range p.faults {
		k.Fault("%s", fault)
	}
}

// notFound are those of messages and their numbers that the index of the number has not. A plan can only go by that index: see byNumber.
const notFound = "SELECT w.id FROM unnest($1::bigint[], $2::text[]) w (id, number) LEFT JOIN LATERAL (SELECT m.id FROM messages m " +
	"WHERE (m.%[1]s, m.id) >= (w.number, w.id) AND (m.%[1]s, m.id) <= (w.number, w.id) ORDER BY m.%[1]s, m.id LIMIT 1) f ON true WHERE f.id IS NULL"

// compare looks for messages by a number of each.
func (k *check) compare(ctx context.Context, tx pgx.Tx, column string, ids []int64, numbers []string) error {
	query := fmt.Sprintf(notFound, column)
	for from := 0; from < len(ids); from += compareStep {
		to := min(from+compareStep, len(ids))
		rows, err := tx.Query(ctx, query, ids[from:to], numbers[from:to])
		if err != nil {
			return err
		}
		missing, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		for _, id := range missing {
			k.Fault("the index messages_%s does not have message %d: make it anew with REINDEX INDEX CONCURRENTLY messages_%[1]s", column, id)
		}
	}
	return nil
}

// listed holds the indexes by which workers find what waits, and operators what failed, against the messages.
func (k *check) listed(ctx context.Context) error {
	k.progress("what waits", 0)
	for _, of := range []struct {
		index, condition string
		want             int
	}{{"messages_waiting", "final_at IS NULL", k.Waiting}, {"messages_failed", "state IN (3, 5, 8)", k.failed}} {
		var n int
		err := k.attempt(ctx, "the index "+of.index, func(tx pgx.Tx) error {
			// The order is that of the index, and nothing else has it for less than all messages.
			if _, err := tx.Exec(ctx, "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off"); err != nil {
				return err
			}
			err := tx.QueryRow(ctx, "SELECT count(*) FROM (SELECT id FROM messages WHERE "+of.condition+" ORDER BY id) m").Scan(&n)
			if err == nil && n < of.want {
				k.Fault("the index %s has %d messages of %d: make it anew with REINDEX INDEX CONCURRENTLY %[1]s", of.index, n, of.want)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// strays are what waits of epochs that are neither a worker's nor given to one, and estates whose owner is none.
const strays = "SELECT m.holder, count(*), min(m.id) FROM messages m WHERE m.final_at IS NULL GROUP BY m.holder " +
	"HAVING NOT EXISTS (SELECT FROM nodes n WHERE n.epoch = m.holder) AND NOT EXISTS (SELECT FROM fences f WHERE f.epoch = m.holder) " +
	"AND NOT EXISTS (SELECT FROM estates e WHERE e.epoch = m.holder AND (e.owner = 0 OR EXISTS (SELECT FROM nodes n WHERE n.epoch = e.owner) " +
	"OR EXISTS (SELECT FROM fences f WHERE f.epoch = e.owner))) ORDER BY 1"

func (k *check) holders(ctx context.Context) error {
	return k.attempt(ctx, "the holders of what waits", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, strays)
		if err != nil {
			return err
		}
		var holder, n, first int64
		_, err = pgx.ForEachRow(rows, []any{&holder, &n, &first}, func() error {
			k.Fault("%d messages wait, from %d on, and the worker that is to have them, of the epoch %d, does not exist: the leader of the workers gives them to one within ten minutes; "+
				"if this is said again after that, restart the workers", n, first, holder)
			return nil
		})
		return err
	})
}

// counters holds what was accepted in each hour against the rows of it. Rows may have been purged; the counters have them still.
func (k *check) counters(ctx context.Context) error {
	return k.attempt(ctx, "the counters", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT hour, sum(n)::bigint FROM hourly WHERE state = $1 GROUP BY hour ORDER BY hour DESC", int16(sms.Enroute))
		if err != nil {
			return err
		}
		var hour, counted int64
		_, err = pgx.ForEachRow(rows, []any{&hour, &counted}, func() error {
			k.Hours++
			k.FaultOfHour(hour, counted, k.there[hour])
			return nil
		})
		return err
	})
}

// lastID holds the highest message_id that was reserved against the messages, and reads the high-water mark of this machine.
func (k *check) lastID(ctx context.Context) error {
	err := k.attempt(ctx, "the highest message_id", func(tx pgx.Tx) error {
		var last int64
		err := tx.QueryRow(ctx, "SELECT coalesce(max(id), 0) FROM last_message_id").Scan(&last)
		k.LastID = sms.ID(last)
		if err == nil && k.LastID < k.highest {
			k.Fault("the highest message_id that was reserved is %d, and there is a message %d: ids may come again; stop all workers and run: UPDATE last_message_id SET id = %[2]d", k.LastID, k.highest)
		}
		return err
	})
	if _, unread := store.ReadMark(k.d.MarkFile()); unread != nil && err == nil {
		k.Fault("%v", unread)
	}
	return err
}

// marks tells of a database on which no worker starts: it was moved elsewhere, or a copy into it is not whole.
func (k *check) marks(ctx context.Context) error {
	return k.attempt(ctx, "the table jobs", func(tx pgx.Tx) error {
		var ms transfer.Marks
		rows, err := tx.Query(ctx, marks)
		if err != nil {
			return err
		}
		var name string
		var at int64
		if _, err = pgx.ForEachRow(rows, []any{&name, &at}, func() error { return ms.Read(name, at) }); err != nil {
			return err
		}
		if refused := ms.Refusal(k.Where); refused != nil {
			k.Fault("%v", refused)
		}
		return nil
	})
}
