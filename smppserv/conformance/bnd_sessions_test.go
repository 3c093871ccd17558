package conformance

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

func bindTwice(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	const window = 5
	var conns []*conn
	for _, bound := range bindTypes {
		a := w.account(t)
		c := w.bind(t, a, bound, smpp.V34)
		conns = append(conns, c)
		var outstanding [][]byte
		if bound != transmitter {
			for i := range window + 1 {
				w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
			}
			for range window {
				_, raw := c.awaitDeliver("a message of the window", func(*smpp.DeliverSM) bool { return true })
				outstanding = append(outstanding, raw)
			}
		}
		for _, again := range bindTypes {
			for _, secret := range []string{accountSecret, "secret2"} {
				bind := withSeq(bindOf(again, a, password(secret)), c.next())
				c.SendRaw(bind)
				raw := c.expectResp(sequenceOf(bind), again, smpp.RALYBND)
				checkRefusal(t, fmt.Sprintf("%v on a session that is bound by %v", again, bound), raw)
			}
		}
		c.expectAlive()
		c.SendRaw(s0(2))
		if bound == receiver {
			c.expectHdr16(2, smpp.CmdSubmitSM, smpp.RINVBNDSTS)
		} else {
			c.expectResp(2, smpp.CmdSubmitSM, smpp.ROK)
		}
		if bound == transmitter {
			continue
		}
		c.ExpectSilence(200 * time.Millisecond) // the window is full, as before
		c.ack(outstanding[0])
		c.expectMO(fmt.Sprint("message ", window))
		for _, raw := range outstanding[1:] {
			c.ack(raw)
		}
	}
	conns[0].ExpectSilence(4 * time.Second) // else an acknowledgement was lost, and its message came again
	for _, c := range conns {
		c.ExpectSilence(10 * time.Millisecond)
		c.expectAlive()
	}
}

func bindTooMany(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	first := w.bind(t, a, transceiver, smpp.V34)
	second := w.bind(t, a, transceiver, smpp.V34)
	var denied []*conn
	for _, command := range bindTypes { // RALYBND is the design's choice, the list's first one is RBINDFAIL
		denied = append(denied, w.deny(t, "a third session", bindOf(command, a), smpp.RALYBND))
	}
	for _, c := range denied {
		c.expectClose(soon)
	}
	for _, c := range []*conn{first, second} {
		c.expectSilentAlive()
		c.submit(s0(2))
	}
}

func bindLimit(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, pair := range [][2]smpp.CommandID{{transmitter, receiver}, {transceiver, transceiver}, {transmitter, transmitter}} {
		a := w.account(t)
		first, second := w.bind(t, a, pair[0], smpp.V34), w.bind(t, a, pair[1], smpp.V34)
		for _, third := range bindTypes {
			w.deny(t, fmt.Sprintf("beside %v", pair), bindOf(third, a), smpp.RALYBND)
		}
		first.expectAlive()
		second.expectAlive()
	}

	// bind_policy "split" is the project's own: one session for each direction.
	split := w.fixture(t, "split")
	for _, test := range []struct {
		bound, denied []smpp.CommandID
	}{
		{[]smpp.CommandID{transmitter}, []smpp.CommandID{transmitter, transceiver}},
		{[]smpp.CommandID{receiver}, []smpp.CommandID{receiver, transceiver}},
		{[]smpp.CommandID{transceiver}, bindTypes},
		{[]smpp.CommandID{transmitter, receiver}, bindTypes},
	} {
		var bound []*conn
		for _, command := range test.bound {
			bound = append(bound, w.bind(t, split, command, smpp.V34))
		}
		for _, command := range test.denied {
			w.deny(t, fmt.Sprintf("split, beside %v", test.bound), bindOf(command, split), smpp.RALYBND)
		}
		for _, c := range bound {
			c.Unbind()
		}
	}

	a := w.account(t)
	var racers []*conn
	for range 10 {
		racers = append(racers, w.dial(t))
	}
	var sending sync.WaitGroup
	for i, c := range racers {
		bind := bindOf(bindTypes[i%3], a)
		sending.Go(func() {
			if _, err := c.Conn().Write(bind); err != nil {
				t.Errorf("bind: %v", err)
			}
		})
	}
	w.bind(t, w.account(t), transceiver, smpp.V34).expectAlive()
	sending.Wait()
	var granted []*conn
	for i, c := range racers {
		command := bindTypes[i%3]
		if statusOf(c.expectAnswer(1, resp(command, smpp.ROK), resp(command, smpp.RALYBND))) == smpp.ROK {
			granted = append(granted, c)
		}
	}
	if len(granted) != 2 {
		t.Errorf("of 10 binds at the same time %d were granted, want 2", len(granted))
	}
	for _, c := range racers {
		if slices.Contains(granted, c) {
			c.expectAlive()
		} else {
			c.expectClose(soon)
		}
	}
}

