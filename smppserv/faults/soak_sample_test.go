package faults

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A soaked is what the worker takes at a moment.
type soaked struct {
	goroutines, files, memory int64
	throttled                 int64            // submits refused with RTHROTTLED since its start
	octets                    map[string]int64 // of its database and its logs, the old ones of a log with it
}

// sampled reads what the worker says of itself, and its files.
func sampled(t *testing.T, admin, folder string) soaked {
	t.Helper()
	s := soaked{octets: map[string]int64{}}
	a, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	lines := bufio.NewScanner(a.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "go_goroutines":
			s.goroutines = int64(n)
		case "process_open_fds":
			s.files = int64(n)
		case "process_resident_memory_bytes":
			s.memory = int64(n)
		case `hnetsmpp_submits_refused_total{reason="RTHROTTLED"}`:
			s.throttled = int64(n)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"messages.db*", "logs/*.log*"} {
		names, _ := filepath.Glob(filepath.Join(folder, pattern))
		for _, name := range names {
			if info, err := os.Stat(name); err == nil { // it may be rotated away in between
				s.octets[logOf(filepath.Base(name))] += info.Size()
			}
		}
	}
	return s
}

// logOf is the log that a file was rotated away from, or the file: lumberjack puts a time behind the name.
func logOf(file string) string {
	if beginning, _, rotated := strings.Cut(file, "-20"); rotated {
		return beginning + ".log"
	}
	return file
}

func memoryOf(s soaked) int64     { return s.memory }
func goroutinesOf(s soaked) int64 { return s.goroutines }
func filesOf(s soaked) int64      { return s.files }

// middle is the median of a figure.
func middle(some []soaked, figure func(soaked) int64) int64 {
	var all []int64
	for _, s := range some {
		all = append(all, figure(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// most is the most octets that each file had.
func most(some []soaked) map[string]int64 {
	most := map[string]int64{}
	for _, s := range some {
		for name, n := range s.octets {
			most[name] = max(most[name], n)
		}
	}
	return most
}

// sizes tells them in a line.
func sizes(octets map[string]int64) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(octets)) {
		words = append(words, fmt.Sprintf("%s %d", name, octets[name]))
	}
	return strings.Join(words, ", ")
}

// steady requires that the later part of a life takes no more than the earlier one, and tells of both. The first fifth, in which caches
// fill, is left out.
func steady(t *testing.T, samples []soaked) string {
	t.Helper()
	warm := samples[len(samples)/5:]
	first, second := warm[:(len(warm)+1)/2], warm[len(warm)/2:]
	var words []string
	for _, c := range []struct {
		what   string
		figure func(soaked) int64
		more   int64 // than in the first half
		part   int64 // and so much of a hundred
	}{
		{"octets of memory", memoryOf, 32 << 20, 25},
		{"goroutines", goroutinesOf, 60, 25},
		{"open files", filesOf, 40, 25},
	} {
		a, b := middle(first, c.figure), middle(second, c.figure)
		words = append(words, fmt.Sprintf("%s %d and %d", c.what, a, b))
		if b > a+a*c.part/100+c.more {
			t.Errorf("%s grow: %d in the first half, %d in the second", c.what, a, b)
		}
	}
	return strings.Join(words, ", ")
}
