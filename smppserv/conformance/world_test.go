package conformance

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

const (
	vocalcomMode    = "vocalcom"
	opportunityMode = "opportunity"
)

// A world is a running smppserv, its accounts, and a stub of Hermès beside it that answers by the last two digits of
// the destination:
//
//	01   200 at once
//	02   404: UNDELIVERABLE
//	03   500 always: it stays ENROUTE
//	05   200 after 3 s
//	06   503 once for each message, then 200
//	     any other: 200
type world struct {
	s      *suite
	mode   string
	hermes *testkit.Hermes
	dir    string // of config.toml and the store
	config string // the path of config.toml
	store  settings

	smppserv *testkit.Worker
	second   *testkit.Worker // on the same store, nil = there is none
	turn     atomic.Int64    // of the two, for who connects

	taken, takenOwners atomic.Int32
	locks              map[string]*sync.Mutex // of the fixtures
}

var numbers atomic.Int64 // that w.number gave

// startSharedWorlds starts the two worlds that most rows use.
func (s *suite) startSharedWorlds() {
	s.t.Helper()
	s.vocal = s.newWorld(s.t, settings{})
	s.opportune = s.newWorld(s.t, settings{"mode": opportunityMode})
	if *machinesFlag {
		s.vocal.spread(s.t, settings{})
		s.opportune.spread(s.t, settings{"mode": opportunityMode})
	}
}

// vocalcom is the shared world in which submits go to Hermès.
func (s *suite) vocalcom(*testing.T) *world { return s.vocal }

// opportunity is the shared world in which submits go to the client that owns the destination.
func (s *suite) opportunity(*testing.T) *world { return s.opportune }

// world starts a private world, in mode vocalcom unless changes say else, for rows that need other settings or that
// stop the server. Keys are like "server.window"; "clients" replaces all accounts. It is stopped at the row's end.
func (s *suite) world(t *testing.T, changes settings) *world {
	t.Helper()
	return s.newWorld(t, changes)
}

func (s *suite) newWorld(t *testing.T, changes settings) *world {
	t.Helper()
	w := &world{s: s, mode: vocalcomMode, hermes: testkit.StartHermes(t), dir: t.TempDir(), locks: map[string]*sync.Mutex{}}
	if mode, ok := changes["mode"].(string); ok {
		w.mode = mode
	}
	w.hermes.Script("02", testkit.Answer{Status: http.StatusNotFound})
	// They are not tried again while the rows last: by hundreds, every 300 ms, they would get into the way of the others.
	w.hermes.Script("03", testkit.Answer{Status: http.StatusInternalServerError, RetryAfter: "3600"})
	w.hermes.Script("05", testkit.Answer{Status: http.StatusOK, After: 3 * time.Second})
	w.hermes.ScriptEach("06", testkit.Answer{Status: http.StatusServiceUnavailable}, testkit.Answer{Status: http.StatusOK})
	for _, f := range fixtures {
		w.locks[f["system_id"].(string)] = &sync.Mutex{}
	}
	store := settings{}
	if *machinesFlag {
		store = settings{"store.driver": "postgres", "store.dsn": testkit.SharedPostgres(t).Database(t), "store.node": "n1"}
	}
	w.store = store
	w.config = testkit.WriteConfig(t, w.dir, worldSettings(w.mode, w.hermes.URL()), store, changes)
	w.smppserv = testkit.StartWorker(t, w.config)
	return w
}

// spread has connections go to the world's worker and to a second one on its store in turn.
func (w *world) spread(t *testing.T, changes settings) {
	t.Helper()
	w.second = testkit.StartWorker(t, testkit.WriteConfig(t, t.TempDir(), worldSettings(w.mode, w.hermes.URL()), w.store, settings{"store.node": "n2"}, changes))
}

// next is the worker whose turn it is.
func (w *world) next() *testkit.Worker {
	if w.second != nil && w.turn.Add(1)%2 == 0 {
		return w.second
	}
	return w.smppserv
}

// workers are all of the world's.
func (w *world) workers() []*testkit.Worker {
	if w.second != nil {
		return []*testkit.Worker{w.smppserv, w.second}
	}
	return []*testkit.Worker{w.smppserv}
}

