package centre

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// headroom is what is allocated between two collections, whatever is in use: a million waiting messages are a large heap with
	// few pointers, which is collected as fast as a small one, and twice its size would be memory for nothing.
	headroom = 48 << 20
	// A collection costs what is in use at least; beyond 16 times the headroom it comes more rarely.
	leastGCPercent, mostGCPercent = 6, 800
)

// gcPercent is the GOGC with which a heap grows by headroom, of so many octets in use, stacks and globals included: GOGC is of them all.
func gcPercent(live uint64) int {
	return int(min(max(headroom*100/max(live, 1), leastGCPercent), mostGCPercent))
}

// collectEvenly has garbage collected each time headroom was allocated, until stop is called. Where GOGC is set in the environment
// it does nothing.
func collectEvenly() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(leastGCPercent) // the first collection comes soon, and tells how much is in use
	done := make(chan struct{})
	collected := make(chan struct{}, 1)
	var watch func()
	watch = func() { // called after each collection
		runtime.AddCleanup(new(*byte), func(struct{}) {
			select {
			case <-done:
				return
			case collected <- struct{}{}:
			default:
			}
			watch()
		}, struct{}{})
	}
	watch()
	go func() {
		used := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
		last := leastGCPercent
		for {
			select {
			case <-done:
				debug.SetGCPercent(before)
				return
			case <-collected:
			}
			metrics.Read(used)
			live := uint64(0)
			for _, u := range used {
				live += u.Value.Uint64()
			}
			// It stops the world for a moment: not for a few per cent.
			if p := gcPercent(live); 10*max(p-last, last-p) > last {
				debug.SetGCPercent(p)
				last = p
			}
		}
	}()
	return func() { close(done) }
}
