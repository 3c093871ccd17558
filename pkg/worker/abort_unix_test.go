//go:build unix

package worker

import (
	"strings"
	"syscall"
	"testing"
)

func TestAWorkerThatASignalEndsIsToldByTheFirstLineOfItsStacksHoweverLongTheyAre(t *testing.T) {
	for behaviour, longer := range map[string]bool{"good": false, "crowd": true} {
		for signal, want := range map[syscall.Signal]string{syscall.SIGABRT: "SIGABRT: abort", syscall.SIGQUIT: "SIGQUIT: quit"} {
			p := start(t, behaviour, Options{})
			if _, err := p.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(p.PID(), signal); err != nil {
				t.Fatal(err)
			}
			exit := p.Wait()
			if got := exit.Reason(); got != "crashed (exit code 2): "+want {
				t.Errorf("%s, %s: %s", behaviour, signal, got)
			}
			if !strings.Contains(exit.Stderr, "goroutine ") || longer && len(exit.Stderr) < tailSize/2 || len(exit.Stderr) > tailSize+len(want)+1 {
				t.Errorf("%s, %s: %d octets are kept", behaviour, signal, len(exit.Stderr))
			}
		}
	}
}
