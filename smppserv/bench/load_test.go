package bench

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

const (
	sessions = 8
	window   = 64
)

// load is what the sessions send: submit_sm of 120 characters, each session with its own sender.
type load struct {
	user func(session int) (systemID, password string)
	rate int // submits per second in all, 0 = as many as the windows let through
}

// run sends n submits over all sessions and returns how long each took, sorted.
func (l load) run(tb testing.TB, addr string, n int) (latencies []time.Duration, took time.Duration) {
	tb.Helper()
	var conns []net.Conn
	for i := range sessions {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			tb.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
		id, password := l.user(i)
		// Not by testkit.Bind: go-smpp's server answers with a sequence_number of its own.
		bind := &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: id, Password: password, InterfaceVersion: smpp.V34}
		if _, err := c.Write(smpp.AppendPDU(nil, smpp.ROK, 1, bind)); err != nil {
			tb.Fatal(err)
		}
		if h, _, err := smpp.ReadPDU(c, smpp.MaxPDU); err != nil || h.Status != smpp.ROK {
			tb.Fatalf("bind: %v %v", h.Status, err)
		}
		conns = append(conns, c)
	}
	results := make([][]time.Duration, sessions)
	errs := make([]error, sessions)
	start := time.Now()
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() { results[i], errs[i] = l.session(c, i, max(n/sessions, 1)) })
	}
	wg.Wait()
	took = time.Since(start)
	for i, err := range errs {
		if err != nil {
			tb.Fatalf("session %d: %v", i, err)
		}
		latencies = append(latencies, results[i]...)
	}
	slices.Sort(latencies)
	return latencies, took
}

// session keeps the window full and counts the answers.
func (l load) session(c net.Conn, number, n int) ([]time.Duration, error) {
	sent := make([]time.Time, n)
	room := make(chan struct{}, window)
	go l.write(c, number, sent, room)
	r := bufio.NewReaderSize(c, 64<<10)
	latencies := make([]time.Duration, 0, n)
	var head [smpp.HeaderLen]byte
	for len(latencies) < n {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, fmt.Errorf("after %d answers: %w", len(latencies), err)
		}
		h := smpp.ParseHeader(head[:])
		if _, err := r.Discard(int(h.Length) - smpp.HeaderLen); err != nil {
			return nil, err
		}
		if h.Command != smpp.CmdSubmitSMResp {
			continue
		}
		if h.Status != smpp.ROK {
			return nil, h.Status
		}
		latencies = append(latencies, time.Since(sent[h.Sequence-2]))
		<-room
	}
	return latencies, nil
}

func (l load) write(c net.Conn, number int, sent []time.Time, room chan struct{}) {
	w := bufio.NewWriterSize(c, 64<<10)
	p := smpp.AppendPDU(nil, smpp.ROK, 0, &smpp.SubmitSM{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("3361234567%d", number)}, Dest: smpp.Address{TON: 1, NPI: 1, Addr: "3600"},
		ShortMessage: []byte(strings.Repeat("Bonjour, ceci est un message. ", 4)),
	})
	next := time.Now()
	for i := range sent {
		if l.rate > 0 {
			_ = w.Flush()
			time.Sleep(time.Until(next))
			next = next.Add(time.Second * sessions / time.Duration(l.rate))
		}
		select {
		case room <- struct{}{}:
		default:
			_ = w.Flush()
			room <- struct{}{}
		}
		binary.BigEndian.PutUint32(p[12:], uint32(i+2))
		sent[i] = time.Now()
		if _, err := w.Write(p); err != nil {
			return
		}
	}
	_ = w.Flush()
}
