package store

import (
	"runtime"
	"sync/atomic"
	"time"
)

// gathering makes commits larger where that pays: who has a window, and is answered, hands in the next at once, and those that come a
// moment after a commit has begun need one of their own. There is no fixed wait: it ends when they are there, and is not tried again
// for a while where they did not come.
type gathering struct {
	last  int           // operations of the last commit
	took  time.Duration // by it
	yield trial         // of letting those answer who were told
	wait  trial         // of waiting for those that follow
	never atomic.Bool
}

// trial is something that may be in vain: then it is not tried for a while, and longer each time.
type trial struct {
	pass    int // commits before it is tried again
	penalty int // commits that the next attempt in vain costs
}

// due tells whether it is to be tried at this commit.
func (t *trial) due() bool {
	if t.pass > 0 {
		t.pass--
		return false
	}
	return true
}

// tried notes what came of it.
func (t *trial) tried(inVain bool) {
	if !inVain {
		t.penalty = 0
		return
	}
	t.penalty = min(2*t.penalty+1, mostPassed)
	t.pass = t.penalty
}

const (
	// A commit is not held up by more than what the last one took, nor by more than these: one more commit for those that come late
	// costs as much.
	longestGathering = 400 * time.Microsecond
	mostYields       = 2000
	// mostPassed bounds how long it is not tried where it was in vain.
	mostPassed = 1024
)

// NeverGather has each commit begin at once: in memory one of a few costs no more than one of many, and where time is simulated it
// stands still for whoever waits without sleeping.
func (s *Store) NeverGather() { s.gathering.never.Store(true) }

// gather lets others run until as many operations wait as were under way when the last commit ended: those that it answered, and
// those that came meanwhile.
func (s *Store) gather() {
	g := &s.gathering
	if g.last == 0 || g.never.Load() {
		return
	}
	if g.yield.due() {
		g.yieldOnce()
	}
	if !g.wait.due() {
		return
	}
	before := s.waiting()
	if before == 0 {
		return
	}
	want := min(before+g.last, maxBatch)
	began := time.Now()
	for yields := 0; s.waiting() < want; yields++ {
		if time.Since(began) >= min(g.took, longestGathering) || yields == mostYields {
			g.wait.tried(true)
			return
		}
		runtime.Gosched()
	}
	g.wait.tried(false)
}

// yieldOnce lets who was told answer first, on this processor: to wake another one for that takes longer than the answer. Where goroutines
// compute on all processors it is long before this one comes back.
func (g *gathering) yieldOnce() {
	began := time.Now()
	runtime.Gosched()
	g.yield.tried(time.Since(began) > longestGathering)
}

func (s *Store) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}
