package conformance

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

// The timers of worldSettings.
const (
	sessionInit  = 2 * time.Second
	enquireTimer = 2 * time.Second
	response     = 2 * time.Second
	inactivity   = 6 * time.Second
)

var timRows = []row{
	{"TIM-01", "must", "a connection that does not bind is closed after session_init_timeout, whatever it sends", sessionInitTimer},
	{"TIM-02", "should", "an idle session gets an enquire_link after keep_alive_interval", enquireLinkTimer},
	{"TIM-03", "should", "a session that does not answer enquire_link is dropped; its place is free and its messages are kept", enquireLinkUnanswered},
	{"TIM-04", "must", "any PDU counts as the answer to enquire_link, and an answer with a wrong number does no harm", enquireLinkAnswers},
	{"TIM-05", "should", "a silent session is unbound after inactivity_timeout; enquire_link is not silence", inactivityTimer},
	{"TIM-06", "must", "a deliver_sm that is not answered in time frees its place in the window and is sent again, under a new number", responseTimer},
	{"TIM-07", "should", "enquire_link is answered within a second under load and while the client is throttled", enquireLinkUnderLoad},
}

// expectSessionInit requires a close when session_init is over, and nothing but answers to enquire_link before it.
func (c *conn) expectSessionInit(opened time.Time) {
	c.t.Helper()
	const latitude = 500 * time.Millisecond
	for _, raw := range c.drain(time.Until(opened.Add(sessionInit + 2*time.Second))) {
		if commandOf(raw) != smpp.CmdEnquireLinkResp {
			c.t.Errorf("before the bind came % x", raw)
		}
	}
	c.wire.rec.mu.Lock()
	took := c.wire.rec.ended.Sub(opened)
	c.wire.rec.mu.Unlock()
	if took < sessionInit-latitude || took > sessionInit+latitude {
		c.t.Errorf("closed after %v, want %v", took, sessionInit)
	}
}

func sessionInitTimer(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	mute, half, busy := w.dial(t), w.dial(t), w.dial(t)
	opened := time.Now()
	bind := bTRX(a)
	half.SendRaw(bind[:len(bind)/2])
	for time.Since(opened) < sessionInit-400*time.Millisecond {
		seq := busy.next()
		busy.SendRaw(e0(seq))
		// 3.4 has enquire_link in bound states only, 5.0 in all.
		busy.expectAnswer(seq, resp(smpp.CmdEnquireLink, smpp.ROK), resp(smpp.CmdEnquireLink, smpp.RINVBNDSTS))
		busy.ExpectSilence(300 * time.Millisecond)
	}
	busy.expectSessionInit(opened)
	mute.expectSessionInit(opened)
	half.expectSessionInit(opened)
}

func enquireLinkTimer(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, request := range []smpp.CommandID{transmitter, receiver, transceiver} {
		c := w.bind(t, w.account(t), request, smpp.V34)
		c.AutoEnquire(false)
		seen := map[uint32]bool{}
		for range 2 {
			silentSince := time.Now()
			raw := c.ReadRaw(enquireTimer + 2*time.Second)
			waited := time.Since(silentSince)
			seq := sequenceOf(raw)
			if len(raw) != smpp.HeaderLen || commandOf(raw) != smpp.CmdEnquireLink || statusOf(raw) != 0 {
				t.Fatalf("%v: got % x, want enquire_link", request, raw)
			}
			if seq == 0 || seq > 0x7FFFFFFF || seen[seq] {
				t.Errorf("%v: the sequence_number %#x is out of range or was used before", request, seq)
			}
			if waited < enquireTimer-500*time.Millisecond || waited > enquireTimer+time.Second {
				t.Errorf("%v: enquire_link came after %v, want %v", request, waited, enquireTimer)
			}
			seen[seq] = true
			c.SendRaw(vector(0x80000015, seq))
		}
	}
}

func enquireLinkUnanswered(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	w.bind(t, a, transmitter, smpp.V34) // the other place
	c := w.bind(t, a, transceiver, smpp.V34)
	c.AutoEnquire(false)
	w.mo(t, a, "1000", w.number(t), "kept")
	c.Expect(smpp.CmdDeliverSM)
	c.Await("enquire_link", enquireTimer+2*time.Second, func(raw []byte) bool { return commandOf(raw) == smpp.CmdEnquireLink })
	for _, raw := range c.drain(response + time.Second) {
		if got := commandOf(raw); got != smpp.CmdUnbind && got != smpp.CmdDeliverSM {
			t.Errorf("before the close came % x", raw)
		}
	}
	w.bind(t, a, transceiver, smpp.V34).expectMO("kept")
}

