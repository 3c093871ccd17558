//go:build !linux

package main

import (
	"os"
	"runtime"
	"time"
)

// What only Linux tells in /proc is not measured elsewhere.

func resident(int) float64 { return notMeasured }

func peak(int) float64 { return notMeasured }

func written(int) float64 { return notMeasured }

func processor(int) (time.Duration, bool) { return 0, false }

func busy() (time.Duration, bool) { return 0, false }

func flushDisks() {}

func flushData(f *os.File) error { return f.Sync() }

func ofEnded(int) time.Duration { return 0 }

func loadAverage() string { return "" }

func files() int { return 1 << 14 }

func system() string { return runtime.GOOS }
