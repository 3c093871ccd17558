//go:build race

package testkit

// RaceDetector tells that the tests and the programs they start are built with -race, which multiplies their memory.
const RaceDetector = true
