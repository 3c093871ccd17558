package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

var mulRows = []row{
	{"MUL-01", "must", "submit_multi is answered with one message_id and no_unsuccess 0; every recipient gets the message", multiDelivered},
	{"MUL-02", "must", "a recipient that cannot be reached is listed with its status; the others get the message", multiUnsuccess},
	{"MUL-03", "should", "submit_multi to invalid recipients only is refused", multiAllInvalid},
	{"MUL-04", "must", "number_of_dests is 1 to 254, and must be that of the recipients", multiNumber},
	{"MUL-05", "must", "a dest_flag other than 1 and 2 gets RINVDESTFLAG", multiDestFlag},
	{"MUL-06", "should", "a distribution list stands for its members, alone or among recipients, where the account may use lists", multiLists},
	{"MUL-07", "should", "submit_multi cannot replace or be a transaction; each recipient has a receipt of its own", multiLimits},
}

// sme is a dest_address of an SME (3.4, 4.5.1.1).
func sme(address string) []byte { return append(octets("01 0101"), cstring(address)...) }

// distributionList is a dest_address that names a list (3.4, 4.5.1.2).
func distributionList(name string) []byte { return append([]byte{2}, cstring(name)...) }

// multiOf is submit_multi of "hello" from 1000, with a number_of_dests that may not be that of the dests.
func multiOf(seq uint32, number byte, dests ...[]byte) []byte {
	return vector(0x21, seq, octets("00 0101"), cstring("1000"), []byte{number}, bytes.Join(dests, nil),
		octets("00 00 00 00 00 00 00 00 00 05 68656c6c6f"))
}

// Fields of multiOf after its dests, as offsets from the end.
const (
	multiESMClass   = 15
	multiRegistered = 10
	multiReplace    = 9
)

func fromEnd(b []byte, offset int, with byte) []byte { return patch(b, len(b)-offset, with) }

// A multiAnswer is the body of submit_multi_resp (3.4, 4.5.2).
type multiAnswer struct {
	id           string
	unsuccessful []string // as ton npi address status
}

func (c *conn) submitMulti(pdu []byte) multiAnswer {
	c.t.Helper()
	c.SendRaw(pdu)
	raw := c.expectResp(sequenceOf(pdu), smpp.CmdSubmitMulti, smpp.ROK)
	r := fieldReader{rest: raw[smpp.HeaderLen:]}
	a := multiAnswer{id: string(r.bounded("message_id", 65))}
	for range r.octets(1)[0] {
		plan := r.octets(2)
		address := r.bounded("destination_addr", 21)
		a.unsuccessful = append(a.unsuccessful, fmt.Sprintf("%d %d %q %#08x", plan[0], plan[1], address, binary.BigEndian.Uint32(r.octets(4))))
	}
	if r.fault != "" || len(r.rest) > 0 {
		c.t.Fatalf("submit_multi_resp is not as in 4.5.2: %s, % x after it\n% x", r.fault, r.rest, raw)
	}
	return a
}

// expectPushesTo requires one push of an account's message to each number, and to no other.
func (w *world) expectPushesTo(t *testing.T, a account, want ...string) {
	t.Helper()
	for _, to := range want {
		w.awaitPush(t, func(p push) bool { return p.Message.Client == a.SystemID && p.Message.To == to })
	}
	var got []string
	for _, p := range w.pushes(by(a)) {
		got = append(got, p.Message.To)
	}
	want = slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("pushed to %v, want %v", got, want)
	}
}

func multiDelivered(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	got := c.submitMulti(m0(3))
	if got.id == "" || len(got.unsuccessful) > 0 {
		t.Errorf("got %+v, want an id and nothing unsuccessful", got)
	}
	w.awaitPush(t, func(p push) bool { return p.Message.Client == a.SystemID && p.Message.To == "447700900002" })
	w.expectPushesTo(t, a, "447700900001", "447700900002")
	c.expectSilentAlive()
}

func multiUnsuccess(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	var reached []string
	for _, bad := range []string{"", "44x700"} {
		good := w.numberFor(t, "01")
		reached = append(reached, good)
		got := c.submitMulti(multiOf(c.next(), 2, sme(good), sme(bad)))
		if want := fmt.Sprintf("1 1 %q 0x0000000b", bad); got.id == "" || len(got.unsuccessful) != 1 || got.unsuccessful[0] != want {
			t.Errorf("%q: got %+v, want an id and [%s]", bad, got, want)
		}
	}
	w.expectPushesTo(t, a, reached...)
}

func multiAllInvalid(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	pdu := multiOf(c.next(), 2, sme(""), sme("44x700"))
	c.SendRaw(pdu)
	raw := c.expectAnswer(sequenceOf(pdu), resp(smpp.CmdSubmitMulti, smpp.RSUBMITFAIL), resp(smpp.CmdSubmitMulti, smpp.ROK))
	if statusOf(raw) == smpp.ROK {
		id, list, _ := bytes.Cut(raw[smpp.HeaderLen:], []byte{0})
		if len(list) == 0 || list[0] != 2 {
			t.Errorf("no_unsuccess is not 2: % x", raw)
		}
		c.refused(q0(c.next(), string(id), "1000"), smpp.RQUERYFAIL, smpp.RINVMSGID)
	} else if len(raw) != smpp.HeaderLen {
		t.Errorf("the error has a body: % x", raw)
	}
	c.expectSilentAlive()
	w.expectPushesTo(t, a)
}

