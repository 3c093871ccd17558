// Package supervise keeps one worker running and stops it politely.
//
//	    ┌──────────────────────────────────────────────────┐
//	    ▼                                                  │ wait over
//	Starting ── ready ──▶ Running                          │
//	    │                    │                             │
//	    ├────────────────────┴── ended ─────────────▶ BackingOff   1 s doubling to 30 s, back to 1 s after 60 s of life
//	    │                    └── ended with code 3 ──▶ AwaitingConfig   until config.toml changes
//	    └── asked to stop ──▶ Stopping ── ended ──▶ Stopped
//
// The goroutine that calls Run owns the child. A child that says nothing on
// its stdout for 30 s hangs: it is made to show its stacks, killed, and
// counts as ended.
package supervise

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hnetsmpp/pkg/worker"
)

// Child is a worker to start, and how long it may take to stop.
type Child struct {
	worker.Options
	StopGrace time.Duration
}

// Options of a Supervisor. A time that is 0 is the contract's.
type Options struct {
	// Child is asked before each start, so that a changed configuration counts.
	Child func() Child
	// Notify is called by Run's goroutine at each change; it may be nil.
	Notify func(Event)
	// Erase takes the lines that hold a number out of the log files, when the child asks for that; nil = it is told that nobody does.
	// It is called from goroutines of its own.
	Erase func(number string) (lines int, err error)

	Silence        time.Duration // without a line the child hangs after this: 30 s
	DumpWait       time.Duration // for the stacks of a child that hangs: 2 s
	FirstBackoff   time.Duration // 1 s
	LongestBackoff time.Duration // 30 s
	StableAfter    time.Duration // a life that long starts the backoff anew: 60 s
	ConfigPoll     time.Duration // should the system not tell of a changed file: 3 s
}

// State is where the supervisor is; see the package's diagram.
type State string

// The states.
const (
	Starting       State = "starting"
	Running        State = "running"
	BackingOff     State = "waiting to restart"
	AwaitingConfig State = "waiting for config.toml to change"
	Stopping       State = "stopping"
	Stopped        State = "stopped"
)

// Status is a snapshot.
type Status struct {
	State      State
	PID        int           // 0 = no child
	StartedAt  time.Time     // of the current child, or the last
	Restarts   int           // starts after the first
	LastReason string        // why the last child ended; "" = none has
	LastEnd    time.Time     // when; zero = none has
	Wait       time.Duration // in BackingOff: from the end to the next start
	Ready      worker.Ready  // in Running: the child's addresses
}

// EventKind says what happened.
type EventKind string

// The kinds of event.
const (
	EventStarting EventKind = "starting" // a child is about to be started
	EventReady    EventKind = "ready"    // it does its work
	EventHung     EventKind = "hung"     // it will be killed
	EventStopping EventKind = "stopping" // it was asked to stop
	EventExited   EventKind = "exited"   // LastReason says why, State what comes next
	EventStopped  EventKind = "stopped"  // it was to stop while no child ran
	EventErased   EventKind = "erased"   // a number was taken out of LastReason
)

// Event is a change and the status after it.
type Event struct {
	Kind EventKind
	Status
}

// Supervisor keeps one child running. Run is called once.
type Supervisor struct {
	opts Options

	killOnce sync.Once
	killed   chan struct{}

	telling sync.Mutex // held over a change and the word of it, so that the last word is of the last change
	mu      sync.Mutex
	status  Status
}

// New makes a Supervisor that does nothing yet.
func New(opts Options) *Supervisor {
	setDefault := func(d *time.Duration, contract time.Duration) {
		if *d == 0 {
			*d = contract
		}
	}
	setDefault(&opts.Silence, 30*time.Second)
	setDefault(&opts.DumpWait, 2*time.Second)
	setDefault(&opts.FirstBackoff, time.Second)
	setDefault(&opts.LongestBackoff, 30*time.Second)
	setDefault(&opts.StableAfter, time.Minute)
	setDefault(&opts.ConfigPoll, 3*time.Second)
	return &Supervisor{opts: opts, killed: make(chan struct{}), status: Status{State: Stopped}}
}

// Status may be called at any time.
func (s *Supervisor) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Kill ends the child without grace, and Run with it.
func (s *Supervisor) Kill() { s.killOnce.Do(func() { close(s.killed) }) }

// Run starts the child, and again whenever it ends, until ctx is done. Then it
// stops the child and returns after the child's end.
func (s *Supervisor) Run(ctx context.Context) {
	var wait time.Duration
	for starts := 0; ; starts++ {
		child := s.opts.Child()
		before := fingerprint(child.Config)
		started := time.Now()
		s.change(EventStarting, func(st *Status) {
			*st = Status{State: Starting, StartedAt: started, Restarts: starts, LastReason: st.LastReason, LastEnd: st.LastEnd}
		})
		code, reason := s.runChild(ctx, child)
		state := s.afterEnd(ctx, code)
		if state == BackingOff {
			wait = nextWait(s.opts, wait, time.Since(started))
		} else {
			wait = 0
		}
		ended := time.Now()
		s.change(EventExited, func(st *Status) {
			st.LastEnd = ended
			st.State, st.PID, st.Ready, st.LastReason, st.Wait = state, 0, worker.Ready{}, reason, wait
		})
		switch state {
		case BackingOff:
			s.sleep(ctx, wait)
		case AwaitingConfig:
			s.awaitChange(ctx, child.Config, before)
		}
		if s.asked(ctx) {
			if state != Stopped {
				s.change(EventStopped, func(st *Status) { st.State = Stopped })
			}
			return
		}
	}
}

// asked reports whether the supervisor is to end.
func (s *Supervisor) asked(ctx context.Context) bool {
	select {
	case <-s.killed:
		return true
	default:
		return ctx.Err() != nil
	}
}

func (s *Supervisor) afterEnd(ctx context.Context, code worker.ExitCode) State {
	switch {
	case s.asked(ctx):
		return Stopped
	case code == worker.ExitBadConfig:
		return AwaitingConfig
	default:
		return BackingOff
	}
}

// nextWait is the time to the next start, from the wait before this child (0 =
// none) and this child's life.
func nextWait(opts Options, previous, life time.Duration) time.Duration {
	if previous == 0 || life >= opts.StableAfter {
		return opts.FirstBackoff
	}
	return min(2*previous, opts.LongestBackoff)
}

func (s *Supervisor) sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.killed:
	}
}

func (s *Supervisor) set(update func(*Status)) Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	update(&s.status)
	return s.status
}

func (s *Supervisor) change(kind EventKind, update func(*Status)) {
	s.telling.Lock()
	defer s.telling.Unlock()
	status := s.set(update)
	if s.opts.Notify != nil {
		s.opts.Notify(Event{Kind: kind, Status: status})
	}
}

// String is what a log says of the event.
func (e Event) String() string {
	switch e.Kind {
	case EventStarting:
		return "starting the worker"
	case EventReady:
		return "the worker is ready"
	case EventHung:
		return "the worker hangs, killing it"
	case EventStopping:
		return "stopping the worker"
	case EventStopped:
		return "stopped while no worker ran"
	case EventErased:
		return "an erased number stood in the reason why the last worker ended"
	}
	switch e.State {
	case Stopped:
		return "the worker has ended"
	case AwaitingConfig:
		return "the worker has ended; it is started again when config.toml changes"
	default:
		return fmt.Sprintf("the worker has ended; it is started again in %s", e.Wait)
	}
}
