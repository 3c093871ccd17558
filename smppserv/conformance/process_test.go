package conformance

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// memory is what the process has resident, in octets; false where the system does not tell, and with the race detector, whose own
// memory is a multiple of the program's.
func (w *world) memory(t *testing.T) (int, bool) {
	t.Helper()
	if testkit.RaceDetector {
		return 0, false
	}
	for line := range strings.Lines(w.procFile(t, "status")) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return kilobytes << 10, err == nil
		}
	}
	return 0, false
}

// cpuTime is the processor time that the process took so far; false where the system does not tell.
func (w *world) cpuTime(t *testing.T) (time.Duration, bool) {
	t.Helper()
	_, after, found := strings.Cut(w.procFile(t, "stat"), ") ")
	fields := strings.Fields(after)
	if !found || len(fields) < 13 {
		return 0, false
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, err1 == nil && err2 == nil
}

func (w *world) procFile(t *testing.T, name string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		return ""
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", w.smppserv.PID, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
