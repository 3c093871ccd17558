package faults

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// lasting gives a worker a lease that outlasts a short outage of the database.
func lasting(_ int, s testkit.Settings) { s["store.lease"] = "15s" }

// outage has the database go away under load, and come back: all sessions stay, and nothing is repeated.
func (m *machines) outage(gone, back func()) {
	m.t.Helper()
	m.account.awaitMore(m.t, 200, 20)
	m.account.mu.Lock()
	bound, before := m.account.binds, len(m.account.refused)
	m.account.mu.Unlock()
	gone()
	m.account.await(m.t, "a refused submit", func() bool { return len(m.account.refused) > before })
	back()
	m.account.awaitMore(m.t, 200, 20)
	m.account.mu.Lock()
	defer m.account.mu.Unlock()
	if m.account.binds != bound {
		m.t.Errorf("%d sessions were bound meanwhile: the others did not stay", m.account.binds-bound)
	}
}

// held requires that all workers were there all the time: none was taken for dead.
func (m *machines) held() {
	m.t.Helper()
	for i, w := range m.workers {
		for _, words := range []string{"another worker was silent", "it begins afresh"} {
			if strings.Contains(w.Log.String(), words) {
				m.t.Errorf("n%d says %q", i+1, words)
			}
		}
	}
}

func TestMachinesGoOnWhenPostgreSQLIsRestarted(t *testing.T) {
	long(t)
	pg := testkit.Postgres(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 2, lasting)
	m.start(0, 1)
	m.load()
	for range 2 {
		m.outage(func() { pg.Stop(t) }, func() { pg.Start(t) })
	}
	m.finish(false)
	m.held()
}

func TestMachinesGoOnWhenPostgreSQLIsKilled(t *testing.T) {
	long(t)
	pg := testkit.Postgres(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 2, lasting)
	m.start(0, 1)
	m.load()
	for range 2 {
		m.outage(func() { pg.Kill(t) }, func() { pg.Start(t) })
	}
	m.finish(false)
	m.held()
}

func TestMachinesGoOnAtTheStandby(t *testing.T) {
	long(t)
	pg := testkit.Postgres(t, "fsync=on")
	dsn := pg.Database(t)
	standby := pg.Standby(t)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host += fmt.Sprintf(",127.0.0.1:%d", standby.Port)
	u.RawQuery += "&target_session_attrs=read-write"
	m := newMachines(t, pg, u.String(), 2, lasting)
	m.start(0, 1)
	m.load()
	m.outage(func() { pg.Kill(t) }, func() { standby.Promote(t) })
	m.finish(false)
	m.held()
}

func TestMachinesNeitherLoseNorDoubleWhatACommitWithoutAnAnswerHas(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	dsn := pg.Database(t)
	var wires []*wire
	m := newMachines(t, pg, dsn, 2, func(_ int, s testkit.Settings) {
		w := startWire(t, testkit.Loopback(pg.Port))
		wires = append(wires, w)
		s["store.dsn"] = w.dsn(t, dsn)
		s["store.lease"] = "10s" // the connection is lost, and not the lease
	})
	m.start(0, 1)
	m.load()
	const times = 24
	for i := range times {
		w := wires[i%2]
		before := w.breakings()
		w.breakNext(breaking(i / 2 % 3))
		m.account.await(t, "a COMMIT whose answer is lost", func() bool { return w.breakings() > before })
		m.account.awaitMore(t, 50, 5)
	}
	m.finish(false)
	m.held()
	committed := 0
	for _, w := range m.workers {
		committed += strings.Count(w.Log.String(), "the transaction in doubt was committed")
	}
	t.Logf("%d COMMITs had no answer; %d of them were on disk", times, committed)
	if committed == 0 || committed == times {
		t.Errorf("%d of %d were on disk: the test shows nothing of the others", committed, times)
	}
}

const slowAnswer = 300 * time.Millisecond

func TestMachinesRepeatNothingThatWasAnsweredWhileTheDatabaseWasAway(t *testing.T) {
	long(t)
	pg := testkit.Postgres(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 2, func(_ int, s testkit.Settings) {
		s["hermes.concurrency"] = 64
	})
	m.account.hermes.Script("", testkit.Answer{Status: 200, After: slowAnswer})
	m.slow = 20 * time.Millisecond
	m.start(0, 1)
	m.load()
	m.account.awaitMore(t, 400, 40)
	stopped := time.Now()
	pg.Kill(t)
	for _, w := range m.workers {
		w.Log.AwaitWords(t, "the lease is not held any more")
	}
	time.Sleep(time.Until(stopped.Add(10 * m.lease))) // as long as the database is to be away
	pg.Start(t)
	m.account.awaitMore(t, 200, 20)
	m.finish(true)
	m.held()
	waited, repeated := m.unanswered(stopped)
	t.Logf("%d answers of Hermès came while the database was away; %d pushes that had no answer were repeated", waited, repeated)
	if waited == 0 {
		t.Error("no outcome waited for the database")
	}
}

// unanswered requires that nothing was pushed again that Hermès had answered. waited counts the answers of a lease from then on.
func (m *machines) unanswered(from time.Time) (waited, repeated int) {
	m.t.Helper()
	answered := map[string]bool{}
	for _, p := range m.account.hermes.Pushes(nil) {
		if answered[p.Key] {
			m.t.Errorf("%v was answered, and pushed again", p)
		}
		if p.BrokenOff {
			repeated++
			continue
		}
		answered[p.Key] = true
		if p.At.Add(slowAnswer).After(from) && p.At.Before(from.Add(m.lease)) {
			waited++
		}
	}
	return waited, repeated
}

// aLine tells when a line of a worker's log that has these words was written.
func aLine(t *testing.T, w *testkit.Worker, words string) time.Time {
	t.Helper()
	line := w.Log.AwaitWords(t, words)
	_, rest, _ := strings.Cut(line, `"time":"`)
	stamp, _, _ := strings.Cut(rest, `"`)
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return at
}
