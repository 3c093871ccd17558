package conformance

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

var subRows = []row{
	{"SUB-01", "must", "a submit_sm is answered by ROK and a message_id, and nothing else", submitAnswer},
	{"SUB-02", "must", "message_ids are digits, rise, and are never used again, not after a restart either", messageIDs},
	{"SUB-03", "must", "a submit_sm that is refused is answered by a header alone", refusedSubmits},
	{"SUB-04", "must", "service_type has at most 5 characters; what an account may not name is refused with RINVSERTYP", serviceTypes},
	{"SUB-05", "should", "every TON and NPI that SMPP defines is taken, a reserved one is refused with its own status", numberTypes},
	{"SUB-06", "must", "addresses have at most 20 characters", addressLengths},
	{"SUB-07", "must", "a destination_addr that is no number is refused with RINVDSTADR", destinationAddresses},
	{"SUB-08", "should", "names as source_addr are taken, and an empty one becomes the account's default_source", sourceAddresses},
	{"SUB-09", "must", "messaging modes: default, datagram, store and forward; no transaction mode in 3.4's submit_sm", messagingModes},
	{"SUB-10", "should", "esm_class may be an SME acknowledgement; other message types of a 3.4 client are refused", messageTypes},
	{"SUB-11", "must", "a user data header must fit, and not be used together with SAR or port parameters", userDataHeaders},
	{"SUB-12", "must", "priority_flag is 0 to 3", priorities},
	{"SUB-13", "must", "registered_delivery takes what 3.4 defines; reserved bits are refused with RINVREGDLVFLG", registeredDeliveries},
	{"SUB-14", "must", "replace_if_present_flag replaces the pending message to the same number: new id, the old one is DELETED", replaceIfPresent},
	{"SUB-15", "should", "reserved data_codings are passed through", reservedDataCodings},
	{"SUB-16", "should", "sm_default_msg_id sends the configured text; an unknown one is refused with RINVDFTMSGID", cannedMessages},
	{"SUB-17", "must", "short_message has at most 254 octets on 3.4, and all of them are delivered", shortMessageLengths},
	{"SUB-18", "must", "message_payload is one message of up to max_message_octets", messagePayloads},
	{"SUB-19", "must", "short_message together with message_payload: refused on 3.4, the payload counts on 5.0", textTwice},
	{"SUB-20", "should", "a text without UDH is taken whole, however many SMS it would be; UCS-2 has an even length", textLengths},
	{"SUB-21", "must", "SAR parameters: impossible values are refused, an incomplete set is ignored", sarParameters},
	{"SUB-22", "should", "protocol_id, ports, references and indicators reach the client that owns the number", passedOn},
}

// numberTo returns a number of its own, of 12 digits, that ends as the stub of Hermès is to answer.
func (w *world) numberTo(t *testing.T, ending string) string {
	t.Helper()
	return "44" + w.number(t)[4:] + ending
}

// withText is a submit_sm like s0, with another text and data_coding.
func withText(pdu []byte, dataCoding byte, text []byte) []byte {
	return insert(patch(pdu, 46, dataCoding), 48, 54, append([]byte{byte(len(text))}, text...)...)
}

// A submitCase is one parameter of a row: a submit_sm and the answers that are allowed.
type submitCase struct {
	name    string
	pdu     []byte
	allowed []smpp.Status
}

// expectSubmits sends each submit_sm, under a sequence_number of its own, and requires one of its answers, an error as
// a header alone. It returns the message_ids, "" for those that were refused.
func (c *conn) expectSubmits(cases []submitCase) (ids []string) {
	c.t.Helper()
	for _, s := range cases {
		seq := c.next()
		c.SendRaw(withSeq(s.pdu, seq))
		raw := c.Await(s.name, soon, func(raw []byte) bool { return commandOf(raw).IsResponse() && sequenceOf(raw) == seq })
		id := ""
		switch {
		case commandOf(raw) != smpp.CmdSubmitSMResp || !slices.Contains(s.allowed, statusOf(raw)):
			c.t.Errorf("%s: answered by %v %v, want %v", s.name, commandOf(raw), statusOf(raw), s.allowed)
		case statusOf(raw) == smpp.ROK:
			id = c.messageID(raw)
		case len(raw) != smpp.HeaderLen:
			c.t.Errorf("%s: the error has a body: % x", s.name, raw)
		}
		ids = append(ids, id)
	}
	c.expectAlive()
	return ids
}

