package supervise

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/worker"
)

// fakeEnv makes this test binary a worker that behaves as its value says.
const fakeEnv = "HNET_TEST_FAKE_WORKER"

// long is a time that no passing test comes near to.
const long = 30 * time.Second

func TestMain(m *testing.M) {
	if behaviour := os.Getenv(fakeEnv); behaviour != "" {
		os.Exit(int(fakeWorker(behaviour)))
	}
	os.Exit(m.Run())
}

func fakeWorker(behaviour string) worker.ExitCode {
	report := worker.NewReporter(os.Stdout)
	stop := make(<-chan struct{})
	if behaviour != "erases" { // which hears on it by itself
		stop = worker.StopOnEOF(os.Stdin)
	}
	switch behaviour {
	case "good":
		_ = report.Ready(worker.Ready{SMPP: "127.0.0.1:1"})
		<-stop
		fmt.Fprintln(os.Stderr, "stopped politely")
		return worker.ExitStopped
	case "deaf":
		_ = report.Ready(worker.Ready{})
		for {
			time.Sleep(time.Hour)
		}
	case "hung at start":
		for {
			time.Sleep(time.Hour)
		}
	case "ends":
		return worker.ExitStopped
	case "bad config":
		fmt.Fprintln(os.Stderr, "mode: is wrong")
		return worker.ExitBadConfig
	case "held":
		return worker.ExitHeld
	case "crash":
		panic("out of luck")
	case "crash at a number":
		panic("out of luck with +33612345678")
	case "erases":
		launcher := worker.Hear(os.Stdin, report)
		_ = report.Ready(worker.Ready{})
		if _, err := launcher.Erase(context.Background(), "33612345678"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return worker.ExitCrashed
		}
		<-launcher.Stop()
		return worker.ExitStopped
	}
	return worker.ExitCrashed
}

// run is a supervisor at work.
type run struct {
	*Supervisor
	t      *testing.T
	events chan Event
	cancel context.CancelFunc
	ended  chan struct{}
}

// supervise runs children that behave one after the other as told; the last
// repeats.
func supervise(t *testing.T, opts Options, child Child, behaviours ...string) *run {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &run{t: t, events: make(chan Event, 100), cancel: cancel, ended: make(chan struct{})}
	starts := 0
	opts.Child = func() Child {
		c := child
		if c.Path == "" {
			c.Path = os.Args[0]
		}
		c.Env = []string{fakeEnv + "=" + behaviours[min(starts, len(behaviours)-1)]}
		starts++
		return c
	}
	opts.Notify = func(e Event) { r.events <- e }
	r.Supervisor = New(opts)
	go func() {
		defer close(r.ended)
		r.Run(ctx)
	}()
	t.Cleanup(func() {
		r.Kill()
		<-r.ended
	})
	return r
}

// expect takes the next event, which is of that kind and state.
func (r *run) expect(kind EventKind, state State) Event {
	r.t.Helper()
	select {
	case e := <-r.events:
		if e.Kind != kind || e.State != state {
			r.t.Fatalf("got %s in state %s (%s), want %s in state %s", e.Kind, e.State, e.LastReason, kind, state)
		}
		return e
	case <-time.After(long):
		r.t.Fatalf("no %s", kind)
		return Event{}
	}
}

// waitEnd waits for Run's return.
func (r *run) waitEnd() {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(long):
		r.t.Fatal("Run does not return")
	}
	if got := r.Status().State; got != Stopped {
		r.t.Errorf("state after the end: %s", got)
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
