package main

import "time"

// idle measures a server with bound sessions that do nothing.
func idle(t *trial) []value {
	const (
		period  = 10 * time.Second // what it writes is said of so long
		brought = 25 * time.Second // until what the binds brought stands in the samples of the charts
	)
	w := t.server(false, t.away())
	l := load{sessions: clients}
	es, err := l.bindAll(w.SMPP)
	t.must(err)
	defer closeAll(es)
	t.note("idle")
	time.Sleep(2*t.duration(settle) + t.duration(brought))
	before, ok := processor(w.PID)
	writtenBefore, from := written(w.PID), time.Now()
	time.Sleep(t.duration(period))
	after, _ := processor(w.PID)
	took := time.Since(from)
	cpu, octets := value{value: notMeasured}, value{value: notMeasured}
	if ok {
		cpu.value = 100 * float64(after-before) / float64(took)
	}
	if writtenBefore != notMeasured {
		octets.value = (written(w.PID) - writtenBefore) * float64(period) / float64(took)
	}
	return []value{cpu, octets}
}
