package main

import (
	"context"
	"fmt"
	"time"

	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
)

// postgresStored measures submits into the stock beside an empty database of the same server, in turn, and asks for messages by their ids.
func postgresStored(t *trial) []value {
	s := t.stock()
	l := eight(t.scaled(200_000), t.size)
	var rates, empty []float64
	for i := range t.bench.options.repeat {
		measure := func(d *database, what string, into *[]float64) {
			flushDisks()
			w := d.node(false, t.away(), unpurged())
			*into = append(*into, t.submit(what, l, w.SMPP).rate())
			w.Stop(t)
		}
		t.repeat = i
		t.inTurn(func() {
			measure(&database{PG: s.PG, trial: t, dsn: s.PG.Database(t)}, "empty database", &empty)
		}, func() {
			measure(s.database, thousands(float64(t.bench.max))+" stored in PostgreSQL", &rates)
			s.drop()
		})
	}
	w := s.node(false, t.away(), unpurged())
	defer w.Stop(t)
	c := s.connect()
	const some = "SELECT id, source FROM messages WHERE id >= $1 AND submitter = $2 ORDER BY id LIMIT 1"
	byID := t.searchByID(w, func(client string) (id int, source string) {
		t.must(somewhere(t.bench.max, func(from int) error {
			return c.QueryRow(context.Background(), some, from, client).Scan(&id, &source)
		}))
		return id, source
	})
	return []value{{median(rates), median(empty)}, {value: byID}}
}

// postgresSearches asks what operators ask, as searches does of SQLite.
func postgresSearches(t *trial) []value {
	s := t.stock()
	o, err := postgres.Open(context.Background(), postgres.Options{DSN: s.dsn, Folder: t.TempDir(), Node: "bench", Log: zerolog.Nop()})
	t.must(err)
	values := t.searchStore(o, s.from)
	t.must(o.Close(context.Background()))
	w := s.node(false, t.away(), unpurged(), testkit.Settings{"admin.listen": "127.0.0.1:0"})
	defer w.Stop(t)
	return append(values, t.askPages(w, s.from)...)
}

// postgresPurge has the oldest tenth of the stock purged under load.
func postgresPurge(t *trial) []value {
	s := t.stock()
	defer s.end()
	old := s.number("SELECT received_at FROM messages ORDER BY id OFFSET $1 LIMIT 1", t.bench.max/10)
	retention := time.Since(time.UnixMilli(int64(old))).Truncate(time.Second)
	w := s.node(false, t.away(), testkit.Settings{"jobs.purge_messages_hour": time.Now().Hour(), "jobs.retention": fmt.Sprint(retention)})
	defer w.Stop(t)
	c := s.connect()
	return t.whilePurging(w, func() (id int) {
		t.must(c.QueryRow(context.Background(), "SELECT coalesce(min(id), 0) FROM messages").Scan(&id))
		return id
	})
}
