package main

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// backlog counts the tries that Hermès sees before another client's message. It holds its answers back until everything
// has been handed in.
func backlog(t *trial) []value {
	release, came := make(chan struct{}), make(chan int64, 1)
	var tries atomic.Int64
	other := []byte(`"client":"` + clientOf(1).id + `"`)
	url := t.hermes(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if stopped(release) {
			n := tries.Add(1)
			if bytes.Contains(body, other) {
				came <- n
			}
		}
		<-release
		_, _ = io.WriteString(w, `{"success":true}`)
	})
	w := t.server(false, testkit.Settings{"hermes.url": url, "hermes.timeout": "60s"})
	n := t.scaled(5000)
	t.submit("a backlog", load{sessions: 2, window: 64, n: n, phones: n, account: func(int) account { return clientOf(0) }}, w.SMPP)
	t.submit("another's message", load{sessions: 1, window: 1, n: 1, account: func(int) account { return clientOf(1) }}, w.SMPP)
	close(release)
	select {
	case n := <-came:
		return []value{{value: float64(n)}}
	case <-time.After(stall):
		t.Fatalf("the message did not come within %v", stall)
	}
	return nil
}