func only(status ...smpp.Status) []smpp.Status { return status }

func submitAnswer(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, request := range []smpp.CommandID{transmitter, transceiver} {
		c := w.bind(t, w.account(t), request, smpp.V34)
		c.SendRaw(s0(2))
		raw := c.expectResp(2, smpp.CmdSubmitSM, smpp.ROK)
		body := raw[smpp.HeaderLen:]
		if end := bytes.IndexByte(body, 0); end < 1 || end > 64 || end != len(body)-1 {
			t.Errorf("%v: the body is % x, want a message_id and its NUL", request, body)
		}
	}
}

func messageIDs(t *testing.T, s *suite) {
	const submits, chunk = 10_000, 250
	w := s.world(t, slowHermes(nil))
	w.hermes.Script("01", testkit.Answer{Status: 200, After: time.Second})
	a := w.account(t)
	pdu := s0(0)
	// submitHalf returns the ids of half the submits, over two sessions.
	submitHalf := func() (ids []int) {
		conns := []*conn{w.bind(t, a, transceiver, smpp.V34), w.bind(t, a, transmitter, smpp.V34)}
		for range submits / 2 / chunk / len(conns) {
			sent := make([][]uint32, len(conns))
			for i, c := range conns {
				var all []byte
				for range chunk {
					seq := c.next()
					sent[i] = append(sent[i], seq)
					all = append(all, withSeq(pdu, seq)...)
				}
				c.SendRaw(all)
			}
			for i, c := range conns {
				for _, seq := range sent[i] {
					id := c.messageID(c.expectResp(seq, smpp.CmdSubmitSM, smpp.ROK))
					number, err := strconv.Atoi(id)
					if err != nil || !regexp.MustCompile(`^[1-9][0-9]*$`).MatchString(id) {
						t.Fatalf("the message_id %q is not digits alone", id)
					}
					ids = append(ids, number)
				}
			}
		}
		for _, c := range conns {
			c.SendRaw(u0(9))
			c.expectHdr16(9, smpp.CmdUnbind, smpp.ROK)
		}
		return ids
	}
	before := submitHalf()
	w.stop(t)
	w.start(t)
	after := submitHalf()
	if last, first := slices.Max(before), slices.Min(after); first <= last {
		t.Errorf("after a restart came the message_id %d, before it came %d", first, last)
	}
	all := append(before, after...)
	slices.Sort(all)
	if distinct := len(slices.Compact(all)); distinct != submits {
		t.Errorf("%d submits got %d message_ids", submits, distinct)
	}
}

