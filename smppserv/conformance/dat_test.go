package conformance

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

var datRows = []row{
	{"DAT-01", "must", "data_sm is delivered like submit_sm, with addresses of up to 64 characters, and has its receipt", dataDelivered},
	{"DAT-02", "must", "data_sm without message_payload gets RMISSINGOPTPARAM", dataWithoutPayload},
	{"DAT-03", "should", "in transaction mode the answer waits for the outcome; a failure says why", dataTransaction},
	{"DAT-04", "should", "datagram mode: one attempt, no receipt; qos_time_to_live ends a message", dataDatagram},
}

// Fields of d0, as offsets.
const (
	dataESMClass   = 39
	dataRegistered = 40
)

// dataTo is d0 to another number of 12 digits.
func dataTo(seq uint32, dest string) []byte {
	return vector(0x103, seq, octets("00 0101"), cstring("1000"), octets("0101"), cstring(dest), octets("00 00 00 0424 0005 68656c6c6f"))
}

// tlvOf finds the value of an optional parameter in a response whose body is a message_id and TLVs; nil if it is not there.
func tlvOf(raw []byte, tag uint16) []byte {
	i := bytes.IndexByte(raw[smpp.HeaderLen:], 0)
	if i < 0 {
		return nil
	}
	r := fieldReader{rest: raw[smpp.HeaderLen+i+1:]}
	for len(r.rest) > 0 && r.fault == "" {
		head := r.octets(4)
		value := r.octets(int(binary.BigEndian.Uint16(head[2:])))
		if binary.BigEndian.Uint16(head) == tag {
			return value
		}
	}
	return nil
}

func dataDelivered(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	tx := w.bind(t, a, transmitter, smpp.V34)
	trx := w.bind(t, a, transceiver, smpp.V34)
	for _, c := range []*conn{tx, trx} {
		pdu := withSeq(d0(4), c.next())
		c.SendRaw(pdu)
		id := c.messageID(c.expectResp(sequenceOf(pdu), smpp.CmdDataSM, smpp.ROK))
		if got := w.awaitPush(t, withID(id)).Message; got.From != "1000" || got.To != "447700900001" || got.Text != "hello" {
			t.Errorf("pushed %+v", got)
		}

		source, dest := strings.Repeat("7", 64), strings.Repeat("8", 62)+"01"
		pdu = vector(0x103, c.next(), octets("00 0101"), cstring(source), octets("0101"), cstring(dest), octets("00 00 00 0424 0005 68656c6c6f"))
		c.SendRaw(pdu)
		id = c.messageID(c.expectResp(sequenceOf(pdu), smpp.CmdDataSM, smpp.ROK))
		if got := w.awaitPush(t, withID(id)).Message; got.From != source || got.To != dest || got.Text != "hello" {
			t.Errorf("pushed %+v", got)
		}

		number := w.numberFor(t, "01")
		pdu = patch(dataTo(c.next(), number), dataRegistered, 1)
		c.SendRaw(pdu)
		id = c.messageID(c.expectResp(sequenceOf(pdu), smpp.CmdDataSM, smpp.ROK))
		r := trx.expectReceipt(id)
		source1000 := smpp.Address{TON: 1, NPI: 1, Addr: "1000"}
		if r.Source != (smpp.Address{TON: 1, NPI: 1, Addr: number}) || r.Dest != source1000 || r.ESMClass != 0x04 || r.Stat != "DELIVRD" {
			t.Errorf("the receipt is %+v", r.DeliverSM)
		}
	}
}

func dataWithoutPayload(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	c.refused(cut(d0(4), 42), smpp.RMISSINGOPTPARAM)
	c.refused(withTLV(cut(d0(5), 42), 0x0204, 0, 1), smpp.RMISSINGOPTPARAM)
	c.expectSilentAlive()
	w.expectPushesTo(t, a)
}

func dataTransaction(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.expectTransactions(w, smpp.CmdDataSM, func(dest string) []byte {
		return patch(dataTo(c.next(), dest), dataESMClass, 2, 1)
	})
}

// expectTransactions sends messages in transaction mode, which ask for receipts, and requires that each is answered with
// its outcome when Hermès has answered, and that there is no receipt.
func (c *conn) expectTransactions(w *world, request smpp.CommandID, transaction func(dest string) []byte) {
	t := c.t
	t.Helper()
	const delay = time.Second
	for _, test := range []struct {
		name   string
		answer testkit.Answer
		want   smpp.Status
	}{
		{"accepted", testkit.Answer{Status: http.StatusOK, After: delay}, smpp.ROK},
		{"refused", testkit.Answer{Status: http.StatusNotFound, After: delay}, smpp.RDELIVERYFAILURE},
	} {
		dest := w.number(t)
		w.hermes.Script(dest, test.answer)
		pdu := transaction(dest)
		sent := time.Now()
		c.SendRaw(pdu)
		raw := c.expectResp(sequenceOf(pdu), request, test.want)
		if took := time.Since(sent); took < delay {
			t.Errorf("%s: answered after %v, before Hermès was", test.name, took)
		}
		id := c.messageID(raw)
		if p := w.awaitPush(t, withID(id)); p.Message.To != dest {
			t.Errorf("%s: the id %s is that of %+v", test.name, id, p.Message)
		}
		if reason := tlvOf(raw, 0x0425); test.want != smpp.ROK && (len(reason) != 1 || reason[0] > 3) {
			t.Errorf("%s: delivery_failure_reason is % x\n% x", test.name, reason, raw)
		}
	}
	for outcome, want := range map[string]smpp.Status{"01": smpp.ROK, "02": smpp.RDELIVERYFAILURE} {
		pdu := transaction(w.numberFor(t, outcome))
		c.SendRaw(pdu)
		c.expectResp(sequenceOf(pdu), request, want)
	}
	c.expectNoDeliver(time.Second)
}

func dataDatagram(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	submitData := func(pdu []byte) string {
		c.SendRaw(pdu)
		return c.messageID(c.expectResp(sequenceOf(pdu), smpp.CmdDataSM, smpp.ROK))
	}
	began := time.Now()
	mortal := submitData(withTLV(dataTo(c.next(), w.numberFor(t, "03")), 0x0017, 0, 0, 0, 3))

	slow := w.number(t)
	w.hermes.Script(slow, testkit.Answer{Status: http.StatusOK, After: time.Second})
	sent := time.Now()
	delivered := submitData(patch(dataTo(c.next(), slow), dataESMClass, 1, 1))
	if took := time.Since(sent); took > 500*time.Millisecond {
		t.Errorf("answered after %v, want at once", took)
	}
	failing := submitData(patch(dataTo(c.next(), w.numberFor(t, "06")), dataESMClass, 1, 1))
	w.awaitPush(t, withID(delivered))
	c.awaitState(delivered, "1000", stateDelivered)
	c.awaitState(failing, "1000", stateUndeliverable)

	if state := c.queryState(mortal, "1000"); state != stateEnroute && time.Since(began) < 3*time.Second {
		t.Errorf("before qos_time_to_live is over the state is %d", state)
	}
	c.awaitState(mortal, "1000", stateExpired)
	if took := time.Since(began); took < 2900*time.Millisecond || took > 5*time.Second {
		t.Errorf("expired after %v, want 3 s", took)
	}
	c.expectNoDeliver(500 * time.Millisecond)
	if tries := w.pushes(withID(failing)); len(tries) != 1 {
		t.Errorf("%d attempts, want one", len(tries))
	}
}
