package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// message_state (3.4, 5.2.28).
const (
	stateScheduled     = 0 // 5.0 only
	stateEnroute       = 1
	stateDelivered     = 2
	stateExpired       = 3
	stateDeleted       = 4
	stateUndeliverable = 5
)

// Fields of s0, as offsets.
const (
	atESMClass   = 39
	atSchedule   = 42
	atValidity   = 43
	atRegistered = 44
	atDataCoding = 46
)

var qryRows = []row{
	{"QRY-01", "must", "query_sm of a message under way is answered with its id, no final_date, ENROUTE, and nothing more", queryEnroute},
	{"QRY-02", "must", "final states come with the time of the end, 16 characters in UTC", queryFinal},
	{"QRY-03", "must", "query_sm of an unknown id and of another account's are refused alike", queryUnknown},
	{"QRY-04", "must", "query_sm must bear the message's own source address, which may be NULL", querySource},
	{"QRY-05", "should", "ids of submit_multi and data_sm can be queried, from any session of the account", queryOthers},
}

// numberFor returns a telephone number of 12 digits that no other row uses, with the two last digits that say what
// becomes of it at Hermès.
func (w *world) numberFor(t *testing.T, outcome string) string {
	t.Helper()
	unique := w.number(t)
	return "44" + unique[len(unique)-8:] + outcome
}

// relative is a time of SMPP (3.4, 7.1.1.2), at most 59 s from now.
func relative(seconds int) string { return fmt.Sprintf("0000000000%02d000R", seconds) }

// scheduled sets the schedule_delivery_time of an s0 whose later fields are as wanted.
func scheduled(b []byte, at string) []byte {
	return insert(b, atSchedule, atSchedule+1, cstring(at)...)
}

// validFor sets the validity_period of an s0 whose later fields are as wanted.
func validFor(b []byte, period string) []byte {
	return insert(b, atValidity, atValidity+1, cstring(period)...)
}

// awaitTried waits until a message was tried in vain and is pending again.
func (w *world) awaitTried(t *testing.T, id string) {
	t.Helper()
	testkit.Await(t, "a try that failed", func() bool {
		return strings.Contains(w.logged(fmt.Sprintf(`"message_id":%s,`, id), 10), "a try failed, to be tried again")
	})
}

// A queried is the body of query_sm_resp (3.4, 4.8.2).
type queried struct {
	ID, FinalDate    string
	State, ErrorCode byte
}

// query requires ROK and a body that is whole, and returns it.
func (c *conn) query(id, source string) queried {
	c.t.Helper()
	seq := c.next()
	c.SendRaw(q0(seq, id, source))
	return c.queryAnswer(seq)
}

func (c *conn) queryAnswer(seq uint32) queried {
	c.t.Helper()
	raw := c.expectResp(seq, smpp.CmdQuerySM, smpp.ROK)
	r := fieldReader{rest: raw[smpp.HeaderLen:]}
	q := queried{ID: string(r.bounded("message_id", 65)), FinalDate: string(r.bounded("final_date", 17))}
	q.State, q.ErrorCode = r.octets(1)[0], r.octets(1)[0]
	if r.fault != "" || len(r.rest) > 0 {
		c.t.Fatalf("query_sm_resp is not as in 4.8.2: %s, % x after it\n% x", r.fault, r.rest, raw)
	}
	return q
}

func queryEnroute(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	id := c.submit(s0To(c.next(), w.numberFor(t, "03")))
	want := queried{ID: id, State: stateEnroute}
	if got := c.query(id, "1000"); got != want {
		t.Errorf("at once: got %+v, want %+v", got, want)
	}
	w.awaitTried(t, id)
	if got := c.query(id, "1000"); got != want {
		t.Errorf("after it was tried: got %+v, want %+v", got, want)
	}
}

func queryFinal(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	began := time.Now()
	cancelled := c.submit(s0To(c.next(), w.numberFor(t, "03")))
	w.awaitTried(t, cancelled)
	c.cancel(cancelled, "1000", "")
	// REJECTED does not exist here: what Hermès refuses is UNDELIVERABLE.
	for _, test := range []struct {
		name, id string
		state    byte
	}{
		{"delivered", c.submit(s0To(c.next(), w.numberFor(t, "01"))), stateDelivered},
		{"expired", c.submit(validFor(s0To(c.next(), w.numberFor(t, "03")), relative(1))), stateExpired},
		{"cancelled", cancelled, stateDeleted},
		{"undeliverable", c.submit(s0To(c.next(), w.numberFor(t, "02"))), stateUndeliverable},
	} {
		c.awaitState(test.id, "1000", test.state)
		got := c.query(test.id, "1000")
		if got.ID != test.id || got.State != test.state {
			t.Errorf("%s: got %+v, want the id %s and the state %d", test.name, got, test.id, test.state)
		}
		if !regexp.MustCompile(`^\d{13}00\+$`).MatchString(got.FinalDate) {
			t.Errorf("%s: final_date %q, want YYMMDDhhmmsst00+", test.name, got.FinalDate)
			continue
		}
		at, err := time.Parse("060102150405", got.FinalDate[:12])
		if err != nil || at.Before(began.Add(-2*time.Second)) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("%s: final_date %q (%v), want a time between %v and now", test.name, got.FinalDate, err, began.UTC())
		}
	}
}

