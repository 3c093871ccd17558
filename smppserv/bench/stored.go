package main

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// storedRow draws the curve of the rate over stored messages, and asks for one among the most of them.
func storedRow(t *trial) []value {
	to := time.Now().Add(-time.Hour)
	from := to.Add(-month)
	w := t.seeded(t.away(), testkit.Settings{"jobs.purge_messages_hour": -1})
	t.bench.stored = nil
	for n := seedPattern; n <= t.bench.max; n *= 10 {
		w.grow(t, n, from, to)
		t.bench.stored = append(t.bench.stored, t.storedPoint(w, n))
	}
	w.startSeeded(t)
	byID := t.searchByID(w, w.picker(t))
	last := t.bench.stored[len(t.bench.stored)-1]
	return []value{{last.rate, last.base}, {value: byID}}
}

// storedPoint measures submits into the store beside an empty one and go-smpp's server, in turn.
func (t *trial) storedPoint(w *server, n int) point {
	l := eight(t.scaled(200_000), t.size)
	var rates, empty, yardsticks []float64
	for range t.bench.options.repeat {
		yardstick, err := t.yardstick(l)
		t.must(err)
		yardsticks = append(yardsticks, yardstick)
		t.must(t.try(0, func(t *trial) {
			base := t.server(false, t.away())
			empty = append(empty, t.submit("empty store", l, base.SMPP).rate())
		}))
		w.startSeeded(t)
		rates = append(rates, t.submit(fmt.Sprintf("%s stored", thousands(float64(n))), l, w.SMPP).rate())
		w.Stop(t)
		w.drop(t)
	}
	return point{at: n, yardstick: median(yardsticks), rate: median(rates), base: median(empty)}
}

// searchByID asks by query_sm for messages of one client, each of which pick finds, and returns the 99th percentile in milliseconds.
func (t *trial) searchByID(w *server, pick func(client string) (id int, source string)) float64 {
	l := load{sessions: 1}
	es, err := l.bindAll(w.SMPP)
	t.must(err)
	defer closeAll(es)
	l.begin(es)
	var all []time.Duration
	for k := range t.scaled(2000) {
		id, source := pick(clientOf(0).id)
		took, err := es[0].query(strconv.Itoa(id), smpp.Address{TON: 1, NPI: 1, Addr: source}, uint32(k+2))
		t.must(err)
		all = append(all, took)
	}
	slices.Sort(all)
	return milliseconds(all[len(all)*99/100])
}

// picker finds messages of a client in a SQLite store.
func (w *server) picker(t *trial) func(client string) (id int, source string) {
	db := open(t, w.store, true)
	t.Cleanup(func() { db.Close() })
	var last int
	t.must(db.QueryRow("SELECT max(id) FROM messages").Scan(&last))
	return func(client string) (id int, source string) {
		const some = "SELECT id, source FROM messages WHERE id >= ? AND submitter = ? LIMIT 1"
		t.must(somewhere(last, func(from int) error { return db.QueryRow(some, from, client).Scan(&id, &source) }))
		return id, source
	}
}

// somewhere has find look for a row from any of n places on, and from the first one where there is none behind that.
func somewhere(n int, find func(from int) error) error {
	err := find(1 + rand.IntN(n*9/10))
	if errors.Is(err, sql.ErrNoRows) {
		err = find(0)
	}
	return err
}
