//go:build !race

package testkit

import "time"

// RaceDetector tells that the tests and the programs they start are built with -race, which multiplies their memory.
const RaceDetector = false

// Slower is how many times as long the race detector has programs take.
const Slower = 1

const patience = time.Minute
