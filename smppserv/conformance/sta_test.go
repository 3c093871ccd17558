package conformance

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

var staRows = []row{
	{"STA-01", "must", "before the bind every operation gets RINVBNDSTS from its own response, and nothing is stored", openRefuses},
	{"STA-02", "should", "enquire_link before the bind is answered; the time to bind does not get longer", openEnquireLink},
	{"STA-03", "should", "unbind before the bind is answered, then the connection closes", openUnbind},
	{"STA-04", "must", "a receiver's submits and queries get RINVBNDSTS; the session goes on", receiverRefuses},
	{"STA-05", "should", "a receiver's data_sm is refused with RINVBNDSTS or taken", receiverDataSM},
	{"STA-06", "must", "a transmitter gets no messages and no receipts", transmitterGetsNothing},
	{"STA-07", "must", "a transceiver may send every operation", transceiverMayAll},
	{"STA-08", "must", "enquire_link, unbind and generic_nack are in order on every session", linkOperations},
	{"STA-09", "must", "what comes behind an unbind is not taken", behindUnbind},
	{"STA-10", "must", "the receipt goes to the receiver, also to one that binds later, once", receiptToTheReceiver},
	{"STA-11", "must", "each message goes to one session; an answer on another one does not count", answerOnAnotherSession},
}

// operations are one request of each, with the sequence_number 2, to a number.
func operations(number string) [][]byte {
	return [][]byte{
		toNumber(s0(2), number), toNumber(m0(2), number), toNumber(d0(2), number),
		q0(2, "42", "1000"), toNumber(c0(2, "42", "1000", "447700900001"), number), r0(2, "42", "1000"),
	}
}

// expectNothingStored requires that the first message to a number is one that is sent now.
func (w *world) expectNothingStored(t *testing.T, number string) {
	t.Helper()
	c := w.bind(t, w.account(t), transmitter, smpp.V34)
	id := c.submit(toNumber(s0(2), number))
	w.awaitPush(t, withID(id)) // what came before it for that number goes out before it
	for _, p := range w.pushes(func(p push) bool { return p.Message.To == number }) {
		if p.Message.ID != id {
			t.Errorf("it was stored: %s", p)
		}
	}
}

func openRefuses(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	number := w.numberEnding(t, "01")
	for _, request := range operations(number) {
		c := w.dial(t)
		c.SendRaw(request)
		c.expectHdr16(2, commandOf(request), smpp.RINVBNDSTS)
		c.Close()
	}
	c := w.dial(t)
	c.SendRaw(vector(0x0A, 2))
	c.expectNack(2, smpp.RINVCMDID)
	c = w.dial(t)
	c.SendRaw(vector(0x80000005, 0x40000001, []byte{0}))
	if raw, err := c.TryRead(500 * time.Millisecond); err == nil {
		t.Errorf("a stray deliver_sm_resp is answered by % x", raw)
	}
	w.expectNothingStored(t, number)
}

func openEnquireLink(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	waits := w.dial(t)
	opened := time.Now()
	waits.expectAlive()
	binds := w.dial(t)
	binds.expectAlive()
	binds.bind(w.account(t), transceiver, smpp.V34)
	waits.expectSessionInit(opened)
	binds.expectAlive()
}

func openUnbind(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.dial(t)
	opened := time.Now()
	c.SendRaw(u0(9))
	raw := c.expectAnswer(9, resp(smpp.CmdUnbind, smpp.ROK), resp(smpp.CmdUnbind, smpp.RINVBNDSTS))
	if len(raw) != smpp.HeaderLen {
		t.Errorf("unbind_resp has a body: % x", raw)
	}
	c.expectClose(soon)
	if took := time.Since(opened); took > sessionInit-200*time.Millisecond {
		t.Errorf("closed after %v: that is the session_init timer's doing", took)
	}
}

func receiverRefuses(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, receiver, smpp.V34)
	number := w.numberEnding(t, "01")
	for _, request := range operations(number) {
		if commandOf(request) == smpp.CmdDataSM {
			continue // STA-05
		}
		seq := c.next()
		c.SendRaw(withSeq(request, seq))
		c.expectHdr16(seq, commandOf(request), smpp.RINVBNDSTS)
		c.expectAlive()
	}
	w.mo(t, a, "1000", w.number(t), "later")
	c.expectMO("later")
	w.expectNothingStored(t, number)
}

func receiverDataSM(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), receiver, smpp.V34)
	c.SendRaw(d0(4))
	// Both sides may send data_sm in 3.4, table 2-1; in 5.0 a receiver may not.
	raw := c.expectAnswer(4, resp(smpp.CmdDataSM, smpp.RINVBNDSTS), resp(smpp.CmdDataSM, smpp.ROK))
	if statusOf(raw) != smpp.ROK && len(raw) != smpp.HeaderLen {
		t.Errorf("the error has a body: % x", raw)
	}
	c.expectAlive()
}

func transmitterGetsNothing(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transmitter, smpp.V34)
	id := c.submit(patch(s0To(2, w.numberEnding(t, "01")), 44, 1))
	w.mo(t, a, "1000", w.number(t), "an MO")
	c.ExpectSilence(5 * time.Second)
	c.expectAlive()
	rx := w.bind(t, a, receiver, smpp.V34)
	rx.expectReceipt(id)
	rx.expectMO("an MO")
}

