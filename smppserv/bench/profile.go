package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	samplesPerSecond = "499" // of each thread that runs
	leastShare       = 3.0   // percent, of what is shown
	mostShares       = 20    // lines
	passed           = 0.15  // percent
)

// profile is where the first server's time on the processors went while a row was measured once more.
type profile struct {
	row         row
	server, all float64 // cores that it had, and that all programs had; notMeasured = this system does not tell
	shares      []share // the largest first
	err         error   // why there is none
}

// share is what a function and all that it calls took.
type share struct {
	percent float64
	of      string
}

// recorder records the first server of a trial with perf.
type recorder struct {
	perf, file string
	errors     bytes.Buffer
	command    *exec.Cmd
	pid        int
	began      time.Time
	had, busy  time.Duration // then
	profile    profile
}

// explain measures each row once more in which a goal is not reached, and has the server recorded meanwhile.
func (b *bench) explain(results []result) (all []profile) {
	perf, err := exec.LookPath("perf")
	if err != nil {
		err = errors.New("perf is missing; Debian has it: apt-get install linux-perf")
	}
	stored, sessions := b.stored, b.sessions
	defer func() { b.stored, b.sessions = stored, sessions }() // the curves are those of the first measurement
	for _, r := range results {
		if !r.falls() {
			continue
		}
		b.at("a profile of " + r.row.name)
		rec := &recorder{perf: perf, profile: profile{row: r.row, err: err}}
		switch {
		case err != nil:
		case r.row.once && b.rows == "":
			rec.profile.err = fmt.Errorf("it takes minutes; there is one with -rows %s", r.row.name)
		default:
			rec.file = filepath.Join(b.root, "perf.data")
			b.recording = rec
			failed := b.try(0, func(t *trial) { r.row.run(t) })
			b.recording = nil
			if rec.profile.err == nil {
				rec.profile.err = failed
			}
		}
		all = append(all, rec.profile)
	}
	b.at("")
	return all
}

// falls tells whether a goal of the row is not reached.
func (r result) falls() bool {
	for _, m := range r.figures {
		if reached, known := m.reached(); known && !reached {
			return r.err == nil
		}
	}
	return false
}

// record has a server recorded until the trial's end, if it is the first one of a trial that is to be.
func (t *trial) record(pid int) {
	r := t.recording
	if r == nil || r.command != nil {
		return
	}
	r.command = exec.Command(r.perf, "record", "-F", samplesPerSecond, "-g", "-p", strconv.Itoa(pid), "-o", r.file)
	r.command.Stderr = &r.errors
	r.pid = pid
	if r.profile.err = r.command.Start(); r.profile.err != nil {
		return
	}
	r.began = time.Now()
	r.had, _ = processor(pid)
	r.busy, _ = busy()
	t.Cleanup(r.end)
}

// end ends the recording and reads it.
func (r *recorder) end() {
	p := &r.profile
	took := time.Since(r.began)
	p.server, p.all = notMeasured, notMeasured
	if had, ok := processor(r.pid); ok {
		p.server = float64(had-r.had) / float64(took)
	}
	if now, ok := busy(); ok {
		p.all = float64(now-r.busy) / float64(took)
	}
	_ = r.command.Process.Signal(os.Interrupt)
	_ = r.command.Wait() // perf ends by the signal that it was sent
	report := exec.Command(r.perf, "report", "-i", r.file, "--children", "-g", "none", "--stdio", "-q", "--sort", "symbol")
	report.Stderr = &r.errors
	out, err := report.Output()
	if err != nil {
		p.err = fmt.Errorf("perf: %w: %s", err, firstLine(r.errors.String()))
		return
	}
	if p.shares = sharesOf(string(out)); len(p.shares) == 0 {
		p.err = fmt.Errorf("perf recorded nothing: %s", firstLine(r.errors.String()))
	}
	_ = os.Remove(r.file)
}

// sharesOf reads perf's report: of our functions, of Go's and SQLite's that wait or copy, and of system calls those that take most.
func sharesOf(report string) (all []share) {
	for line := range strings.Lines(report) {
		fields := strings.Fields(line) // children, self, where, symbol
		if len(fields) < 4 {
			continue
		}
		percent, err := strconv.ParseFloat(strings.TrimSuffix(fields[0], "%"), 64)
		name := fields[3]
		if err != nil || percent < leastShare || !told(name) {
			continue
		}
		if n := len(all); n > 0 && all[n-1].percent-percent < passed { // it does little but call the next one
			continue
		}
		if all = append(all, share{percent, strings.TrimPrefix(name, "__x64_sys_")}); len(all) == mostShares {
			break
		}
	}
	return all
}

// told tells whether a function says something to whoever knows the program: those that all time passes through, and those behind the
// calls of the system, do not.
func told(name string) bool {
	switch {
	case strings.Contains(name, ".gowrap"), strings.Contains(name, ".func"), strings.HasPrefix(name, "hnetsmpp/smppserv/guard."):
		return false
	case strings.HasPrefix(name, "hnetsmpp/"), strings.HasPrefix(name, "__x64_sys_"):
		return true
	}
	switch name {
	case "runtime.findRunnable", "runtime.mallocgc", "runtime.gcBgMarkWorker", "runtime.memmove", "runtime.newstack", "modernc.org/sqlite/lib.Xsqlite3_step":
		return true
	}
	return false
}

// String is the profile as the page and the terminal show it.
func (p *profile) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s (%s): ", p.row.name, p.row.what)
	if p.err != nil {
		fmt.Fprintf(&s, "no profile: %v\n", p.err)
		return s.String()
	}
	if p.server != notMeasured && p.all != notMeasured {
		fmt.Fprintf(&s, "the server had %.2f of %d cores, all programs together %.2f\n\n", p.server, runtime.NumCPU(), p.all)
	} else {
		s.WriteString("of the server's time\n\n")
	}
	for _, f := range p.shares {
		fmt.Fprintf(&s, "    %4.1f %%  %s\n", f.percent, strings.TrimPrefix(f.of, "hnetsmpp/smppserv/"))
	}
	return s.String()
}

// printProfiles writes what limits what is not reached.
func printProfiles(w io.Writer, all []profile) {
	for i := range all {
		fmt.Fprintln(w, all[i].String())
	}
}
