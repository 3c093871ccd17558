package runs_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/runs"
)

// stored opens an index of n messages in small runs and waits until all is merged.
func stored(t *testing.T, disk *memory, m *messages, n int, o runs.Options) *runs.Index {
	t.Helper()
	m.add(many(m.last()+1, make([]runs.Entry, n))...)
	o.Storage, o.Messages = disk, m.read
	x := open(t, o)
	time.Sleep(time.Hour)
	synctest.Wait()
	return x
}

// whatever tells how a piece is damaged.
var whatever = map[string]func(m *memory, at place){
	"an octet is another": func(m *memory, at place) {
		data := slices.Clone(m.pieces[at])
		data[len(data)/2]++
		m.pieces[at] = data
	},
	"it is cut":        func(m *memory, at place) { m.pieces[at] = m.pieces[at][:3] },
	"it is missing":    func(m *memory, at place) { delete(m.pieces, at) },
	"it is another's":  func(m *memory, at place) { m.pieces[at] = m.pieces[place{at.run, at.n ^ 1}] },
	"its run is older": func(m *memory, at place) { m.pieces[at] = m.pieces[place{at.run + 1, at.n}] },
}

func TestADamagedBlockIsToldWithItsRunAndTheIndexIsMadeAnew(t *testing.T) {
	for name, damage := range whatever {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk, m, log := newMemory(), &messages{}, &bytes.Buffer{}
				x := stored(t, disk, m, 4000, runs.Options{TailMessages: 1000, FanIn: 3, Log: zerolog.New(log)})
				row := disk.whole()[0]
				disk.mu.Lock()
				for n := range row.Blocks {
					damage(disk, place{row.Number, runs.PieceNumber(n)})
				}
				disk.mu.Unlock()

				_, _, err := x.Newest(t.Context(), m.entries[0].Keys[0])
				if !errors.Is(err, runs.ErrDamaged) || !strings.Contains(err.Error(), "run 4, block ") {
					t.Fatalf("damage: %v", err)
				}
				if _, _, err := x.Newest(t.Context(), m.entries[0].Keys[0]); err != nil && !errors.Is(err, runs.ErrBehind) {
					t.Fatalf("while it is made anew: %v", err)
				}
				if err := x.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, e := range m.entries {
					m.check(t, x, e.Keys[0], 0, math.MaxUint64)
				}
				if n := strings.Count(log.String(), "made anew"); n != 1 || !strings.Contains(log.String(), "run 4") {
					t.Errorf("the log says: %s", log)
				}
			})
		})
	}
}

func TestDamageThatTheStartFindsIsMendedToo(t *testing.T) {
	for name, damage := range map[string]func(m *memory, row runs.Run){
		"the directory":          func(m *memory, row runs.Run) { whatever["an octet is another"](m, place{row.Number, 1 << 30}) },
		"the filter":             func(m *memory, row runs.Run) { whatever["it is missing"](m, place{row.Number, 2 << 30}) },
		"the row has no blocks":  func(m *memory, row runs.Run) { row.Blocks = 0; m.rows[row.Number] = row },
		"the row's filter":       func(m *memory, row runs.Run) { row.Filter = 1 << 30; m.rows[row.Number] = row },
		"the row's ids":          func(m *memory, row runs.Run) { row.First = row.Last + 1; m.rows[row.Number] = row },
		"two runs of one range":  func(m *memory, row runs.Run) { row.First, row.Last = 1, 1e6; m.rows[row.Number] = row },
		"a filter that was less": func(m *memory, row runs.Run) { row.NewestOnly *= 9; m.rows[row.Number] = row },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk, m, log := newMemory(), &messages{}, &bytes.Buffer{}
				stored(t, disk, m, 4000, runs.Options{TailMessages: 1000, FanIn: 3, Log: zerolog.Nop()}).Close()
				stored(t, disk, m, 1500, runs.Options{TailMessages: 1000, FanIn: 3, Log: zerolog.Nop()}).Close()
				damage(disk, disk.whole()[0])
				x := open(t, runs.Options{Storage: disk, Messages: m.read, Log: zerolog.New(log)})
				for _, e := range m.entries[:200] {
					m.check(t, x, e.Keys[0], 0, math.MaxUint64)
				}
				if !strings.Contains(log.String(), "made anew") {
					t.Errorf("the log says nothing of it: %s", log)
				}
			})
		})
	}
}

func TestABlockThatIsDamagedAgainAndAgainIsNotWrittenAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m := newMemory(), &messages{}
		x := stored(t, disk, m, 100, runs.Options{TailMessages: 10, FanIn: 3, Log: zerolog.Nop()})
		disk.mu.Lock()
		disk.read = func(at place) error {
			whatever["an octet is another"](disk, at)
			return nil
		}
		disk.mu.Unlock()
		before, begun := disk.writesNow(), time.Now()
		for time.Since(begun) < time.Hour {
			_, _, _ = x.Newest(t.Context(), m.entries[0].Keys[0])
			time.Sleep(time.Second)
		}
		if n := disk.writesNow() - before; n > 60*60 {
			t.Errorf("%d steps in an hour", n)
		}
	})
}

func TestAReadThatFailsIsNoDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m, log := newMemory(), &messages{}, &bytes.Buffer{}
		x := stored(t, disk, m, 100, runs.Options{TailMessages: 10, FanIn: 3, Log: zerolog.New(log)})
		busy := errors.New("busy")
		disk.set(func() { disk.read = func(place) error { return busy } })
		if _, _, err := x.Newest(t.Context(), m.entries[0].Keys[0]); !errors.Is(err, busy) || errors.Is(err, runs.ErrDamaged) {
			t.Fatal(err)
		}
		disk.set(func() { disk.read = nil })
		m.check(t, x, m.entries[0].Keys[0], 0, math.MaxUint64)
		if log.Len() > 0 {
			t.Errorf("the log says: %s", log)
		}
	})
}

func TestASearchGoesOnWhenRunsAreMergedUnderIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m := newMemory(), &messages{}
		x := stored(t, disk, m, 0, runs.Options{TailMessages: 300, FanIn: 8, Log: zerolog.Nop()})
		add := func() {
			x.Add(m.add(many(m.last()+1, make([]runs.Entry, 300))...))
			time.Sleep(time.Hour)
			synctest.Wait()
		}
		for range 8 {
			add()
		}
		missed := 0
		disk.set(func() {
			disk.read = func(at place) error {
				if disk.pieces[at] == nil {
					missed++
				}
				return nil
			}
		})
		key := m.entries[5].Keys[1]
		want, got := m.find(key, 0, math.MaxUint64), []sms.ID(nil)
		for id, err := range x.Find(t.Context(), key, 0, math.MaxUint64) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, id); len(got) == 40 {
				add()
			}
		}
		if !slices.Equal(got, want) || missed == 0 {
			t.Errorf("found %d, want %d; %d pieces were cleared under the search", got, want, missed)
		}
	})
}

func TestAMergeThatACrashBrokeOffBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m := newMemory(), &messages{}
		disk.refuse = func(s *runs.Step) error {
			for _, r := range s.Runs {
				if r.Level == 1 && r.State == runs.Whole {
					return errors.New("the disk is full")
				}
			}
			return nil
		}
		log := &bytes.Buffer{}
		x := stored(t, disk, m, 20_000, runs.Options{TailMessages: 2000, FanIn: 4, Log: zerolog.New(log)})
		x.Close()
		if n := strings.Count(log.String(), "the disk is full"); n != 1 {
			t.Errorf("an hour of refusals has %d lines in the log: %s", n, log)
		}
		growing := 0
		for _, r := range disk.rows {
			if r.State == runs.Growing && r.Level == 1 && r.Blocks > 0 {
				growing++
			}
		}
		if growing != 1 {
			t.Fatalf("%d runs are growing, want 1", growing)
		}
		disk.refuse = nil
		x = stored(t, disk, m, 0, runs.Options{TailMessages: 2000, FanIn: 4, Log: zerolog.Nop()})
		for _, e := range m.entries[:500] {
			m.check(t, x, e.Keys[0], 0, math.MaxUint64)
		}
		for _, r := range disk.rows {
			if r.State != runs.Whole {
				t.Errorf("run %d is still there: %+v", r.Number, r)
			}
		}
	})
}

func TestDamageThatAMergeMeetsIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m, log := newMemory(), &messages{}, &bytes.Buffer{}
		x := stored(t, disk, m, 3500, runs.Options{TailMessages: 1000, FanIn: 4, Log: zerolog.New(log)})
		disk.set(func() { whatever["an octet is another"](disk, place{2, 1}) })
		x.Add(m.add(many(m.last()+1, make([]runs.Entry, 1000))...)) // the fourth run, so that they are merged
		time.Sleep(time.Hour)
		if err := x.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, e := range m.entries {
			m.check(t, x, e.Keys[0], 0, math.MaxUint64)
		}
		if !strings.Contains(log.String(), "run 2, block 1") || !strings.Contains(log.String(), "made anew") {
			t.Errorf("the log says: %s", log)
		}
	})
}

func TestMessagesThatCannotBeReadAtTheStartAreToldAndReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m, log := newMemory(), &messages{}, &bytes.Buffer{}
		m.add(many(1, make([]runs.Entry, 10))...)
		malformed, whole := errors.New("malformed"), atomic.Bool{}
		x, err := runs.Open(t.Context(), runs.Options{Storage: disk, Log: zerolog.New(log), Messages: func(ctx context.Context, after sms.ID, into []runs.Entry) ([]runs.Entry, error) {
			if !whole.Load() {
				return nil, malformed
			}
			return m.read(ctx, after, into)
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		if err := x.Ready(t.Context()); !errors.Is(err, malformed) {
			t.Fatalf("it is ready: %v", err)
		}
		synctest.Wait()
		if log.Len() > 0 {
			t.Errorf("besides, the log says: %s", log)
		}
		whole.Store(true)
		time.Sleep(time.Minute)
		if err := x.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.check(t, x, m.entries[0].Keys[0], 0, math.MaxUint64)
	})
}
