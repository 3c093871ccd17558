//go:build unix

package faults

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

func TestMachinesAWorkerThatStoodStillDoesNothingForWhatOthersTook(t *testing.T) {
	long(t)
	pg := testkit.Postgres(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 2, func(_ int, s testkit.Settings) {
		s["hermes.request.headers"] = map[string]string{nodeHeader: s["store.node"].(string)}
	})
	m.account.hermes.Script("", testkit.Answer{Status: http.StatusOK, After: 200 * time.Millisecond}) // so that pushes are in flight
	m.slow = 20 * time.Millisecond                                                                    // and deliver_sm
	m.start(0, 1)
	m.load()
	m.account.awaitMore(t, 300, 30)
	n1, n2 := m.workers[0], m.workers[1]
	signal := func(s syscall.Signal) time.Time {
		t.Helper()
		if err := syscall.Kill(n1.PID, s); err != nil {
			t.Fatal(err)
		}
		return time.Now()
	}
	stopped := signal(syscall.SIGSTOP)
	t.Cleanup(func() { _ = syscall.Kill(n1.PID, syscall.SIGCONT) })
	took := aLine(t, n2, "another worker was silent for its lease")
	m.account.awaitMore(t, 50, 5)
	time.Sleep(time.Until(stopped.Add(3 * m.lease))) // as long as it is to stand still
	epoch := pg.Value(t, m.database(), "SELECT max(epoch) FROM estates")
	continued := signal(syscall.SIGCONT)
	n1.Log.AwaitWords(t, "it begins afresh")
	m.bindable(0)
	m.account.awaitMore(t, 200, 20)
	m.finish(true)
	m.oncePerFault("n1", stopped)
	taken := strings.Fields(pg.Value(t, m.database(), "SELECT string_agg(id::text, ' ') FROM messages WHERE holder = "+epoch))
	for _, p := range m.pushesBy("n1") {
		if p.At.After(stopped.Add(m.lease)) && slices.Contains(taken, p.Message.ID) {
			t.Errorf("it pushed %s, which was another's, %v after it went on", p.Message.ID, p.At.Sub(continued))
		}
	}
	t.Logf("the take-over was %v after the stop", took.Sub(stopped).Round(time.Millisecond))
}

// bindable returns when clients may bind at a worker.
func (m *machines) bindable(node int) {
	m.t.Helper()
	p := &party{account: m.account}
	testkit.Await(m.t, "a bind", func() bool {
		conn, err := net.DialTimeout("tcp", m.smpp[node], testkit.Patience)
		if err != nil {
			return false
		}
		defer conn.Close()
		return p.bind(conn, smpp.CmdBindTransmitter, smpp.CmdBindTransmitterResp, spareClient)
	})
}
