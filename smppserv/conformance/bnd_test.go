package conformance

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
)

var bndRows = []row{
	{"BND-01", "must", "each bind is answered by its own response with the server's system_id", bindIsAnswered},
	{"BND-02", "must", "sc_interface_version is the client's interface_version, at most 5.0", bindVersion},
	{"BND-03", "must", "a client of version 3.3 gets no optional parameters and ids of at most 8 characters", bindVersion33},
	{"BND-04", "should", "any other interface_version is taken as the version below it", bindVersionReserved},
	{"BND-05", "must", "a wrong password gets RINVPASWD and takes no place", bindWrongPassword},
	{"BND-06", "must", "an unknown system_id gets RINVSYSID", bindUnknownSystemID},
	{"BND-07", "must", "strings of a bind are taken up to their longest; one character more gets their status", bindLongestStrings},
	{"BND-08", "must", "an empty system_id, an empty password and illegal characters are refused; an account may do without password", bindEmptyStrings},
	{"BND-09", "should", "system_type counts only for an account that has one", bindSystemType},
	{"BND-10", "should", "a bind type that is not granted and a disabled account get RBINDFAIL", bindNotPermitted},
	{"BND-11", "must", "a refused bind is answered, with a header alone, then the connection closes", bindRefused},
	{"BND-12", "must", "a bind on a session that is bound gets RALYBND and changes nothing", bindTwice},
	{"BND-13", "must", "a session too many gets RALYBND and a close; the others go on", bindTooMany},
	{"BND-14", "must", "the limit of sessions counts all types together, also when binds come at the same time", bindLimit},
	{"BND-15", "must", "after unbind, FIN or RST the place is free at once", bindPlaceIsFreed},
	{"BND-16", "should", "sessions that stopped answering make room", bindPlaceOfTheDead},
	{"BND-17", "must", "the answer to the bind comes first, before waiting messages and answers to what was sent behind it", bindRespComesFirst},
	{"BND-18", "should", "address_range is ignored, whatever it says", bindAddressRange},
}

var bindTypes = []smpp.CommandID{transmitter, receiver, transceiver}

// bindOf is a bind with sequence_number 1 of the account at version 3.4, changed.
func bindOf(command smpp.CommandID, a account, changes ...func(*smpp.Bind)) []byte {
	p := &smpp.Bind{Type: command, SystemID: a.SystemID, Password: a.Password, InterfaceVersion: smpp.V34}
	for _, change := range changes {
		change(p)
	}
	return smpp.AppendPDU(nil, smpp.ROK, 1, p)
}

func systemID(s string) func(*smpp.Bind)     { return func(p *smpp.Bind) { p.SystemID = s } }
func password(s string) func(*smpp.Bind)     { return func(p *smpp.Bind) { p.Password = s } }
func systemType(s string) func(*smpp.Bind)   { return func(p *smpp.Bind) { p.SystemType = s } }
func addressRange(s string) func(*smpp.Bind) { return func(p *smpp.Bind) { p.AddressRange = s } }
func version(v byte) func(*smpp.Bind)        { return func(p *smpp.Bind) { p.InterfaceVersion = v } }

// grant sends a bind over a connection of its own and requires ROK. It returns the answer, too.
func (w *world) grant(t *testing.T, bind []byte) (*conn, []byte) {
	t.Helper()
	c := w.dial(t)
	c.SendRaw(bind)
	return c, c.expectResp(1, commandOf(bind), smpp.ROK)
}

// deny sends a bind over a connection of its own and requires that it is refused by one of these. The connection is
// still to be closed by the server.
func (w *world) deny(t *testing.T, name string, bind []byte, statuses ...smpp.Status) *conn {
	t.Helper()
	c := w.dial(t)
	c.SendRaw(bind)
	raw := c.ReadRaw(soon)
	if commandOf(raw) != commandOf(bind).Response() || sequenceOf(raw) != 1 || !slices.Contains(statuses, statusOf(raw)) {
		t.Errorf("%v, %s: got % x, want its response with %v", commandOf(bind), name, raw, statuses)
	}
	checkRefusal(t, name, raw)
	return c
}

