//go:build unix

package testkit

import (
	"os"
	"syscall"
)

// Terminate asks a process to stop. It is not polite where it had to kill it.
func Terminate(p *os.Process) (polite bool, err error) { return true, p.Signal(syscall.SIGTERM) }
