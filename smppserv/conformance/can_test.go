package conformance

import (
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

var canRows = []row{
	{"CAN-01", "must", "cancel_sm of a pending message: DELETED, a receipt if one was asked, no delivery; a second time RCANCELFAIL", cancelPending},
	{"CAN-02", "must", "what is delivered or expired cannot be cancelled", cancelFinal},
	{"CAN-03", "must", "cancel_sm with a wrong id, source or destination is refused and the message lives on", cancelMismatch},
	{"CAN-04", "must", "cancel_sm without an id cancels all between two addresses, of this account only", cancelGroup},
	{"CAN-05", "should", "a service_type narrows the group; an empty group and an empty cancel_sm are refused", cancelNarrowGroup},
}

// cancel requires that a message is cancelled.
func (c *conn) cancel(id, source, dest string) {
	c.t.Helper()
	seq := c.next()
	c.SendRaw(c0(seq, id, source, dest))
	c.expectHdr16(seq, smpp.CmdCancelSM, smpp.ROK)
}

// ofService sets the service_type of a PDU that begins with it.
func ofService(b []byte, service string) []byte {
	return insert(b, smpp.HeaderLen, smpp.HeaderLen+1, cstring(service)...)
}

func cancelPending(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	tried := c.submit(patch(s0To(c.next(), w.numberFor(t, "03")), atRegistered, 1))
	w.awaitTried(t, tried)
	untried := c.submit(scheduled(patch(s0To(c.next(), w.numberFor(t, "01")), atRegistered, 1), relative(2)))
	for _, id := range []string{tried, untried} {
		c.cancel(id, "1000", "")
		if r := c.expectReceipt(id); r.Stat != "DELETED" {
			t.Errorf("the receipt says %s, want DELETED", r.Stat)
		}
		if state := c.queryState(id, "1000"); state != stateDeleted {
			t.Errorf("the state is %d, want %d", state, stateDeleted)
		}
		c.refused(c0(c.next(), id, "1000", ""), smpp.RCANCELFAIL)
	}
	c.ExpectSilence(3 * time.Second) // beyond the time for which the second was scheduled
	for _, p := range w.pushes(by(a)) {
		if p.Status/100 == 2 {
			t.Errorf("a cancelled message was delivered: %+v", p.Message)
		}
	}
}

func cancelFinal(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	delivered := c.submit(s0To(c.next(), w.numberFor(t, "01")))
	expired := c.submit(validFor(s0To(c.next(), w.numberFor(t, "03")), relative(1)))
	for id, state := range map[string]byte{delivered: stateDelivered, expired: stateExpired} {
		c.awaitState(id, "1000", state)
		c.refused(c0(c.next(), id, "1000", ""), smpp.RCANCELFAIL)
		if got := c.queryState(id, "1000"); got != state {
			t.Errorf("the state was %d and is %d", state, got)
		}
	}
}

func cancelMismatch(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	other := w.bind(t, w.account(t), transceiver, smpp.V34)
	foreign := other.submit(s0To(2, w.numberFor(t, "03")))
	dest := w.numberFor(t, "03")
	id := c.submit(s0To(c.next(), dest))
	w.awaitTried(t, id)
	c.refused(c0(c.next(), "99999999", "1000", ""), smpp.RINVMSGID, smpp.RCANCELFAIL)
	c.refused(c0(c.next(), "MSGID", "1000", ""), smpp.RINVMSGID, smpp.RCANCELFAIL)
	c.refused(c0(c.next(), foreign, "1000", ""), smpp.RINVMSGID, smpp.RCANCELFAIL)
	mismatch := []smpp.Status{smpp.RCANCELFAIL, smpp.RINVSRCADR, smpp.RINVDSTADR}
	c.refused(c0(c.next(), id, "1001", ""), mismatch...)
	c.refused(c0(c.next(), id, "1000", w.numberFor(t, "03")), mismatch...)
	if state := c.queryState(id, "1000"); state != stateEnroute {
		t.Errorf("the state is %d, want %d", state, stateEnroute)
	}
	if state := other.queryState(foreign, "1000"); state != stateEnroute {
		t.Errorf("the state of the other account's message is %d, want %d", state, stateEnroute)
	}
	c.cancel(id, "1000", dest)
}

// A pendingGroup is what CAN-04 and CAN-05 begin with: three messages A→B, one A→C, and one A→B of another account.
type pendingGroup struct {
	c, other             *conn
	dest                 string // B
	plain                []string
	service, away, alien string
}

func pendingMessages(t *testing.T, w *world) pendingGroup {
	t.Helper()
	g := pendingGroup{dest: w.numberFor(t, "03")}
	g.c, g.other = w.bind(t, w.account(t), transceiver, smpp.V34), w.bind(t, w.account(t), transceiver, smpp.V34)
	g.plain = []string{g.c.submit(s0To(g.c.next(), g.dest)), g.c.submit(s0To(g.c.next(), g.dest))}
	g.service = g.c.submit(ofService(s0To(g.c.next(), g.dest), "CMT"))
	g.away = g.c.submit(s0To(g.c.next(), w.numberFor(t, "03")))
	g.alien = g.other.submit(s0To(2, g.dest))
	w.awaitPush(t, withID(g.away))
	w.awaitTried(t, g.plain[0]) // the others wait behind it
	return g
}

// expectStates requires the states of the group's messages.
func (g pendingGroup) expectStates(when string, plain, service byte) {
	g.c.t.Helper()
	for name, m := range map[string]struct {
		c    *conn
		id   string
		want byte
	}{
		"the first":           {g.c, g.plain[0], plain},
		"the second":          {g.c, g.plain[1], plain},
		"that of CMT":         {g.c, g.service, service},
		"that to C":           {g.c, g.away, stateEnroute},
		"the other account's": {g.other, g.alien, stateEnroute},
	} {
		if got := m.c.queryState(m.id, "1000"); got != m.want {
			g.c.t.Errorf("%s: %s is in state %d, want %d", when, name, got, m.want)
		}
	}
}

func cancelGroup(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	g := pendingMessages(t, w)
	g.c.cancel("", "1000", g.dest)
	g.expectStates("cancelled", stateDeleted, stateDeleted)

	// Those behind the first wait for it to be delivered: when it is cancelled none of them may slip out.
	dest := w.numberFor(t, "03")
	ids := []string{g.c.submit(s0To(g.c.next(), dest))}
	for range 20 {
		ids = append(ids, g.c.submit(s0To(g.c.next(), dest)))
	}
	w.awaitTried(t, ids[0])
	g.c.cancel("", "1000", dest)
	alive, tried := 0, 0
	for i, id := range ids {
		if g.c.queryState(id, "1000") != stateDeleted {
			alive++
		}
		if i > 0 {
			tried += len(w.pushes(withID(id)))
		}
	}
	if alive > 0 || tried > 0 {
		t.Errorf("of %d cancelled messages %d are not DELETED, and of those behind the first %d were tried", len(ids), alive, tried)
	}
}

func cancelNarrowGroup(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	g := pendingMessages(t, w)
	c := g.c
	c.refused(ofService(c0(c.next(), "", "1000", g.dest), "WAP"), smpp.RCANCELFAIL)
	c.refused(c0(c.next(), "", "1000", w.numberFor(t, "03")), smpp.RCANCELFAIL)
	c.refused(c0(c.next(), "", "1001", g.dest), smpp.RCANCELFAIL)
	for _, nothing := range [][]byte{c0(c.next(), "", "1000", ""), c0(c.next(), "", "", "")} {
		c.SendRaw(nothing)
		raw := c.Await("cancel_sm_resp", soon, func(raw []byte) bool { return sequenceOf(raw) == sequenceOf(nothing) })
		if commandOf(raw) != smpp.CmdCancelSMResp || statusOf(raw) == smpp.ROK || len(raw) != smpp.HeaderLen {
			t.Errorf("cancel_sm without id and destination: got % x, want an error", raw)
		}
	}
	g.expectStates("refused", stateEnroute, stateEnroute)
	seq := c.next()
	c.SendRaw(ofService(c0(seq, "", "1000", g.dest), "CMT"))
	c.expectHdr16(seq, smpp.CmdCancelSM, smpp.ROK)
	g.expectStates("CMT cancelled", stateEnroute, stateDeleted)
}
