package faults

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"

	"hnetsmpp/smppserv/testkit"
)

// A toll is what became of the messages that were on their way while something failed.
type toll struct {
	sent         int // submits, lines of agents
	acknowledged int
	lost         int // of those acknowledged: to Hermès or to the client
	repeated     int // at Hermès or at the client
}

var tolls struct {
	sync.Mutex
	of map[string]toll
}

// tell has it in the table that is printed at the end.
func (c toll) tell(t *testing.T) {
	t.Helper()
	t.Logf("%d sent, %d acknowledged, %d lost, %d repeated", c.sent, c.acknowledged, c.lost, c.repeated)
	tolls.Lock()
	defer tolls.Unlock()
	if tolls.of == nil {
		tolls.of = map[string]toll{}
	}
	tolls.of[t.Name()] = c
}

// printTolls prints a line for each fault. go test shows it with -v, or when a test has failed.
func printTolls(w io.Writer) {
	tolls.Lock()
	defer tolls.Unlock()
	if len(tolls.of) == 0 {
		return
	}
	names := make([]string, 0, len(tolls.of))
	for name := range tolls.of {
		names = append(names, name)
	}
	slices.Sort(names)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "fault\tsent\tacknowledged\tlost\trepeated")
	for _, name := range names {
		c := tolls.of[name]
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\n", name, c.sent, c.acknowledged, c.lost, c.repeated)
	}
	_ = table.Flush()
}

func TestMain(m *testing.M) {
	if path := os.Getenv(sentByWorker); path != "" {
		actWorker(path)
		return
	}
	code := testkit.Run(m)
	printTolls(os.Stdout)
	os.Exit(code)
}
