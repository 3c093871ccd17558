package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

var unbRows = []row{
	{"UNB-01", "must", "unbind is answered by a header alone, then the connection closes", unbindIsAnswered},
	{"UNB-02", "should", "what was submitted before the unbind is answered before it", unbindBehindSubmits},
	{"UNB-03", "must", "messages that an unbind leaves unanswered come again with the next bind", unbindWithMessagesOutstanding},
	{"UNB-04", "should", "a server that stops, or an operator, unbinds: submits in flight are still answered, and answers taken", serverUnbinds},
	{"UNB-05", "should", "the server's unbind ends in a close, unanswered or crossed by the client's", serverUnbindUnanswered},
}

func unbindIsAnswered(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	var unbound []*conn
	for _, command := range bindTypes {
		c := w.bind(t, w.account(t), command, smpp.V34)
		c.SendRaw(u0(9))
		if got, want := c.ReadRaw(soon), octets("00000010 80000006 00000000 00000009"); !bytes.Equal(got, want) {
			t.Errorf("%v: got % x, want % x", command, got, want)
		}
		unbound = append(unbound, c)
	}
	for _, c := range unbound {
		c.expectClose(soon)
	}
}

func unbindBehindSubmits(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	var all []byte
	for range 50 {
		all = append(all, s0(c.next())...)
	}
	c.SendRaw(append(all, u0(9)...))
	var ids []string
	for {
		raw := c.ReadRaw(soon)
		if commandOf(raw) == smpp.CmdUnbindResp {
			break
		}
		if commandOf(raw) != smpp.CmdSubmitSMResp || statusOf(raw) != smpp.ROK {
			t.Fatalf("got % x, want submit_sm_resp", raw)
		}
		ids = append(ids, c.messageID(raw))
	}
	if len(ids) != 50 {
		t.Errorf("before unbind_resp came %d submit_sm_resp, want 50", len(ids))
	}
	c.expectClose(soon)
	c = w.bind(t, a, transceiver, smpp.V34)
	for _, id := range ids {
		c.queryState(id, "1000")
	}
}

func unbindWithMessagesOutstanding(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	const window, messages = 5, 7
	for i := range messages {
		w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
	}
	c := w.bind(t, a, transceiver, smpp.V34)
	for range window {
		c.awaitDeliver("a message of the window", func(*smpp.DeliverSM) bool { return true })
	}
	c.SendRaw(u0(9))
	c.expectHdr16(9, smpp.CmdUnbind, smpp.ROK)
	c.expectClose(soon)
	c = w.bind(t, a, transceiver, smpp.V34)
	for i := range messages {
		c.expectMO(fmt.Sprint("message ", i))
	}
	c.expectSilentAlive()
}

// unbindByOperator does what the button of the operator's page does.
func (w *world) unbindByOperator(t *testing.T, a account) {
	t.Helper()
	url := "http://" + w.smppserv.Admin + "/api/v1/sessions"
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var sessions []struct {
		ID       uint64
		SystemID string `json:"system_id"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&sessions); err != nil {
		t.Fatal(err)
	}
	for _, session := range sessions {
		if session.SystemID != a.SystemID {
			continue
		}
		request, err := http.NewRequest(http.MethodDelete, fmt.Sprint(url, "/", session.ID), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			t.Fatalf("unbinding %s: %s", a.SystemID, answer.Status)
		}
	}
}

// expectServerUnbind waits for the server's unbind and returns its sequence_number.
func (c *conn) expectServerUnbind() uint32 {
	c.t.Helper()
	raw := c.Await("unbind", soon, func(raw []byte) bool { return commandOf(raw) == smpp.CmdUnbind })
	if len(raw) != smpp.HeaderLen {
		c.t.Errorf("unbind has a body: % x", raw)
	}
	return sequenceOf(raw)
}

func serverUnbinds(t *testing.T, s *suite) {
	for _, test := range []struct {
		name   string
		unbind func(*world, ...account)
		after  func(*world)
	}{
		{"an operator", func(w *world, accounts ...account) {
			for _, a := range accounts {
				w.unbindByOperator(t, a)
			}
		}, func(*world) {}},
		{"shutdown", func(w *world, _ ...account) { w.smppserv.BeginStop() }, func(w *world) {
			w.stop(t)
			w.start(t)
		}},
	} {
		t.Logf("by %s", test.name)
		w := s.world(t, settings{"admin.listen": "127.0.0.1:0"})
		w.hermes.Script("07", testkit.Answer{Status: http.StatusOK, After: time.Second})
		a, b := w.account(t), w.account(t)
		// In transaction mode a submit is in flight until Hermès has answered.
		held, plain := w.bind(t, a, transceiver, smpp.V50), w.bind(t, b, transceiver, smpp.V34)
		w.mo(t, a, "1000", w.number(t), "an MO")
		_, outstanding := held.awaitDeliver("the message", func(*smpp.DeliverSM) bool { return true })
		for seq := range uint32(40) { // Hermès is pushed one message at a time at first, then more
			held.SendRaw(patch(s0To(1000+seq, w.numberEnding(t, "01")), 39, 0x02))
		}
		for seq := range uint32(40) {
			held.expectAnswer(1000+seq, resp(smpp.CmdSubmitSM, smpp.ROK))
		}
		var inFlight, quick []byte
		for seq := range uint32(5) {
			inFlight = append(inFlight, patch(s0To(100+seq, w.numberEnding(t, "07")), 39, 0x02)...)
			quick = append(quick, s0(100+seq)...)
		}
		held.SendRaw(inFlight)
		held.ExpectSilence(200 * time.Millisecond) // they are with Hermès
		plain.SendRaw(quick)
		test.unbind(w, a, b)

		allowed := []answer{resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.RSYSERR), resp(smpp.CmdSubmitSM, smpp.RINVBNDSTS)}
		unbindHeld, unbindPlain := held.expectServerUnbind(), plain.expectServerUnbind()
		held.ack(outstanding)
		for _, c := range []*conn{held, plain} {
			for seq := range uint32(5) {
				c.expectAnswer(100+seq, allowed...)
			}
		}
		held.SendRaw(vector(0x80000006, unbindHeld))
		plain.SendRaw(vector(0x80000006, unbindPlain))
		held.expectClose(soon)
		plain.expectClose(soon)
		test.after(w)
		w.bind(t, a, transceiver, smpp.V34).ExpectSilence(1500 * time.Millisecond) // the answer to the message counted
	}
}

func serverUnbindUnanswered(t *testing.T, s *suite) {
	w := s.world(t, settings{"admin.listen": "127.0.0.1:0"})
	a, b := w.account(t), w.account(t)
	mute, crossing := w.bind(t, a, transceiver, smpp.V34), w.bind(t, b, transceiver, smpp.V34)

	w.unbindByOperator(t, a)
	mute.expectServerUnbind()
	unbound := time.Now()
	w.unbindByOperator(t, b)
	seq := crossing.expectServerUnbind()
	crossing.SendRaw(together(u0(9), vector(0x80000006, seq)))
	crossing.expectHdr16(9, smpp.CmdUnbind, smpp.ROK)
	crossing.expectClose(soon)

	mute.expectClose(response + time.Second)
	if waited := time.Since(unbound); waited < response-500*time.Millisecond {
		t.Errorf("closed after %v, want %v", waited, response)
	}
	w.bind(t, a, transceiver, smpp.V34).expectAlive()
}
