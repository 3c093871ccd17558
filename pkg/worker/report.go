package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// AliveInterval is the time between two alive lines.
const AliveInterval = 5 * time.Second

// Reporter writes the worker's events. Its methods may be called at the same time.
type Reporter struct {
	mu sync.Mutex
	w  io.Writer
}

// NewReporter writes to w, which is the worker's stdout.
func NewReporter(w io.Writer) *Reporter { return &Reporter{w: w} }

// Ready writes the ready line. Event is filled in, and PID where it is 0.
func (r *Reporter) Ready(ready Ready) error {
	ready.Event = EventReady
	if ready.PID == 0 {
		ready.PID = os.Getpid()
	}
	return r.write(ready)
}

// RunAlive writes an alive line at once and then every AliveInterval, until ctx
// is done (nil) or the launcher does not read any more (its error). It starts
// before the store is opened: a long recovery is no hang.
func (r *Reporter) RunAlive(ctx context.Context) error {
	tick := time.NewTicker(AliveInterval)
	defer tick.Stop()
	for {
		if err := r.write(Alive{Event: EventAlive}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (r *Reporter) write(event any) error {
	line, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("report to the launcher: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("report to the launcher: %w", err)
	}
	return nil
}

// StopOnEOF closes its channel at the end of r, the worker's stdin: the
// launcher asks for a stop, or is dead. From here on the worker also survives
// writing to a launcher that is gone; SIGPIPE would end it before its polite
// stop.
func StopOnEOF(r io.Reader) <-chan struct{} { return Hear(r, NewReporter(io.Discard)).Stop() }
