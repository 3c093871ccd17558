package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// resident is the resident memory of a process, in megabytes of 10⁶ octets.
func resident(pid int) float64 { return status(pid, "VmRSS:") }

// peak is the most that it ever was.
func peak(pid int) float64 { return status(pid, "VmHWM:") }

func status(pid int, key string) float64 {
	kilobytes, ok := field(pid, "status", key)
	if !ok {
		return notMeasured
	}
	return float64(kilobytes) * 1024 / 1e6
}

// written is how many octets a process has had written to disk.
func written(pid int) float64 {
	n, ok := field(pid, "io", "write_bytes:")
	if !ok {
		return notMeasured
	}
	return float64(n)
}

// field reads the number behind a key of a file of /proc.
func field(pid int, file, key string) (int64, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// processor is the time that a process has had of the processors, in steps of 10 ms.
func processor(pid int) (time.Duration, bool) {
	const user = 11
	return ticks(pid, user)
}

// ofEnded is the time that those which a process started and which have ended had.
func ofEnded(pid int) time.Duration {
	const user = 13
	took, _ := ticks(pid, user)
	return took
}

// ticks is the sum of two neighbouring fields of a process's times.
func ticks(pid, user int) (time.Duration, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) <= user+1 {
		return 0, false
	}
	u, err1 := strconv.ParseInt(fields[user], 10, 64)
	s, err2 := strconv.ParseInt(fields[user+1], 10, 64)
	return time.Duration(u+s) * tick, err1 == nil && err2 == nil
}

// busy is the time that all processors have worked, in steps of 10 ms.
func busy() (time.Duration, bool) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(data), "\n")
	fields := strings.Fields(first) // cpu user nice system idle iowait irq softirq …
	if len(fields) < 8 {
		return 0, false
	}
	var sum int64
	for _, i := range []int{1, 2, 3, 6, 7} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, false
		}
		sum += n
	}
	return time.Duration(sum) * tick, true
}

// loadAverage is that of the last minute, "" where it is not told.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	one, _, _ := strings.Cut(string(data), " ")
	return one
}

// flushDisks returns when what was written so far is on disk.
func flushDisks() { unix.Sync() }

// flushData returns when what a file holds is on disk, whatever becomes of its times.
func flushData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// files is how many a process may have open.
func files() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	limit.Cur = limit.Max // for us and the servers that we start
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	return int(min(limit.Max, 1<<20))
}

// system is the name and version of the operating system.
func system() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "Linux"
	}
	return "Linux " + unix.ByteSliceToString(u.Release[:])
}
