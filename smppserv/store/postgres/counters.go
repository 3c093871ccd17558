package postgres

import (
	"context"
	"maps"
	"math/rand/v2"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/tally"

	"github.com/jackc/pgx/v5"
)

const (
	counterKey = "hour, client, campaign, peer, kind, out, state, reason, node"
	counter    = "hour, client, campaign, peer, kind, out, state, reason, n, parts, times"
	// setCounter gives a counter its number, also one that is there.
	setCounter = "INSERT INTO hourly (" + counter + ", counter, node) SELECT v.*, $13 FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::boolean[], " +
		"$7::smallint[], $8::text[], $9::bigint[], $10::bigint[], $11::bytea[], $12::bigint[]) v " +
		"ON CONFLICT (" + counterKey + ") DO UPDATE SET n = excluded.n, parts = excluded.parts, times = excluded.times, counter = excluded.counter"
	// raiseCounters fails where one of so many is not there.
	raiseCounters = "WITH c AS (UPDATE hourly h SET n = v.n, parts = v.parts, times = v.times " +
		"FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[]) v (counter, n, parts, times) WHERE h.counter = v.counter RETURNING 1) " +
		"SELECT 1 / (count(*) = $5)::int FROM c"
	// planOnce has what follows in a transaction planned once: for so few counters PostgreSQL would plan each time, which takes a
	// hundred times as long as to ask for this. What joins messages has to be planned anew as they become more: while there were none, the
	// plan was to read all that waits.
	planOnce = "SET LOCAL plan_cache_mode = force_generic_plan"
)

// numbered are the counters of an hour that are on disk under the numbers that this writer gave them: the key of a counter is long.
type numbered struct {
	hour    int64
	numbers map[tally.Key]int64
	fresh   map[tally.Key]int64 // given by the transaction that is under way
	anew    bool                // that one takes their numbers from some
}

// wrote is told what became of that transaction.
func (c *numbered) wrote(ok bool) {
	if !ok || c.anew {
		clear(c.numbers) // the next one numbers them anew
	} else {
		maps.Copy(c.numbers, c.fresh)
	}
	clear(c.fresh)
	c.anew = false
}

// of is the number of a counter, and whether it has it already.
func (c *numbered) of(k tally.Key) (number int64, has bool) {
	if k.Hour > c.hour || c.numbers == nil {
		c.hour, c.numbers, c.fresh = k.Hour, map[tally.Key]int64{}, map[tally.Key]int64{}
	}
	if number, has = c.numbers[k]; !has {
		number = rand.Int64()
		c.fresh[k] = number
	}
	return number, has
}

// values are the columns of counters that change.
type values struct {
	numbers, ns, parts []int64
	times              [][]byte
}

func (v *values) add(number int64, r *tally.Row) {
	v.numbers, v.ns, v.parts, v.times = append(v.numbers, number), append(v.ns, r.N), append(v.parts, r.Parts), append(v.times, notNil(r.Times.Append(nil)))
}

// counters writes those that the batch has changed.
func (w *writer) counters(q *pgx.Batch, t *tally.Sheet) error {
	var raised, set values
	var hours []int64
	var clients, campaigns, peers, reasons []string
	var kinds, states []int16
	var outs []bool
	err := t.Rows(func(r *tally.Row) error {
		number, has := w.counted.of(r.Key)
		if has {
			raised.add(number, r)
			return nil
		}
		hours, clients, campaigns, peers = append(hours, r.Hour), append(clients, escape(r.Client)), append(campaigns, escape(r.Campaign)), append(peers, escape(r.Peer))
		kinds, outs, states, reasons = append(kinds, int16(r.Kind)), append(outs, r.Out), append(states, int16(r.State)), append(reasons, escape(r.Reason))
		set.add(number, r)
		return nil
	})
	if err != nil {
		return err
	}
	if n := len(raised.numbers); n > 0 {
		q.Queue(planOnce)
		q.Queue(raiseCounters, raised.numbers, raised.ns, raised.parts, raised.times, int64(n))
	}
	if len(hours) > 0 {
		q.Queue(setCounter, hours, clients, campaigns, peers, kinds, outs, states, reasons, set.ns, set.parts, set.times, set.numbers, escape(w.d.o.Node))
	}
	return nil
}

// row is a counter that is read.
type row struct {
	tally.Row
	kind, state int16
	times       []byte
}

func (r *row) columns() []any {
	return []any{&r.Hour, &r.Client, &r.Campaign, &r.Peer, &r.kind, &r.Out, &r.state, &r.Reason, &r.N, &r.Parts, &r.times}
}

// done makes a tally.Row of the columns.
func (r *row) done() error {
	r.Kind, r.State = sms.Kind(r.kind), sms.State(r.state)
	r.Client, r.Campaign, r.Peer, r.Reason = unescape(r.Client), unescape(r.Campaign), unescape(r.Peer), unescape(r.Reason)
	r.Times = tally.Histogram{}
	return r.Times.Decode(r.times)
}

// Counters implements store.Database: those of this node.
func (d *Database) Counters(hour int64, f func(*tally.Row) error) error {
	w := &d.writer
	ctx, cancel := context.WithTimeout(context.Background(), w.writeTime())
	defer cancel()
	c, err := w.connected(ctx)
	if err != nil {
		return explain(d.where(), err)
	}
	var r row
	rows, err := c.Query(ctx, "SELECT "+counter+" FROM hourly WHERE hour = $1 AND node = $2", hour, escape(d.o.Node))
	if err == nil {
		_, err = pgx.ForEachRow(rows, r.columns(), func() error {
			if err := r.done(); err != nil {
				return err
			}
			return f(&r.Row)
		})
	}
	return err
}

// Traffic implements store.Database. A counter of several nodes is one.
func (d *Database) Traffic(ctx context.Context, from, to int64, client, campaign string, f func(*tally.Row) error) error {
	query := "SELECT " + counter + " FROM hourly WHERE hour >= $1 AND hour < $2"
	args := []any{from, to}
	if client != "" {
		query += " AND (client = $3 OR peer = $3)"
		args = append(args, escape(client))
	}
	if campaign != "" {
		query += " AND campaign = " + parameter(len(args)+1)
		args = append(args, escape(campaign))
	}
	var r row
	var sum tally.Row
	started := false
	err := d.each(ctx, query+" ORDER BY "+counterKey, r.columns(), func() error {
		if err := r.done(); err != nil {
			return err
		}
		if started && sum.Key == r.Key {
			sum.N += r.N
			sum.Parts += r.Parts
			sum.Times.Merge(&r.Times)
			return nil
		}
		if started {
			if err := f(&sum); err != nil {
				return err
			}
		}
		sum, started = r.Row, true
		return nil
	}, args...)
	if err == nil && started {
		err = f(&sum)
	}
	return err
}

// Counted implements store.Database.
func (d *Database) Counted(ctx context.Context) (since time.Time, last sms.ID, err error) {
	var at, id int64
	err = d.each(ctx, "SELECT since, message_id FROM counted", []any{&at, &id}, func() error { since, last = time.UnixMilli(at), sms.ID(id); return nil })
	return since, last, err
}
