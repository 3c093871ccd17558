//go:build !windows

package worker

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestDeafWorkerIsKilledWithItsChildren(t *testing.T) {
	p := start(t, "deaf with child", Options{})
	ready, err := p.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exit := p.Stop(50 * time.Millisecond)
	if exit.Code != ExitKilled || exit.Reason() != "killed" {
		t.Errorf("got %+v: %s", exit, exit.Reason())
	}
	child, err := strconv.Atoi(ready.Version)
	if err != nil {
		t.Fatal(err)
	}
	waitGone(t, child)
}

// waitGone waits until a process that is not ours to wait for is dead.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(long)
	for time.Now().Before(deadline) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("process %d lives on", pid)
}

func TestDumpStacksShowsTheWorkersGoroutines(t *testing.T) {
	p := start(t, "good", Options{})
	if _, err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !p.DumpStacks() {
		t.Fatal("no signal was sent")
	}
	exit := p.Wait()
	if !strings.Contains(exit.Stderr, "SIGQUIT") || !strings.Contains(exit.Stderr, "fakeWorker") {
		t.Errorf("stderr = %s", exit.Stderr)
	}
}

func TestWorkerStopsPolitelyWhenItsLauncherIsKilled(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	parent := start(t, "parent", Options{Env: []string{"HNET_TEST_MARK=" + mark}})
	if _, err := parent.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Only the parent: its worker has a group of its own.
	if err := syscall.Kill(parent.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	parent.Wait()
	deadline := time.Now().Add(long)
	for {
		if data, _ := os.ReadFile(mark); len(data) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the worker did not stop politely")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
