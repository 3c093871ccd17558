package worker

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestDeafWorkerIsKilledWithItsChildren(t *testing.T) {
	p := start(t, "deaf with child", Options{})
	ready, err := p.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	childEnds := watch(t, ready.Version)
	exit := p.Stop(50 * time.Millisecond)
	if exit.Code != ExitKilled || exit.Reason() != "killed" {
		t.Errorf("got %+v: %s", exit, exit.Reason())
	}
	childEnds()
}

// watch takes the id of a process that need not be our child. The function
// that it returns waits for the end of that process.
func watch(t *testing.T, id string) (waitEnd func()) {
	t.Helper()
	pid, err := strconv.Atoi(id)
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	if runtime.GOOS == "windows" { // there anybody may wait for a process
		go func() {
			defer close(ended)
			_, _ = process.Wait()
		}()
	} else {
		go func() {
			defer close(ended)
			for t.Context().Err() == nil {
				stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
				if err != nil || bytes.Contains(stat, []byte(") Z ")) {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	return func() {
		t.Helper()
		select {
		case <-ended:
		case <-time.After(long):
			t.Errorf("process %d lives on", pid)
		}
	}
}

func TestDumpStacksShowsTheWorkersGoroutines(t *testing.T) {
	p := start(t, "good", Options{})
	if _, err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		if p.DumpStacks() {
			t.Error("Windows has no signal for it")
		}
		return
	}
	if !p.DumpStacks() {
		t.Fatal("no signal was sent")
	}
	exit := p.Wait()
	if !strings.Contains(exit.Stderr, "SIGQUIT") || !strings.Contains(exit.Stderr, "fakeWorker") {
		t.Errorf("stderr = %s", exit.Stderr)
	}
}

// Unix has the worker stop politely. Windows ends it at once, with its
// children, even where it is deaf.
func TestWorkerEndsWhenItsLauncherIsKilled(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	behaviour := "outlive"
	if runtime.GOOS == "windows" {
		behaviour = "deaf with child"
	}
	// Started without a job object of ours, whose end would be the worker's too.
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), fakeEnv+"=parent", grandchildEnv+"="+behaviour, markEnv+"="+mark)
	if _, err := parent.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	event, ok := ParseEvent(line)
	if !ok || event.Kind != EventReady {
		t.Fatalf("the parent says %q, %v", line, err)
	}
	ends := []func(){watch(t, fmt.Sprint(event.Ready.PID))}
	if runtime.GOOS == "windows" {
		ends = append(ends, watch(t, event.Ready.Version))
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for _, end := range ends {
		end()
	}
	if runtime.GOOS == "windows" {
		return
	}
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("the worker did not stop politely: %v", err)
	}
}
