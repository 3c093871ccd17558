package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// trial is one measurement of a row. It is what testkit asks of a test: what fails ends the measurement, and what was started
// is stopped at its end.
type trial struct {
	testing.TB // for its unexported method; what testkit calls is below

	*bench
	repeat int // from 0
	folder string
	faults []string
	pushes atomic.Int64 // that came to the Hermès of the trial
}

// abandoned is what a trial that cannot go on panics with.
type abandoned struct{ error }

func (t *trial) Helper()           {}
func (t *trial) Cleanup(f func())  { t.cleanups.add(t, f) }
func (t *trial) Failed() bool      { return len(t.faults) > 0 }
func (t *trial) Log(args ...any)   { t.faults = append(t.faults, fmt.Sprint(args...)) }
func (t *trial) Error(args ...any) { t.faults = append(t.faults, fmt.Sprint(args...)) }
func (t *trial) Logf(f string, args ...any) {
	t.faults = append(t.faults, fmt.Sprintf(f, args...))
}
func (t *trial) Errorf(f string, args ...any) {
	t.faults = append(t.faults, fmt.Sprintf(f, args...))
}
func (t *trial) Fatal(args ...any) { panic(abandoned{fmt.Errorf("%s", fmt.Sprint(args...))}) }
func (t *trial) Fatalf(f string, args ...any) {
	panic(abandoned{fmt.Errorf(f, args...)})
}
func (t *trial) Skip(args ...any)            { panic(abandoned{skipped(fmt.Sprint(args...))}) }
func (t *trial) Skipf(f string, args ...any) { panic(abandoned{skipped(fmt.Sprintf(f, args...))}) }

// skipped is why a row is not measured here.
type skipped string

func (s skipped) Error() string { return string(s) }

// TempDir is a folder of its own below the trial's.
func (t *trial) TempDir() string {
	folder, err := os.MkdirTemp(t.folder, "")
	t.must(err)
	return folder
}

func (t *trial) must(err error) {
	if err != nil {
		panic(abandoned{err})
	}
}

// try runs f as one trial.
func (b *bench) try(repeat int, f func(*trial)) (err error) {
	defer b.cleanups.hold()
	b.cleanups.hold()
	flushDisks() // else what the build, or the one before, has left to write holds up the flushes of this one
	t := &trial{bench: b, repeat: repeat, folder: filepath.Join(b.root, fmt.Sprint(b.serial))}
	b.serial++
	if err := os.MkdirAll(t.folder, 0o750); err != nil {
		return err
	}
	defer os.RemoveAll(t.folder)
	defer func() {
		if end := caught(t.end); err == nil {
			err = end
		}
		if err == nil && len(t.faults) > 0 {
			err = fmt.Errorf("%s", strings.Join(t.faults, "; "))
		}
	}()
	return caught(func() { f(t) })
}

// end undoes what the trial has begun, the last first, each once.
func (t *trial) end() {
	for f := t.cleanups.take(t); f != nil; f = t.cleanups.take(t) {
		f()
	}
}

// cleanups are those of all trials: an interrupt calls them too.
type cleanups struct {
	ending atomic.Bool // the run was interrupted
	mu     sync.Mutex
	list   []cleanup
}

type cleanup struct {
	of *trial
	f  func()
}

func (c *cleanups) add(of *trial, f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, cleanup{of, f})
}

// take takes the last one of a trial, of any for nil; nil = there is none.
func (c *cleanups) take(of *trial) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, one := range slices.Backward(c.list) {
		if of == nil || one.of == of {
			c.list = slices.Delete(c.list, i, i+1)
			return one.f
		}
	}
	return nil
}

// interrupted undoes what all trials have begun, whatever they are at.
func (c *cleanups) interrupted() {
	c.ending.Store(true)
	for f := c.take(nil); f != nil; f = c.take(nil) {
		_ = caught(f)
	}
}

// hold does not return once the run was interrupted: nothing is begun any more, and nothing is said of what was broken off.
func (c *cleanups) hold() {
	if c.ending.Load() {
		select {}
	}
}

