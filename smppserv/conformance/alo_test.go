package conformance

import (
	"net"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

var aloRows = []row{
	{"ALO-01", "should", "set_dpf: when the recipient can be reached again, one alert_notification goes to a receiving session", alertWhenReachable},
	{"ALO-02", "should", "a client that messages wait for is called with outbind, and gets them when it binds as receiver or transceiver", outbindCalls},
	{"ALO-03", "should", "a called client that hangs up, says nothing, has a wrong password or is not there does no harm", outbindFails},
}

// isAlert tells whether a PDU is alert_notification (3.4, 4.12).
func isAlert(raw []byte) bool { return commandOf(raw) == smpp.CmdAlertNotification }

func alertWhenReachable(t *testing.T, s *suite) {
	w := s.opportunity(t)
	a, absent := w.account(t), w.owner(t)
	tx := w.bind(t, a, transmitter, smpp.V34)
	rx := w.bind(t, a, receiver, smpp.V34)

	// In transaction mode the answer tells that the flag is set (dpf_result, 3.4, 5.3.2.28).
	pdu := vector(0x103, tx.next(), octets("00 0101"), cstring("1000"), octets("0101"), cstring(absent.Number),
		octets("02 00 00 0424 0005 68656c6c6f 0421 0001 01"))
	tx.SendRaw(pdu)
	raw := tx.expectResp(sequenceOf(pdu), smpp.CmdDataSM, smpp.RDELIVERYFAILURE)
	if result := tlvOf(raw, 0x0420); len(result) != 1 || result[0] != 1 {
		t.Errorf("dpf_result is % x, want 01\n% x", result, raw)
	}
	rx.ExpectSilence(500 * time.Millisecond)

	ms := w.bind(t, absent, transceiver, smpp.V34)
	raw = rx.Await("alert_notification", patience, isAlert)
	r := fieldReader{rest: raw[smpp.HeaderLen:]}
	r.octets(2)
	source := r.bounded("source_addr", 65)
	r.octets(2)
	esme := r.bounded("esme_addr", 65)
	if string(source) != absent.Number || string(esme) != "1000" || statusOf(raw) != smpp.ROK || r.fault != "" {
		t.Errorf("alert_notification is from %q to %q, status %v %s, want from %q to 1000\n% x", source, esme, statusOf(raw), r.fault, absent.Number, raw)
	}
	rx.SendRaw(vector(0x80000000, sequenceOf(raw)))
	for _, raw := range rx.collect(3 * time.Second) {
		if isAlert(raw) {
			t.Errorf("it came once more: % x", raw)
		}
	}
	tx.expectSilentAlive()
	rx.expectAlive()
	ms.expectAlive()
}

const outbindSecret = "outpass"

// A called client listens for outbind.
type calledClient struct {
	account
	t        *testing.T
	listener net.Listener
}

// listenForOutbind prepares a client of a world that is not started yet. Its address may be kept free of a listener.
func listenForOutbind(t *testing.T, systemID string) *calledClient {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &calledClient{account{SystemID: systemID, Password: accountSecret}, t, l}
}

func (c *calledClient) settings() map[string]any {
	return map[string]any{"system_id": c.SystemID, "password": c.Password, "bind_policy": "pair",
		"outbind": c.listener.Addr().String(), "outbind_password": outbindSecret}
}

// accept waits for the server's call and its outbind.
func (c *calledClient) accept(w *world, within time.Duration) *conn {
	c.t.Helper()
	if err := c.listener.(*net.TCPListener).SetDeadline(time.Now().Add(within)); err != nil {
		c.t.Fatal(err)
	}
	network, err := c.listener.Accept()
	if err != nil {
		c.t.Fatalf("%s was not called within %v: %v", c.SystemID, within, err)
	}
	called := w.accept(c.t, network)
	raw := called.ReadRaw(soon)
	r := fieldReader{rest: raw[smpp.HeaderLen:]}
	systemID, password := r.bounded("system_id", 16), r.bounded("password", 9)
	if commandOf(raw) != smpp.CmdOutbind || statusOf(raw) != smpp.ROK || len(systemID) == 0 || string(password) != outbindSecret ||
		r.fault != "" || len(r.rest) > 0 {
		c.t.Fatalf("the server's first PDU is % x, want outbind with the password %q; %s", raw, outbindSecret, r.fault)
	}
	return called
}

func outbindCalls(t *testing.T, s *suite) {
	asReceiver, asTransceiver := listenForOutbind(t, "outb1"), listenForOutbind(t, "outb2")
	w := s.world(t, settings{"clients": []map[string]any{asReceiver.settings(), asTransceiver.settings()}})
	for called, request := range map[*calledClient]smpp.CommandID{asReceiver: receiver, asTransceiver: transceiver} {
		w.mo(t, called.account, "1000", w.number(t), "first")
		w.mo(t, called.account, "1000", w.number(t), "second")
		c := called.accept(w, patience)
		c.bind(called.account, request, smpp.V34)
		c.expectMO("first")
		c.expectMO("second")
		c.expectAlive()
		if request == transceiver {
			c.submit(s0(2))
		}
	}
}

func outbindFails(t *testing.T, s *suite) {
	closing, mute, wrong, absent := listenForOutbind(t, "outb1"), listenForOutbind(t, "outb2"), listenForOutbind(t, "outb3"), listenForOutbind(t, "outb4")
	all := []*calledClient{closing, mute, wrong, absent}
	bystander := account{SystemID: "other", Password: accountSecret}
	list := []map[string]any{{"system_id": bystander.SystemID, "password": bystander.Password}}
	for _, called := range all {
		list = append(list, called.settings())
	}
	absent.listener.Close() // its calls are refused from now on
	w := s.world(t, settings{"clients": list})
	c := w.bind(t, bystander, transceiver, smpp.V34)
	for _, called := range all {
		w.mo(t, called.account, "1000", w.number(t), "waiting for "+called.SystemID)
	}

	var calls []time.Time
	hangUp := func() {
		called := closing.accept(w, patience)
		calls = append(calls, time.Now())
		called.Close()
	}
	hangUp()
	silent := mute.accept(w, patience)
	opened := time.Now()
	called := wrong.accept(w, patience)
	called.SendRaw(bRX(account{SystemID: wrong.SystemID, Password: "wrong12"}))
	called.expectAnswer(1, resp(smpp.CmdBindReceiver, smpp.RINVPASWD), resp(smpp.CmdBindReceiver, smpp.RBINDFAIL))
	called.expectClose(soon)
	hangUp()
	again, err := net.Listen("tcp", absent.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	absent.listener = again
	bindAndReceive := func(called *calledClient) (accepted time.Time) {
		session := called.accept(w, patience)
		accepted = time.Now()
		session.bind(called.account, receiver, smpp.V34)
		session.expectMO("waiting for " + called.SystemID)
		return accepted
	}
	bindAndReceive(absent)
	silent.expectClose(max(soon, time.Until(opened.Add(sessionInit+time.Second))))
	hangUp()
	last := bindAndReceive(closing)
	first, third := calls[1].Sub(calls[0]), last.Sub(calls[2])
	if first < 500*time.Millisecond || third < first+time.Second {
		t.Errorf("called again after %v, and in the end after %v: want waits that grow", first, third)
	}
	for called, reason := range map[*calledClient]string{
		closing: "did not bind", mute: "did not bind", wrong: "did not bind", absent: "cannot call the client",
	} {
		if !strings.Contains(w.logged(`"`+called.SystemID+`"`, 40), reason) {
			t.Errorf("the log does not tell that %s %s", called.SystemID, reason)
		}
	}
	c.expectAlive()
}
