package centre

import (
	"runtime"
	"runtime/debug"
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
