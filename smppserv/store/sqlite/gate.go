package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// gate keeps SQLite from the index of the log, which is mapped into memory, while the disk hangs: a thread that touches a page
// of it is then held in that fault, where Go neither gives its processor to another goroutine nor can stop it to collect
// garbage, and soon the whole program stands still. A write to a file beside it hangs too, but as a call of the system,
// which Go knows how to wait for.
type gate struct {
	hang func() // takes as long as the disk does; nil = none is known for this system

	mu    sync.Mutex
	under chan struct{} // closed at the end of what somebody waits for, nil = nobody does
	file  *os.File
}

// newGate is that of a database. Where the file for it cannot be had there is none: SQLite will tell why.
func newGate(database string) *gate {
	g := &gate{}
	if runtime.GOOS == "windows" { // a file that is open cannot lose its name there
		return g
	}
	f, err := os.CreateTemp(filepath.Dir(database), ".gate-*")
	if err != nil {
		return g
	}
	os.Remove(f.Name())
	g.file = f
	g.hang = func() { writeNothing(f) }
	return g
}

func (g *gate) close() error {
	if g.file == nil {
		return nil
	}
	return g.file.Close()
}

// wait returns when the disk does not hang.
func (g *gate) wait() {
	if g.hang != nil {
		g.hang()
	}
}

// within is wait for whoever does not wait longer than limit; all who wait meanwhile share one write.
func (g *gate) within(ctx context.Context, limit time.Duration) error {
	if g.hang == nil {
		return nil
	}
	g.mu.Lock()
	under := g.under
	if under == nil {
		under = make(chan struct{})
		g.under = under
		go func() {
			g.hang()
			g.mu.Lock()
			g.under = nil
			g.mu.Unlock()
			close(under)
		}()
	}
	g.mu.Unlock()
	alarm := time.NewTimer(limit)
	defer alarm.Stop()
	select {
	case <-under:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-alarm.C:
		return errReadTime
	}
}
