package faults

import (
	"database/sql"
	"encoding/json"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

var (
	soakTime = flag.Duration("soak", 0, "how long TestSoak lasts; 0 = a minute where CI is set, else ten seconds")
	soakRate = flag.Int("soakrate", 500, "submits a second in TestSoak")
)

const (
	soakLives    = 3
	soakNumbers  = 10_000 // conversations per client
	soakLogMB    = 1      // of a log before it is rotated
	soakLogsKept = 2
	soakPatience = 10 * time.Minute // for what waits at the end, or what a purge has to do

	// Where these go Hermès always fails, or refuses for good.
	failing, refusing = "3699", "3698"

	purgeEnded = `"message":"old messages purged"` // in the worker's log
)

// A soaking is the launcher's worker in lives that follow each other, and all who have to do with it.
type soaking struct {
	*ledger
	config, folder    string
	addr, port, admin string
	hermes            *testkit.Hermes
	loads             []*esme // those whose messages Hermès takes
	esmes             []*esme
	agents            *agents
	backlogs          []int // at the end of each life
	launcher          *testkit.Launcher
	silent            []net.Conn
	troubles          int
	purged            []int
}

func newSoaking(t *testing.T, lasts time.Duration) *soaking {
	t.Helper()
	smppPort, tcpPort, adminPort := testkit.FreePort(t), testkit.FreePort(t), testkit.FreePort(t)
	s := &soaking{folder: t.TempDir(), hermes: testkit.StartHermes(t), addr: testkit.Loopback(smppPort), port: testkit.Loopback(tcpPort), admin: testkit.Loopback(adminPort)}
	s.ledger = newLedger(map[string]told{
		"load1": {smpp.ROK, smpp.StateDelivered},
		"load2": {smpp.ROK, smpp.StateDelivered},
		"eager": {smpp.RTHROTTLED, smpp.StateUndeliverable},
		"full":  {smpp.RMSGQFUL, smpp.StateExpired},
	})
	s.hermes.Instead(s.push)
	s.hermes.Script(failing, testkit.Answer{Status: 500})
	s.hermes.Script(refusing, testkit.Answer{Status: 404})
	client := func(name string, more testkit.Settings) map[string]any {
		c := map[string]any{"system_id": name, "password": testkit.Password, "bind_policy": "pair"}
		for key, value := range more {
			c[key] = value
		}
		return c
	}
	s.config = testkit.WriteConfig(t, s.folder, testkit.Settings{
		"server.listen_port":      smppPort,
		"server.response_timeout": "2s", // what a client does not answer is soon sent again
		"tcp.listen_port":         tcpPort,
		"admin.listen":            s.admin,
		"hermes.url":              s.hermes.URL(),
		"hermes.retry":            []string{"500ms", "1s", "2s"},
		"jobs.retention":          max(lasts/12, time.Second).String(),
		"launcher.log_max_mb":     soakLogMB,
		"launcher.log_keep":       soakLogsKept,
		"clients": []map[string]any{client("load1", nil), client("load2", nil), client("hops", nil),
			client("eager", testkit.Settings{"throttle_rate": 10}), client("full", testkit.Settings{"max_queued": 10})},
	})
	slow := time.Second / 20
	load := 2 * time.Second / time.Duration(max(2, *soakRate-40))
	for i, e := range []*esme{
		{client: "load1", every: load}, {client: "load2", every: load},
		{client: "eager", every: slow, dest: refusing},
		{client: "full", every: slow, dest: failing, validity: "000000000002000R"},
	} {
		e.witness, e.addr, e.number, e.numbers = s.ledger, s.addr, i+1, soakNumbers
		e.start(t)
		s.esmes = append(s.esmes, e)
	}
	s.loads = s.esmes[:2]
	s.agents = startAgents(t, s.ledger, s.port, []string{"load1", "load2"}, slow)
	t.Cleanup(func() {
		for _, c := range s.silent {
			c.Close()
		}
	})
	return s
}

// await returns once the account is as wanted.
func (s *soaking) await(t *testing.T, what string, patience time.Duration, done func() bool) {
	t.Helper()
	if !s.until(patience, done) {
		t.Fatalf("%s did not come within %v: %v; faults %q", what, patience, s.ledger, s.faults)
	}
}

// awaitWork returns once every client has bound since the last binds, and some submits more were acknowledged.
func (s *soaking) awaitWork(t *testing.T, change func()) {
	t.Helper()
	var binds, accepted int
	s.change(func() { binds = s.binds })
	change()
	s.await(t, "the bind of every client", testkit.Patience, func() bool { return s.binds >= binds+len(s.esmes) })
	s.change(func() { accepted = s.accepted })
	s.await(t, "work", testkit.Patience, func() bool { return s.accepted >= accepted+killAt(1) })
}

// live is a life under trouble: the worker is killed while it has hardly begun, and stopped as its launcher is at the end. The purge
// of the day falls into each life but the first, whose end is awaited.
func (s *soaking) live(t *testing.T, lasts time.Duration, last bool) (samples []soaked) {
	t.Helper()
	purges := s.outdatePurge(t)
	s.awaitWork(t, func() { s.launcher = testkit.StartLauncher(t, s.config) })
	first := s.launcher.AwaitPID(t, nil)
	s.change(func() { s.leaves = false })
	s.killing()
	s.awaitWork(t, func() { kill9(t, first) })
	s.killing()
	s.launcher.AwaitPID(t, map[int]bool{first: true})
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for end := time.Now().Add(lasts); time.Now().Before(end) || purges && s.launcher.Log.Lines(purgeEnded, 1) == ""; {
		if time.Since(end) > soakPatience {
			t.Fatal("the purge did not end")
		}
		s.trouble(t)
		<-tick.C
		samples = append(samples, sampled(t, s.admin, s.folder))
	}
	s.change(func() { s.backlogs = append(s.backlogs, s.waiting) })
	if purges {
		var said struct{ Messages int }
		if err := json.Unmarshal([]byte(s.launcher.Log.Lines(purgeEnded, 1)), &said); err != nil || said.Messages == 0 {
			t.Errorf("a purge under load took nothing: %v", err)
		}
		s.purged = append(s.purged, said.Messages)
	}
	if !last {
		s.calm()
		s.change(func() { s.leaves = true })
		s.launcher.Stop(t)
		s.launcher.AwaitWorkerGone(t)
	}
	return samples
}

// outdatePurge has the purge of the day missed, and tells whether there is a database. The worker is stopped.
func (s *soaking) outdatePurge(t *testing.T) bool {
	t.Helper()
	file := filepath.Join(s.folder, "messages.db")
	if _, err := os.Stat(file); err != nil {
		return false
	}
	db, err := sql.Open("sqlite", file)
	if err == nil {
		_, err = db.Exec("INSERT INTO jobs (name, ran_at) VALUES ('purge', ?1) ON CONFLICT (name) DO UPDATE SET ran_at = ?1",
			time.Now().Add(-48*time.Hour).UnixMilli())
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

// trouble is one kind of failure, that lasts until the next one.
func (s *soaking) trouble(t *testing.T) {
	t.Helper()
	n := s.troubles
	s.troubles++
	answers := []testkit.Answer{{Status: 200, After: 100 * time.Millisecond}, {Status: 503}, {Status: 429, RetryAfter: "1"}, {Status: 0},
		{Status: 200, After: time.Second}}
	if n%3 == 0 { // in between Hermès is well, so that what waits can go
		s.hermes.Script("", answers[n/3%len(answers)])
	} else {
		s.hermes.Script("", testkit.Answer{Status: 200})
	}
	for i, e := range s.loads {
		e.mute.Store(n%5 == 0 && n/5%len(s.loads) == i)
	}
	if conn, err := net.Dial("tcp", s.addr); err == nil {
		switch n % 3 {
		case 0: // it says nothing
			s.silent = append(s.silent, conn)
		case 1:
			_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
			conn.Close()
		case 2: // half a PDU
			_, _ = conn.Write([]byte{0, 0, 0, 100, 0, 0, 0, 9, 0})
			s.silent = append(s.silent, conn)
		}
	}
	if len(s.silent) > 10 {
		s.silent[0].Close()
		s.silent = s.silent[1:]
	}
	c := testkit.Bind(t, s.addr, smpp.CmdBindTransmitter, "hops", testkit.Password)
	if n%2 == 0 {
		c.Unbind()
	} else {
		c.Close()
	}
	if n%4 == 0 { // a reload
		text, err := os.ReadFile(s.config)
		if err == nil {
			text, _ := strings.CutSuffix(string(text), "# again\n")
			if n%8 == 0 {
				text += "# again\n"
			}
			err = os.WriteFile(s.config, []byte(text), 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// calm ends all trouble.
func (s *soaking) calm() {
	s.hermes.Script("", testkit.Answer{Status: 200})
	for _, e := range s.loads {
		e.mute.Store(false)
	}
}

// finish ends the load and requires that nothing is lost.
func (s *soaking) finish(t *testing.T) {
	t.Helper()
	s.calm()
	for _, e := range s.esmes {
		e.hush()
	}
	close(s.agents.quiet)
	s.await(t, "the end of every acknowledged message", soakPatience, func() bool { return s.waiting == 0 && s.toClientsWaiting == 0 })
	counted := sampled(t, s.admin, s.folder).throttled
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range s.faults {
		t.Error(fault)
	}
	if seen := s.since["eager"]; int64(seen) != counted {
		t.Errorf("%d submits were refused with RTHROTTLED, the worker counted %d", seen, counted)
	}
	for client, told := range s.told {
		if told.status != smpp.ROK && s.turned[told.status] == 0 {
			t.Errorf("no submit of %s was refused with %v", client, told.status)
		}
		if s.ended[told.state] == 0 {
			t.Errorf("no message ended %v", told.state)
		}
	}
	// What was on its way when a worker was killed, or answered and not yet on disk, is pushed again.
	if most := soakLives * (*soakRate + 32); s.pushedAgain > most {
		t.Errorf("%d pushes were repeated after %d kills", s.pushedAgain, soakLives)
	}
}

func TestSoakWithFailuresOfEveryKindTakesNoMoreAndMoreAndLosesNothing(t *testing.T) {
	lasts := *soakTime
	switch {
	case lasts == 0 && os.Getenv("CI") != "":
		lasts = time.Minute
	case lasts == 0:
		lasts = 10 * time.Second
	}
	s := newSoaking(t, lasts)
	var lives [soakLives][]soaked
	for n := range lives {
		lives[n] = s.live(t, lasts/soakLives, n == soakLives-1)
	}
	s.finish(t)
	var halves string // of the last life
	for _, life := range lives {
		halves = steady(t, life)
	}
	before, after := most(lives[soakLives-2]), most(lives[soakLives-1])
	t.Logf("%v at %d a second: %v; %v waited at the end of each life; %v old ones were purged; in both halves of the last life %s; octets at most: %s", lasts, *soakRate, s.ledger, s.backlogs, s.purged, halves, sizes(after))
	s.ledger.toll().tell(t)
	// The first life ends with its own messages on disk; from the second one on the purge makes room for those that come.
	for name, octets := range after {
		bound := before[name] + before[name]*30/100 + 8<<20
		if strings.HasSuffix(name, ".log") { // those kept, the present one, and the one of too many that is about to be removed
			bound = (soakLogsKept + 2) * soakLogMB << 20
		}
		if octets > bound {
			t.Errorf("%s has %d octets in the last life, %d in the one before; at most %d are allowed", name, octets, before[name], bound)
		}
	}
}
