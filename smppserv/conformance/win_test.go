package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

var winRows = []row{
	{"WIN-01", "must", "requests may be pipelined: each gets its answer", pipelined},
	{"WIN-02", "must", "20 000 submits of a client that does not read meanwhile get one answer each, and no memory", writtenUnread},
	{"WIN-03", "should", "more submits in flight than a session takes are not refused: they wait in the socket", inboundWindow},
	{"WIN-04", "must", "deliver_sm may be acknowledged in any order", acknowledgedInAnyOrder},
	{"WIN-05", "must", "server.window deliver_sm are in flight, and the next one follows an acknowledgement", outboundWindow},
	{"WIN-06", "must", "submits go on, on every session, while a client does not acknowledge its deliver_sm", stalledWindow},
}

func pipelined(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	id := c.submit(s0(c.next()))
	want := map[uint32]smpp.CommandID{}
	var all []byte
	for range 10 {
		seq := c.next()
		want[seq] = smpp.CmdSubmitSMResp
		all = append(all, s0(seq)...)
	}
	query, enquire := c.next(), c.next()
	want[query], want[enquire] = smpp.CmdQuerySMResp, smpp.CmdEnquireLinkResp
	c.SendRaw(together(all, q0(query, id, "1000"), e0(enquire)))
	for range 12 {
		raw := c.ReadRaw(soon)
		if command, ok := want[sequenceOf(raw)]; !ok || commandOf(raw) != command || statusOf(raw) != smpp.ROK {
			t.Fatalf("got % x, want one of the answers %v", raw, want)
		}
		delete(want, sequenceOf(raw))
	}
	c.expectSilentAlive()
}

// slowHermes has submits stay in the queue: only one push at a time, and it takes long.
func slowHermes(changes settings) settings {
	all := settings{"hermes.concurrency": 1, "server.keep_alive_interval": "0s"}
	for key, value := range changes {
		all[key] = value
	}
	return all
}

func writtenUnread(t *testing.T, s *suite) {
	const submits = 20_000
	w := s.world(t, slowHermes(nil)) // of its own, because it looks at the memory that the process takes
	w.hermes.Script("01", testkit.Answer{Status: 200, After: time.Second})
	c := w.dialUnread(t)
	c.bind(w.account(t), transceiver, smpp.V34)
	var all []byte
	pdu := s0(0)
	for seq := range uint32(submits) {
		all = append(all, withSeq(pdu, seq+1)...)
	}
	before, known := w.memory(t)
	written := make(chan error, 1)
	go func() {
		_, err := c.Conn().Write(all)
		written <- err
	}()
	select {
	case err := <-written:
		if err != nil {
			t.Fatalf("writing: %v", err)
		}
		written <- nil
	case <-time.After(3 * time.Second): // back-pressure
	}
	answered, ids := map[uint32]bool{}, map[string]bool{}
	for range submits {
		raw := c.ReadRaw(patience)
		seq := sequenceOf(raw)
		if commandOf(raw) != smpp.CmdSubmitSMResp || seq == 0 || seq > submits || answered[seq] {
			t.Fatalf("after %d answers came % x", len(answered), raw)
		}
		answered[seq] = true
		switch statusOf(raw) {
		case smpp.ROK:
			ids[c.messageID(raw)] = true
		default: // the design has neither RTHROTTLED nor RMSGQFUL here
			t.Fatalf("%#x is answered by %v", seq, statusOf(raw))
		}
	}
	if err := <-written; err != nil {
		t.Fatalf("writing: %v", err)
	}
	if len(ids) != submits {
		t.Errorf("%d submits got %d message_ids", submits, len(ids))
	}
	const growth = 128 << 20
	if after, _ := w.memory(t); known && after > before+growth {
		t.Errorf("smppserv's memory went from %d to %d octets", before, after)
	}
	c.expectSilentAlive()
}

// The list allows RTHROTTLED or RMSGQFUL, the design back-pressure only.
func inboundWindow(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	var all []byte
	var sent []uint32
	for range 1000 {
		sent = append(sent, c.next())
		all = append(all, s0(sent[len(sent)-1])...)
	}
	c.SendRaw(all)
	for _, seq := range sent {
		c.expectResp(seq, smpp.CmdSubmitSM, smpp.ROK)
	}
	c.expectSilentAlive()
}

