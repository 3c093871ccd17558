package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// manyLoopbacks: all of 127.0.0.0/8 is this machine.
const manyLoopbacks = true

// sleepUntil sleeps in the kernel: Go's own timers are up to a millisecond late when nothing else goes on.
func sleepUntil(t time.Time) {
	if d := time.Until(t); d > 0 {
		ts := unix.NsecToTimespec(d.Nanoseconds())
		_ = unix.Nanosleep(&ts, nil)
	}
}
