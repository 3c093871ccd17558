package main

import (
	"fmt"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// sessionsRow binds idle sessions, and draws the curve of rate and memory over their number.
func sessionsRow(t *trial) []value {
	most := min(t.scaled(10_000), files()-500) // as many in the server, and some files of its own
	idle, binds := t.idleSessions(most)
	t.bench.sessions = nil
	for n := 1; n <= most; n *= 10 {
		t.bench.sessions = append(t.bench.sessions, t.sessionsPoint(n))
	}
	return []value{{value: idle}, {value: binds}}
}

// manyClients is a server that takes n sessions, two of each client.
func (t *trial) manyClients(n int) *server {
	return t.server(false, t.away(), clientsOf(n), testkit.Settings{
		"server.max_connections": n + 100, "server.max_connections_per_ip": n + 100, "server.keep_alive_interval": "0s",
	})
}

// clientsOf are the clients of n sessions, two of each.
func clientsOf(n int) testkit.Settings {
	var list []map[string]any
	for i := range (n + 1) / 2 {
		list = append(list, map[string]any{"system_id": many(2 * i).id, "password": many(2 * i).password, "bind_policy": "pair", "max_queued": 10_000_000})
	}
	return testkit.Settings{"clients": list}
}

func many(session int) account {
	return account{fmt.Sprintf("m%d", session/2), fmt.Sprintf("p%d", session/2)}
}

func (t *trial) idleSessions(n int) (rss, binds float64) {
	w := t.manyClients(n)
	t.note("binding")
	l := load{sessions: n, account: many}
	from := time.Now()
	es, err := l.bindAll(w.SMPP)
	took := time.Since(from)
	t.must(err)
	defer closeAll(es)
	return t.rss(w), float64(n) / took.Seconds()
}

// sessionsPoint measures n sessions beside go-smpp's server, in turn.
func (t *trial) sessionsPoint(n int) point {
	l := load{sessions: n, window: max(1, min(64, 512/n)), n: t.scaled(200_000), phones: t.size, account: many}
	var memory, rates, yardsticks []float64
	for range t.bench.options.repeat {
		yardstick, err := t.yardstick(l)
		t.must(err)
		yardsticks = append(yardsticks, yardstick)
		t.must(t.try(0, func(t *trial) {
			w := t.manyClients(n)
			es, err := l.bindAll(w.SMPP)
			t.must(err)
			memory = append(memory, t.rss(w))
			o, err := l.drive(es, t.watch(fmt.Sprintf("%s sessions", thousands(float64(n)))))
			t.must(err)
			rates = append(rates, o.rate())
		}))
	}
	return point{at: n, yardstick: median(yardsticks), rate: median(rates), megabytes: median(memory)}
}
