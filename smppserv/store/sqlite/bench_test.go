package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
)

// flight is how many messages are under way, as eight clients with a window of 64 have.
const flight = 512

type countdown struct {
	m    *sms.Message
	done chan struct{}
}

func (c *countdown) Replaces() *road.Transition { return nil }
func (c *countdown) Message() *sms.Message      { return c.m }
func (c *countdown) Added(bool, error)          { c.done <- struct{}{} }

// additions adds n messages with so many numbers, flight of them under way, and returns the last id.
func additions(s *store.Store, n, numbers int) (last sms.ID) {
	done := make(chan struct{}, flight)
	now := time.Now()
	var c *countdown
	for i := range n {
		m := storetest.Sample()
		m.ReceivedAt, m.DueAt, m.ExpiresAt, m.TLVs = now, now, now.Add(24*time.Hour), nil
		m.Source.Number = fmt.Sprint(33600000000 + i*7919%numbers)
		c = &countdown{m, done}
		if i >= flight {
			<-done
		}
		s.Add(c)
	}
	for range min(n, flight) {
		<-done
	}
	return c.m.ID
}

func BenchmarkAdd(b *testing.B) {
	for _, numbers := range []int{1, 1_000_000} {
		b.Run(fmt.Sprint(numbers, "numbers"), func(b *testing.B) {
			s := must(b, filepath.Join(b.TempDir(), "messages.db"))
			defer s.Close(context.Background())
			b.ReportAllocs()
			b.ResetTimer()
			additions(s, b.N, numbers)
			b.StopTimer()
		})
	}
}

func BenchmarkEnd(b *testing.B) {
	s := must(b, filepath.Join(b.TempDir(), "messages.db"))
	defer s.Close(context.Background())
	last := additions(s, b.N, 1)
	done := make(chan struct{}, flight)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i >= flight {
			<-done
		}
		s.Finish(&road.Transition{IDs: []sms.ID{last - sms.ID(i)}, State: sms.Delivered, Attempts: 1, Done: func() { done <- struct{}{} }})
	}
	for range min(b.N, flight) {
		<-done
	}
	b.StopTimer()
}

// BenchmarkAddAndFinish is the store's share of a message's cost.
func BenchmarkAddAndFinish(b *testing.B) {
	s := must(b, filepath.Join(b.TempDir(), "messages.db"))
	defer s.Close(context.Background())
	finished := make(chan struct{}, flight)
	b.ReportAllocs()
	for n := 0; n < b.N; n += flight {
		last := additions(s, flight, 1)
		for i := range sms.ID(flight) {
			s.Finish(&road.Transition{IDs: []sms.ID{last - i}, State: sms.Delivered, Attempts: 1, Done: func() { finished <- struct{}{} }})
		}
		for range flight {
			<-finished
		}
	}
}

// BenchmarkWaiting reads a hundred thousand waiting messages.
func BenchmarkWaiting(b *testing.B) {
	const all = 100_000
	s := must(b, filepath.Join(b.TempDir(), "messages.db"))
	defer s.Close(context.Background())
	additions(s, all, all)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := s.Waiting(context.Background(), 0, func(*sms.Message) error { n++; return nil }); err != nil || n != all {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	const all = 100_000
	s := must(b, filepath.Join(b.TempDir(), "messages.db"))
	defer s.Close(context.Background())
	last := additions(s, all, all)
	var ids []sms.ID
	for i := range sms.ID(64) {
		ids = append(ids, last-i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ms, err := s.Load(context.Background(), ids); err != nil || len(ms) != len(ids) {
			b.Fatal(len(ms), err)
		}
	}
}