func bindPlaceIsFreed(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, test := range []struct {
		name  string
		leave func(*conn)
	}{
		{"unbind", func(c *conn) { c.Unbind() }},
		{"FIN", func(c *conn) { c.Close() }},
		{"RST", func(c *conn) { c.Reset() }},
	} {
		a := w.account(t)
		stays, leaves := w.bind(t, a, transceiver, smpp.V34), w.bind(t, a, transceiver, smpp.V34)
		left := time.Now()
		test.leave(leaves)
		t.Logf("after %s", test.name)
		c := w.bind(t, a, transceiver, smpp.V34)
		if took := time.Since(left); took > time.Second {
			t.Errorf("after %s the bind was granted after %v", test.name, took)
		}
		stays.expectAlive()
		c.expectAlive()
	}
}

func bindPlaceOfTheDead(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	waiting, pressing := w.account(t), w.account(t)
	var dead []*conn
	for _, a := range []account{waiting, waiting, pressing, pressing} {
		c := w.dialUnread(t)
		c.bind(a, transceiver, smpp.V34)
		dead = append(dead, c)
	}
	// By the design, a bind that finds the places taken waits for their sessions to give a sign of life.
	c := w.dial(t)
	c.exempt("its bind waits for a session that is dead")
	asked := time.Now()
	c.SendRaw(bindOf(transceiver, pressing))
	raw := c.Await("bind_transceiver_resp", 7*time.Second, func(raw []byte) bool { return commandOf(raw) == smpp.CmdBindTransceiverResp })
	if took := time.Since(asked); statusOf(raw) != smpp.ROK || took > 6*time.Second {
		t.Errorf("the bind was answered by % x after %v", raw, took)
	}
	for _, c := range dead {
		c.drain(enquireTimer + response + 2*time.Second)
	}
	w.bind(t, waiting, transceiver, smpp.V34).expectAlive()
	w.bind(t, waiting, transceiver, smpp.V34).expectAlive()
}

func bindRespComesFirst(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, command := range []smpp.CommandID{receiver, transceiver} {
		a := w.account(t)
		for i := range 3 {
			w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
		}
		c := w.dial(t)
		write := bindOf(command, a)
		if command == transceiver {
			write = together(write, s0(2), e0(3))
		}
		c.SendRaw(write)
		if raw := c.ReadRaw(soon); commandOf(raw) != command.Response() || statusOf(raw) != smpp.ROK {
			t.Fatalf("%v: first came % x", command, raw)
		}
		if command == transceiver {
			c.expectAnswer(2, resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.RINVBNDSTS))
			c.expectHdr16(3, smpp.CmdEnquireLink, smpp.ROK)
		}
		for i := range 3 {
			c.expectMO(fmt.Sprint("message ", i))
		}
	}
}

func bindAddressRange(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for i, expression := range []string{"^2000$", "[13579]$", "[", "(1+)+(1+)+(1+)+x$"} {
		t.Logf("address_range %s", expression)
		a := w.account(t)
		c, _ := w.grant(t, bindOf(receiver, a, addressRange(expression)))
		w.mo(t, a, "1000", "11111111111111111111", fmt.Sprint("message ", i))
		c.expectMO(fmt.Sprint("message ", i))
		c.expectAlive()
	}
}