func bindIsAnswered(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for i, vector := range []func(account) []byte{bTX, bRX, bTRX} {
		bind := vector(w.account(t))
		c := w.dial(t)
		c.SendRaw(bind)
		raw := c.ReadRaw(soon)
		want := octets([]string{"80000002", "80000001", "80000009"}[i] + "00000000 00000001")
		if !bytes.Equal(raw[4:16], want) {
			t.Fatalf("got % x, want the header % x", raw, want)
		}
		id, rest, ended := bytes.Cut(raw[16:], []byte{0})
		printable := !slices.ContainsFunc(id, func(b byte) bool { return b < ' ' || b > '~' })
		if !ended || len(id) < 1 || len(id) > 15 || !printable {
			t.Errorf("% x has no system_id of 1 to 15 characters", raw)
		}
		if len(rest) > 0 && (len(rest) != 5 || !bytes.Equal(rest[:4], octets("0210 0001"))) {
			t.Errorf("% x has more than sc_interface_version", raw)
		}
		c.expectAlive()
	}
}

// scInterfaceVersion is the value of the TLV in a bind_resp; none: 0.
func scInterfaceVersion(t *testing.T, raw []byte) byte {
	t.Helper()
	p, err := smpp.Decode(smpp.ParseHeader(raw), raw[smpp.HeaderLen:])
	if err != nil {
		t.Fatalf("% x: %v", raw, err)
	}
	v, _ := p.(*smpp.BindResp).TLVs.Uint8(smpp.TagScInterfaceVersion)
	return v
}

func bindVersion(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, asked := range []byte{smpp.V34, smpp.V50} {
		for _, command := range bindTypes {
			_, raw := w.grant(t, bindOf(command, w.account(t), version(asked)))
			if got := scInterfaceVersion(t, raw); got != asked {
				t.Errorf("%v with %#x is answered with sc_interface_version %#x", command, asked, got)
			}
		}
	}
}

func bindVersion33(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	checkResp := func(raw []byte) {
		t.Helper()
		if i := bytes.IndexByte(raw[smpp.HeaderLen:], 0); i != len(raw)-smpp.HeaderLen-1 {
			t.Errorf("after system_id comes more: % x", raw)
		}
	}
	for _, asked := range []byte{0x00, 0x33} {
		a := w.account(t)
		tx, raw := w.grant(t, bindOf(transmitter, a, version(asked)))
		checkResp(raw)
		rx, raw := w.grant(t, bindOf(receiver, a, version(asked)))
		checkResp(raw)
		number := w.numberEnding(t, "01")
		id := tx.submit(patch(s0To(tx.next(), number), 44, 1))
		if len(id) > 8 {
			t.Errorf("the message_id %q has more than 8 characters", id)
		}
		if r := rx.expectReceipt(id); len(r.TLVs) > 0 {
			t.Errorf("the receipt has TLVs: % x", r.Raw)
		}
		w.mo(t, a, "1000", number, "an MO")
		if p := rx.expectMO("an MO"); len(p.TLVs) > 0 {
			t.Errorf("the deliver_sm has TLVs: %v", p.TLVs)
		}
		withTLVs := withTLV(withTLV(s0To(tx.next(), number), 0x0204, 0xA3, 0x12), 0x1400, 1, 2, 3)
		tx.SendRaw(withTLVs)
		tx.expectResp(sequenceOf(withTLVs), smpp.CmdSubmitSM, smpp.ROK)
		tx.expectAlive()
		rx.expectSilentAlive()
	}

	// TLVs of another client do not reach it either.
	w = s.opportunity(t)
	b := w.owner(t)
	rx, raw := w.grant(t, bindOf(receiver, b, version(0x33)))
	checkResp(raw)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.submit(withTLV(withTLV(s0To(2, b.Number), 0x0204, 0xA3, 0x12), 0x0381, octets("010101 31303030")...))
	if p := rx.expectMO("hello"); len(p.TLVs) > 0 {
		t.Errorf("the deliver_sm has TLVs: %v", p.TLVs)
	}
}