func refusedSubmits(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	b := s0(0)
	sar := withTLV(withTLV(withTLV(b, 0x020C, 0, 1), 0x020E, 0), 0x020F, 0)
	cases := []submitCase{
		{"no body", cut(b, 16), only(smpp.RINVCMDLEN)},
		{"service_type of 6 characters", insert(b, 16, 17, cstring("ABCDEF")...), only(smpp.RINVSERTYP)},
		{"source_addr_ton 7", patch(b, 17, 7), only(smpp.RINVSRCTON)},
		{"source_addr_npi 2", patch(b, 18, 2), only(smpp.RINVSRCNPI)},
		{"source_addr of 21 characters", insert(b, 19, 24, cstring("123456789012345678901")...), only(smpp.RINVSRCADR)},
		{"dest_addr_ton 7", patch(b, 24, 7), only(smpp.RINVDSTTON)},
		{"dest_addr_npi 2", patch(b, 25, 2), only(smpp.RINVDSTNPI)},
		{"destination_addr empty", insert(b, 26, 39, 0), only(smpp.RINVDSTADR)},
		{"esm_class 0x02", patch(b, 39, 2), only(smpp.RINVESMCLASS)},
		{"priority_flag 4", patch(b, 41, 4), only(smpp.RINVPRTFLG)},
		{"schedule_delivery_time x", insert(b, 42, 43, cstring("x")...), only(smpp.RINVSCHED)},
		{"validity_period x", insert(b, 43, 44, cstring("x")...), only(smpp.RINVEXPIRY)},
		{"registered_delivery 0x03", patch(b, 44, 3), only(smpp.RINVREGDLVFLG)},
		{"replace_if_present_flag 2", patch(b, 45, 2), only(smpp.RINVREPFLAG)},
		{"sm_default_msg_id 77", insert(patch(b, 47, 77), 48, 54, 0), only(smpp.RINVDFTMSGID)},
		{"sm_length 32", patch(b, 48, 32), only(smpp.RINVMSGLEN)},
		{"half a TLV", join(b, octets("0204 000A 112233")), only(smpp.RINVOPTPARSTREAM)},
		{"user_message_reference of 1 octet", withTLV(b, 0x0204, 1), only(smpp.RINVPARLEN)},
		{"sar_total_segments 0", sar, only(smpp.RINVOPTPARAMVAL)},
		{"a text and message_payload", withTLV(b, 0x0424, 'x'), only(smpp.ROPTPARNOTALLWD)},
	}
	for _, request := range []smpp.CommandID{transmitter, transceiver} {
		w.bind(t, w.account(t), request, smpp.V34).expectSubmits(cases)
	}
	c := w.bind(t, w.account(t), receiver, smpp.V34)
	c.expectSubmits([]submitCase{{"on a receiver", b, only(smpp.RINVBNDSTS)}})
}

func serviceTypes(t *testing.T, s *suite) {
	b := s0(0)
	of := func(serviceType string) []byte { return insert(b, 16, 17, cstring(serviceType)...) }
	w := s.vocalcom(t)
	w.bind(t, w.account(t), transceiver, smpp.V34).expectSubmits([]submitCase{
		{"CMT", of("CMT"), only(smpp.ROK)},
		{"USSD", of("USSD"), only(smpp.ROK)},
		{"5 characters", of("ABCDE"), only(smpp.ROK, smpp.RINVSERTYP)},
		{"6 characters", of("ABCDEF"), only(smpp.RINVSERTYP)},
	})
	refused := only(smpp.RINVSERTYP)
	w.bind(t, w.account(t), transceiver, smpp.V34).expectSubmits([]submitCase{
		{"out of service", of(shutType), refused},
		{"content not allowed", of(deniedType), refused},
	})
	w.bind(t, w.fixture(t, "cmtonly"), transceiver, smpp.V34).expectSubmits([]submitCase{
		{"none, granted", b, only(smpp.ROK)},
		{"CMT, granted", of("CMT"), only(smpp.ROK)},
		{"USSD, not granted", of("USSD"), refused},
	})
}

func numberTypes(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	b := s0(0)
	var cases []submitCase
	add := func(field string, offset int, value byte, allowed ...smpp.Status) {
		cases = append(cases, submitCase{fmt.Sprintf("%s %#x", field, value), patch(b, offset, value), allowed})
	}
	for _, reserved := range []byte{7, 0xFF} {
		add("source_addr_ton", 17, reserved, smpp.RINVSRCTON)
		add("dest_addr_ton", 24, reserved, smpp.RINVDSTTON)
	}
	for _, reserved := range []byte{2, 0xFF} {
		add("source_addr_npi", 18, reserved, smpp.RINVSRCNPI)
		add("dest_addr_npi", 25, reserved, smpp.RINVDSTNPI)
	}
	for ton := range byte(7) {
		add("source_addr_ton", 17, ton, smpp.ROK)
		if ton != smpp.TONAlphanumeric { // see SUB-07
			add("dest_addr_ton", 24, ton, smpp.ROK)
		}
	}
	for _, npi := range []byte{0, 1, 3, 4, 6, 8, 9, 10, 14, 18} {
		add("source_addr_npi", 18, npi, smpp.ROK)
		add("dest_addr_npi", 25, npi, smpp.ROK)
	}
	c.expectSubmits(cases)
}

