package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	reportFile   = "performance.md"
	storedFile   = "performance-stored.svg"
	sessionsFile = "performance-sessions.svg"
	memoryFile   = "performance-memory.svg"
)

// limits begins the part of the page that people write: it is kept.
const limits = "\n## What limits it\n"

// writeReport writes the page and its figures into a folder.
func writeReport(folder string, b *bench, results []result) error {
	before, err := os.ReadFile(filepath.Join(folder, reportFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files := map[string]string{reportFile: b.page(results) + byHand(string(before))}
	for name, c := range b.charts() {
		files[name] = c.svg()
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// byHand is what people wrote of a page, from its heading to the end.
func byHand(page string) string {
	if at := strings.Index(page, limits); at >= 0 {
		return page[at:]
	}
	return ""
}

// charts are the figures of what was measured.
func (b *bench) charts() map[string]chart {
	charts := map[string]chart{}
	add := func(file, title, x, y string, points []point, curves ...curve) {
		if len(points) > 1 {
			charts[file] = chart{title: title, x: x, y: y, curves: curves}
		}
	}
	along := func(name string, points []point, of func(point) float64) curve {
		c := curve{name: name}
		for _, p := range points {
			if v := of(p); v > 0 {
				c.points = append(c.points, [2]float64{float64(p.at), v})
			}
		}
		return c
	}
	add(storedFile, "Submits acknowledged after fsync", "messages stored before", "submits a second", b.stored,
		along("smppserv", b.stored, func(p point) float64 { return p.rate }),
		along("smppserv, empty store", b.stored, func(p point) float64 { return p.base }),
		along("go-smpp, stores nothing", b.stored, func(p point) float64 { return p.yardstick }))
	add(sessionsFile, "Submits acknowledged after fsync", "sessions", "submits a second", b.sessions,
		along("smppserv", b.sessions, func(p point) float64 { return p.rate }),
		along("go-smpp, stores nothing", b.sessions, func(p point) float64 { return p.yardstick }))
	add(memoryFile, "Memory with idle bound sessions", "sessions", "resident megabytes", b.sessions,
		along("smppserv", b.sessions, func(p point) float64 { return math.Max(p.megabytes, 0) }))
	return charts
}

func (b *bench) page(results []result) string {
	var p strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&p, format+"\n", args...) }
	say("# Performance\n")
	say("This page, but for its last part, is written by `go run ./smppserv/bench`, which measures the built server from outside. The")
	say("yardstick is the test server of go-smpp, which stores nothing: it is measured under the same load, in turn with ours, so that")
	say("ratios hold also where figures differ from machine to machine and from hour to hour. Each row was measured %s; medians are", times(b.options.repeat))
	say("shown, of the ratios too. The load comes from one more process on the same machine, over loopback.\n")
	say("| machine | |\n|---|---|")
	say("| date | %s |", b.began.UTC().Format(time.DateOnly))
	say("| cores | %d |", runtime.NumCPU())
	say("| system | %s, %s |", system(), runtime.GOARCH)
	say("| Go | %s |", strings.TrimPrefix(runtime.Version(), "go"))
	if b.load != "" {
		say("| load of other programs before, of 1 for each core | %s |", b.load)
	}
	say("| fsync of a 4 KB page | %.2f ms |", milliseconds(b.fsync))
	if b.buffers != "" {
		say("| PostgreSQL's `shared_buffers` | %s |", b.buffers)
	}
	say("| messages that wait, most stored | %s, %s |\n", thousands(float64(b.size)), thousands(float64(b.max)))
	say("## Goals\n")
	say("Rates are of submits with texts of 120 characters from 8 sessions with 64 in flight each, Hermès being away, where the row says")
	say("nothing else. Every submit is acknowledged after it is on disk.\n")
	say("| %s |\n|%s", strings.Join(heads[:], " | "), strings.Repeat("---|", len(heads)))
	for _, r := range results {
		for _, l := range r.lines() {
			say("| %s |", strings.Join(l[:], " | "))
		}
	}
	if note := b.scale(); note != "" {
		say("\n%s", strings.TrimSpace(note))
	}
	b.pageCurve(say, "Over stored messages", storedFile, b.stored, "messages stored", "of an empty store")
	b.pageCurve(say, "Over sessions", sessionsFile, b.sessions, "sessions", "memory")
	if len(b.sessions) > 1 {
		say("\n![memory over sessions](%s)", memoryFile)
	}
	say("\n## Parts by themselves\n")
	say("Codec, session, store and queue have benchmarks in their packages, with what they allocate:\n")
	say("    go test -run '^$' -bench . -benchmem ./pkg/smpp ./smppserv/centre ./smppserv/store/sqlite ./smppserv/queue\n")
	say("How long a lock is held inside cannot be seen from outside: tests of the packages hold such bounds.")
	say("A server that is slow somewhere is looked at with `-rows`, one row at a time; `-list` names them.")
	if len(b.profiles) > 0 {
		say("\n## Profiles of what is not reached\n")
		say("Each of these rows was measured once more, with perf looking at the server: shares are of its time, each with what it calls.\n")
		printProfiles(&p, b.profiles)
	}
	return p.String()
}

// pageCurve writes a curve as table and figure.
func (b *bench) pageCurve(say func(string, ...any), title, file string, points []point, at, third string) {
	if len(points) < 2 {
		return
	}
	say("\n## %s\n", title)
	say("| %s | go-smpp | smppserv | ratio | %s |\n|---|---|---|---|---|", at, third)
	for _, p := range points {
		last := fmt.Sprintf("%.2f", p.rate/p.base)
		if p.base == 0 {
			last = figure{unit: megabytes}.write(p.megabytes)
		}
		say("| %s | %s/s | %s/s | %.2f | %s |", thousands(float64(p.at)), thousands(p.yardstick), thousands(p.rate), p.rate/p.yardstick, last)
	}
	say("\n![%s](%s)", strings.ToLower(title), file)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
