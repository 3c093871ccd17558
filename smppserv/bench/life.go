package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// lifeSessions bind for whole lives.
const lifeSessions = 4

// receipts asks for one.
func receipts(m *smpp.SubmitSM) { m.RegisteredDelivery = smpp.RegReceiptFinal }

// hermes serves HTTP as Hermès does, until the trial's end, and returns its URL.
func (t *trial) hermes(answer http.HandlerFunc) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	t.must(err)
	s := &http.Server{Handler: answer}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	return fmt.Sprintf("http://%s/api/sms/push/", l.Addr())
}

// accept takes every push, and counts them.
func accept(pushes *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		pushes.Add(1)
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = io.WriteString(w, `{"success":true}`)
	}
}

func life(t *trial) []value {
	var pushes atomic.Int64
	// The stub is in this process, as the sessions are: what it costs is part of what is measured.
	w := t.server(true, testkit.Settings{"hermes.url": t.hermes(accept(&pushes))})
	n := t.scaled(200_000)
	rate := t.lives(w, n, n, number)
	if got := pushes.Load(); got < int64(n) {
		t.Errorf("%d pushes of %d messages came", got, n)
	}
	return []value{{value: rate}}
}

func opportunity(t *trial) []value    { return t.clientToClient(true) }
func opportunityAll(t *trial) []value { return t.clientToClient(false) }

// clientToClient has clients write to each other; own is as in settings. Where all have all numbers only the first message between two
// numbers goes to another client: its sender is then the one that wrote last.
func (t *trial) clientToClient(own bool) []value {
	w := t.server(own, testkit.Settings{"mode": "opportunity"})
	n := t.scaled(200_000)
	return []value{{value: t.lives(w, n, 2*n, func(session int) string { return number((session + 1) % lifeSessions) })}}
}

// lives submits n messages with receipts, and returns the rate of messages when so many deliver_sm have come.
func (t *trial) lives(w *server, n, deliver int, dest func(int) string) float64 {
	l := load{sessions: lifeSessions, window: 64, n: n, phones: 10_000, dest: dest, edit: receipts}
	es, err := l.bindAll(w.SMPP)
	t.must(err)
	l.begin(es)
	count := func() int64 { return deliveries(es) }
	stop := t.watch("deliver_sm")(int64(deliver), count)
	var wg sync.WaitGroup
	l.send(es, &wg)
	err = await(es, func() int64 { return int64(deliver) }, count, stall)
	stop()
	closeAll(es)
	t.must(err)
	return float64(n) / gather(es).took.Seconds()
}
