package centre

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

func TestTheHeapGrowsByTheSameRoomWhateverIsInUse(t *testing.T) {
	for live, want := range map[uint64]int{0: mostGCPercent, 1 << 20: mostGCPercent, 48 << 20: 100, 192 << 20: 25, 4 << 40: leastGCPercent} {
		if got := gcPercent(live); got != want {
			t.Errorf("with %d octets in use it is %d %%, want %d", live, got, want)
		}
	}
}

func TestMemoryIsGivenBackWhenTheServerHasBecomeQuiet(t *testing.T) {
	var q quiet
	for i, step := range []struct {
		allocates uint64
		want      bool
	}{
		{0, false},              // nothing was used
		{worthwhile, false},     // it is at work
		{worthwhile, false},     //
		{quietOctets - 1, true}, // quiet
		{0, false},              // that was done
		{worthwhile / 2, false},
		{0, false}, // too little
		{worthwhile / 2, false},
		{1, true},
	} {
		if got := q.look(q.last + step.allocates); got != step.want {
			t.Errorf("look %d: %v, want %v", i, got, step.want)
		}
	}
}

func TestAQuietServerNeedsNoMemoryForWhatItHasDone(t *testing.T) {
	t.Setenv("GOGC", "")
	defer collectEvenly()()
	for range 64 {
		kept = append(kept, make([]byte, 1<<20))
		for i := 0; i < 1<<20; i += 4096 {
			kept[len(kept)-1][i] = 1
		}
	}
	kept = nil
	free := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}, {Name: "/gc/heap/live:bytes"}}
	testkit.Await(t, "the heap is small, and the rest is the system's", func() bool {
		metrics.Read(free)
		return free[0].Value.Uint64() < 16<<20 && free[1].Value.Uint64() < 32<<20
	})
}

var kept [][]byte

func TestCollectionsFollowWhatIsInUse(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	stop := collectEvenly()
	for range 160 {
		kept = append(kept, make([]byte, 1<<20))
	}
	percent := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	testkit.Await(t, "little is allocated between two collections of a large heap", func() bool {
		runtime.GC()
		return percent() < 50
	})
	kept = nil
	testkit.Await(t, "it is allocated again when the heap is small", func() bool {
		runtime.GC()
		return percent() > 100
	})
	stop()
	testkit.Await(t, "the percentage is what it was", func() bool { return percent() == 100 })
}