// logged are the last n lines of each worker that hold a string.
func (w *world) logged(part string, n int) (lines string) {
	for _, p := range w.workers() {
		lines += p.Log.Lines(part, n)
	}
	return lines
}

// start starts smppserv again after stop: the store is the same, the ports may be others.
func (w *world) start(t *testing.T) { t.Helper(); w.smppserv.Start(t) }

// stop stops what runs of it politely.
func (w *world) stop(t *testing.T) {
	t.Helper()
	for _, p := range w.workers() {
		p.Stop(t)
	}
}

// account hands out an account that no other row uses.
func (w *world) account(t *testing.T) account {
	t.Helper()
	i := int(w.taken.Add(1)) - 1
	if i >= accounts {
		t.Fatal("there are no more accounts: raise the constant accounts")
	}
	a := accountOf("a", i)
	if w.mode != opportunityMode {
		a.Number = ""
	}
	w.explain(t, a)
	return a
}

// owner hands out an account of the opportunity world whose Number others submit to.
func (w *world) owner(t *testing.T) account {
	t.Helper()
	i := int(w.takenOwners.Add(1)) - 1
	if i >= owners || w.mode != opportunityMode {
		t.Fatal("there are no more owners: raise the constant owners; in mode vocalcom there are none")
	}
	a := accountOf("b", i)
	w.explain(t, a)
	return a
}

// fixture returns a special account by its system_id. Rows that use the same one wait for each other, so a row that
// needs several asks for them in the order of fixtures.
func (w *world) fixture(t *testing.T, systemID string) account {
	t.Helper()
	lock := w.locks[systemID]
	if lock == nil {
		t.Fatalf("there is no fixture %q", systemID)
	}
	lock.Lock()
	t.Cleanup(lock.Unlock)
	for i, f := range fixtures {
		if f["system_id"] != systemID {
			continue
		}
		a := account{SystemID: systemID, Password: accountSecret}
		if password, ok := f["password"].(string); ok {
			a.Password = password
		}
		if w.mode == opportunityMode {
			a.Number = fixtureNumber(i)
			if own, ok := f["numbers"].([]string); ok {
				a.Number = own[0]
			}
		}
		w.explain(t, a)
		return a
	}
	return account{}
}

// explain shows what the server logged about an account when the row fails.
func (w *world) explain(t *testing.T, a account) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what smppserv logged about %s:\n%s", a.SystemID, w.logged(`"`+a.SystemID+`"`, 40))
		}
	})
}

// number returns a telephone number of 12 digits that no other row uses, in international form.
func (w *world) number(*testing.T) string { return fmt.Sprintf("4479%08d", numbers.Add(1)) }

// mo has Hermès write to a client over the TCP port and returns the message_id. from, an agent's campaign number,
// becomes the source of the deliver_sm and to its destination. In the opportunity world from must be a's number.
func (w *world) mo(t *testing.T, a account, from, to, text string) string {
	t.Helper()
	return w.agent(t, agentAnswer{Client: a.SystemID, From: from, To: to, Text: text})
}

// agent is mo with every key of the TCP port's line.
func (w *world) agent(t *testing.T, line agentAnswer) string {
	t.Helper()
	port := dialTCPPort(t, w.smppserv.TCP) // the same for all: rows count on the order of what they hand in
	defer port.conn.Close()
	r := port.send(t, line)
	if r.Status != "accepted" || r.MessageID == "" {
		t.Fatalf("the TCP port answered %+v, want accepted with a message_id", r)
	}
	return r.MessageID
}

// awaitPush waits for a push that matches: by(account), or withID(message_id), or a function of the row's own.
func (w *world) awaitPush(t *testing.T, match func(push) bool) push {
	t.Helper()
	return w.hermes.Await(t, "such a message", match)
}

// pushes returns those that match so far.
func (w *world) pushes(match func(push) bool) []push { return w.hermes.Pushes(match) }

// by matches the pushes of what an account submitted.
func by(a account) func(push) bool {
	return func(p push) bool { return p.Message.Client == a.SystemID }
}

// withID matches the pushes of a message.
func withID(id string) func(push) bool { return func(p push) bool { return p.Message.ID == id } }
