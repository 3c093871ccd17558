package conformance

import (
	"bytes"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

var v50Rows = []row{
	{"V50-01", "v5", "congestion_state is in the responses of 5.0 sessions only, and rises with the load", congestionState},
	{"V50-02", "v5", "5.0: receipts for success only, sm_length 255, 255 recipients, sm_default_msg_id 255", widerRanges},
	{"V50-03", "v5", "5.0 has its own statuses for service types and operations that are not granted; 3.4 gets those of 3.4", notGranted},
	{"V50-04", "v5", "reserved data_coding and addr_subunit values of 5.0", reservedValues},
	{"V50-05", "v5", "a message that waits for its time is SCHEDULED to 5.0, ENROUTE to 3.4", scheduledState},
	{"V50-06", "v5", "5.0: message_payload goes before short_message, qos_time_to_live before validity_period", supersededFields},
	{"V50-07", "v5", "5.0: submit_sm in transaction mode is answered with the outcome", submitTransaction},
	{"V50-08", "v5", "the broadcast_sm family is not supported: generic_nack RINVCMDID", broadcastUnsupported},
}

// congestionOf finds congestion_state in a submit_sm_resp; false when it is not there.
func congestionOf(t *testing.T, raw []byte) (byte, bool) {
	t.Helper()
	value := tlvOf(raw, 0x0428)
	if value == nil {
		return 0, false
	}
	if len(value) != 1 || value[0] > 100 {
		t.Fatalf("congestion_state is % x", value)
	}
	return value[0], true
}

func congestionState(t *testing.T, s *suite) {
	const most = 50
	w := s.world(t, settings{"clients": []map[string]any{
		{"system_id": "new50", "password": accountSecret, "max_queued": most},
		{"system_id": "old34", "password": accountSecret, "max_queued": most},
	}})
	v5 := w.bind(t, account{SystemID: "new50", Password: accountSecret}, transceiver, smpp.V50)
	v34 := w.bind(t, account{SystemID: "old34", Password: accountSecret}, transceiver, smpp.V34)
	var states []byte
	for range most - 1 {
		dest := w.numberFor(t, "03")
		seq := v5.next()
		v5.SendRaw(s0To(seq, dest))
		state, there := congestionOf(t, v5.expectResp(seq, smpp.CmdSubmitSM, smpp.ROK))
		if !there {
			t.Fatal("5.0: no congestion_state in submit_sm_resp")
		}
		states = append(states, state)

		seq = v34.next()
		v34.SendRaw(s0To(seq, dest))
		if raw := v34.expectResp(seq, smpp.CmdSubmitSM, smpp.ROK); len(raw) != smpp.HeaderLen+len(v34.messageID(raw))+1 {
			t.Fatalf("3.4: submit_sm_resp has more than its id: % x", raw)
		}
	}
	if states[len(states)-1] <= states[0] {
		t.Errorf("congestion_state did not rise while the queue filled: %d", states)
	}
}

func widerRanges(t *testing.T, s *suite) {
	const canned = "the last canned text"
	w := s.world(t, settings{"canned_messages": map[string]string{"255": canned}})
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V50)
	submit := func(outcome string) string {
		return c.submit(patch(s0To(c.next(), w.numberFor(t, outcome)), atRegistered, 3))
	}
	failing := submit("02")
	c.awaitState(failing, "1000", stateUndeliverable)
	if r := c.expectReceipt(submit("01")); r.Stat != "DELIVRD" {
		t.Errorf("the receipt says %s", r.Stat)
	}
	c.expectNoDeliver(time.Second)

	text := bytes.Repeat([]byte{'x'}, 255)
	id := c.submit(textTo(c.next(), w.numberFor(t, "01"), 0, 0, text))
	if got := w.awaitPush(t, withID(id)).Message.Text; got != string(text) {
		t.Errorf("sm_length 255: Hermès got %q", got)
	}

	b := textTo(c.next(), w.numberFor(t, "01"), 0, 0, nil)
	id = c.submit(fromEnd(b, 2, 255))
	if got := w.awaitPush(t, withID(id)).Message.Text; got != canned {
		t.Errorf("sm_default_msg_id 255: Hermès got %q", got)
	}

	a = w.account(t)
	c = w.bind(t, a, transceiver, smpp.V50)
	var numbers []string
	var dests [][]byte
	for range 255 {
		number := w.numberFor(t, "01")
		numbers, dests = append(numbers, number), append(dests, sme(number))
	}
	pdu := multiOf(c.next(), 255, dests...)
	c.SendRaw(pdu)
	raw := c.expectResp(sequenceOf(pdu), smpp.CmdSubmitMulti, smpp.ROK)
	id = c.messageID(raw)
	if rest := raw[smpp.HeaderLen+len(id)+1:]; len(rest) == 0 || rest[0] != 0 {
		t.Errorf("number_of_dests 255: got % x", raw)
	}
	w.expectPushesTo(t, a, numbers...)
}

