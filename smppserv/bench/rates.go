package main

import "time"

// others measures the servers that the yardstick itself can be held against.
func others(t *trial) []value {
	var values []value
	for _, name := range []string{nullServer, nodeServer} {
		addr, ok := t.others[name]
		if !ok {
			values = append(values, value{value: notMeasured})
			continue
		}
		l := submitLoad(t.bench)
		l.account = otherAccount
		if name == nodeServer {
			l.n /= 4 // it is slower by as much
		}
		values = append(values, value{value: t.submit(name, l, addr).rate()})
	}
	return values
}

func submitNumbers(t *trial) []value {
	_, o := t.waiting(t.size)
	return []value{{value: o.rate()}}
}

func submitOneNumber(t *trial) []value {
	w := t.server(false, t.away())
	return []value{{value: t.submit("one number", eight(t.scaled(400_000), 1), w.SMPP).rate()}}
}

func submitOneNumberWaiting(t *trial) []value {
	w := t.full()
	return []value{{value: t.submit("one number", eight(t.scaled(400_000), 1), w.SMPP).rate()}}
}

func windowTenLoad(b *bench) load {
	return load{sessions: 1, window: 10, n: b.scaled(200_000), phones: b.size}
}

func submitWindowTen(t *trial) []value {
	w := t.server(false, t.away())
	return []value{{value: t.submit("one session", windowTenLoad(t.bench), w.SMPP).rate()}}
}

// openLoop sends 1 000 submits a second, each at its own time.
func (t *trial) openLoop() load {
	const rate = 1000
	return load{sessions: clients, rate: rate, n: int(rate * t.duration(20*time.Second).Seconds()), phones: t.size}
}

func latency(t *trial) []value {
	const warmUp = time.Second
	measure := func(w *server, what string) (p99, p999 float64) {
		o := t.submit(what, t.openLoop(), w.SMPP)
		return milliseconds(o.percentile(0.99, warmUp, 0)), milliseconds(o.percentile(0.999, warmUp, 0))
	}
	w := t.server(false, t.away())
	empty99, empty999 := measure(w, "1 000/s, empty store")
	w.Stop(t)
	w = t.full()
	full99, full999 := measure(w, "1 000/s, waiting messages")
	return []value{{value: empty99}, {value: empty999}, {full99, empty99}, {full999, empty999}}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
