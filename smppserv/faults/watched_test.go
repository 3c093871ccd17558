package faults

import (
	"fmt"
	"sync"
	"time"
)

// watched is what many goroutines tell of and somebody waits for. It is embedded in what is told.
type watched struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced with every change
	faults  []string
	sent    int // messages that were handed in, answered or not
}

func newWatched() watched { return watched{changed: make(chan struct{})} }

// change has what is watched to itself, and wakes those who await it.
func (w *watched) change(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
	close(w.changed)
	w.changed = make(chan struct{})
}

// wrote counts a message that is handed in.
func (w *watched) wrote() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent++
}

// fault is to be called by change.
func (w *watched) fault(format string, args ...any) {
	if len(w.faults) < 20 {
		w.faults = append(w.faults, fmt.Sprintf(format, args...))
	}
}

// until tells whether done became true in that time. done is called with what is watched to itself, at each change and also between: Hermès
// tells of what it got by itself.
func (w *watched) until(patience time.Duration, done func() bool) bool {
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		ok, changed := done(), w.changed
		w.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-time.After(100 * time.Millisecond):
		case <-deadline:
			return false
		}
	}
}
