package queue

import (
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

var done = &counting{verdict: func(int) sms.Outcome { return sms.Outcome{Verdict: sms.Done} }}

// BenchmarkOneLane is the way of a message from Add until its end is on disk, all in one conversation.
func BenchmarkOneLane(b *testing.B) { throughput(b, 1) }

// BenchmarkManyLanes is the same with a thousand conversations.
func BenchmarkManyLanes(b *testing.B) { throughput(b, 1000) }

func throughput(b *testing.B, lanes int) {
	r := newRig(b, nil)
	r.q.Attach(road.OutletOptions{Window: 32, Serial: true, Deliverer: done})
	numbers := make([]string, lanes)
	for i := range numbers {
		numbers[i] = fmt.Sprint(33600000000 + i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	s := newCountedSender(b.N)
	flight := make(chan struct{}, 2048) // clients' windows
	bounded := &boundedSender{s, flight}
	for i := range b.N {
		flight <- struct{}{}
		m := r.text("a text of the usual length, which is about half of what fits in")
		m.Source.Number = numbers[i%lanes]
		if err := r.q.Add(m, 0, bounded); err != nil {
			b.Fatal(err)
		}
	}
	<-s.allConcluded
}

// boundedSender makes room for another message when one is accepted.
type boundedSender struct {
	*countedSender
	flight chan struct{}
}

func (s *boundedSender) Accepted(m *sms.Message, duplicate bool, err error) {
	<-s.flight
	s.countedSender.Accepted(m, duplicate, err)
}

// BenchmarkRecover100000 starts a queue with that many waiting messages, and then delivers them.
func BenchmarkRecover100000(b *testing.B) {
	const messages = 100_000
	r := newRig(b, nil)
	s := newCountedSender(messages)
	for i := range messages {
		m := r.text("a text of the usual length, which is about half of what fits in")
		m.Source.Number = fmt.Sprint(33600000000 + i%5000)
		if err := r.q.Add(m, 0, s); err != nil {
			b.Fatal(err)
		}
	}
	testkit.Receive(b, s.allAccepted, "all accepted")
	var took time.Duration
	n := 0
	for b.Loop() {
		r.close()
		from := time.Now()
		r.open()
		took += time.Since(from)
		n++
	}
	if got := r.q.Pending("admin"); got != messages {
		b.Fatalf("%d pending", got)
	}
	b.ReportMetric(float64(took.Milliseconds())/float64(n), "ms/start")
	from := time.Now()
	r.q.Attach(road.OutletOptions{Window: 32, Serial: true, Deliverer: done})
	r.emptied()
	b.ReportMetric(messages/time.Since(from).Seconds(), "drained/s")
}