func bindVersionReserved(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, test := range []struct {
		asked, answered byte
		registered3     smpp.Status // 5.0 gave this registered_delivery a meaning
	}{
		{0x22, 0, smpp.RINVREGDLVFLG},
		{0x35, 0x35, smpp.RINVREGDLVFLG},
		{0x4F, 0x4F, smpp.RINVREGDLVFLG},
		{0x51, 0x50, smpp.ROK},
		{0xFF, 0x50, smpp.ROK},
	} {
		t.Logf("interface_version %#x", test.asked)
		c, raw := w.grant(t, bindOf(transceiver, w.account(t), version(test.asked)))
		if got := scInterfaceVersion(t, raw); got != test.answered {
			t.Errorf("%#x is answered with sc_interface_version %#x, want %#x", test.asked, got, test.answered)
		}
		c.SendRaw(patch(s0(2), 44, 3))
		c.expectResp(2, smpp.CmdSubmitSM, test.registered3)
		if id := c.submit(s0(3)); test.asked == 0x22 && len(id) > 8 {
			t.Errorf("the message_id %q has more than 8 characters", id)
		}
	}
}

func bindWrongPassword(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	var denied []*conn
	for _, command := range bindTypes {
		denied = append(denied, w.deny(t, "a wrong password", bindOf(command, a, password("secret2")), smpp.RINVPASWD))
	}
	w.bind(t, a, transceiver, smpp.V34)
	w.bind(t, a, transceiver, smpp.V34)
	for _, c := range denied {
		c.expectClose(soon)
	}
}

func bindUnknownSystemID(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	var denied []*conn
	for _, command := range bindTypes {
		denied = append(denied, w.deny(t, "an unknown system_id", bindOf(command, account{SystemID: "nobody", Password: accountSecret}), smpp.RINVSYSID))
	}
	for _, c := range denied {
		c.expectClose(soon)
	}
}

func bindLongestStrings(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	longest := w.fixture(t, "fifteen-letters")
	if len(longest.SystemID) != 15 || len(longest.Password) != 8 {
		t.Fatal("the fixture has changed")
	}
	var denied []*conn
	for _, command := range bindTypes {
		for _, bind := range [][]byte{
			bindOf(command, longest),
			bindOf(command, a, systemType("a-type-of-12")),
			bindOf(command, a, addressRange(strings.Repeat("1", 40))),
		} {
			c, _ := w.grant(t, bind)
			c.Unbind()
		}
		for _, test := range tooLong(a, longest) {
			denied = append(denied, w.deny(t, test.name, bindOf(command, test.account, test.change), test.status))
		}
	}
	for _, c := range denied {
		c.expectClose(soon)
	}
	// Providers give out longer passwords: those of accounts that have one are taken.
	w.grant(t, bindOf(transceiver, w.fixture(t, "longpw")))
}

type badBind struct {
	name    string
	account account
	change  func(*smpp.Bind)
	status  smpp.Status
}

// tooLong are binds with one character too many.
func tooLong(a, longest account) []badBind {
	return []badBind{
		{"a system_id of 16", longest, systemID(longest.SystemID + "x"), smpp.RINVSYSID},
		{"a password of 9", longest, password(longest.Password + "x"), smpp.RINVPASWD},
		{"a system_type of 13", a, systemType("a-type-of--13"), smpp.RINVSYSTYP},
		{"an address_range of 41", a, addressRange(strings.Repeat("1", 41)), smpp.RBINDFAIL},
	}
}

func bindEmptyStrings(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	var denied []*conn
	for _, command := range bindTypes {
		for _, test := range emptyOrIllegal(a) {
			denied = append(denied, w.deny(t, test.name, bindOf(command, test.account, test.change), test.status))
		}
	}
	w.grant(t, bindOf(transceiver, w.fixture(t, "nopass"), password("")))
	for _, c := range denied {
		c.expectClose(soon)
	}
}

