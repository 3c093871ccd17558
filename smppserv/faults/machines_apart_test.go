package faults

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// nodeHeader is what tells Hermès by which worker something is pushed.
const nodeHeader = "X-Test-Node"

func (m *machines) pushesBy(node string) []testkit.Push {
	return m.account.hermes.Pushes(func(p testkit.Push) bool { return p.Header.Get(nodeHeader) == node })
}

func TestMachinesAWorkerWithoutTheDatabaseStopsBeforeOthersTakeOver(t *testing.T) {
	long(t)
	pg := testkit.Postgres(t, "fsync=on")
	dsn := pg.Database(t)
	w := startWire(t, testkit.Loopback(pg.Port))
	m := newMachines(t, pg, dsn, 2, func(node int, s testkit.Settings) {
		s["hermes.request.headers"] = map[string]string{nodeHeader: s["store.node"].(string)}
		s["hermes.concurrency"] = 16
		if node == 0 {
			s["store.dsn"] = w.dsn(t, dsn)
		}
	})
	m.account.hermes.Script("", testkit.Answer{Status: http.StatusOK, After: 100 * time.Millisecond}) // what waits is enough for the time
	m.start(0, 1)
	for i, client := range machineClients[:2] {
		smpp, tcp := func() []string { return m.smpp[i : i+1] }, func() []string { return m.tcp[i : i+1] }
		m.parties = append(m.parties, startTransmitter(t, m.account, smpp, client, 0, 2*time.Millisecond), startReceiver(t, m.account, smpp, client, 0, 0),
			startAgent(t, m.account, tcp, client, 0, time.Millisecond))
	}
	m.account.awaitMore(t, 600, 50)
	cut := time.Now()
	w.kill(true)
	took := aLine(t, m.workers[1], "another worker was silent for its lease")
	m.workers[0].Log.AwaitWords(t, "was not renewed for three of its lengths")
	m.account.awaitMore(t, 50, 10)
	last := cut
	for _, p := range m.pushesBy("n1") {
		if p.At.After(last) {
			last = p.At
		}
	}
	m.account.mu.Lock()
	got := m.account.last["m1"]
	m.account.mu.Unlock()
	for what, at := range map[string]time.Time{"pushed": last, "sent a deliver_sm": got} {
		if !at.Before(took) {
			t.Errorf("it %s %v after the other one had taken over", what, at.Sub(took))
		}
	}
	t.Logf("after the cut the last push began at %v, the last deliver_sm came at %v, the take-over at %v",
		last.Sub(cut).Round(time.Millisecond), got.Sub(cut).Round(time.Millisecond), took.Sub(cut).Round(time.Millisecond))
	w.kill(false)
	m.workers[0].Log.AwaitWords(t, "it begins afresh")
	m.account.awaitMore(t, 200, 40) // m1 has it again
	m.finish(true)
	m.oncePerFault("n1", cut)
}

// oncePerFault requires that nothing came more than twice, and that what did was pushed by the worker that had the fault, and then by another one.
func (m *machines) oncePerFault(node string, until time.Time) {
	m.t.Helper()
	pushes := map[string][]testkit.Push{}
	for _, p := range m.account.hermes.Pushes(nil) {
		pushes[p.Key] = append(pushes[p.Key], p)
	}
	for key, ps := range pushes {
		if len(ps) == 1 {
			continue
		}
		slices.SortFunc(ps, func(a, b testkit.Push) int { return a.At.Compare(b.At) })
		if len(ps) > 2 || ps[0].Header.Get(nodeHeader) != node || ps[1].Header.Get(nodeHeader) == node {
			var by []string
			for _, p := range ps {
				by = append(by, p.Header.Get(nodeHeader)+" at "+p.At.Sub(until).String())
			}
			m.t.Errorf("%s was pushed by %s", key, strings.Join(by, ", "))
		}
	}
	m.account.mu.Lock()
	defer m.account.mu.Unlock()
	for text, n := range m.account.delivered {
		if n > 2 {
			m.t.Errorf("%q was delivered %d times", text, n)
		}
	}
}

// A hopper is a client's receiver that goes from worker to worker, and sometimes leaves a session behind that does not answer any more.
type hopper struct {
	account *account
	client  string
	addrs   []string
	stay    time.Duration
	ghosts  atomic.Int32 // so many of its sessions at the first worker stay open, and answer nothing

	stop, ended chan struct{}
	hops        int
}

