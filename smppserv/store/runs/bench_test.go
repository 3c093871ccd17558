package runs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/runs"
)

// many makes the entries of messages from distinct numbers to a few campaigns.
func many(first sms.ID, into []runs.Entry) []runs.Entry {
	for i := range into {
		id := first + sms.ID(i)
		into[i] = message(id, "client", fmt.Sprint(33_600_000_000+uint64(id)*2_654_435_761%1_000_000_000), fmt.Sprint(3600+id%10))
	}
	return into
}

func none(context.Context, sms.ID, []runs.Entry) ([]runs.Entry, error) { return nil, nil }

// BenchmarkAdd is of one message; all that it causes goes on beside it.
func BenchmarkAdd(b *testing.B) {
	x, err := runs.Open(b.Context(), runs.Options{Storage: newMemory(), Messages: none, Log: zerolog.Nop()})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	if err := x.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	entries := make([]runs.Entry, 256)
	id := sms.ID(1)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += len(entries) {
		b.StopTimer()
		many(id, entries)
		id += sms.ID(len(entries))
		b.StartTimer()
		x.Add(entries)
	}
}

// BenchmarkCatchUp is of one message from Messages into merged runs: tail, seal, merges.
func BenchmarkCatchUp(b *testing.B) {
	disk := newMemory()
	b.ReportAllocs()
	x, err := runs.Open(b.Context(), runs.Options{Storage: disk, Log: zerolog.Nop(), Pause: -1, Messages: func(_ context.Context, after sms.ID, into []runs.Entry) ([]runs.Entry, error) {
		return many(after+1, into[:min(cap(into), b.N-int(after))]), nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	if err := x.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(disk.stored())/float64(b.N), "octets/message")
}

// BenchmarkSearch is over messages that each have a number of their own.
func BenchmarkSearch(b *testing.B) {
	b.Run("ten million in memory", func(b *testing.B) {
		disk := newMemory()
		searches(b, disk, 10_000_000, disk.stored)
	})
	b.Run("a million in SQLite", func(b *testing.B) { searches(b, newTables(b), 1_000_000, func() int { return 0 }) })
}

func searches(b *testing.B, disk runs.Storage, stored int, octets func() int) {
	x, err := runs.Open(b.Context(), runs.Options{Storage: disk, Log: zerolog.Nop(), Pause: -1, Messages: func(_ context.Context, after sms.ID, into []runs.Entry) ([]runs.Entry, error) {
		return many(after+1, into[:min(cap(into), stored-int(after))]), nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	begun := time.Now()
	if err := x.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("caught up with %d messages in %v", stored, time.Since(begun))
	var rows []runs.Run
	written := uint32(0)
	for quiet := 0; quiet < 20; quiet++ { // until merging rests
		time.Sleep(50 * time.Millisecond)
		if rows, err = disk.Runs(b.Context()); err != nil {
			b.Fatal(err)
		}
		now := uint32(len(rows))
		for _, r := range rows {
			now += r.Blocks
		}
		if now != written {
			written, quiet = now, 0
		}
	}
	marks, filters := x.Held()
	b.Logf("merged after %v: %d runs, %.1f octets a message; directories take %d KB, filters %d KB, the heap without the runs %d MB", time.Since(begun),
		len(rows), float64(octets())/float64(stored), marks>>10, filters>>10, (heap()-octets())>>20)
	number := func(id sms.ID) (string, string) {
		return fmt.Sprint(33_600_000_000 + uint64(id)*2_654_435_761%1_000_000_000), fmt.Sprint(3600 + id%10)
	}
	b.Run("newest of a known conversation", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			id := sms.ID(1 + rand.IntN(stored))
			if _, ok, err := x.Newest(b.Context(), runs.ConversationKey(number(id))); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("newest of an unknown conversation", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if _, _, err := x.Newest(b.Context(), runs.ConversationKey(fmt.Sprint("new", i), "3600")); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("all of a number", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			n, _ := number(sms.ID(1 + rand.IntN(stored)))
			for _, err := range x.Find(b.Context(), runs.NumberKey(n), 0, sms.ID(stored)) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("a campaign's 50 000 of half a million", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			n, from := 0, sms.ID(1+rand.IntN(stored-500_000))
			for _, err := range x.Find(b.Context(), runs.NumberKey("3605"), from, from+499_999) {
				if n++; err != nil {
					b.Fatal(err)
				}
			}
			if n != 50_000 {
				b.Fatal(n)
			}
		}
	})
}

func (m *memory) writesNow() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}
