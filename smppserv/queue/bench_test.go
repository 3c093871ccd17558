package queue

import (
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

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
	pass(b, newRig(b, nil), lanes)
}

// pass has b.N messages pass through the queue.
func pass(b *testing.B, r *rig, lanes int) {
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

// BenchmarkBehindAMillion is the way of a message while a million others wait, in as many conversations, for a client that is not there.
func BenchmarkBehindAMillion(b *testing.B) {
	const messages = 1_000_000
	r := newRig(b, nil)
	waits := rows{n: messages, conversations: messages, change: func(i int, m *sms.Message) {
		m.ID, m.Submitter, m.Recipient = sms.ID(i+1)<<32, "other", "absent"
	}}
	now := r.q.now()
	r.q.mu.Lock()
	waits.Waiting(b.Context(), 0, func(m *sms.Message) error {
		r.q.takeUp(m, keysOf(m), now, now)
		return nil
	})
	r.q.lastSeen = 0
	r.q.mu.Unlock()
	pass(b, r, 10_000)
}

// BenchmarkTakeUpAMillion is what the queue does of a start with a million messages in a million conversations.
func BenchmarkTakeUpAMillion(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		waitingIn(b, rows{n: 1_000_000, conversations: 1_000_000})
	}
}

// BenchmarkFindWhatIsReplaced looks for the message that another one replaces among 50 000 of one conversation, all of another service_type,
// and BenchmarkListALongLane for the first time among as many of its own.
func BenchmarkFindWhatIsReplaced(b *testing.B) {
	q, m := longConversation(b, func(_ int, m *sms.Message) { m.ServiceType = "CMT" })
	for b.Loop() {
		if q.oldest(m, 0, isWaiting) != 0 {
			b.Fatal("there is one")
		}
	}
}

func BenchmarkListALongLane(b *testing.B) {
	q, m := longConversation(b, nil)
	for b.Loop() {
		clear(q.seniorities)
		if q.oldest(m, 0, isWaiting) == 0 {
			b.Fatal("there is none")
		}
	}
}

// BenchmarkTakeUpBetween takes up as many of its messages that stand between them, in the order of their age, as after another worker's death.
func BenchmarkTakeUpBetween(b *testing.B) {
	for b.Loop() {
		q, m := longConversation(b, func(i int, m *sms.Message) { m.ID = sms.ID(2 * (i + 1)) })
		for id := sms.ID(1); id < 100_000; id += 2 {
			m.ID = id
			q.takeUp(m, keysOf(m), q.now(), q.now())
		}
	}
}

// longConversation is a queue with one of 50 000 messages, and one more of them.
func longConversation(b *testing.B, change func(int, *sms.Message)) (*Queue, *sms.Message) {
	return waitingIn(b, rows{n: 50_000, conversations: 1, change: change}), &sms.Message{Submitter: "admin", Source: sms.Address{Number: "33600000000"}, Dest: sms.Address{Number: "3600"}}
}

// BenchmarkFollowTheClock has a million messages follow a setting of the clock. The lock is free after each chunk.
func BenchmarkFollowTheClock(b *testing.B) {
	q := waitingIn(b, rows{n: 1_000_000, conversations: 1_000_000, change: func(_ int, m *sms.Message) { m.Period = false }})
	longest := time.Duration(0)
	for b.Loop() {
		q.beginToFollow(1000, q.now())
		for more := true; more; {
			from := time.Now()
			more = q.followOn()
			longest = max(longest, time.Since(from))
		}
	}
	b.ReportMetric(float64(longest.Microseconds()), "us/longest-step")
}

// BenchmarkRetryALongLane retries messages of a conversation of fifty thousand, one after the other.
func BenchmarkRetryALongLane(b *testing.B) {
	const n = 50_000
	q := New(Options{Log: zerolog.Nop()})
	ids := make([]sms.ID, n)
	for i := range ids {
		ids[i] = sms.ID(i + 1)
	}
	line(q, func(id sms.ID) bool { return id < 10 }, ids...)
	for i := 0; b.Loop(); i++ {
		if err := q.RetryNow(ids[i%n]); err != nil {
			b.Fatal(err)
		}
	}
}