func notGranted(t *testing.T, s *suite) {
	w := s.world(t, settings{
		"service_types": map[string]string{"OUT": "unavailable", "BAD": "denied"},
		"clients": []map[string]any{
			{"system_id": "typed", "password": accountSecret, "bind_policy": "pair", "service_types": []string{"", "OUT", "BAD"}},
			{"system_id": "query", "password": accountSecret, "bind_policy": "pair", "operations": []string{"query_sm"}},
			{"system_id": "submt", "password": accountSecret, "bind_policy": "pair", "operations": []string{"submit_sm"}},
		},
	})
	typed := account{SystemID: "typed", Password: accountSecret}
	for version, statuses := range map[byte][]smpp.Status{
		smpp.V50: {smpp.RSERTYPUNAUTH, smpp.RSERTYPUNAVAIL, smpp.RSERTYPDENIED},
		smpp.V34: {smpp.RINVSERTYP, smpp.RINVSERTYP, smpp.RINVSERTYP},
	} {
		c := w.bind(t, typed, transceiver, version)
		for i, service := range []string{"USSD", "OUT", "BAD"} {
			for _, pdu := range [][]byte{s0(c.next()), withSeq(d0(0), c.next()), m0(c.next())} {
				c.refused(ofService(pdu, service), statuses[i])
			}
		}
		c.submit(s0To(c.next(), w.numberFor(t, "01")))
	}

	for systemID, granted := range map[string]smpp.CommandID{"query": smpp.CmdQuerySM, "submt": smpp.CmdSubmitSM} {
		a := account{SystemID: systemID, Password: accountSecret}
		for _, version := range []byte{smpp.V50, smpp.V34} {
			c := w.bind(t, a, transceiver, version)
			for _, test := range []struct {
				pdu      []byte
				status34 smpp.Status
			}{
				{s0To(c.next(), w.numberFor(t, "01")), smpp.RSUBMITFAIL},
				{m0(c.next()), smpp.RSUBMITFAIL},
				{withSeq(d0(0), c.next()), smpp.RSUBMITFAIL},
				{q0(c.next(), "99999999", "1000"), smpp.RQUERYFAIL},
				{c0(c.next(), "99999999", "1000", ""), smpp.RCANCELFAIL},
				{r0(c.next(), "99999999", "1000"), smpp.RREPLACEFAIL},
			} {
				switch {
				case commandOf(test.pdu) == granted && granted == smpp.CmdSubmitSM:
					c.submit(test.pdu)
				case commandOf(test.pdu) == granted:
					c.refused(test.pdu, smpp.RINVMSGID, smpp.RQUERYFAIL)
				case version == smpp.V50:
					c.refused(test.pdu, smpp.RPROHIBITED)
				default:
					c.refused(test.pdu, test.status34)
				}
			}
			c.expectAlive()
		}
	}
}

func reservedValues(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V50)
	// The list has RINVDCS; by design a reserved data_coding is passed through.
	c.submit(patch(s0To(c.next(), w.numberFor(t, "01")), atDataCoding, 0x0B))
	for tag, status := range map[uint16]smpp.Status{0x000D: smpp.RINVSRCADDRSUBUNIT, 0x0005: smpp.RINVDSTADDRSUBUNIT} {
		pdu := withTLV(s0To(c.next(), w.numberFor(t, "01")), tag, 9)
		c.SendRaw(pdu)
		c.expectAnswer(sequenceOf(pdu), resp(smpp.CmdSubmitSM, status), resp(smpp.CmdSubmitSM, smpp.ROK))
	}
	c.expectAlive()
}