func enquireLinkAnswers(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.AutoEnquire(false)
	c.Expect(smpp.CmdEnquireLink)
	c.ExpectSilence(response - 500*time.Millisecond)
	c.submit(s0(2))
	// The next one comes when the response timer of the first is long over: the session has stayed.
	h, _ := c.Expect(smpp.CmdEnquireLink)
	c.SendRaw(vector(0x80000015, h.Sequence-1))
	c.expectSilentAlive()
	c.Expect(smpp.CmdEnquireLink)
	c.expectAlive()
}

func inactivityTimer(t *testing.T, s *suite) {
	w := s.world(t, settings{"server.keep_alive_interval": "0s"})
	busy := w.bind(t, w.account(t), transceiver, smpp.V34)
	mute := w.bind(t, w.account(t), transceiver, smpp.V34)
	polite := w.bind(t, w.account(t), receiver, smpp.V34)
	silentSince := time.Now()
	for time.Since(silentSince) < inactivity-time.Second {
		busy.expectAlive()
		busy.ExpectSilence(time.Second)
	}
	for _, c := range []*conn{mute, polite} {
		// A close without unbind is as good.
		raw, err := c.TryRead(time.Until(silentSince.Add(inactivity + time.Second)))
		if err == nil {
			if commandOf(raw) != smpp.CmdUnbind || len(raw) != smpp.HeaderLen {
				t.Fatalf("got % x, want unbind", raw)
			}
			if c == polite {
				c.SendRaw(vector(0x80000006, sequenceOf(raw)))
			}
			c.expectClose(response + time.Second)
		} else if !errors.Is(err, io.EOF) {
			t.Fatalf("wanted unbind or a close, got %v", err)
		}
		if waited := time.Since(silentSince); waited < inactivity-500*time.Millisecond {
			t.Errorf("unbound after %v, want %v", waited, inactivity)
		}
	}
	for time.Since(silentSince) < 2*inactivity+time.Second {
		busy.expectAlive()
		busy.ExpectSilence(time.Second)
	}
}

func responseTimer(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	const window = 5
	for i := range window + 1 {
		w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
	}
	used := map[uint32]bool{}
	var first []byte
	sent := time.Now()
	for range window {
		_, raw := c.awaitDeliver("a message of the window", func(*smpp.DeliverSM) bool { return true })
		used[sequenceOf(raw)] = true
		if first == nil {
			first = raw
		}
	}
	last := fmt.Sprint("message ", window)
	_, raw := c.awaitDeliver("the message beyond the window", func(p *smpp.DeliverSM) bool { return string(p.ShortMessage) == last })
	if waited := time.Since(sent); waited < response-500*time.Millisecond {
		t.Errorf("the message beyond the window came after %v, while the window was full", waited)
	}
	used[sequenceOf(raw)] = true
	c.ack(raw)

	again := map[string]bool{}
	for len(again) < window {
		p, raw := c.awaitDeliver("the messages once more", func(*smpp.DeliverSM) bool { return true })
		text := string(p.ShortMessage)
		if used[sequenceOf(raw)] || again[text] || text == last {
			t.Fatalf("%q came again with the sequence_number %#x", text, sequenceOf(raw))
		}
		used[sequenceOf(raw)], again[text] = true, true
		if len(again) == 1 {
			c.ack(first) // late: this answers nothing any more
		}
		c.ack(raw)
	}
	c.ExpectSilence(4 * time.Second)
	c.expectAlive()
}

func enquireLinkUnderLoad(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	loads := []struct {
		account account
		seconds int
		allowed []answer
	}{
		{w.account(t), 4, []answer{resp(smpp.CmdSubmitSM, smpp.ROK)}},
		{w.fixture(t, "slow"), 3, []answer{resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.RTHROTTLED)}},
	}
	for _, load := range loads {
		c := w.bind(t, load.account, transceiver, smpp.V34)
		var sent []uint32
		tick := time.NewTicker(100 * time.Millisecond)
		for i := range 10 * load.seconds {
			var burst []byte
			for range 50 {
				sent = append(sent, c.next())
				burst = append(burst, s0(sent[len(sent)-1])...)
			}
			c.SendRaw(burst)
			if i%10 == 9 {
				c.expectAlive()
			}
			<-tick.C
		}
		tick.Stop()
		for _, seq := range sent {
			c.expectAnswer(seq, load.allowed...)
		}
		c.expectAlive()
	}
}