// caught returns what f was abandoned for.
func caught(f func()) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case abandoned:
			err = e.error
		default:
			panic(e)
		}
	}()
	f()
	return nil
}

// clients are those of the server under test: c0…c7 with passwords p0…p7.
const clients = 8

func clientOf(session int) account {
	return account{fmt.Sprintf("c%d", session%clients), fmt.Sprintf("p%d", session%clients)}
}

// number is the campaign number of a client where each has its own.
func number(client int) string { return fmt.Sprintf("36%02d", client%clients) }

const storeFile = "data/messages.db" // as it is shipped

// settings are those of every server under test. Where own is set each client has the campaign number of its own, else all
// have all.
func settings(own bool) testkit.Settings {
	var list []map[string]any
	for i := range clients {
		a := clientOf(i)
		c := map[string]any{"system_id": a.id, "password": a.password, "bind_policy": "pair", "max_queued": 100_000_000}
		if own {
			c["numbers"] = []string{number(i)}
		}
		list = append(list, c)
	}
	return testkit.Settings{"clients": list, "store.dsn": storeFile}
}

// away is a Hermès whose port refuses: what is submitted waits.
func (t *trial) away() testkit.Settings {
	return testkit.Settings{"hermes.url": fmt.Sprintf("http://%s/api/sms/push/", testkit.Loopback(testkit.FreePort(t)))}
}

// server starts the worker in a folder of its own, with settings and what is added to them.
func (t *trial) server(own bool, more ...testkit.Settings) *server {
	folder := t.TempDir()
	config := testkit.WriteConfig(t, folder, append([]testkit.Settings{settings(own)}, more...)...)
	t.note("starting smppserv")
	w := &server{Worker: testkit.StartWorker(t, config), store: filepath.Join(folder, storeFile)}
	t.record(w.PID)
	return w
}

// waiting starts the worker and has n messages from n numbers wait in it; the outcome is of these submits.
func (t *trial) waiting(n int) (*server, outcome) {
	w := t.server(false, t.away())
	return w, t.submit("filling", eight(n, n), w.SMPP)
}

// tick is the unit of the times of processes.
const tick = 10 * time.Millisecond

// full is a server for which so many wait, and which is done with what that left to do.
func (t *trial) full() *server {
	const look, longest = 200 * time.Millisecond, 30 * time.Second
	w, _ := t.waiting(t.size)
	t.note("resting")
	for until := time.Now().Add(longest); time.Now().Before(until); {
		before, ok := processor(w.PID)
		time.Sleep(look)
		if after, _ := processor(w.PID); !ok || after-before <= tick {
			break
		}
	}
	flushDisks()
	return w
}

// server is a worker under test, and where its messages are.
type server struct {
	*testkit.Worker
	store string
}

// submit runs a load and returns its outcome.
func (t *trial) submit(what string, l load, addr string) outcome {
	o, err := l.run(addr, t.watch(what))
	t.must(err)
	return o
}

// during has submits go on as fast as they are answered while f runs.
func (t *trial) during(what string, w *server, f func(since func() time.Duration)) (o outcome) {
	stop := make(chan struct{})
	l := eight(math.MaxInt32, t.scaled(100_000))
	l.stop = stop
	es, err := l.bindAll(w.SMPP)
	t.must(err)
	ended := make(chan error, 1)
	began := time.Now()
	go func() {
		var err error
		o, err = l.drive(es, t.watch(what))
		ended <- err
	}()
	defer func() {
		close(stop)
		t.must(<-ended)
	}()
	f(func() time.Duration { return time.Since(began) })
	return o
}

// yardstick is the rate of go-smpp's server under a load.
func (b *bench) yardstick(l load) (float64, error) {
	l.account, l.n = otherAccount, min(l.n, b.scaled(400_000))
	o, err := l.run(b.others[goServer], b.watch("go-smpp"))
	return o.rate(), err
}
