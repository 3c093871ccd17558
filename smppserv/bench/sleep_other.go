//go:build !linux

package main

import "time"

const manyLoopbacks = false

func sleepUntil(t time.Time) { time.Sleep(time.Until(t)) }