func addressLengths(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	b := s0(0)
	const of20 = "12345678901234567890"
	ids := c.expectSubmits([]submitCase{
		{"source_addr of 20", insert(b, 19, 24, cstring(of20)...), only(smpp.ROK)},
		{"source_addr of 21", insert(b, 19, 24, cstring(of20+"1")...), only(smpp.RINVSRCADR)},
		{"destination_addr of 20", insert(b, 26, 39, cstring(of20)...), only(smpp.ROK)},
		{"destination_addr of 21", insert(b, 26, 39, cstring(of20+"1")...), only(smpp.RINVDSTADR)},
	})
	if p := w.awaitPush(t, withID(ids[0])); p.Message.From != of20 {
		t.Errorf("pushed from %q, want %q", p.Message.From, of20)
	}
	if p := w.awaitPush(t, withID(ids[2])); p.Message.To != of20 {
		t.Errorf("pushed to %q, want %q", p.Message.To, of20)
	}
}

func destinationAddresses(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	b := s0(0)
	to := func(dest string) []byte { return insert(b, 26, 39, cstring(dest)...) }
	ids := c.expectSubmits([]submitCase{
		{"+447700900001", to("+447700900001"), only(smpp.ROK, smpp.RINVDSTADR)},
		{"empty", to(""), only(smpp.RINVDSTADR)},
		{"44x700", to("44x700"), only(smpp.RINVDSTADR)},
		{"with the octet 0x01", to("44\x017700"), only(smpp.RINVDSTADR)},
		{"TON 5, digits", patch(b, 24, smpp.TONAlphanumeric), only(smpp.RINVDSTTON, smpp.RINVDSTADR)},
		{"TON 5, letters", patch(to("Voicemail"), 24, smpp.TONAlphanumeric, 0), only(smpp.RINVDSTTON, smpp.RINVDSTADR)},
	})
	if ids[0] == "" {
		return
	}
	if p := w.awaitPush(t, withID(ids[0])); p.Message.To != "447700900001" {
		t.Errorf("+447700900001 is pushed to %q, want it without the +", p.Message.To)
	}
}

func sourceAddresses(t *testing.T, s *suite) {
	const standard = "3636" // of the fixture
	w := s.vocalcom(t)
	b := s0(0)
	of := func(source string) []byte {
		return insert(patch(b, 17, smpp.TONAlphanumeric, 0), 19, 24, cstring(source)...)
	}
	none := insert(patch(patch(b, 44, 1), 17, 0, 0), 19, 24, 0)
	c := w.bind(t, w.fixture(t, "sourced"), transceiver, smpp.V34)
	long := only(smpp.ROK, smpp.RINVSRCADR)
	names := []string{"Voicemail", "Voice @mail", "Voicemail 12", "Voicemail 1234567890"}
	ids := c.expectSubmits([]submitCase{
		{names[0], of(names[0]), only(smpp.ROK)},
		{names[1], of(names[1]), only(smpp.ROK)},
		{names[2], of(names[2]), long},
		{names[3], of(names[3]), long},
	})
	for i, id := range ids {
		if id == "" {
			continue
		}
		if p := w.awaitPush(t, withID(id)); p.Message.From != names[i] {
			t.Errorf("pushed from %q, want %q", p.Message.From, names[i])
		}
	}

	id := c.expectSubmits([]submitCase{{"no source, with default_source", none, only(smpp.ROK)}})[0]
	if p := w.awaitPush(t, withID(id)); p.Message.From != standard {
		t.Errorf("pushed from %q, want %q", p.Message.From, standard)
	}
	if r := c.expectReceipt(id); r.Dest.Addr != standard {
		t.Errorf("the receipt is addressed to %q, want %q", r.Dest.Addr, standard)
	}
	c = w.bind(t, w.account(t), transceiver, smpp.V34)
	id = c.expectSubmits([]submitCase{{"no source, without default_source", none, only(smpp.ROK)}})[0]
	c.expectReceipt(id)
}

