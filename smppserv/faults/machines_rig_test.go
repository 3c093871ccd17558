package faults

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// machines are several workers on one PostgreSQL, with clients and agents that go to whichever they reach.
type machines struct {
	t       *testing.T
	pg      *testkit.PG
	dsn     string
	configs []string
	smpp    []string
	tcp     []string
	workers []*testkit.Worker
	account *account
	parties []*party
	lease   time.Duration
	slow    time.Duration // clients take so long for each PDU
}

// machineClients have load, spareClient has none.
var machineClients = []string{"m1", "m2", "m3"}

const spareClient = "m4"

// newMachines configures so many workers; none runs yet. change may be nil.
func newMachines(t *testing.T, pg *testkit.PG, dsn string, n int, change func(node int, s testkit.Settings)) *machines {
	t.Helper()
	m := &machines{t: t, pg: pg, dsn: dsn, account: newAccount(t), lease: time.Second, workers: make([]*testkit.Worker, n)}
	t.Cleanup(m.explain)
	var clients []map[string]any
	for _, name := range append(slices.Clone(machineClients), spareClient) {
		clients = append(clients, map[string]any{"system_id": name, "password": testkit.Password, "numbers": []string{campaignOf(name)}})
	}
	for i := range n {
		smpp, tcp := testkit.FreePort(t), testkit.FreePort(t)
		settings := testkit.Settings{
			"server.listen_port": smpp, "tcp.listen_port": tcp, "hermes.url": m.account.hermes.URL(), "log.level": "info", "clients": clients,
			"store.driver": "postgres", "store.dsn": dsn, "store.node": fmt.Sprintf("n%d", i+1), "store.lease": m.lease.String(),
		}
		if change != nil {
			change(i, settings)
		}
		m.configs = append(m.configs, testkit.WriteConfig(t, t.TempDir(), settings))
		m.smpp, m.tcp = append(m.smpp, testkit.Loopback(smpp)), append(m.tcp, testkit.Loopback(tcp))
	}
	return m
}

func (m *machines) start(nodes ...int) {
	m.t.Helper()
	for _, i := range nodes {
		if m.workers[i] == nil {
			m.workers[i] = testkit.StartWorker(m.t, m.configs[i])
		} else {
			m.workers[i].Start(m.t)
		}
	}
}

func (m *machines) smppAddrs() []string { return m.smpp }
func (m *machines) tcpAddrs() []string  { return m.tcp }

// load has clients and agents work.
func (m *machines) load() {
	for i, client := range machineClients {
		m.parties = append(m.parties,
			startTransmitter(m.t, m.account, m.smppAddrs, client, i, m.slow),
			startReceiver(m.t, m.account, m.smppAddrs, client, i+1, m.slow),
			startAgent(m.t, m.account, m.tcpAddrs, client, i, 5*time.Millisecond))
	}
}

// finish ends the load, waits for what is owed, and judges.
func (m *machines) finish(mayRepeat bool) {
	m.t.Helper()
	for _, p := range m.parties {
		p.hush()
	}
	m.account.await(m.t, "the end of every message", m.account.complete)
	m.account.judge(m.t, mayRepeat)
}

// database is the name of the workers' database.
func (m *machines) database() string {
	m.t.Helper()
	return testkit.DatabaseName(m.t, m.dsn)
}

// explain shows what the database says of what still waits, and of the sessions of what came at the wrong time, when the test fails.
func (m *machines) explain() {
	if !m.t.Failed() {
		return
	}
	queries := []string{
		"SELECT count(*) || ' messages wait' FROM messages WHERE final_at IS NULL",
		"SELECT string_agg(concat_ws(' ', id, 'of', submitter, 'to', recipient, 'holder', holder, 'from', handed_by, 'attempts', attempts, 'due in', " +
			"due_at - (extract(epoch FROM now()) * 1000)::bigint, 'kind', kind, reason), E'\\n') FROM (SELECT * FROM messages WHERE final_at IS NULL ORDER BY id LIMIT 20) w",
		"SELECT string_agg(concat_ws(' ', name, epoch, beat), E'\\n') FROM nodes",
		"SELECT string_agg(concat_ws(' ', 'estate', epoch, owner), E'\\n') FROM estates",
		"SELECT string_agg(concat_ws(' ', 'session', pid, state, now() - state_change, wait_event_type, wait_event, 'held up by', pg_blocking_pids(pid)::text, left(query, 60)), E'\\n') " +
			"FROM pg_stat_activity WHERE datname = current_database()",
		"SELECT string_agg(concat_ws(' ', 'slot', client, slot, epoch, session, receives), E'\\n') FROM slots",
	}
	for _, fault := range m.account.faults {
		if text, _, found := strings.Cut(strings.TrimPrefix(fault, `"`), " no. "); found {
			queries = append(queries, "SELECT string_agg(concat_ws(' ', convert_from(content, 'UTF8'), destination, 'id', id, 'holder', holder, 'from', handed_by, 'by', arrived, "+
				"'received', received_at, 'tried', tried_at, 'final', final_at, 'attempts', attempts, through), E'\\n' ORDER BY id) FROM messages WHERE content LIKE '"+text+" no. %'")
		}
	}
	for _, query := range slices.Compact(queries) {
		if text, err := m.pg.Try(m.database(), query); err == nil {
			m.t.Log(text)
		}
	}
}
