package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mattn/go-isatty"

	"hnetsmpp/smppserv/testkit"
)

// bench is one run of the command.
type bench struct {
	options
	*progress
	root     string            // where stores and configurations are
	serial   int               // of the trials
	others   map[string]string // addresses of the servers beside ours
	stops    []func()          // of these servers, and of the stock
	cleanups cleanups
	began    time.Time
	fsync    time.Duration
	load     string // of the machine before, "" = it does not tell

	buffers string // what PostgreSQL's shared_buffers are, "" = no row needed one

	stocked   *stock    // nil = no row asked for it yet
	recording *recorder // nil = nothing is recorded

	stored   []point // the curve over stored messages
	sessions []point // and over sessions
	profiles []profile
}

// point is one place of a curve; what was not measured is 0.
type point struct {
	at                    int
	yardstick, rate, base float64 // submits a second; base is that of an empty store
	megabytes             float64
}

func newBench(o options, root string) *bench {
	full := func(v *int, full, short int) {
		if *v == 0 {
			*v = full
			if o.short {
				*v = short
			}
		}
	}
	full(&o.repeat, 3, 1)
	full(&o.size, fullSize, shortSize)
	full(&o.max, fullMax, shortMax)
	return &bench{
		options: o, root: root, others: map[string]string{}, began: time.Now(), load: loadAverage(),
		progress: &progress{out: os.Stderr, terminal: isatty.IsTerminal(os.Stderr.Fd())},
	}
}

// scaled is a number of the full size, in proportion to -size, and at least a thousand.
func (b *bench) scaled(full int) int {
	return max(min(full, 1000), int(float64(full)*min(1, float64(b.size)/fullSize)))
}

// duration is a time of the full size, a fifth of it in a short run.
func (b *bench) duration(full time.Duration) time.Duration {
	if b.short {
		return full / 5
	}
	return full
}

// result is what came of one row.
type result struct {
	row     row
	figures []measured
	err     error
}

// measured are the medians of one figure; what was not measured is 0.
type measured struct {
	figure
	value, yardstick, ratio float64
}

// runAll starts the servers beside ours and measures the rows.
func (b *bench) runAll(chosen []row) (results []result) {
	b.say("building smppserv")
	err := b.try(0, func(t *trial) {
		if !b.short { // it compiles all dependencies once more
			t.must(likeReleased())
		}
		testkit.Program(t, "smppserv")
		var err error
		b.fsync, err = fsyncTime(t.folder)
		t.must(err)
	})
	for _, name := range []string{goServer, nullServer, nodeServer} {
		addr, stop, startErr := startOther(name, b.root)
		switch {
		case errors.Is(startErr, errNoNode):
			b.say("%v", startErr)
		case startErr != nil:
			err = errors.Join(err, startErr)
		default:
			b.stops = append(b.stops, stop)
			b.others[name] = addr
		}
	}
	for i, r := range chosen {
		b.at(fmt.Sprintf("[%d/%d] %s", i+1, len(chosen), r.name))
		if err != nil {
			results = append(results, result{row: r, err: err})
			continue
		}
		result := b.run(r)
		for _, line := range result.lines() {
			b.say("%s: %s", r.name, line)
		}
		results = append(results, result)
	}
	b.at("")
	return results
}

func (b *bench) close() {
	for _, stop := range b.stops {
		stop()
	}
}

// run measures a row as often as asked.
func (b *bench) run(r row) result {
	res := result{row: r}
	repeats := b.repeat
	if r.once {
		repeats = 1
	}
	values := make([][]value, len(r.figures))
	prefix := b.prefix
	defer b.at(prefix)
	for i := range repeats {
		b.at(fmt.Sprintf("%s %d/%d", prefix, i+1, repeats))
		got, err := b.once(r, i)
		if err != nil {
			res.err = err
			break
		}
		for f, v := range got {
			values[f] = append(values[f], v)
		}
	}
	for i, f := range r.figures {
		res.figures = append(res.figures, summary(f, values[i]))
	}
	return res
}

// once measures a row once: the yardstick before, and the next time behind it.
func (b *bench) once(r row, repeat int) (values []value, err error) {
	var yardstick float64
	beside := func() {
		if r.load != nil && err == nil {
			yardstick, err = b.yardstick(r.load(b))
		}
	}
	if repeat%2 == 0 {
		beside()
	}
	if err == nil {
		err = b.try(repeat, func(t *trial) { values = r.run(t) })
	}
	if repeat%2 == 1 {
		beside()
	}
	if err == nil && len(values) != len(r.figures) {
		err = fmt.Errorf("%d values for %d figures", len(values), len(r.figures))
	}
	if r.load != nil && err == nil {
		for i := range values {
			values[i].yardstick = yardstick
		}
	}
	return values, err
}

// value is one measurement, and what it is held against; 0 = nothing.
type value struct{ value, yardstick float64 }

func summary(f figure, values []value) measured {
	m := measured{figure: f}
	var all, yardsticks, ratios []float64
	for _, v := range values {
		if v.value == notMeasured {
			continue
		}
		all = append(all, v.value)
		if v.yardstick > 0 {
			yardsticks = append(yardsticks, v.yardstick)
			ratios = append(ratios, v.value/v.yardstick)
		}
	}
	m.value, m.yardstick, m.ratio = notMeasured, median(yardsticks), median(ratios)
	if len(all) > 0 {
		m.value = median(all)
	}
	return m
}

// median of nothing is 0.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// fsyncTime is the median of writing a page and waiting until it is on disk.
func fsyncTime(folder string) (time.Duration, error) {
	f, err := os.CreateTemp(folder, "fsync")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	page := make([]byte, 4096)
	var took []float64
	for range 100 {
		from := time.Now()
		if _, err = f.Write(page); err == nil {
			err = f.Sync()
		}
		if err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(from)))
	}
	return time.Duration(median(took)), nil
}

// likeReleased has the programs built by the profile that a release is built by.
func likeReleased() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	profile := filepath.Join(root, "pkg", "release", "smppserv.pgo")
	if _, err := os.Stat(profile); err != nil {
		return err
	}
	return os.Setenv("GOFLAGS", os.Getenv("GOFLAGS")+" '-pgo="+profile+"'")
}
