package queue

import (
	"context"
	"fmt"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

// BenchmarkBacklogs walks over a million messages that wait, each in a conversation of its own.
func BenchmarkBacklogs(b *testing.B) {
	const n = 1_000_000
	q := New(Options{Log: zerolog.Nop()})
	q.mu.Lock()
	for i := range n {
		m := &sms.Message{ID: sms.ID(i + 1), Submitter: "acme", Source: sms.Address{Number: fmt.Sprint(33600000000 + i)}, Dest: sms.Address{Number: "3600"}, State: sms.Enroute}
		m.DueAt = q.shown(q.now())
		m.ExpiresAt = m.DueAt.Add(1 << 50)
		q.parties.get(m.Owner()).pending++
		q.enter(m, keysOf(m), q.now(), q.now(), false)
	}
	q.mu.Unlock()
	b.ResetTimer()
	for b.Loop() {
		all, err := q.Backlogs(context.Background())
		if err != nil || len(all) != 1 || all[0].Count != n || all[0].Oldest != 1 {
			b.Fatal(all, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/(n/chunkSize), "µs/chunk")
}
