package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hnetsmpp/smppserv/testkit"

	"github.com/jackc/pgx/v5"
)

// stock is a PostgreSQL with the most messages: a worker has stored a pattern of them, and SQL has multiplied it, as in the SQLite
// store. It is filled for the first row that asks for it, and ends with the bench, or with the row that purges it.
type stock struct {
	*database
	end      func()
	from, to time.Time // of the messages
}

// month is the time that the messages are of.
const month = 28 * 24 * time.Hour

// stock is that of the bench, for the workers of a trial.
func (t *trial) stock() *stock {
	if t.bench.stocked == nil {
		t.bench.stocked = t.bench.newStock()
	}
	s := *t.bench.stocked
	s.database = &database{PG: s.PG, trial: t, dsn: s.dsn}
	return &s
}

func (b *bench) newStock() *stock {
	keeper := &trial{bench: b, folder: filepath.Join(b.root, "stock")}
	end := func() {
		keeper.end()
		_ = os.RemoveAll(keeper.folder)
		b.stocked = nil
	}
	b.stops = append(b.stops, end)
	keeper.must(os.MkdirAll(keeper.folder, 0o750))
	to := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	s := &stock{end: end, from: to.Add(-month), to: to}
	if err := caught(func() {
		s.database = keeper.postgres()
		s.storePattern()
		s.grow(b.max)
	}); err != nil {
		end()
		keeper.must(err)
	}
	return s
}

// unpurged is a worker that purges nothing.
func unpurged() testkit.Settings { return testkit.Settings{"jobs.purge_messages_hour": -1} }

