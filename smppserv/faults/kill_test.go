package faults

import (
	"os"
	"path/filepath"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// A loaded is a config.toml on fixed ports, a Hermès and two clients that write to it as fast as they are answered.
type loaded struct {
	config  string
	addr    string
	clients []string
	record  *record
	esmes   []*esme
}

// newLoaded has these clients besides, that do not write.
func newLoaded(t *testing.T, others ...string) *loaded {
	t.Helper()
	port := testkit.FreePort(t)
	l := &loaded{addr: testkit.Loopback(port), clients: []string{"load1", "load2"}, record: newRecord(t)}
	var section []map[string]any
	for _, name := range append(others, l.clients...) {
		section = append(section, map[string]any{"system_id": name, "password": testkit.Password, "bind_policy": "pair"})
	}
	l.config = testkit.WriteConfig(t, t.TempDir(), testkit.Settings{
		"server.listen_port": port,
		"tcp.listen_port":    testkit.FreePort(t),
		"hermes.url":         l.record.hermes.URL(),
		"log.level":          "warn",
		"admin.listen":       "127.0.0.1:0",
		"clients":            section,
	})
	return l
}

// begin starts the clients. They bind as soon as a worker listens.
func (l *loaded) begin(t *testing.T) {
	for i, name := range l.clients {
		l.esmes = append(l.esmes, startESME(t, l.record, l.addr, name, i+1))
	}
}

// killAt is how many submits are acknowledged between a restart and the next kill: from hardly bound to well under way.
func killAt(kill int) int { return []int{1, 40, 400}[kill%3] }

// awaitWork returns once every client has bound since the last binds and n submits were acknowledged.
func (l *loaded) awaitWork(t *testing.T, binds, n int) {
	t.Helper()
	l.record.await(t, "the bind of every client", func() bool { return l.record.binds >= binds+len(l.clients) })
	l.record.awaitAcked(t, n)
}

func (l *loaded) binds() int {
	l.record.mu.Lock()
	defer l.record.mu.Unlock()
	return l.record.binds
}

// finish ends the load and requires that nothing is lost.
func (l *loaded) finish(t *testing.T) {
	t.Helper()
	for _, e := range l.esmes {
		e.hush()
	}
	r := l.record
	r.await(t, "the push and the receipt of every acknowledged message", func() bool {
		for id := range r.acked {
			if _, ok := r.receipts[id]; !ok || !r.hermes.Accepted(id) {
				return false
			}
		}
		return true
	})
	r.judge(t)
	l.query(t)
}

// query asks for the state of a sample of each client's messages.
func (l *loaded) query(t *testing.T) {
	t.Helper()
	const sample = 20
	for _, e := range l.esmes {
		c := testkit.Bind(t, l.addr, smpp.CmdBindTransmitter, e.client, testkit.Password)
		asked := 0
		for id, m := range l.record.ofClient(e) {
			if asked++; asked > sample {
				break
			}
			p := c.ExpectResp(c.Send(&smpp.QuerySM{MessageID: id, Source: m.Source}), smpp.ROK).(*smpp.QuerySMResp)
			if p.MessageID != id || p.State != smpp.StateDelivered {
				t.Errorf("query_sm of %s: %+v", id, p)
			}
		}
		c.Unbind()
	}
}

func TestTenKillsUnderLoadLoseNothingAcknowledged(t *testing.T) {
	const kills = 10
	l := newLoaded(t)
	l.begin(t)
	for kill := range kills {
		binds := l.binds()
		p := testkit.StartWorker(t, l.config)
		l.awaitWork(t, binds, killAt(kill))
		p.Kill(t)
	}
	binds := l.binds()
	testkit.StartWorker(t, l.config)
	l.awaitWork(t, binds, killAt(1))
	l.finish(t)
}

func TestTheLauncherRestartsAKilledWorkerAndNothingIsLost(t *testing.T) {
	const kills = 3 // the waits between them are 1, 2 and 4 s
	l := newLoaded(t)
	launcher := testkit.StartLauncher(t, l.config)
	l.begin(t)
	killed := map[int]bool{}
	binds := 0
	for kill := range kills {
		l.awaitWork(t, binds, killAt(kill))
		pid := launcher.AwaitPID(t, killed)
		binds = l.binds()
		kill9(t, pid)
		killed[pid] = true
	}
	l.awaitWork(t, binds, killAt(1))
	l.finish(t)
	launcher.AwaitPID(t, killed)
	launcher.Stop(t)
	for _, name := range []string{"launcher.log", "smppserv.log"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(l.config), "logs", name)); err != nil {
			t.Error(err)
		}
	}
}

func kill9(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
}
