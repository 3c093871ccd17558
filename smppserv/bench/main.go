// Command bench measures the built server from outside, beside others under the same load and in turn with them, and holds
// what it finds against the goals.
//
//	go run ./smppserv/bench                   all rows; writes docs/performance.md and its figures
//	go run ./smppserv/bench -short            small, without the longest rows, in about a minute; fails when a ratio has halved since reference.json
//	go run ./smppserv/bench -short -rows all  with these
//	go run ./smppserv/bench -list             what the rows are
//
// The yardstick is the test server of go-smpp, which stores nothing: its rate says what the machine can do at that moment,
// so a rate of ours counts as its ratio to it. Each repeat of a row measures both; medians are shown, of the ratios too.
// A row in which a goal is not reached is measured once more, and perf, where it is there, shows where the server's time went.
// The load comes from this process, and everything runs on this machine over loopback.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"hnetsmpp/smppserv/testkit"
)

func main() {
	serveIfAsked()
	os.Exit(command(os.Args[1:]))
}

// Sizes that flags can change.
const (
	fullSize, shortSize = 1_000_000, 50_000
	fullMax, shortMax   = 10_000_000, 100_000
)

// allRows names those too that a short run leaves out.
const allRows = "all"

type options struct {
	short, list, renew bool
	rows, out          string
	repeat, size, max  int
}

// command returns the exit code: 1 when something could not be measured or has halved, 2 for a command line that is not understood.
func command(args []string) int {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.short, "short", false, "everything small, without the longest rows, in about a minute; exit code 1 when a ratio has halved against "+referenceFile)
	f.BoolVar(&o.list, "list", false, "list the rows and end")
	f.BoolVar(&o.renew, "renew", false, "with -short: write the ratios into "+referenceFile+" instead")
	f.StringVar(&o.rows, "rows", "", "rows to measure, by name, with commas between; all when empty, with -short but the longest; all = those too")
	f.StringVar(&o.out, "out", "", "folder for performance.md and its figures; docs when empty and all rows are measured at full size, else none")
	f.IntVar(&o.repeat, "repeat", 0, "how often each row is measured (3, with -short 1)")
	f.IntVar(&o.size, "size", 0, fmt.Sprintf("messages that wait, and what else is counted in messages in proportion (%d, with -short %d)", fullSize, shortSize))
	f.IntVar(&o.max, "max", 0, fmt.Sprintf("most messages stored before a measurement (%d, with -short %d)", fullMax, shortMax))
	if f.Parse(args) != nil {
		return 2
	}
	chosen, err := choose(o.rows, o.short)
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected: %s", strings.Join(f.Args(), " "))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if o.list {
		list(chosen)
		return 0
	}
	return measure(o, chosen)
}

// choose returns the rows of these names, in the table's order.
func choose(names string, short bool) ([]row, error) {
	if names == "" || names == allRows {
		return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return short && r.long && names == "" }), nil
	}
	wanted := strings.Split(names, ",")
	for _, name := range wanted {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.name == name }) {
			return nil, fmt.Errorf("there is no row %q; -list names them", name)
		}
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !slices.Contains(wanted, r.name) }), nil
}

func list(chosen []row) {
	for _, r := range chosen {
		fmt.Printf("%-20s %s\n", r.name, r.what)
		for _, f := range r.figures {
			fmt.Printf("%20s %s: %s\n", "", f.what, f.goalText())
		}
	}
}

func measure(o options, chosen []row) int {
	if out := outFolder(o); out != "" { // not after an hour
		if err := os.MkdirAll(out, 0o755); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	root, err := os.MkdirTemp("", "hnetsmpp-bench")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	end := func() {
		testkit.RemovePrograms()
		_ = os.RemoveAll(root)
	}
	defer end()
	b := newBench(o, root)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		b.cleanups.interrupted()
		end() // other programs end with our ends of their stdin
		os.Exit(130)
	}()

	defer b.close()
	results := b.runAll(chosen)
	if o.short {
		return b.endShort(results)
	}
	b.printTable(os.Stdout, results)
	b.profiles = b.explain(results)
	printProfiles(os.Stdout, b.profiles)
	if out := outFolder(o); out != "" {
		if err := writeReport(out, b, results); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println("written:", filepath.Join(out, reportFile))
	}
	return failures(results)
}

// outFolder is where the report goes; "" = nowhere: a part of the table is not to replace the whole.
func outFolder(o options) string {
	if o.out != "" || o.short || o.rows != "" && o.rows != allRows || o.size != 0 || o.max != 0 {
		return o.out
	}
	root, err := moduleRoot()
	if err != nil {
		return ""
	}
	return filepath.Join(root, "docs")
}

// failures is 1 when a row could not be measured.
func failures(results []result) int {
	code := 0
	for _, r := range results {
		if r.err != nil && !errors.As(r.err, new(skipped)) {
			fmt.Fprintf(os.Stderr, "%s could not be measured: %v\n", r.row.name, r.err)
			code = 1
		}
	}
	return code
}
