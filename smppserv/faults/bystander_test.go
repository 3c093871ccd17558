package faults

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// A bystander is an ESME that submits one message after the other on one connection, takes its receipts, and notes how long its
// answers took. Unlike esme it counts a connection that is lost as a fault.
type bystander struct {
	*esme
	record *record
	took   []time.Duration // guarded by the record
}

// bystanderPause is between an answer and the next submit: it is there to notice, not to press.
const bystanderPause = 2 * time.Millisecond

// startBystander starts one as Client; it ends with the test.
func startBystander(t *testing.T, r *record, addr string) *bystander {
	b := &bystander{record: r, esme: &esme{witness: r, addr: addr, client: testkit.Client, number: 9,
		quiet: make(chan struct{}), stop: make(chan struct{}), ended: make(chan struct{})}}
	conn, err := net.DialTimeout("tcp", addr, testkit.Patience)
	if err != nil {
		t.Fatal(err)
	}
	if !b.bind(conn) {
		t.Fatal("the good client cannot bind")
	}
	r.change(func() { r.binds++ })
	go func() {
		defer close(b.ended)
		if err := b.serve(conn); !closed(b.stop) {
			r.change(func() { r.fault("the good client's session: %v", err) })
		}
	}()
	t.Cleanup(func() {
		close(b.stop)
		conn.Close()
		<-b.ended
	})
	return b
}

// serve submits until hush, and takes what comes until the connection ends.
func (b *bystander) serve(conn net.Conn) error {
	inFlight := map[uint32]string{}
	for seq := uint32(1); ; seq++ {
		var sent time.Time
		if !closed(b.quiet) {
			time.Sleep(bystanderPause)
			b.texts++
			m := b.submit(b.texts)
			inFlight[seq] = string(m.ShortMessage)
			sent = time.Now()
			b.witness.wrote()
			if _, err := conn.Write(smpp.AppendPDU(nil, smpp.ROK, seq, m)); err != nil {
				return err
			}
		}
		for once := true; once || len(inFlight) > 0; once = false {
			h, body, err := smpp.ReadPDU(conn, smpp.MaxPDU)
			if err != nil {
				return err
			}
			if !b.take(conn, h, body, inFlight) {
				return fmt.Errorf("%v cannot be taken, or answered", h.Command)
			}
		}
		if !sent.IsZero() {
			b.record.change(func() { b.took = append(b.took, time.Since(sent)) })
		}
	}
}

// times tells how long its answers took.
func (b *bystander) times() string {
	b.record.mu.Lock()
	defer b.record.mu.Unlock()
	took := slices.Sorted(slices.Values(b.took))
	if len(took) == 0 {
		return "nothing was answered"
	}
	at := func(share float64) time.Duration {
		return took[min(len(took)-1, int(share*float64(len(took))))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%d submits of a good client, answered within %v (p50), %v (p99), %v (all)", len(took), at(0.5), at(0.99), at(1))
}
