package runs_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/runs"
)

func heap() int {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc)
}

func TestWhileNoStepIsWrittenTenTimesTheMessagesTakeNoMoreMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tail = 2000
		disk, log := newMemory(), &bytes.Buffer{}
		disk.refuse = func(*runs.Step) error { return errors.New("the disk is full") }
		committed := sms.ID(0)
		x := open(t, runs.Options{Storage: disk, TailMessages: tail, Log: zerolog.New(log), Messages: func(_ context.Context, after sms.ID, into []runs.Entry) ([]runs.Entry, error) {
			return many(after+1, into[:min(cap(into), int(committed-after))]), nil
		}})
		entries := make([]runs.Entry, 500)
		fill := func(messages int) {
			for range messages / len(entries) {
				x.Add(many(committed+1, entries))
				committed += sms.ID(len(entries))
			}
			synctest.Wait()
		}
		empty := heap()
		fill(tail * (runs.MaxSealed + 1))
		if _, _, err := x.Newest(t.Context(), runs.NumberKey("1")); err != nil {
			t.Fatalf("at the bound: %v", err)
		}
		full := heap() - empty
		if full > 400*tail*(runs.MaxSealed+2) {
			t.Errorf("%d octets for %d messages", full, tail*(runs.MaxSealed+1))
		}
		fill(10 * tail * (runs.MaxSealed + 1))
		if beyond := heap() - empty; beyond > full+full/5 {
			t.Errorf("ten times beyond the bound it takes %d octets, at the bound %d", beyond, full)
		}
		if _, _, err := x.Newest(t.Context(), runs.NumberKey("1")); !errors.Is(err, runs.ErrBehind) {
			t.Errorf("beyond the bound: %v", err)
		}

		disk.set(func() { disk.refuse = nil })
		if err := x.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(found(t, x, runs.NumberKey("3601"), 0, math.MaxUint64)); n != int(committed)/10 {
			t.Errorf("%d messages are found afterwards, want %d", n, committed/10)
		}
		for _, say := range []string{"the disk is full", "it catches up"} {
			if strings.Count(log.String(), say) != 1 {
				t.Errorf("the log does not say once %q: %s", say, log)
			}
		}
	})
}

func TestDirectoriesAndFiltersKeepToTheirMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m := newMemory(), &messages{}
		o := runs.Options{TailMessages: 500, MarkOctets: 2000, FilterOctets: 8 << 10, Log: zerolog.Nop()}
		x := stored(t, disk, m, 200_000, o)
		for round := range 2 {
			allMarks, allFilters := 0, 0
			for _, r := range disk.whole() {
				allMarks += int(r.Blocks) * 16
				allFilters += int(r.NewestOnly)
			}
			if allMarks < 10*o.MarkOctets || allFilters < 20*o.FilterOctets {
				t.Fatalf("there are %d octets of marks and %d of filters: too few to show anything", allMarks, allFilters)
			}
			marks, filters := x.Held()
			if marks == 0 || filters == 0 || marks > o.MarkOctets || filters > o.FilterOctets {
				t.Errorf("round %d: marks take %d octets, want at most %d; filters %d, want at most %d", round, marks, o.MarkOctets, filters, o.FilterOctets)
			}
			for _, e := range append(m.entries[:25:25], m.entries[len(m.entries)-25:]...) {
				m.check(t, x, e.Keys[0], 0, math.MaxUint64)
				m.check(t, x, e.Keys[3], 0, math.MaxUint64)
			}
			x.Close()
			x = stored(t, disk, m, 0, o)
		}
	})
}

func TestStepsAreSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m := newMemory(), &messages{}
		disk.after = func(s *runs.Step) error {
			octets, cleared := 0, 0
			for _, p := range s.Pieces {
				octets += len(p.Data)
			}
			for _, c := range s.Clear {
				cleared += int(c.To - c.From)
			}
			if octets > runs.StepOctets+2*runs.PieceSize || cleared > runs.ClearPieces {
				disk.fault("a step writes %d octets, clears %d pieces", octets, cleared)
			}
			return nil
		}
		stored(t, disk, m, 50_000, runs.Options{TailMessages: 4096, FanIn: 3, Log: zerolog.Nop()})
		if disk.breach != nil || disk.whole()[0].Level == 0 {
			t.Error(disk.breach, disk.whole())
		}
	})
}

func TestAnIndexWithoutTrafficWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m := newMemory(), &messages{}
		x := stored(t, disk, m, 5000, runs.Options{TailMessages: 100, Log: zerolog.Nop()})
		x.Forget(100)
		synctest.Wait()
		writes, reads := disk.writesNow(), m.reads
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if disk.writesNow() != writes || m.reads != reads {
			t.Errorf("%d steps, %d reads in a day without a message", disk.writesNow()-writes, m.reads-reads)
		}
	})
}

func TestWhatIsPurgedLeavesTheIndexInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, m := newMemory(), &messages{}
		x := stored(t, disk, m, runs.WitherPairs, runs.Options{TailMessages: 2048, FanIn: 4, Log: zerolog.Nop()})
		full := disk.stored()
		for part := 1; part <= 8; part++ {
			x.Forget(sms.ID(part*runs.WitherPairs/8) + 1)
			time.Sleep(time.Hour)
			synctest.Wait()
			if left, want := disk.stored(), full*(8-part)/8; left > 2*want+full/8 {
				t.Errorf("%d/8 are purged: %d octets of %d are left", part, left, full)
			}
		}
		if n := len(disk.rows); n != 0 || disk.pieceCount() != 0 {
			t.Errorf("all is purged: %d runs and %d pieces are left", n, disk.pieceCount())
		}
	})
}