func acknowledgedInAnyOrder(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	const messages = 5
	for i := range messages {
		w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
	}
	c := w.bind(t, a, transceiver, smpp.V34)
	var sent [][]byte
	for i := range messages {
		text := fmt.Sprint("message ", i)
		_, raw := c.awaitDeliver(text, func(p *smpp.DeliverSM) bool { return string(p.ShortMessage) == text })
		sent = append(sent, raw)
	}
	for _, i := range []int{5, 3, 1, 4, 2} {
		c.ack(sent[i-1])
	}
	c.ExpectSilence(response + 2*time.Second) // one that was not acknowledged would come again
	c.expectAlive()
}

func outboundWindow(t *testing.T, s *suite) {
	const queued, window = 50, 5
	w := s.world(t, settings{"server.response_timeout": "10s"}) // else the window would not stay full
	a := w.account(t)
	for i := range queued {
		w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
	}
	c := w.bind(t, a, transceiver, smpp.V34)
	var outstanding [][]byte
	texts := map[string]bool{}
	take := func() {
		p, raw := c.awaitDeliver("a message", func(*smpp.DeliverSM) bool { return true })
		if texts[string(p.ShortMessage)] {
			t.Errorf("%q came twice", p.ShortMessage)
		}
		texts[string(p.ShortMessage)] = true
		if slices.ContainsFunc(outstanding, func(o []byte) bool { return sequenceOf(o) == sequenceOf(raw) }) {
			t.Errorf("the sequence_number %#x is outstanding already", sequenceOf(raw))
		}
		outstanding = append(outstanding, raw)
	}
	for range window {
		take()
	}
	c.expectSilentAlive()
	for range 2 {
		c.ack(outstanding[0])
		outstanding = outstanding[1:]
		take()
		c.expectSilentAlive()
	}
	for len(texts) < queued {
		c.ack(outstanding[0])
		outstanding = outstanding[1:]
		take()
	}
	for _, raw := range outstanding {
		c.ack(raw)
	}
	c.expectSilentAlive()
}

func stalledWindow(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	stalled := w.bindAtLines(t, a, transceiver, smpp.V34)
	second := w.bind(t, a, transceiver, smpp.V34)
	const bursts, burst = 10, 20
	for i := range 2 * 5 { // the windows of both
		w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
	}
	_, first := stalled.awaitDeliver("a message", func(*smpp.DeliverSM) bool { return true })
	ids := map[string]bool{} // whose receipt is to come
	for range bursts {
		var sent []uint32
		for _, c := range []*conn{stalled, second} {
			var all []byte
			for range burst {
				seq := c.next()
				sent = append(sent, seq)
				all = append(all, patch(s0(seq), 44, 1)...)
			}
			c.SendRaw(all)
		}
		for i, seq := range sent {
			c := stalled
			if i >= burst {
				c = second
			}
			ids[c.messageID(c.expectResp(seq, smpp.CmdSubmitSM, smpp.ROK))] = true
		}
		stalled.expectAlive()
		second.expectAlive()
	}
	if len(ids) != 2*bursts*burst {
		t.Errorf("%d submits got %d message_ids", 2*bursts*burst, len(ids))
	}

	// What was not acknowledged in time comes again; nothing of it is lost.
	stalled.ack(first)
	texts := map[string]bool{string(deliverOf(first).ShortMessage): true}
	deadline := time.Now().Add(patience)
	for len(ids) > 0 || len(texts) < 10 {
		if time.Now().After(deadline) {
			t.Fatalf("%d receipts and %d of 10 messages have not come", len(ids), 10-len(texts))
		}
		for _, c := range []*conn{stalled, second} {
			for _, raw := range c.collect(20 * time.Millisecond) {
				p := deliverOf(raw)
				if p == nil {
					t.Fatalf("got % x, want deliver_sm", raw)
				}
				c.ack(raw)
				if r := receiptOf(raw); r != nil {
					delete(ids, r.ID)
				} else if bytes.HasPrefix(p.ShortMessage, []byte("message ")) {
					texts[string(p.ShortMessage)] = true
				}
			}
		}
	}
	stalled.expectAlive()
	second.expectAlive()
}
