//go:build !unix

package faults

import (
	"os/exec"
	"testing"
)

// stopLauncher kills it: there is no signal that asks another process's console to stop.
func stopLauncher(t *testing.T, launcher *exec.Cmd) {
	t.Helper()
	if err := launcher.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = launcher.Wait()
}