// refused sends a request and requires its response to be a header alone with one of these statuses, which it returns.
func (c *conn) refused(pdu []byte, allowed ...smpp.Status) smpp.Status {
	c.t.Helper()
	c.SendRaw(pdu)
	var answers []answer
	for _, status := range allowed {
		answers = append(answers, resp(commandOf(pdu), status))
	}
	raw := c.expectAnswer(sequenceOf(pdu), answers...)
	if len(raw) != smpp.HeaderLen {
		c.t.Errorf("%v has a body: % x", commandOf(raw), raw)
	}
	return statusOf(raw)
}

func queryUnknown(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	foreign := w.bind(t, w.account(t), transceiver, smpp.V34).submit(s0To(2, w.numberFor(t, "03")))
	allowed := []smpp.Status{smpp.RINVMSGID, smpp.RQUERYFAIL}
	unknown := c.refused(q0(c.next(), "99999999", "1000"), allowed...)
	c.refused(q0(c.next(), "MSGID", "1000"), allowed...)
	c.refused(q0(c.next(), "", "1000"), allowed...)
	if got := c.refused(q0(c.next(), foreign, "1000"), allowed...); got != unknown {
		t.Errorf("another account's id is refused with %v, an unknown one with %v", got, unknown)
	}
	c.expectAlive()
}

func querySource(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	id := c.submit(s0To(c.next(), w.numberFor(t, "03")))
	query := q0(0, id, "1000")
	ton := len(query) - len("1000") - 3
	for _, mismatch := range [][]byte{
		q0(c.next(), id, "1001"),
		q0(c.next(), id, ""),
		withSeq(patch(query, ton, 2), c.next()),
		withSeq(patch(query, ton+1, 3), c.next()),
	} {
		c.refused(mismatch, smpp.RQUERYFAIL, smpp.RINVMSGID, smpp.RINVSRCADR)
	}
	c.query(id, "1000")

	c = w.bind(t, w.fixture(t, "sourced"), transceiver, smpp.V34)
	id = c.submit(insert(s0To(c.next(), w.numberFor(t, "03")), 17, 24, 0, 0, 0))
	null := vector(3, c.next(), cstring(id), octets("00 00 00"))
	c.SendRaw(null)
	if got := c.queryAnswer(sequenceOf(null)); got.ID != id || got.State != stateEnroute {
		t.Errorf("a NULL source queried with NULL: got %+v", got)
	}
	explicit := q0(c.next(), id, "3636")
	c.SendRaw(explicit)
	c.expectAnswer(sequenceOf(explicit), resp(smpp.CmdQuerySM, smpp.ROK), resp(smpp.CmdQuerySM, smpp.RQUERYFAIL),
		resp(smpp.CmdQuerySM, smpp.RINVMSGID), resp(smpp.CmdQuerySM, smpp.RINVSRCADR))
}

func queryOthers(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	second := w.bind(t, a, transmitter, smpp.V34)
	c.refused(q0(c.next(), "99999999", "1000"), smpp.RINVMSGID, smpp.RQUERYFAIL)

	multi := multiOf(c.next(), 2, sme(w.numberFor(t, "03")), sme(w.numberFor(t, "03")))
	c.SendRaw(multi)
	data := dataTo(c.next(), w.numberFor(t, "03"))
	c.SendRaw(data)
	ids := []string{
		c.submit(s0To(c.next(), w.numberFor(t, "03"))),
		c.messageID(c.expectResp(sequenceOf(multi), smpp.CmdSubmitMulti, smpp.ROK)),
		c.messageID(c.expectResp(sequenceOf(data), smpp.CmdDataSM, smpp.ROK)),
	}
	if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("the ids are not distinct: %v", ids)
	}
	for _, id := range ids {
		for name, from := range map[string]*conn{"first": c, "second": second} {
			if got := from.query(id, "1000"); got.ID != id || got.State != stateEnroute {
				t.Errorf("from the %s session: got %+v, want the id %s and the state %d", name, got, id, stateEnroute)
			}
		}
	}
}
