package store

import (
	"fmt"
	"strings"
	"time"
)

// Findings are what a check of a database has found.
type Findings struct {
	Faults []string // what is wrong, in words
	Left   []string // what was not looked at, and why
}

// maxFaults bounds what is told of a database that is damaged all over.
const maxFaults = 100

// Fault notes what is wrong, in one line.
func (f *Findings) Fault(format string, args ...any) {
	switch n := len(f.Faults); {
	case n < maxFaults:
		f.Faults = append(f.Faults, strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
	case n == maxFaults:
		f.Faults = append(f.Faults, "… and more")
	}
}

// FaultOfHour notes that an hour, by its first millisecond, has more messages than its counters say; what was purged is in these alone.
func (f *Findings) FaultOfHour(hour, counted, there int64) {
	if there > counted {
		f.Fault("the counters of the hour %s say that %d messages were accepted, and %d of it are there", time.UnixMilli(hour).UTC().Format("2006-01-02 15:04"), counted, there)
	}
}
