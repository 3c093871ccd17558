package runs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
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

// BenchmarkSearch is over ten million messages from ten million numbers.
func BenchmarkSearch(b *testing.B) {
	const stored = 10_000_000
	disk := newMemory()
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
	for n := -1; n != disk.writesNow(); time.Sleep(100 * time.Millisecond) {
		n = disk.writesNow()
	}
	b.Logf("merged after %v: %d runs, %.1f octets a message", time.Since(begun), len(disk.whole()), float64(disk.stored())/stored)
	before := disk.heapWithout()
	number := func(id sms.ID) (string, string) {
		return fmt.Sprint(33_600_000_000 + uint64(id)*2_654_435_761%1_000_000_000), fmt.Sprint(3600 + id%10)
	}
	b.Logf("heap of the index: %d MB", before>>20)
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
			for _, err := range x.Find(b.Context(), runs.NumberKey(n), 0, stored) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("a day of a campaign, 100 000 of a million", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			n, from := 0, sms.ID(rand.IntN(stored-1_000_000))
			for _, err := range x.Find(b.Context(), runs.NumberKey("3605"), from, from+999_999) {
				if n++; err != nil {
					b.Fatal(err)
				}
			}
			if n != 100_000 {
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

// heapWithout is the memory in use but for the pieces.
func (m *memory) heapWithout() int {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc) - m.stored()
}
