package main

import (
	"fmt"
	"io"
	"net"
	"time"

	"hnetsmpp/pkg/smpp"
)

// knownNumber sends lines to a number that wrote to very many campaign numbers, and to new ones, in turn. What is measured is
// the time from the line to its deliver_sm.
func knownNumber(t *trial) []value {
	const pairs = 100
	longest := t.duration(20 * time.Second)
	w := t.server(false) // with the stand-in for Hermès, which takes all
	n := t.scaled(200_000)
	t.submit("conversations of one number", load{sessions: 1, window: 256, n: n, dests: n}, w.SMPP)
	w.settled(t)
	es, err := load{sessions: 1}.bindAll(w.SMPP)
	t.must(err)
	defer closeAll(es)
	conn, err := net.Dial("tcp", w.TCP)
	t.must(err)
	defer conn.Close()
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	send := func(id int, to string) float64 {
		from := time.Now()
		_, err := fmt.Fprintf(conn, `{"id":"k%d","client":%q,"from":%q,"to":%q,"text":"Bonjour"}`+"\n", id, clientOf(0).id, campaign, to)
		t.must(err)
		t.must(es[0].takeDeliver())
		return milliseconds(time.Since(from))
	}
	t.note("lines")
	var known, fresh []float64
	for from := time.Now(); len(known) < pairs && time.Since(from) < longest; {
		k := len(known)
		known = append(known, send(2*k, phone(0)))
		fresh = append(fresh, send(2*k+1, phone(90_000_000+k)))
	}
	return []value{{value: max(0, median(known)-median(fresh))}}
}

// takeDeliver reads up to the next deliver_sm of a session without a reader, and answers it.
func (e *esme) takeDeliver() error {
	_ = e.conn.SetDeadline(time.Now().Add(stall))
	for {
		h, _, err := smpp.ReadPDU(e.conn, smpp.MaxPDU)
		if err != nil {
			return err
		}
		if h.Command == smpp.CmdDeliverSM {
			_, err = e.conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.DeliverSMResp{}))
			return err
		}
	}
}
