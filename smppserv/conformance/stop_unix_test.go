//go:build unix

package conformance

import "syscall"

// stopSignal asks a program to stop politely.
const stopSignal = syscall.SIGTERM
