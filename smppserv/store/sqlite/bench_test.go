package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
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

// BenchmarkAddAndFinish is the store's share of a message's cost, BenchmarkAddAndFinishSealed that with encrypted texts.
func BenchmarkAddAndFinish(b *testing.B) { addAndFinish(b, nil) }

func BenchmarkAddAndFinishSealed(b *testing.B) { addAndFinish(b, sealing(b, "one")) }

func addAndFinish(b *testing.B, keys *store.Keys) {
	s, err := openWith(filepath.Join(b.TempDir(), "messages.db"), keys)
	if err != nil {
		b.Fatal(err)
	}
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

// old makes n messages of a store that is closed that became final long ago.
func old(b *testing.B, file string, n int) {
	b.Helper()
	s := must(b, file)
	m := storetest.Sample()
	m.ReceivedAt = time.Now().Add(-1000 * time.Hour)
	storetest.Add(b, s, m)
	storetest.Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered, Attempts: 1})
	if err := s.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		b.Fatal(err)
	}
	var columns, values string
	const others = "FROM pragma_table_info('messages') WHERE name <> 'id'"
	err = db.QueryRow("SELECT (SELECT group_concat(name) "+others+"), (SELECT group_concat(CASE name WHEN 'final_at' THEN 'received_at + 1000' ELSE name END) "+others+")").Scan(&columns, &values)
	if err == nil {
		_, err = db.Exec(fmt.Sprintf("WITH RECURSIVE more(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM more WHERE n < %d) "+
			"INSERT INTO messages (id, %s) SELECT n, %s FROM more, messages WHERE id = 1", n, columns, values))
	}
	if err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// paced adds messages for so long, of which rate come in a second; 0 = as many as go. It returns how long each took.
func paced(s *store.Store, d time.Duration, rate int) (took []time.Duration) {
	if rate == 0 {
		done := make(chan struct{}, flight)
		n := 0
		for end := time.Now().Add(d); time.Now().Before(end); n++ {
			m := storetest.Sample()
			m.ReceivedAt, m.TLVs = time.Now(), nil
			if n >= flight {
				<-done
			}
			s.Add(&countdown{m, done})
		}
		for range min(n, flight) {
			<-done
		}
		return make([]time.Duration, n)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); {
		began := <-tick.C
		m := storetest.Sample()
		m.ReceivedAt, m.TLVs = began, nil
		all.Add(1)
		s.Add(&timed{m, func() {
			mu.Lock()
			took = append(took, time.Since(began))
			mu.Unlock()
			all.Done()
		}})
	}
	all.Wait()
	slices.Sort(took)
	return took
}

type timed struct {
	m     *sms.Message
	added func()
}

func (c *timed) Replaces() *road.Transition { return nil }
func (c *timed) Message() *sms.Message      { return c.m }
func (c *timed) Added(bool, error)          { c.added() }

func quantile(sorted []time.Duration, q float64) float64 {
	return float64(sorted[int(float64(len(sorted)-1)*q)].Microseconds()) / 1000
}

// BenchmarkReader is of a program that reads the database for ten seconds while messages are added, 1000 a second or as many as go:
// the latency of commits beside that without it, how long the log becomes, and how long it stays so.
func BenchmarkReader(b *testing.B) {
	const look = 10 * time.Second
	for _, rate := range []int{1000, 0} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "messages.db")
			s := must(b, file)
			defer s.Close(context.Background())
			db, err := sql.Open("sqlite", file)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			paced(s, time.Second, rate)
			length := func() float64 {
				info, err := os.Stat(file + "-wal")
				if err != nil {
					b.Fatal(err)
				}
				return float64(info.Size()) / (1 << 20)
			}
			for b.Loop() {
				without := paced(s, look, rate)
				b.ReportMetric(length(), "MB-before")
				reader, err := db.Begin()
				if err != nil {
					b.Fatal(err)
				}
				var n int
				if err := reader.QueryRow("SELECT count(*) FROM jobs").Scan(&n); err != nil {
					b.Fatal(err)
				}
				with := paced(s, look, rate)
				b.ReportMetric(length(), "MB-with")
				if err := reader.Rollback(); err != nil {
					b.Fatal(err)
				}
				began := time.Now()
				for length() >= 64 && time.Since(began) < time.Minute {
					time.Sleep(50 * time.Millisecond)
				}
				b.ReportMetric(time.Since(began).Seconds(), "s-until-64MB")
				b.ReportMetric(float64(len(with))/float64(len(without)), "rate")
				if rate > 0 {
					b.ReportMetric(quantile(without, .999), "p99.9-without-ms")
					b.ReportMetric(quantile(with, .999), "p99.9-ms")
				}
			}
		})
	}
}
