package runs_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/runs"
)

// messages is a table of messages, as the index knows them, and what must be found in it.
// The keeper reads it too.
type messages struct {
	mu      sync.Mutex
	entries []runs.Entry // rising
	horizon sms.ID
	reads   int
}

func (m *messages) read(_ context.Context, after sms.ID, into []runs.Entry) ([]runs.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	for _, e := range m.entries {
		if e.ID > after && len(into) < cap(into) {
			into = append(into, e)
		}
	}
	return into, nil
}

func (m *messages) add(e ...runs.Entry) []runs.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append(m.entries, e...)
	return e
}

func (m *messages) last() sms.ID {
	if len(m.entries) == 0 {
		return m.horizon
	}
	return m.entries[len(m.entries)-1].ID
}

// find gives the ids of a key, newest first.
func (m *messages) find(k runs.Key, from, to sms.ID) (ids []sms.ID) {
	for _, e := range slices.Backward(m.entries) {
		if e.ID >= from && e.ID <= to && slices.Contains(e.Keys[:], k) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

func (m *messages) forget(horizon sms.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.horizon = max(m.horizon, horizon)
	m.entries = slices.DeleteFunc(m.entries, func(e runs.Entry) bool { return e.ID < m.horizon })
}

// message makes the entry of a message as a store does.
func message(id sms.ID, client, number, campaign string) runs.Entry {
	return runs.Entry{ID: id, Keys: [4]runs.Key{runs.NumberKey(number), runs.NumberKey(campaign),
		runs.ConversationKey(number, campaign), runs.UseKey(client, number)}}
}

func open(t *testing.T, o runs.Options) *runs.Index {
	t.Helper()
	x, err := runs.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	if err := x.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return x
}

func found(t *testing.T, x *runs.Index, k runs.Key, from, to sms.ID) (ids []sms.ID) {
	t.Helper()
	for id, err := range x.Find(t.Context(), k, from, to) {
		if err != nil {
			t.Fatalf("find: %v", err)
		}
		ids = append(ids, id)
	}
	return ids
}

// check compares what is found of a key with the messages.
func (m *messages) check(t *testing.T, x *runs.Index, k runs.Key, from, to sms.ID) {
	t.Helper()
	got := found(t, x, k, from, to)
	if !slices.IsSortedFunc(got, func(a, b sms.ID) int { return int(b) - int(a) }) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Fatalf("key %x: found %v: not newest first, each once", k, got)
	}
	for _, id := range got {
		if id < from || id > to {
			t.Fatalf("key %x: found %d, not in %d…%d", k, id, from, to)
		}
	}
	got = slices.DeleteFunc(got, func(id sms.ID) bool { return id < m.horizon })
	want := m.find(k, from, to)
	if !k.NewestOnly() {
		if !slices.Equal(got, want) {
			t.Fatalf("key %x in %d…%d above %d: found %d, want %d", k, from, to, m.horizon, got, want)
		}
		return
	}
	for _, id := range got {
		if !slices.Contains(want, id) {
			t.Fatalf("key %x: found %d, which it does not have", k, id)
		}
	}
	newest := m.find(k, 0, math.MaxUint64)
	id, ok, err := x.Newest(t.Context(), k)
	if err != nil || len(newest) > 0 && (!ok || id != newest[0]) || len(newest) == 0 && ok && id >= m.horizon {
		t.Fatalf("key %x: newest is %d, %t, %v; want %v", k, id, ok, err, newest)
	}
}

func TestAnIndexFindsWhatTheMessagesHaveWhateverHappens(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomLife(t, seed) })
		})
	}
}

