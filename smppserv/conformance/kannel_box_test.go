package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A box is one of Kannel's processes.
type box struct {
	cmd     *exec.Cmd
	logs    []string      // files: its log, and what it wrote to the console
	stopped chan struct{} // closed when the process has ended
}

// startBox starts a process that logs to dir, and stops it at the test's end, before those that were started earlier.
func startBox(t *testing.T, program, dir, config string) *box {
	t.Helper()
	name := filepath.Join(dir, filepath.Base(program))
	b := &box{
		cmd:     exec.Command(program, "-v", "4", config), // -v 4: errors only on the console
		logs:    []string{name + ".log", name + ".console"},
		stopped: make(chan struct{}),
	}
	dieWithParent(b.cmd)
	console, err := os.Create(b.logs[1])
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	b.cmd.Stdout, b.cmd.Stderr = console, console
	if err := b.cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	go func() {
		b.cmd.Wait()
		close(b.stopped)
	}()
	t.Cleanup(func() {
		b.stop()
		if t.Failed() {
			t.Log(b.tail())
		}
	})
	return b
}

func (b *box) ended() bool {
	select {
	case <-b.stopped:
		return true
	default:
		return false
	}
}

// stop asks the process to end, and ends it when it does not.
func (b *box) stop() {
	if b.ended() {
		return
	}
	b.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-b.stopped:
	case <-time.After(patience):
		b.cmd.Process.Kill()
		<-b.stopped
	}
}

// tail returns the end of the process's log and of what it wrote to the console.
func (b *box) tail() string {
	const most = 16 << 10
	text := ""
	for _, name := range b.logs {
		content, err := os.ReadFile(name)
		if err != nil {
			content = []byte(err.Error())
		}
		text += fmt.Sprintf("%s:\n%s\n", filepath.Base(name), content[max(0, len(content)-most):])
	}
	return text
}
