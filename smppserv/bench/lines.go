package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// linePhones is how many numbers lines are for.
const linePhones = 10_000

func lines(t *trial) []value { return t.lines(t.server(true, t.away())) }

// linesKnown is lines to numbers that wrote to each of the clients before.
func linesKnown(t *trial) []value {
	w := t.server(true)           // with the stand-in for Hermès, which takes all
	const phones = linePhones + 1 // no multiple of the sessions, so that each of them writes from all
	t.submit("conversations", load{sessions: lifeSessions, window: 64, n: lifeSessions * phones, phones: phones, dest: number}, w.SMPP)
	w.settled(t)
	return t.lines(w)
}

// lines hands in messages on the TCP port, one connection for each client, and has the clients answer the deliver_sm.
func (t *trial) lines(w *server) []value {
	const inFlight = 256 // for each connection
	n := t.scaled(200_000) / lifeSessions * lifeSessions
	l := load{sessions: lifeSessions}
	es, err := l.bindAll(w.SMPP)
	t.must(err)
	var conns []net.Conn
	for range es {
		c, err := net.Dial("tcp", w.TCP)
		t.must(err)
		t.Cleanup(func() { c.Close() })
		conns = append(conns, c)
	}
	l.begin(es)
	var refused atomic.Pointer[string]
	var wg sync.WaitGroup
	for i, c := range conns {
		window := make(chan struct{}, inFlight)
		go func() {
			if fault := takeAnswers(c, window); fault != "" {
				refused.CompareAndSwap(nil, &fault)
			}
		}()
		wg.Go(func() { writeLines(c, i, n/lifeSessions, window) })
	}
	count := func() int64 { return deliveries(es) }
	stop := t.watch("deliver_sm")(int64(n), count)
	err = await(es, func() int64 {
		if refused.Load() != nil {
			return 0
		}
		return int64(n)
	}, count, stall)
	stop()
	closeAll(es)
	if fault := refused.Load(); fault != nil {
		t.Fatalf("a line was answered: %s", *fault)
	}
	t.must(err)
	wg.Wait()
	return []value{{value: float64(n) / gather(es).took.Seconds()}}
}

func writeLines(c net.Conn, client, n int, window chan struct{}) {
	w := bufio.NewWriterSize(c, callBuffer)
	var line []byte
	for k := range n {
		select {
		case window <- struct{}{}:
		default:
			_ = w.Flush()
			window <- struct{}{}
		}
		line = append(line[:0], `{"id":"b`...)
		line = strconv.AppendInt(line, int64(client), 10)
		line = append(line, '-')
		line = strconv.AppendInt(line, int64(k), 10)
		line = append(line, `","from":"`...)
		line = append(line, number(client)...)
		line = append(line, `","to":"`...)
		line = fmt.Appendf(line, "336%08d", k%linePhones)
		line = append(line, `","text":"Bonjour, votre conseiller vous rappelle demain matin. Bonne journée."}`+"\n"...)
		if _, err := w.Write(line); err != nil {
			return
		}
	}
	_ = w.Flush()
}

// takeAnswers empties the window until the connection's end, and returns the first answer that is no acceptance.
func takeAnswers(c net.Conn, window chan struct{}) (fault string) {
	r := bufio.NewReaderSize(c, callBuffer)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return fault
		}
		if fault == "" && !bytes.Contains(line, []byte(`"status":"accepted"`)) {
			fault = string(bytes.TrimSpace(line))
		}
		<-window
	}
}
