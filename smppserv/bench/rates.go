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
	l := windowTenLoad(t.bench)
	w := t.server(false, t.away())
	o := t.submit("one session", l, w.SMPP)
	w.Stop(t)
	return []value{{value: o.rate()}, {value: t.onlyFlushed(l).rate()}}
}

// onlyFlushed is what becomes of a load at the server that only writes a page to disk before each answer.
func (t *trial) onlyFlushed(l load) outcome {
	addr, stop, err := startOther(flushServer, t.TempDir())
	t.must(err)
	defer stop()
	l.account = otherAccount
	return t.submit("only flushed", l, addr)
}

// openLoop sends 1 000 submits a second, each at its own time.
func (t *trial) openLoop() load {
	const rate = 1000
	return load{sessions: clients, rate: rate, n: int(rate * t.duration(20*time.Second).Seconds()), phones: t.size}
}

func latency(t *trial) []value {
	const warmUp = time.Second
	percentiles := func(o outcome) (p99, p999 float64) {
		return milliseconds(o.percentile(0.99, warmUp, 0)), milliseconds(o.percentile(0.999, warmUp, 0))
	}
	w := t.server(false, t.away())
	empty99, empty999 := percentiles(t.submit("1 000/s, empty store", t.openLoop(), w.SMPP))
	w.Stop(t)
	flushed99, flushed999 := percentiles(t.onlyFlushed(t.openLoop()))
	w = t.full()
	full99, full999 := percentiles(t.submit("1 000/s, waiting messages", t.openLoop(), w.SMPP))
	return []value{{value: empty99}, {value: empty999}, {full99, empty99}, {full999, empty999}, {value: flushed99}, {value: flushed999}}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
