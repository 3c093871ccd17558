package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"hnetsmpp/pkg/smpp"
)

// postgresElsewhere hands in messages on the TCP port of one worker for a client that is bound at another one, and measures from
// the line that says accepted to the deliver_sm.
func postgresElsewhere(t *trial) []value {
	const rate = 100
	d := t.postgres()
	from, at := d.node(true, t.away()), d.node(true, t.away())
	es, err := load{sessions: 1}.bindAll(at.SMPP)
	t.must(err)
	defer closeAll(es)
	c, err := net.Dial("tcp", from.TCP)
	t.must(err)
	defer c.Close()
	t.settledAbroad(c, es[0])

	n := int(rate * t.duration(20*time.Second).Seconds())
	accepted, delivered := make([]time.Time, n), make([]time.Time, n)
	failed := make(chan error, 2)
	go func() { failed <- es[0].notePayloads(delivered) }()
	go func() { failed <- noteAccepted(c, accepted) }()
	t.note("lines for a client at another worker")
	began := time.Now()
	for k := range n {
		sleepUntil(began.Add(time.Duration(k) * time.Second / rate))
		t.must(writeLineTo(c, "a", k))
	}
	for range 2 {
		select {
		case err := <-failed:
			t.must(err)
		case <-time.After(stall):
			t.Fatal("not all that was handed in came")
		}
	}
	took := make([]time.Duration, n)
	for k := range n {
		took[k] = max(0, delivered[k].Sub(accepted[k]))
	}
	slices.Sort(took)
	return []value{{value: milliseconds(took[n*99/100])}, {value: milliseconds(took[n/2])}}
}

// settledAbroad returns when the first line has come: where the client is bound is known then.
func (t *trial) settledAbroad(c net.Conn, e *esme) {
	t.must(writeLineTo(c, "w", 0))
	t.must(e.takeDeliver())
	t.must(noteAccepted(c, make([]time.Time, 1)))
}

// writeLineTo hands in a text that is a number, for the first client, from a number of its own.
func writeLineTo(c net.Conn, id string, k int) error {
	_, err := fmt.Fprintf(c, `{"id":"%s%d","from":%q,"to":"336%08d","text":"%d"}`+"\n", id, k, number(0), k, k)
	return err
}

// noteAccepted notes when each line of a number was accepted, and returns when all are.
func noteAccepted(c net.Conn, at []time.Time) error {
	_ = c.SetReadDeadline(time.Now().Add(2 * stall))
	r := bufio.NewReader(c)
	for left := len(at); left > 0; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		now := time.Now()
		if !bytes.Contains(line, []byte(`"status":"accepted"`)) {
			if bytes.Contains(line, []byte(`"status":"delivered"`)) {
				continue
			}
			return fmt.Errorf("a line was answered: %s", bytes.TrimSpace(line))
		}
		_, rest, _ := bytes.Cut(line, []byte(`"id":"`))
		id, _, _ := bytes.Cut(rest, []byte(`"`))
		k, err := strconv.Atoi(string(bytes.TrimLeft(id, "aw")))
		if err != nil || k >= len(at) {
			return fmt.Errorf("a line of no id of ours: %s", bytes.TrimSpace(line))
		}
		at[k] = now
		left--
	}
	return nil
}

// notePayloads notes when the text of each number came to a session without a reader, and returns when all have.
func (e *esme) notePayloads(at []time.Time) error {
	_ = e.conn.SetDeadline(time.Now().Add(2 * stall))
	r := bufio.NewReaderSize(e.conn, e.buffer)
	for left := len(at); left > 0; {
		h, body, err := smpp.ReadPDU(r, smpp.MaxPDU)
		if err != nil {
			return err
		}
		now := time.Now()
		if h.Command != smpp.CmdDeliverSM {
			continue
		}
		p, err := smpp.Decode(h, body)
		if err != nil {
			return err
		}
		m, ok := p.(*smpp.DeliverSM)
		k, err := strconv.Atoi(string(m.ShortMessage))
		if !ok || err != nil || k >= len(at) {
			return fmt.Errorf("a deliver_sm of no number of ours: %q", m.ShortMessage)
		}
		if at[k].IsZero() {
			left--
		}
		at[k] = now
		if _, err = e.conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.DeliverSMResp{})); err != nil {
			return err
		}
	}
	return nil
}