func scheduledState(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	v5, v34 := w.bind(t, a, transceiver, smpp.V50), w.bind(t, a, transceiver, smpp.V34)
	id := v5.submit(scheduled(s0To(v5.next(), w.numberFor(t, "01")), relative(3)))
	if got, want := v5.query(id, "1000"), (queried{ID: id, State: stateScheduled}); got != want {
		t.Errorf("5.0: got %+v, want %+v", got, want)
	}
	if got, want := v34.query(id, "1000"), (queried{ID: id, State: stateEnroute}); got != want {
		t.Errorf("3.4: got %+v, want %+v", got, want)
	}
	v5.awaitState(id, "1000", stateDelivered)
	v34.awaitState(id, "1000", stateDelivered)
}

func supersededFields(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V50)
	began := time.Now()
	mortal := c.submit(withTLV(validFor(s0To(c.next(), w.numberFor(t, "03")), relative(59)), 0x0017, 0, 0, 0, 3))
	lasting := c.submit(withTLV(validFor(s0To(c.next(), w.numberFor(t, "03")), relative(1)), 0x0017, 0, 0, 0x0E, 0x10))

	id := c.submit(withTLV(s0To(c.next(), w.numberFor(t, "01")), 0x0424, []byte("world!")...))
	if got := w.awaitPush(t, withID(id)).Message.Text; got != "world!" {
		t.Errorf("short_message and message_payload: Hermès got %q", got)
	}
	id = c.submit(scheduled(s0To(c.next(), w.numberFor(t, "01")), relative(2)))
	replace := withTLV(r0(c.next(), id, "1000"), 0x0424, []byte("PAYLOAD")...)
	c.SendRaw(replace)
	c.expectHdr16(sequenceOf(replace), smpp.CmdReplaceSM, smpp.ROK)
	if got := w.awaitPush(t, withID(id)).Message.Text; got != "PAYLOAD" {
		t.Errorf("replace_sm with message_payload: Hermès got %q", got)
	}

	c.awaitState(mortal, "1000", stateExpired)
	if took := time.Since(began); took < 2900*time.Millisecond || took > 5*time.Second {
		t.Errorf("expired after %v, want after qos_time_to_live", took)
	}
	if state := c.queryState(lasting, "1000"); state != stateEnroute {
		t.Errorf("validity_period ended a message with a longer qos_time_to_live: state %d", state)
	}
}

func submitTransaction(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V50)
	c.expectTransactions(w, smpp.CmdSubmitSM, func(dest string) []byte {
		return patch(patch(s0To(c.next(), dest), atESMClass, 2), atRegistered, 1)
	})
}

func broadcastUnsupported(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	const areas, contentType, interval = "0606 0004 00 414243", "0601 0003 00 0000", "0605 0003 09 0001"
	broadcast := func(tlvs string) []byte {
		// service_type, source, message_id, priority_flag, times, replace_if_present_flag, data_coding, sm_default_msg_id
		return join(octets("00000000 00000111 00000000 00000000 00 0101 3130303000 00 00 00 00 00 00 00"), octets(tlvs), octets("0604 0002 0001"))
	}
	for _, version := range []byte{smpp.V50, smpp.V34} {
		for _, request := range []smpp.CommandID{transceiver, receiver} {
			c := w.bind(t, w.account(t), request, version)
			for name, pdu := range map[string][]byte{
				"broadcast_sm":                      broadcast(areas + contentType + interval),
				"without broadcast_area_identifier": broadcast(contentType + interval),
				"area format 0x07":                  broadcast("0606 0004 07 414243" + contentType + interval),
				"frequency unit 0x01":               broadcast(areas + contentType + "0605 0003 01 0001"),
				"a content type of 2 octets":        broadcast(areas + "0601 0002 0000" + interval),
				"query_broadcast_sm":                vector(0x112, 0, cstring("MSGID"), octets("0101"), cstring("1000")),
				"cancel_broadcast_sm":               vector(0x113, 0, octets("00"), cstring("MSGID"), octets("0101"), cstring("1000")),
			} {
				t.Logf("version %#x, %v: %s", version, request, name)
				pdu = withSeq(pdu, c.next())
				c.SendRaw(pdu)
				c.expectNack(sequenceOf(pdu), smpp.RINVCMDID)
			}
			c.expectAlive()
		}
	}
}