func multiNumber(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	many := func(n int) (numbers []string, dests [][]byte) {
		for range n {
			number := w.numberFor(t, "01")
			numbers, dests = append(numbers, number), append(dests, sme(number))
		}
		return numbers, dests
	}
	c.refused(multiOf(c.next(), 0), smpp.RINVNUMDESTS)
	_, dests := many(255)
	c.refused(multiOf(c.next(), 255, dests...), smpp.RINVNUMDESTS)
	_, two := many(2)
	for _, number := range []byte{3, 1} {
		pdu := multiOf(c.next(), number, two...)
		c.SendRaw(pdu)
		raw := c.Await("submit_multi_resp", soon, func(raw []byte) bool { return sequenceOf(raw) == sequenceOf(pdu) })
		// The status of any field that the shifted parse hits will do.
		if commandOf(raw) != smpp.CmdSubmitMultiResp || statusOf(raw) == smpp.ROK || len(raw) != smpp.HeaderLen {
			t.Errorf("number_of_dests %d with two: got % x, want an error", number, raw)
		}
	}
	c.expectSilentAlive()
	w.expectPushesTo(t, a)

	one, oneDest := many(1)
	most, mostDests := many(254)
	for _, pdu := range [][]byte{multiOf(c.next(), 1, oneDest...), multiOf(c.next(), 254, mostDests...)} {
		if got := c.submitMulti(pdu); got.id == "" || len(got.unsuccessful) > 0 {
			t.Errorf("number_of_dests %d: got %+v", pdu[24], got)
		}
	}
	w.expectPushesTo(t, a, append(one, most...)...)
}

func multiDestFlag(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	for _, flag := range []byte{0, 3, 255} {
		c.refused(multiOf(c.next(), 1, patchFlag(sme(w.numberFor(t, "01")), flag)), smpp.RINVDESTFLAG)
		c.refused(multiOf(c.next(), 2, sme(w.numberFor(t, "01")), patchFlag(sme(w.numberFor(t, "01")), flag)), smpp.RINVDESTFLAG)
	}
	c.expectSilentAlive()
	w.expectPushesTo(t, a)
}

// patchFlag returns a dest_address with another dest_flag.
func patchFlag(dest []byte, flag byte) []byte { return append([]byte{flag}, dest[1:]...) }

func multiLists(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	members := listMembers(vocalcomMode)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	got := c.submitMulti(fromEnd(multiOf(c.next(), 1, distributionList(listName)), multiRegistered, 1))
	if got.id == "" || len(got.unsuccessful) > 0 {
		t.Errorf("the list: got %+v", got)
	}
	c.expectReceiptsFrom(got.id, members...)
	w.expectPushesTo(t, a, members...)

	c.refused(multiOf(c.next(), 1, distributionList("NOLIST")), smpp.RINVDLNAME)
	c.refused(multiOf(c.next(), 1, distributionList(strings.Repeat("L", 21))), smpp.RINVDLNAME)

	a = w.account(t)
	c = w.bind(t, a, transceiver, smpp.V34)
	single := w.numberFor(t, "01")
	if got := c.submitMulti(multiOf(c.next(), 2, distributionList(listName), sme(single))); got.id == "" || len(got.unsuccessful) > 0 {
		t.Errorf("the list and an SME: got %+v", got)
	}
	w.expectPushesTo(t, a, append([]string{single}, members...)...)

	a = w.fixture(t, "nolists")
	c = w.bind(t, a, transceiver, smpp.V34)
	c.refused(multiOf(c.next(), 1, distributionList(listName)), smpp.RCNTSUBDL)
	c.submitMulti(multiOf(c.next(), 1, sme(single)))
	w.awaitPush(t, by(a))
}

// expectReceiptsFrom requires one receipt of a message for each recipient, and no other.
func (c *conn) expectReceiptsFrom(id string, recipients ...string) {
	c.t.Helper()
	missing := map[string]bool{}
	for _, r := range recipients {
		missing[r] = true
	}
	for range recipients {
		r := c.expectReceipt(id)
		if !missing[r.Source.Addr] || r.Sub != "001" || r.Dest.Addr != "1000" {
			c.t.Errorf("a receipt from %s to %s with sub %s, want one from each of %v", r.Source.Addr, r.Dest.Addr, r.Sub, recipients)
		}
		delete(missing, r.Source.Addr)
	}
	c.expectNoDeliver(500 * time.Millisecond)
}

func multiLimits(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	first, second := w.numberFor(t, "01"), w.numberFor(t, "01")
	multi := func() []byte { return multiOf(c.next(), 2, sme(first), sme(second)) }
	c.refused(fromEnd(multi(), multiReplace, 1), smpp.RINVREPFLAG, smpp.RINVSUBREP)
	c.refused(fromEnd(multi(), multiESMClass, 2), smpp.RINVESMCLASS)
	got := c.submitMulti(withTLV(fromEnd(multi(), multiRegistered, 1), 0x0203, octets("80 3132")...))
	if got.id == "" || len(got.unsuccessful) > 0 {
		t.Errorf("with dest_subaddress: got %+v", got)
	}
	c.expectReceiptsFrom(got.id, first, second)
	w.expectPushesTo(t, a, first, second)
}
