package conformance

import (
	"flag"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A row is one check of the list.
type row struct {
	ID       string // "HDR-01"
	Priority string // must, should or v5
	What     string // one short line for somebody who integrates with this server
	Run      func(t *testing.T, s *suite)
}

// groups are the list's, in its order.
var groups = []struct {
	name string
	rows []row
}{
	{"HDR", hdrRows}, {"BOD", bodRows}, {"BND", bndRows}, {"STA", staRows}, {"TIM", timRows}, {"WIN", winRows},
	{"UNB", unbRows}, {"THR", thrRows}, {"SUB", subRows}, {"TME", tmeRows}, {"DLR", dlrRows}, {"MOD", modRows},
	{"QRY", qryRows}, {"CAN", canRows}, {"REP", repRows}, {"MUL", mulRows}, {"DAT", datRows}, {"ALO", aloRows},
	{"TXT", txtRows}, {"CON", conRows}, {"INV", invRows}, {"V50", v50Rows}, {"TLS", tlsRows},
}

// A suite is one run of the list.
type suite struct {
	t         *testing.T // of the whole run
	vocal     *world
	opportune *world

	mu         sync.Mutex
	recordings []*recording
	outcomes   map[string]string // of the rows that ran: held, failed, or why not held
}

const (
	held   = "held"
	failed = "**failed**"
)

// TestConformance runs the list: every row by itself and several at a time, then the invariants over what went over
// all their connections. One row: go test ./smppserv/conformance -run 'TestConformance/HDR-01$'
func TestConformance(t *testing.T) {
	s := &suite{t: t, outcomes: map[string]string{}}
	var early, late []row
	for _, g := range groups {
		checkGroup(t, g.name, g.rows)
		if g.name == "INV" {
			late = append(late, g.rows...)
		} else {
			early = append(early, g.rows...)
		}
	}
	s.startSharedWorlds()
	s.runAll(early)
	s.vocal.stop(t)
	s.opportune.stop(t)
	for _, r := range late {
		s.run(r)
	}
	capture := s.writeCapture(t)
	t.Run("tshark", func(t *testing.T) { checkWithTshark(t, capture) })
	if len(s.outcomes) == len(early)+len(late) && !*machinesFlag {
		s.publish(t)
	}
}

// checkGroup requires ids that rise within their group.
func checkGroup(t *testing.T, group string, rows []row) {
	t.Helper()
	last := 0
	for _, r := range rows {
		number, err := strconv.Atoi(strings.TrimPrefix(r.ID, group+"-"))
		if err != nil || number <= last || len(r.ID) != len("HDR-01") {
			t.Fatalf("the row %q is no row of %s, or not in its place", r.ID, group)
		}
		if !slices.Contains([]string{"must", "should", "v5"}, r.Priority) || r.What == "" || r.Run == nil {
			t.Fatalf("the row %s is not complete", r.ID)
		}
		last = number
	}
}

// runAll runs as many rows at a time as -parallel says. It does not leave that to t.Parallel, because such subtests
// would begin when TestConformance has returned, and the invariants are to come after them.
func (s *suite) runAll(rows []row) {
	width, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String())
	if err != nil {
		width = runtime.GOMAXPROCS(0)
	}
	queue := make(chan row)
	var workers sync.WaitGroup
	for range max(1, width) {
		workers.Go(func() {
			for r := range queue {
				s.run(r)
			}
		})
	}
	for _, r := range rows {
		queue <- r
	}
	close(queue)
	workers.Wait()
}

func (s *suite) run(r row) {
	ran := false
	ok := s.t.Run(r.ID, func(t *testing.T) {
		t.Cleanup(func() { ran = !t.Skipped() })
		r.Run(t, s)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !ok:
		s.outcomes[r.ID] = failed
	case ran:
		s.outcomes[r.ID] = held
	}
}

// writeCapture leaves all connections as a pcap file, at -capture when that is given, and returns its path.
func (s *suite) writeCapture(t *testing.T) string {
	t.Helper()
	path := *captureFlag
	if path == "" {
		path = filepath.Join(t.TempDir(), "conformance.pcap")
	}
	if err := writePcap(path, s.all()); err != nil {
		t.Fatalf("writing the capture: %v", err)
	}
	return path
}

// record takes note of a new connection.
func (s *suite) record(r *recording) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recordings = append(s.recordings, r)
}

// all returns the connections so far.
func (s *suite) all() []*recording {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.recordings)
}
