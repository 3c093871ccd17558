package testkit

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"hnetsmpp/pkg/worker"
)

// stopGrace is longer than the 25 s after which a worker that hangs ends by itself, and than the launcher's own grace.
const stopGrace = 40 * time.Second

// A Worker is an smppserv that runs as under a launcher, or has ended.
type Worker struct {
	worker.Ready // where it listens, and its process id

	Log     *Log // of all its lives
	program string
	config  string
	process *worker.Process
}

// StartWorker starts smppserv as the launcher does and returns once it is ready. At the test's end it is stopped, if it
// runs, as Stop does.
func StartWorker(t testing.TB, config string) *Worker {
	t.Helper()
	return StartWorkerAs(t, Program(t, "smppserv"), config)
}

// StartWorkerAs is StartWorker with a program that runs smppserv in its own way.
func StartWorkerAs(t testing.TB, program, config string) *Worker {
	t.Helper()
	w := newWorker(t, program, config)
	w.Start(t)
	return w
}

// NewWorker is StartWorker for a worker that Start is to start.
func NewWorker(t testing.TB, config string) *Worker {
	t.Helper()
	return newWorker(t, Program(t, "smppserv"), config)
}

func newWorker(t testing.TB, program, config string) *Worker {
	w := &Worker{Log: &Log{}, program: program, config: config}
	t.Cleanup(func() {
		w.Stop(t)
		w.Log.Judge(t, "smppserv")
	})
	return w
}

// Start starts it again after its end: config.toml and the store are the same, the ports may be others.
func (w *Worker) Start(t testing.TB) {
	t.Helper()
	w.StartWithin(t, Patience)
}

// StartWithin is Start for one that has much to do before it is ready.
func (w *Worker) StartWithin(t testing.TB, patience time.Duration) {
	t.Helper()
	p, err := worker.Start(context.Background(), worker.Options{
		Path: w.program, Config: w.config, Dir: filepath.Dir(w.config), Stderr: w.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if w.Ready, err = p.Ready(ctx); err != nil {
		p.Kill()
		p.Wait()
		t.Fatalf("smppserv: %v", err)
	}
	w.process = p
	go func() { // it has no log files that lines could be erased from
		for e := range p.Events() {
			if e.Kind == worker.EventErase {
				_ = p.Answer(worker.Erased{ID: e.Erase.ID, Ended: true})
			}
		}
	}()
}

// Stop stops it politely and requires that it ends with code 0. It does nothing after the worker's end.
func (w *Worker) Stop(t testing.TB) {
	t.Helper()
	if w.process == nil {
		return
	}
	if exit := w.process.Stop(stopGrace); exit.Code != worker.ExitStopped {
		t.Errorf("smppserv ended: %s", exit.Reason())
	}
	w.process = nil
}

// BeginStop asks it to stop, as its launcher does, and does not wait.
func (w *Worker) BeginStop() { w.process.CloseStdin() }

// Kill kills it and returns at its end.
func (w *Worker) Kill(t testing.TB) {
	t.Helper()
	w.process.Kill()
	if exit := w.process.Wait(); exit.Code != worker.ExitKilled {
		t.Fatalf("smppserv ended: %s", exit.Reason())
	}
	w.process = nil
}
