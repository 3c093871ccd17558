//go:build !unix

package testkit

import "os"

// Terminate kills a process: there is no signal that asks another process's console to stop.
func Terminate(p *os.Process) (polite bool, err error) { return false, p.Kill() }
