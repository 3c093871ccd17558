package centre

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// headroom is what is allocated between two collections, whatever is in use: a million waiting messages are a large heap with
	// few pointers, which is collected as fast as a small one, and twice its size would be memory for nothing.
	headroom = 48 << 20
	// A collection costs what is in use at least; beyond 16 times the headroom it comes more rarely.
	leastGCPercent, mostGCPercent = 6, 800

	// A server that allocates less than quietOctets between two looks, quietLook apart, is quiet: what it has used and does not need
	// any more goes back to the system then, if it has allocated worthwhile octets since that was done last. A loaded one needs it
	// again at once.
	quietLook   = 250 * time.Millisecond
	quietOctets = 64 << 10
	worthwhile  = 8 << 20
)

// gcPercent is the GOGC with which a heap grows by headroom, of so many octets in use, stacks and globals included: GOGC is of them all.
func gcPercent(live uint64) int {
	return int(min(max(headroom*100/max(live, 1), leastGCPercent), mostGCPercent))
}

// quiet finds out when a server has become quiet, by what it has allocated.
type quiet struct {
	last  uint64 // octets allocated at the last look
	given uint64 // when what is not needed was given back
}

// look takes the octets that were allocated since the start, and tells whether what is not needed is to be given back.
func (q *quiet) look(allocated uint64) bool {
	idle := allocated-q.last < quietOctets
	q.last = allocated
	if !idle || allocated-q.given < worthwhile {
		return false
	}
	q.given = allocated
	return true
}

// giveBack gives the system back what is not needed each time the server has become quiet, until done is closed.
func giveBack(done <-chan struct{}) {
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	look := time.NewTicker(quietLook)
	defer look.Stop()
	var q quiet
	for {
		select {
		case <-done:
			return
		case <-look.C:
		}
		if metrics.Read(allocated); q.look(allocated[0].Value.Uint64()) {
			debug.FreeOSMemory()
		}
	}
}

// collectEvenly has garbage collected each time headroom was allocated, and when the server has become quiet, until stop is called. Where
// GOGC is set in the environment it does nothing.
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
	go giveBack(done)
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