func startHopper(t *testing.T, h *hopper) {
	h.stop, h.ended = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(h.ended)
		for ; !closed(h.stop); h.hops++ {
			h.session(t, h.addrs[h.hops%len(h.addrs)], h.ghosts.Load() > 0 && h.hops%6 == 4)
		}
	}()
	t.Cleanup(h.settle)
}

// settle has it stay where it is.
func (h *hopper) settle() {
	if !closed(h.stop) {
		close(h.stop)
	}
	<-h.ended
}

func (h *hopper) session(t *testing.T, addr string, ghost bool) {
	conn, err := net.DialTimeout("tcp", addr, testkit.Patience)
	if err != nil {
		return
	}
	t.Cleanup(func() { conn.Close() })
	p := &party{account: h.account}
	if !p.bind(conn, smpp.CmdBindReceiver, smpp.CmdBindReceiverResp, h.client) {
		conn.Close()
		return
	}
	served := h.account.granted(h.client, false)
	left := make(chan struct{})
	read := make(chan struct{})
	go func() {
		defer close(read)
		h.read(conn, served, left)
	}()
	select {
	case <-time.After(h.stay):
	case <-h.stop:
	}
	close(left)
	if ghost {
		h.ghosts.Add(-1)
		return
	}
	conn.Close()
	<-read
}

// read takes what comes, and answers until it has left.
func (h *hopper) read(conn net.Conn, served *span, left chan struct{}) {
	for {
		head, body, err := smpp.ReadPDU(conn, smpp.MaxPDU)
		if err != nil {
			return
		}
		if head.Command == smpp.CmdEnquireLink { // being asked is not being served
			if !closed(left) {
				_, _ = conn.Write(smpp.AppendPDU(nil, smpp.ROK, head.Sequence, &smpp.EnquireLinkResp{}))
			}
			continue
		}
		if head.Command != smpp.CmdDeliverSM {
			continue
		}
		h.account.served(served)
		pdu, err := smpp.Decode(head, body)
		if err != nil {
			h.account.change(func() { h.account.fault("deliver_sm: %v", err) })
			return
		}
		if closed(left) {
			continue
		}
		if _, err := conn.Write(smpp.AppendPDU(nil, smpp.ROK, head.Sequence, &smpp.DeliverSMResp{})); err != nil {
			return
		}
		h.account.took(h.client, pdu.(*smpp.DeliverSM))
	}
}

func TestMachinesServeTwoSessionsOfAClientThatHopsBetweenThem(t *testing.T) {
	long(t)
	pg := testkit.Postgres(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 2, nil)
	m.start(0, 1)
	client := machineClients[0]
	h := &hopper{account: m.account, client: client, addrs: m.smpp, stay: 200 * time.Millisecond}
	h.ghosts.Store(2)
	startHopper(t, h)
	m.parties = append(m.parties, startTransmitter(t, m.account, m.smppAddrs, client, 0, time.Millisecond))
	for i := range 2 {
		m.parties = append(m.parties, startAgent(t, m.account, func() []string { return m.tcp[i : i+1] }, client, 0, 20*time.Millisecond))
	}
	m.account.await(t, "two sessions that do not answer", func() bool { return h.ghosts.Load() == 0 })
	m.account.awaitMore(t, 300, 60)
	h.settle()
	m.parties = append(m.parties, startReceiver(t, m.account, m.smppAddrs, client, 1, 0))
	m.finish(true)
	m.account.mu.Lock()
	defer m.account.mu.Unlock()
	all, receiving := mostAtATime(m.account.spans, func(s *span) bool { return true }), mostAtATime(m.account.spans, func(s *span) bool { return !s.transmitter })
	t.Logf("%d sessions; at most %d were served at a time, %d of them receivers", len(m.account.spans), all, receiving)
	if all > 2 || receiving > 1 {
		t.Error("more sessions were served than a client may have")
	}
}

// mostAtATime is how many of these sessions were served at a time, at most.
func mostAtATime(spans []*span, counts func(*span) bool) (most int) {
	for _, s := range spans {
		n := 0
		for _, o := range spans {
			if counts(s) && counts(o) && !o.begin.After(s.begin) && !o.end.Before(s.begin) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}