func messagingModes(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	b := s0(0)
	w.bind(t, w.account(t), transceiver, smpp.V34).expectSubmits([]submitCase{
		{"default", patch(b, 39, 0), only(smpp.ROK)},
		{"datagram", patch(b, 39, 1), only(smpp.ROK)},
		{"store and forward", patch(b, 39, 3), only(smpp.ROK)},
		{"transaction", patch(b, 39, 2), only(smpp.RINVESMCLASS)},
	})
}

func messageTypes(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	b := s0(0)
	var cases []submitCase
	for _, class := range []byte{0x08, 0x10} {
		cases = append(cases, submitCase{fmt.Sprintf("esm_class %#x", class), patch(b, 39, class), only(smpp.ROK)})
	}
	for _, class := range []byte{0x04, 0x0C, 0x14, 0x1C, 0x3C} {
		cases = append(cases, submitCase{fmt.Sprintf("esm_class %#x", class), patch(b, 39, class), only(smpp.RINVESMCLASS)})
	}
	w.bind(t, w.account(t), transceiver, smpp.V34).expectSubmits(cases)
}

func userDataHeaders(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	b := patch(s0(0), 39, 0x40)
	ports := withText(b, 4, append(octets("06 05 04 0B84 23F0"), "hello"...))
	concatenated := withText(b, 0, append(octets("05 00 03 2A 01 01"), "hello"...))
	sar := func(pdu []byte) []byte {
		return withTLV(withTLV(withTLV(pdu, 0x020C, 0, 0x2A), 0x020E, 1), 0x020F, 1)
	}
	tooLong := only(smpp.RINVESMCLASS, smpp.RINVMSGLEN)
	// The design names ROPTPARNOTALLWD for SAR only.
	twice := only(smpp.ROPTPARNOTALLWD, smpp.RINVOPTPARAMVAL, smpp.RINVESMCLASS)
	w.bind(t, w.account(t), transceiver, smpp.V34).expectSubmits([]submitCase{
		{"ports", ports, only(smpp.ROK)},
		{"concatenation", concatenated, only(smpp.ROK)},
		{"UDHL is sm_length", patch(b, 49, 5), tooLong},
		{"UDHL beyond sm_length", patch(b, 49, 0x20), tooLong},
		{"no text", insert(b, 48, 54, 0), tooLong},
		{"UDH and SAR", sar(ports), only(smpp.ROPTPARNOTALLWD)},
		{"concatenation and SAR", sar(concatenated), only(smpp.ROPTPARNOTALLWD)},
		{"UDH and source_port", withTLV(concatenated, 0x020A, 0x23, 0xF0), twice},
		{"UDH and destination_port", withTLV(concatenated, 0x020B, 0x0B, 0x84), twice},
		{"reply path", patch(s0(0), 39, 0x80), only(smpp.ROK)},
		{"reply path and UDH", patch(ports, 39, 0xC0), only(smpp.ROK)},
	})
}

func priorities(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	b := s0(0)
	var cases []submitCase
	for _, priority := range []byte{0, 1, 2, 3} {
		cases = append(cases, submitCase{fmt.Sprint("priority_flag ", priority), patch(b, 41, priority), only(smpp.ROK)})
	}
	for _, priority := range []byte{4, 255} {
		cases = append(cases, submitCase{fmt.Sprint("priority_flag ", priority), patch(b, 41, priority), only(smpp.RINVPRTFLG)})
	}
	w.bind(t, w.account(t), transceiver, smpp.V34).expectSubmits(cases)
}

func registeredDeliveries(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	b := s0(0)
	var cases []submitCase
	asked := map[string]bool{}
	for _, registered := range []byte{0x00, 0x01, 0x02, 0x05, 0x0D, 0x11} {
		name := fmt.Sprintf("registered_delivery %#x", registered)
		asked[name] = registered&1 != 0
		cases = append(cases, submitCase{name, patch(b, 44, registered), only(smpp.ROK)})
	}
	for _, registered := range []byte{0x03, 0x40, 0x80} {
		cases = append(cases, submitCase{fmt.Sprintf("registered_delivery %#x", registered), patch(b, 44, registered), only(smpp.RINVREGDLVFLG)})
	}
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for i, id := range c.expectSubmits(cases) {
		if asked[cases[i].name] {
			c.expectReceipt(id)
		}
	}
}
