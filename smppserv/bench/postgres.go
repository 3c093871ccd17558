package main

import (
	"fmt"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// database is a PostgreSQL on this machine that keeps what it commits, set up as docs/cluster.md says.
type database struct {
	*testkit.PG
	trial *trial
	dsn   string
	nodes int
}

// sharedPages is how many huge pages its shared memory takes: shared_buffers, and what PostgreSQL has beside it.
const sharedPages = 564

// postgres starts one for a trial.
func (t *trial) postgres() *database {
	t.note("starting PostgreSQL")
	t.bench.buffers = "1 GB, in ordinary pages"
	if !t.short && t.keepHugePages(sharedPages) { // a short run leaves the system's settings alone
		t.bench.buffers = "1 GB, in huge pages"
	}
	pg := testkit.Postgres(t, "fsync=on", "shared_buffers=1GB", "checkpoint_timeout=15min", "max_wal_size=8GB", "min_wal_size=4GB")
	d := &database{PG: pg, trial: t, dsn: pg.Database(t)}
	flushDisks() // of the files that were made
	return d
}

// What PostgreSQL writes to its write-ahead log for each message, in octets.
const (
	submitLog = 1300
	singleLog = 4 << 10 // in transactions of a few
	lifeLog   = 4 << 10
)

// runIn leaves files of the write-ahead log for so many octets to be used again: a server that has run for a while makes none anew.
func (d *database) runIn(octets int) {
	const segment = 16 << 20
	segments := make([]string, 2+octets/segment)
	for i := range segments {
		segments[i] = "SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()"
	}
	d.Exec(d.trial, "postgres", append(segments, "CHECKPOINT")...)
	flushDisks()
}

// node starts one more worker on it.
func (d *database) node(own bool, more ...testkit.Settings) *server {
	d.nodes++
	of := testkit.Settings{"store.driver": "postgres", "store.dsn": d.dsn, "store.node": fmt.Sprintf("n%d", d.nodes)}
	return d.trial.server(own, append(more, of)...)
}

// processor is the time that all its processes have had, with those that have ended.
func (d *database) processor() (sum time.Duration, ok bool) {
	for _, pid := range d.Processes() {
		took, known := processor(pid)
		if !known {
			continue // it has ended
		}
		sum, ok = sum+took, true
	}
	return sum + ofEnded(d.Processes()[0]), ok
}

// cost is what a load took of the processors, for each of its messages and in µs.
type cost struct{ workers, database float64 }

// spent measures f, which handles n messages, at these workers. d may be nil.
func (t *trial) spent(d *database, n int, f func(), workers ...*server) cost {
	sum := func() (w, db time.Duration, ok bool) {
		ok = true
		for _, s := range workers {
			took, known := processor(s.PID)
			w, ok = w+took, ok && known
		}
		if d != nil {
			took, known := d.processor()
			db, ok = took, ok && known
		}
		return w, db, ok
	}
	w0, d0, _ := sum()
	f()
	w1, d1, ok := sum()
	if !ok {
		return cost{notMeasured, notMeasured}
	}
	each := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) / float64(n) }
	return cost{each(w1 - w0), each(d1 - d0)}
}

// inTurn runs two measurements, the first one first in every other repeat.
func (t *trial) inTurn(one, other func()) {
	if t.repeat%2 == 1 {
		one, other = other, one
	}
	one()
	other()
}

// alone measures a worker by itself in a trial of its own: what it started is gone when it returns.
func (t *trial) alone(f func(t *trial)) {
	t.must(t.try(t.repeat, f))
}

func postgresSubmit(t *trial) []value {
	var pg, lite float64
	var on, beside cost
	t.inTurn(func() {
		t.alone(func(t *trial) {
			d := t.postgres()
			d.runIn(t.size * submitLog)
			w := d.node(false, t.away())
			on = t.spent(d, t.size, func() { pg = t.submit("on PostgreSQL", eight(t.size, t.size), w.SMPP).rate() }, w)
		})
	}, func() {
		t.alone(func(t *trial) {
			w := t.server(false, t.away())
			beside = t.spent(nil, t.size, func() { lite = t.submit("on SQLite", eight(t.size, t.size), w.SMPP).rate() }, w)
		})
	})
	return []value{{pg, lite}, {on.workers + on.database, beside.workers}, {value: on.database}}
}

func postgresLatency(t *trial) []value {
	var pg, lite float64
	p99 := func(t *trial, w *server) float64 {
		return milliseconds(t.submit("1 000/s", t.openLoop(), w.SMPP).percentile(0.99, time.Second, 0))
	}
	t.inTurn(func() {
		t.alone(func(t *trial) {
			d := t.postgres()
			d.runIn(t.openLoop().n * singleLog)
			pg = p99(t, d.node(false, t.away()))
		})
	}, func() {
		t.alone(func(t *trial) { lite = p99(t, t.server(false, t.away())) })
	})
	return []value{{pg, lite}}
}

// nodes are as many as the workers that the goal is of.
const nodes = 3

// overNodes is the rate of sessions with a window of 64 each, which are spread over n workers, and what each message took.
func (t *trial) overNodes(n, sessions int) (rate float64, took cost) {
	d := t.postgres()
	var workers []*server
	var es []*esme
	l := load{sessions: sessions, window: 64, n: t.scaled(400_000), phones: t.size}
	d.runIn(l.n * submitLog)
	per := sessions / n
	for i := range n {
		w := d.node(false, t.away(), clientsOf(sessions))
		workers = append(workers, w)
		bound, err := load{sessions: per, account: func(session int) account { return many(i*per + session) }}.bindAll(w.SMPP)
		t.must(err)
		es = append(es, bound...)
	}
	took = t.spent(d, l.n, func() {
		o, err := l.drive(es, t.watch(fmt.Sprintf("%d sessions, %d on one database", sessions, n)))
		t.must(err)
		rate = o.rate()
	}, workers...)
	return rate, took
}

// postgresNodes has as many sessions at each worker as the row of one has, and then few at each, whose commits are small.
func postgresNodes(t *trial) []value {
	var took cost
	measure := func(sessions int) (one, three float64) {
		t.inTurn(func() {
			t.alone(func(t *trial) { one, _ = t.overNodes(1, sessions) })
		}, func() {
			t.alone(func(t *trial) { three, took = t.overNodes(nodes, sessions) })
		})
		return one, three
	}
	oneOfFew, threeOfFew := measure(nodes * 3)
	one, three := measure(nodes * eight(0, 0).sessions)
	share := float64(notMeasured)
	if took.workers > 0 {
		share = 100 * took.workers / (took.workers + took.database)
	}
	return []value{{three, one}, {threeOfFew, oneOfFew}, {value: share}}
}

// postgresLife measures what a whole life takes, on PostgreSQL and on SQLite.
func postgresLife(t *trial) []value {
	n := t.scaled(200_000)
	var pg, lite float64
	var on, beside cost
	measure := func(t *trial, d *database, start func(bool, ...testkit.Settings) *server) (rate float64, took cost) {
		w := start(true, testkit.Settings{"hermes.url": t.hermes(accept(&t.pushes))})
		took = t.spent(d, n, func() { rate = t.lives(w, n, n, number) }, w)
		return rate, took
	}
	t.inTurn(func() {
		t.alone(func(t *trial) {
			d := t.postgres()
			d.runIn(n * lifeLog)
			pg, on = measure(t, d, d.node)
		})
	}, func() {
		t.alone(func(t *trial) { lite, beside = measure(t, nil, t.server) })
	})
	return []value{{pg, lite}, {on.workers + on.database, beside.workers}, {value: on.database}}
}
