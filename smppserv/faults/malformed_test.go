package faults

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/BurntSushi/toml"
)

// malformedFolder has a file for each door that strangers can come to; README.md there says how to add a case.
const malformedFolder = "testdata/malformed"

// leastMalformed is how many cases there are at least.
const leastMalformed = 200

// A malformed is one input, and what it is to be answered.
type malformed struct {
	Name string
	// What is sent: Octets, Text as it stands, or (SMPP) a PDU of these; Length and Sequence have defaults.
	Octets, Text, PDU, Body  string
	Length, Sequence, Status *uint32
	Lines                    []string // HTTP: the request's lines before the body, which is Text or Octets
	State                    string   // SMPP: bound as, before; HTTP: who asks
	TLS                      bool     // SMPP: on the TLS port
	Balancer                 bool     // it comes from a load balancer's address
	End                      bool     // the sending half is closed behind it

	Answer []string // each answer, then open or closed, or exit and the code
	Words  []string // that are in what is said

	door  string
	parts map[string]string
}

func (c *malformed) String() string { return c.door + ": " + c.Name }

// A malformedFile is all cases of a door.
type malformedFile struct {
	Door  string
	Parts map[string]string // octets that cases write as {name}
	Case  []*malformed
}

func readMalformed(t *testing.T) (all []*malformed) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(malformedFolder, "*.toml"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range paths {
		var file malformedFile
		meta, err := toml.DecodeFile(path, &file)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if unknown := meta.Undecoded(); len(unknown) > 0 {
			t.Fatalf("%s: unknown keys %v", path, unknown)
		}
		for _, c := range file.Case {
			c.door, c.parts = file.Door, file.Parts
			if c.Name == "" || names[c.String()] || len(c.Answer) == 0 {
				t.Errorf("%s: a case without a name of its own, or without an answer: %q", path, c.Name)
			}
			names[c.String()] = true
			all = append(all, c)
		}
	}
	return all
}

// A reply is what came of a case.
type reply struct {
	answer []string
	said   string // all that was said
	err    error  // why it could not be tried
}

func (r reply) judge(t *testing.T, c *malformed) {
	if r.err != nil {
		t.Error(r.err)
		return
	}
	if !slices.Equal(r.answer, c.Answer) {
		t.Errorf("the answer is\n\t%q\nwant\n\t%q\nsaid: %.2000s", r.answer, c.Answer, r.said)
	}
	for _, word := range c.Words {
		if !strings.Contains(r.said, word) {
			t.Errorf("%q is not in: %.2000s", word, r.said)
		}
	}
}

// strangersAtOnce is how many strangers come at the same time.
const strangersAtOnce = 8

func TestMalformedInputIsAnsweredAtEveryDoorAndAGoodClientNoticesNothing(t *testing.T) {
	cases := readMalformed(t)
	if len(cases) < leastMalformed {
		t.Errorf("there are %d cases, want at least %d", len(cases), leastMalformed)
	}
	r := newRecord(t)
	d := openDoors(t, r.hermes)
	good := startBystander(t, r, d.worker.SMPP)
	r.awaitAcked(t, 10)

	replies := make([]reply, len(cases))
	next := make(chan int)
	var strangers sync.WaitGroup
	for n := range strangersAtOnce {
		strangers.Go(func() {
			for i := range next {
				replies[i] = d.knock(n, cases[i])
			}
		})
	}
	for i := range cases {
		next <- i
	}
	close(next)
	strangers.Wait()

	doors := map[string]int{}
	for i, c := range cases {
		doors[c.door]++
		t.Run(fmt.Sprint(c.door, "/", c.Name), func(t *testing.T) { replies[i].judge(t, c) })
	}
	r.awaitAcked(t, 10) // it is served still
	good.hush()
	r.await(t, "every receipt", func() bool { return len(r.receipts) == len(r.acked) })
	r.judge(t)
	if r.binds != 1 {
		t.Errorf("the good client had to bind %d times", r.binds)
	}
	if log := d.worker.Log.String(); strings.Contains(log, "stack") || strings.Contains(log, "panic") {
		t.Errorf("something broke: %s", d.worker.Log.Lines("stack", 3))
	}
	t.Logf("%d malformed inputs (%v); beside them %s", len(cases), doors, good.times())
}

// knock tries a case as the n-th of those that come at the same time.
func (d *doors) knock(n int, c *malformed) reply {
	switch c.door {
	case "smpp":
		return d.smpp(n, c)
	case "tls":
		return d.handshake(c)
	case "hermes":
		return d.hermes(n, c)
	case "tcp":
		return d.line(c)
	case "http":
		return d.http(c)
	case "config":
		return d.check(c)
	case "import":
		return d.importConfig(c)
	case "receipt":
		return d.receipt(c)
	case "worker stdin":
		return d.stdin(c)
	case "worker stdout":
		return d.stdout(c)
	}
	return reply{err: fmt.Errorf("there is no door %q", c.door)}
}

// sentByWorker names what this program writes in the place of a worker, see doors.stdout.
const sentByWorker = "HNET_TEST_STDOUT"