func transceiverMayAll(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	number := w.numberEnding(t, "03")
	id := c.submit(toNumber(s0(2), number))
	w.awaitPush(t, withID(id))
	for _, request := range [][]byte{
		m0(0), d0(0), q0(0, id, "1000"), r0(0, id, "1000"), toNumber(c0(0, id, "1000", "447700900001"), number),
	} {
		seq := c.next()
		c.SendRaw(withSeq(request, seq))
		command := commandOf(request)
		t.Logf("%v", command)
		allowed := []answer{resp(command, smpp.ROK)}
		switch command { // of a message that Hermès is being asked to take, they come too late
		case smpp.CmdReplaceSM:
			allowed = append(allowed, resp(command, smpp.RREPLACEFAIL))
		case smpp.CmdCancelSM:
			allowed = append(allowed, resp(command, smpp.RCANCELFAIL))
		}
		c.expectAnswer(seq, allowed...)
	}
	c.expectAlive()
}

func linkOperations(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	var unbound []*conn
	for _, command := range bindTypes {
		c := w.bind(t, w.account(t), command, smpp.V34)
		c.SendRaw(e0(8))
		c.expectHdr16(8, smpp.CmdEnquireLink, smpp.ROK)
		c.SendRaw(vector(0x80000000, 0x7777))
		c.expectSilentAlive()
		c.SendRaw(u0(9))
		c.expectHdr16(9, smpp.CmdUnbind, smpp.ROK)
		unbound = append(unbound, c)
	}
	for _, c := range unbound {
		c.expectClose(soon)
	}
}

func behindUnbind(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, rest := range [][]byte{nil, e0(3)} {
		number := w.numberEnding(t, "01")
		c := w.bind(t, w.account(t), transceiver, smpp.V34)
		c.SendRaw(together(u0(9), toNumber(s0(2), number), rest))
		c.expectHdr16(9, smpp.CmdUnbind, smpp.ROK)
		for _, raw := range c.drain(soon) {
			if commandOf(raw) == smpp.CmdSubmitSMResp && statusOf(raw) == smpp.ROK {
				t.Errorf("a submit_sm behind the unbind is answered by % x", raw)
			}
		}
		w.expectNothingStored(t, number)
	}
}

func receiptToTheReceiver(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	registered := func() []byte { return patch(s0To(2, w.numberEnding(t, "01")), 44, 1) }
	a := w.account(t)
	tx, rx := w.bind(t, a, transmitter, smpp.V34), w.bind(t, a, receiver, smpp.V34)
	id := tx.submit(registered())
	rx.expectReceipt(id)

	type absence struct {
		tx   *conn
		a    account
		id   string
		then smpp.CommandID // that binds when the receipt waits
	}
	var absences []absence
	for _, then := range []smpp.CommandID{receiver, transceiver} {
		a := w.account(t)
		tx := w.bind(t, a, transmitter, smpp.V34)
		absences = append(absences, absence{tx, a, tx.submit(registered()), then})
	}
	absences[0].tx.ExpectSilence(3 * time.Second)
	for _, absent := range absences {
		absent.tx.ExpectSilence(10 * time.Millisecond)
		late := w.bind(t, absent.a, absent.then, smpp.V34)
		late.expectReceipt(absent.id)
		late.expectSilentAlive()
		absent.tx.expectSilentAlive()
	}
	tx.expectSilentAlive()
	rx.expectSilentAlive()
}

func answerOnAnotherSession(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	sessions := []*conn{w.bind(t, a, transceiver, smpp.V34), w.bind(t, a, transceiver, smpp.V34)}
	const messages, wrong = 20, 3
	for i := range messages {
		w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
	}

	// The first three that come are answered on the other session, all others on their own.
	came := map[string]int{}          // the session of each text
	victims := map[string][]byte{}    // by their texts
	answered := map[string]bool{}     // on their own session
	used := []map[uint32]bool{{}, {}} // sequence_numbers by session
	deadline := time.Now().Add(patience)
	read := func(i int) (string, []byte) {
		raw, err := sessions[i].TryRead(20 * time.Millisecond)
		if err != nil {
			return "", nil
		}
		p := deliverOf(raw)
		if p == nil {
			t.Fatalf("got % x, want deliver_sm", raw)
		}
		if used[i][sequenceOf(raw)] {
			t.Errorf("the sequence_number %#x came again", sequenceOf(raw))
		}
		used[i][sequenceOf(raw)] = true
		return string(p.ShortMessage), raw
	}
	var firstSession int
	for len(came) < messages && time.Now().Before(deadline) {
		for i, c := range sessions {
			text, raw := read(i)
			if raw == nil {
				continue
			}
			if at, again := came[text]; again {
				t.Fatalf("%q came on session %d, and before on session %d", text, i, at)
			}
			if len(came) == 0 {
				firstSession = i
			}
			came[text] = i
			if i == firstSession && len(victims) < wrong {
				victims[text] = raw
				continue
			}
			c.ack(raw)
			answered[text] = true
		}
	}
	if len(came) < messages {
		t.Fatalf("of %d messages came %d", messages, len(came))
	}
	// Nothing is outstanding on the other session now, so these numbers mean nothing there.
	other := sessions[1-firstSession]
	for _, raw := range victims {
		other.ack(raw)
	}
	again := maps.Clone(victims)
	for len(again) > 0 && time.Now().Before(deadline) {
		for i, c := range sessions {
			text, raw := read(i)
			if raw == nil {
				continue
			}
			if answered[text] {
				t.Errorf("%q came again after it was answered", text)
			}
			answered[text] = true
			delete(again, text)
			c.ack(raw)
		}
	}
	if len(again) > 0 {
		t.Errorf("%d messages did not come again: an answer on another session counted", len(again))
	}
	for _, c := range sessions {
		c.expectSilentAlive()
	}
}
