package testkit

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"hnetsmpp/pkg/worker"
)

// A Launcher is `launcher run` with the worker that it keeps running.
type Launcher struct {
	Log *Log // of both programs

	cmd    *exec.Cmd
	config string
	done   chan struct{} // closed after err is set
	err    error
}

// StartLauncher starts the launcher. The worker is the one beside it unless launcher.worker names another. At the test's
// end the launcher is stopped, if it runs, as Stop does, and the worker's end is awaited.
func StartLauncher(t testing.TB, config string) *Launcher {
	t.Helper()
	l := &Launcher{Log: &Log{}, config: config, done: make(chan struct{})}
	l.cmd = exec.Command(Program(t, "launcher"), "run", "--config", config)
	l.cmd.Dir, l.cmd.Stderr, l.cmd.WaitDelay = filepath.Dir(config), l.Log, Patience
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(l.done)
		l.err = l.cmd.Wait()
		l.Log.end()
	}()
	t.Cleanup(func() {
		l.Stop(t)
		l.AwaitWorkerGone(t)
		l.Log.Judge(t, "launcher")
	})
	return l
}

// AwaitReady returns where the worker listens, by its log: the SMPP and the TCP port.
func (l *Launcher) AwaitReady(t testing.TB) worker.Ready {
	t.Helper()
	var said struct{ Message, SMPP, TCP string }
	l.Log.Await(t, "where smppserv listens", func(line string) bool {
		said.Message = ""
		return json.Unmarshal([]byte(line), &said) == nil && said.Message == "ready" && said.SMPP != ""
	})
	return worker.Ready{SMPP: said.SMPP, TCP: said.TCP}
}

// AwaitPID returns the process id of the worker that is ready and is none of those.
func (l *Launcher) AwaitPID(t testing.TB, not map[int]bool) int {
	t.Helper()
	var said struct {
		Program string
		PID     int
	}
	l.Log.Await(t, "which worker is ready", func(line string) bool {
		said.Program, said.PID = "", 0
		return json.Unmarshal([]byte(line), &said) == nil && said.Program == "launcher" && said.PID != 0 && !not[said.PID]
	})
	return said.PID
}

// Stop stops both programs politely and requires exit code 0, where the system can ask a program to stop; else it kills
// the launcher, and the worker ends by itself. It does nothing after the launcher's end.
func (l *Launcher) Stop(t testing.TB) {
	t.Helper()
	select {
	case <-l.done:
		return
	default:
	}
	polite, err := Terminate(l.cmd.Process)
	if err != nil {
		t.Errorf("stop the launcher: %v", err)
	}
	select {
	case <-l.done:
		if polite && l.err != nil {
			t.Errorf("the launcher ended: %v", l.err)
		}
	case <-time.After(stopGrace):
		_ = l.cmd.Process.Kill()
		<-l.done
		t.Errorf("the launcher did not end within %v", stopGrace)
	}
}

// Kill kills the launcher and returns at its end; the worker is left to end by itself.
func (l *Launcher) Kill(t testing.TB) {
	t.Helper()
	if err := l.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-l.done
}

// AwaitWorkerGone returns once no worker holds the store: what it held, a process lets go at its end.
func (l *Launcher) AwaitWorkerGone(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	lock := flock.New(filepath.Join(filepath.Dir(l.config), storeFile+".lock"))
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		t.Errorf("the worker still holds its store: %v", err)
		return
	}
	_ = lock.Unlock()
}