// randomLife adds, searches, purges, crashes and refuses steps at random moments.
func randomLife(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	disk, m := newMemory(), &messages{}
	o := runs.Options{Storage: disk, Messages: m.read, TailMessages: 1 + r.IntN(60), FanIn: 2 + r.IntN(3), Log: zerolog.Nop()}
	if seed%3 == 0 { // nothing is kept in memory
		o.MarkOctets, o.FilterOctets = 1, 1
	}
	numbers, campaigns := 1+r.IntN(300), 1+r.IntN(4)
	next := func() runs.Entry {
		return message(m.last()+1+sms.ID(r.IntN(3)), fmt.Sprint("client", r.IntN(3)), fmt.Sprint("336", r.IntN(numbers)), fmt.Sprint("36", r.IntN(campaigns)))
	}
	for range r.IntN(3000) {
		m.add(next())
	}
	x := open(t, o)
	for range 200 {
		switch n := r.IntN(100); {
		case n < 60:
			for range r.IntN(100) {
				batch := m.add(next())
				if r.IntN(2) > 0 {
					batch = append(batch, m.add(next())...)
				}
				x.Add(batch)
			}
		case n < 75:
			synctest.Wait()
		case n < 85:
			time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		case n < 88 && len(m.entries) > 0:
			m.forget(m.entries[r.IntN(len(m.entries))].ID / sms.ID(1+r.IntN(3)))
			x.Forget(m.horizon)
		case n < 91: // a crash
			x.Close()
			x = open(t, o)
			x.Forget(m.horizon)
		case n < 94: // steps fail, before or after they are done
			left := r.IntN(4)
			fail := func(*runs.Step) error {
				if left--; left >= 0 {
					return errors.New("refused")
				}
				return nil
			}
			disk.set(func() {
				if disk.refuse, disk.after = nil, nil; n%2 == 0 {
					disk.refuse = fail
				} else {
					disk.after = fail
				}
			})
		case n < 96: // reads fail for a while
			disk.set(func() { disk.read = func(place) error { return errors.New("busy") } })
			for range 200 {
				x.Add(m.add(next()))
			}
			time.Sleep(time.Duration(r.IntN(50)) * time.Millisecond)
			disk.set(func() { disk.read = nil })
		case n < 97:
			x.Rebuild(errors.New("because"))
		}
		if err := x.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys := message(0, fmt.Sprint("client", r.IntN(4)), fmt.Sprint("336", r.IntN(numbers+2)), fmt.Sprint("36", r.IntN(campaigns+1))).Keys
		a, b := sms.ID(r.Uint64N(uint64(m.last()+2))), sms.ID(r.Uint64N(uint64(m.last()+2)))
		for _, k := range keys {
			m.check(t, x, k, min(a, b), max(a, b))
			m.check(t, x, k, 0, math.MaxUint64)
		}
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	x.Close()
	if disk.breach != nil {
		t.Error(disk.breach)
	}
	pieces := 0
	for _, row := range disk.whole() {
		pieces += int(row.Blocks + row.Directory + row.Filter)
	}
	if n := disk.pieceCount(); n != pieces || len(disk.rows) != len(disk.whole()) {
		t.Errorf("%d pieces and %d rows are there, want %d and %d: what was replaced is cleared", n, len(disk.rows), pieces, len(disk.whole()))
	}
}

func TestSearchersMeetNoGapWhileMessagesComeAndRunsAreMerged(t *testing.T) {
	disk, m := newMemory(), &messages{}
	x := open(t, runs.Options{Storage: disk, Messages: m.read, TailMessages: 256, FanIn: 3, Pause: -1, Log: zerolog.Nop()})
	all := many(1, make([]runs.Entry, 10_000))
	var added atomic.Int64
	var searchers sync.WaitGroup
	for seed := range uint64(3) {
		searchers.Go(func() {
			r := rand.New(rand.NewPCG(seed, 3))
			for n := int64(0); n < int64(len(all)); runtime.Gosched() {
				if n = added.Load(); n == 0 {
					continue
				}
				e := all[r.Int64N(n)]
				for _, k := range []runs.Key{e.Keys[0], e.Keys[2], e.Keys[3]} {
					if id, ok, err := x.Newest(t.Context(), k); id != e.ID || !ok || err != nil {
						t.Errorf("message %d of %d: found %d, %t, %v", e.ID, n, id, ok, err)
						return
					}
				}
			}
		})
	}
	for batch := range slices.Chunk(all, 64) {
		x.Add(batch)
		added.Add(int64(len(batch)))
		for last := sms.ID(0); batch[0].ID > last+1024; runtime.Gosched() { // not more than may wait for their run
			if whole := disk.whole(); len(whole) > 0 {
				last = whole[0].Last
			}
		}
	}
	searchers.Wait()
}
