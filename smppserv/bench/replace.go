package main

import (
	"time"

	"hnetsmpp/pkg/smpp"
)

// replace replaces the last message of a long conversation again and again.
func replace(t *trial) []value {
	const most = 500 // replacements
	w := t.server(false, t.away())
	l := load{sessions: 1, window: 64, n: t.scaled(50_000)}
	t.submit("a conversation", l, w.SMPP)
	time.Sleep(t.duration(settle))
	stop := make(chan struct{})
	timer := time.AfterFunc(t.duration(5*time.Second), func() { close(stop) })
	defer timer.Stop()
	l.window, l.n, l.stop = 1, most, stop
	l.edit = func(m *smpp.SubmitSM) { m.ReplaceIfPresent = 1 }
	before, ok := processor(w.PID)
	o := t.submit("replacing", l, w.SMPP)
	after, _ := processor(w.PID)
	if !ok {
		return []value{{value: notMeasured}}
	}
	return []value{{value: milliseconds(after-before) / float64(o.answered)}}
}
