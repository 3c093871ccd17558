//go:build race

package testkit

import "time"

// RaceDetector tells that the tests and the programs they start are built with -race, which multiplies their memory.
const RaceDetector = true

const patience = 2 * time.Minute