func emptyOrIllegal(a account) []badBind {
	return []badBind{
		{"an empty system_id", a, systemID(""), smpp.RINVSYSID},
		{"an empty password", a, password(""), smpp.RINVPASWD},
		{"a system_id with 0x07", a, systemID(a.SystemID + "\x07"), smpp.RINVSYSID},
		{"a system_id with 0xE9", a, systemID(a.SystemID + "\xE9"), smpp.RINVSYSID},
	}
}

func bindSystemType(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	typed := w.fixture(t, "typed")
	var denied []*conn
	for _, command := range bindTypes {
		for _, wrong := range []string{"", "XXX"} {
			denied = append(denied, w.deny(t, "system_type "+wrong, bindOf(command, typed, systemType(wrong)), smpp.RINVSYSTYP, smpp.RBINDFAIL))
		}
		c, _ := w.grant(t, bindOf(command, typed, systemType("WWW")))
		c.Unbind()
	}
	a := w.account(t)
	for _, open := range []string{"", "X", "VMA", "a-type-of-12"} {
		c, _ := w.grant(t, bindOf(transceiver, a, systemType(open)))
		c.Unbind()
	}
	for _, c := range denied {
		c.expectClose(soon)
	}
}

func bindNotPermitted(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	txonly, disabled := w.fixture(t, "txonly"), w.fixture(t, "disabled")
	var denied []*conn
	for _, v := range []byte{smpp.V34, smpp.V50} {
		for _, command := range []smpp.CommandID{receiver, transceiver} {
			denied = append(denied, w.deny(t, "not granted", bindOf(command, txonly, version(v)), smpp.RBINDFAIL))
		}
		denied = append(denied, w.deny(t, "disabled", bindOf(transceiver, disabled, version(v)), smpp.RBINDFAIL))
		c, _ := w.grant(t, bindOf(transmitter, txonly, version(v)))
		c.Unbind()
	}
	for _, c := range denied {
		c.expectClose(soon)
	}
}

func bindRefused(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	// In the order of the list of fixtures: rows that take several in another one would wait for each other.
	txonly, disabled, typed, longest := w.fixture(t, "txonly"), w.fixture(t, "disabled"), w.fixture(t, "typed"), w.fixture(t, "fifteen-letters")
	bad := []badBind{
		{"a wrong password", a, password("secret2"), smpp.RINVPASWD},
		{"an unknown system_id", a, systemID("nobody"), smpp.RINVSYSID},
		{"a wrong system_type", typed, systemType("XXX"), smpp.RINVSYSTYP},
		{"disabled", disabled, systemType(""), smpp.RBINDFAIL},
	}
	bad = append(append(bad, tooLong(a, longest)...), emptyOrIllegal(a)...)
	var open []*conn
	refuse := func(command smpp.CommandID, test badBind) {
		allowed := []smpp.Status{test.status}
		if test.status == smpp.RINVSYSTYP {
			allowed = append(allowed, smpp.RBINDFAIL)
		}
		c := w.deny(t, test.name, bindOf(command, test.account, test.change), allowed...)
		// By the design this connection closes: it is too late for a good bind.
		c.SendRaw(withSeq(bindOf(command, a), 2))
		open = append(open, c)
	}
	for _, command := range bindTypes {
		for _, test := range bad {
			refuse(command, test)
		}
	}
	for _, command := range []smpp.CommandID{receiver, transceiver} {
		refuse(command, badBind{"not granted", txonly, systemType(""), smpp.RBINDFAIL})
	}
	for _, c := range open {
		for _, raw := range c.drain(soon) {
			if statusOf(raw) == smpp.ROK {
				t.Errorf("a connection that is being closed answered a good bind by % x", raw)
			}
		}
	}
	w.bind(t, a, transceiver, smpp.V34)
	w.bind(t, a, transceiver, smpp.V34)
}