func (s *stock) storePattern() {
	t := s.trial
	w := s.node(false, unpurged()) // with the stand-in for Hermès
	t.submit("storing a pattern", eight(seedPattern, seedPattern), w.SMPP)
	for until := time.Now().Add(stall); s.number("SELECT count(*) FROM messages WHERE final_at IS NULL") > 0; {
		if time.Now().After(until) {
			t.Fatal("messages of the pattern still wait")
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.Stop(t)
}

// connect opens a connection for SQL, which ends with the trial.
func (d *database) connect() *pgx.Conn {
	c, err := pgx.Connect(context.Background(), d.dsn)
	d.trial.must(err)
	d.trial.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// run executes statements.
func (d *database) run(statements ...string) {
	c := d.connect()
	defer c.Close(context.Background())
	for _, s := range statements {
		if _, err := c.Exec(context.Background(), s); err != nil {
			d.trial.must(fmt.Errorf("%s: %w", s, err))
		}
	}
}

// number is what a query counts.
func (d *database) number(query string, args ...any) (n int) {
	c := d.connect()
	defer c.Close(context.Background())
	d.trial.must(c.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

// grow brings the number of final messages to n, with counters as a worker would have them. Ids rise with times. The indexes are made
// anew: their pages are fuller than those that grew, which makes it no easier for what comes in next.
func (s *stock) grow(n int) {
	t := s.trial
	have, last := s.number("SELECT count(*) FROM messages"), s.number("SELECT max(id) FROM messages")
	if last != have {
		t.Fatalf("the pattern's %d messages have ids up to %d", have, last)
	}
	step := max(1, month.Milliseconds()/int64(n+seedStep)) // milliseconds from one message to the next
	at := func(id string) string { return fmt.Sprintf("(%d + %s * %d)", s.from.UnixMilli(), id, step) }
	of := func(id string) map[string]string {
		return map[string]string{
			"received_at": at(id), "due_at": at(id), "final_at": "1000 + " + at(id), "expires_at": "86400000 + " + at(id),
			"state": fmt.Sprintf("CASE WHEN %s %% %d = 0 THEN 5 ELSE 2 END", id, failing), "error": fmt.Sprintf("CASE WHEN %s %% %d = 0 THEN 404 ELSE 0 END", id, failing),
		}
	}
	var sets []string
	for column, value := range of("id") {
		sets = append(sets, column+" = "+value)
	}
	s.run("UPDATE messages SET " + strings.Join(sets, ", "))

	c := s.connect()
	defer c.Close(context.Background())
	exec := func(query string, args ...any) {
		_, err := c.Exec(context.Background(), query, args...)
		t.must(err)
	}
	exec("SET synchronous_commit = off")
	exec("SET maintenance_work_mem = '256MB'")
	indexes := s.dropIndexes(c)
	id := "(m.id + $1::bigint)"
	values := of(id)
	values["id"] = id
	values["source"] = fmt.Sprintf("'336' || lpad((%s * 7919 %% %d)::text, 8, '0')", id, seedPhones)
	names, columns := s.columns(c, "messages", values)
	for have < n {
		rows := min(have, seedStep, n-have)
		t.note(fmt.Sprintf("storing messages in PostgreSQL: %s of %s", thousands(float64(have)), thousands(float64(n))))
		exec(fmt.Sprintf("INSERT INTO messages (%s) SELECT %s FROM messages m WHERE m.id <= $2 ORDER BY m.id", names, columns), have, rows)
		have += rows
	}
	for i, index := range indexes {
		t.note(fmt.Sprintf("making indexes: %d of %d", i, len(indexes)))
		exec(index)
	}
	const (
		hour = "%s / 3600000 * 3600000"
		key  = "CASE submitter WHEN '' THEN recipient ELSE submitter END, CASE recipient WHEN '' THEN destination ELSE source END, '', kind, submitter = '' AND recipient <> ''"
		add  = "INSERT INTO hourly (hour, client, campaign, peer, kind, out, state, reason, node, n, parts, times) SELECT "
	)
	t.note("counting")
	for _, query := range []string{
		"UPDATE last_message_id SET id = greatest(id, (SELECT max(id) FROM messages))", "DELETE FROM hourly", "UPDATE counted SET message_id = 0, since = 0",
		add + fmt.Sprintf(hour, "received_at") + ", " + key + ", 1, '', '', count(*), count(*), '' FROM messages GROUP BY 1, 2, 3, 5, 6",
		add + fmt.Sprintf(hour, "final_at") + ", " + key + ", state, CASE error WHEN 0 THEN '' ELSE 'http ' || error END, '', count(*), 0, " +
			`CASE state WHEN 2 THEN '\x0F640119031E0201'::bytea ELSE '' END FROM messages GROUP BY 1, 2, 3, 5, 6, 7, 8`,
	} {
		exec(query)
	}
	s.rest(c)
}

// rest has PostgreSQL do at once what it would do beside the next measurement.
func (s *stock) rest(c *pgx.Conn) {
	s.trial.note("VACUUM")
	for _, query := range []string{"VACUUM (ANALYZE) messages", "VACUUM (ANALYZE) hourly", "CHECKPOINT"} {
		_, err := c.Exec(context.Background(), query)
		s.trial.must(err)
	}
}

// dropIndexes drops those of the messages but that of the ids, and returns what makes them anew.
func (s *stock) dropIndexes(c *pgx.Conn) (definitions []string) {
	rows, err := c.Query(context.Background(), "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'messages' AND indexdef NOT LIKE 'CREATE UNIQUE %'")
	s.trial.must(err)
	var names []string
	var name, definition string
	_, err = pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
		names, definitions = append(names, name), append(definitions, definition)
		return nil
	})
	if err == nil && len(names) == 0 {
		err = errors.New("the messages have no index but that of their ids")
	}
	s.trial.must(err)
	for _, name := range names {
		_, err := c.Exec(context.Background(), "DROP INDEX "+pgx.Identifier{name}.Sanitize())
		s.trial.must(err)
	}
	return definitions
}

// columns are the names of a table's columns, and for each its value: of row m, or another.
func (s *stock) columns(c *pgx.Conn, table string, other map[string]string) (names, values string) {
	rows, err := c.Query(context.Background(), "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1", table)
	s.trial.must(err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	s.trial.must(err)
	var v []string
	for _, name := range all {
		value, ok := other[name]
		if !ok {
			value = "m." + name
		}
		v = append(v, value)
	}
	return strings.Join(all, ", "), strings.Join(v, ", ")
}

// drop removes what waits, so that the next measurement finds what this one found.
func (s *stock) drop() {
	s.run("DELETE FROM messages WHERE final_at IS NULL")
	s.rest(s.connect())
}
