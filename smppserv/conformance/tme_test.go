package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

var tmeRows = []row{
	{"TME-01", "must", "an absolute time names the same instant in every time zone", absoluteTimes},
	{"TME-02", "must", "time zones go from 48 quarter hours west to 48 east; what is no zone is refused", timeZones},
	{"TME-03", "must", "a time that is none is refused with RINVSCHED or RINVEXPIRY", brokenTimes},
	{"TME-04", "must", "a relative time counts from the submit, in whole seconds", relativeTimes},
	{"TME-05", "should", "times in the past, and a validity that ends before the delivery begins, are refused", pastTimes},
	{"TME-06", "should", "the years 38 to 99 are those of the last century", centuries},
	{"TME-07", "must", "a message is EXPIRED when its validity_period is over, or hermes.validity when it names none", expiry},
	{"TME-08", "must", "a scheduled message is ENROUTE on 3.4, and may be cancelled", scheduledMessage},
}

// absoluteTime writes a time as it is in a zone so many quarter hours from UTC (3.4, 7.1.1).
func absoluteTime(at time.Time, quarters int) string {
	sign := '+'
	local := at.UTC().Add(time.Duration(quarters) * 15 * time.Minute)
	if quarters < 0 {
		sign, quarters = '-', -quarters
	}
	return fmt.Sprintf("%s%d%02d%c", local.Format("060102150405"), local.Nanosecond()/int(100*time.Millisecond), quarters, sign)
}

// A timeField is one of the two of a submit_sm that hold a time.
type timeField struct {
	name    string
	refusal smpp.Status
	put     func(pdu []byte, value string) []byte
}

var timeFields = []timeField{
	{"schedule_delivery_time", smpp.RINVSCHED, func(pdu []byte, value string) []byte { return insert(pdu, 42, 43, cstring(value)...) }},
	{"validity_period", smpp.RINVEXPIRY, func(pdu []byte, value string) []byte { return insert(pdu, 43, 44, cstring(value)...) }},
}

func (f timeField) submit(value string, allowed ...smpp.Status) submitCase {
	return submitCase{fmt.Sprintf("%s %q", f.name, value), f.put(s0(0), value), allowed}
}

func absoluteTimes(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	due := time.Now().Truncate(time.Second).Add(4 * time.Second)
	var ids []string
	zones := []int{0, 4, -20}
	for _, quarters := range zones {
		p := smpptest.NewSubmit("1000", w.numberTo(t, "01"), "hello")
		p.ScheduleDeliveryTime = absoluteTime(due, quarters)
		ids = append(ids, c.SubmitSM(p))
	}
	for i, id := range ids {
		if late := w.awaitPush(t, withID(id)).At.Sub(due); late < 0 || late > time.Second {
			t.Errorf("in the zone %d quarter hours from UTC: delivered %v after its time", zones[i], late)
		}
	}
}

func timeZones(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	due := time.Now().Add(time.Hour)
	for _, f := range timeFields {
		cases := []submitCase{f.submit(absoluteTime(due, 0)[:15]+"-", smpp.ROK)}
		for _, quarters := range []int{0, 1, -1, 48, -48} {
			cases = append(cases, f.submit(absoluteTime(due, quarters), smpp.ROK))
		}
		local := absoluteTime(due, 0)[:13]
		for _, zone := range []string{"xx+", "xx-", "00Z", "000", "04Z", "040"} {
			cases = append(cases, f.submit(local+zone, f.refusal))
		}
		// There are zones as far east as 56 quarter hours, though 3.4 has no room for them.
		cases = append(cases, f.submit(absoluteTime(due, 49), smpp.ROK, f.refusal), f.submit(absoluteTime(due, -49), smpp.ROK, f.refusal))
		c.expectSubmits(cases)
	}
}

func brokenTimes(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	year := time.Now().Year() + 1
	for year%4 == 0 {
		year++
	}
	yy := fmt.Sprintf("%02d", year%100)
	valid := yy + "0615120000000+"
	for _, f := range timeFields {
		cases := []submitCase{f.submit(valid, smpp.ROK)}
		for length := 1; length <= 15; length++ {
			cases = append(cases, f.submit(valid[:length], f.refusal))
		}
		for _, broken := range []string{
			valid + "0", valid + "0000", valid + strings.Repeat("0", 24), // of 17, 20 and 40 characters
			"abcdefghijklmnop", "A" + valid[1:], valid[:6] + "1a" + valid[8:], valid[:12] + "x" + valid[13:],
			yy + "0015120000000+", yy + "1315120000000+", // months
			yy + "0600120000000+", yy + "0431120000000+", yy + "0229120000000+", // days
			yy + "0615240000000+", yy + "0615126000000+", yy + "0615120060000+", // hour, minute, second
		} {
			cases = append(cases, f.submit(broken, f.refusal))
		}
		c.expectSubmits(cases)
	}
}

func relativeTimes(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	// The tenths and the zone of the second one do not count.
	relative := []string{"000000000004000R", "000000000004599R"}
	var ids []string
	sent := time.Now()
	for _, value := range relative {
		ids = append(ids, c.submit(timeFields[0].put(s0(c.next()), value)))
	}
	for i, id := range ids {
		if after := w.awaitPush(t, withID(id)).At.Sub(sent); after < 4*time.Second || after > 5*time.Second {
			t.Errorf("%s: delivered after %v", relative[i], after)
		}
	}
	for _, f := range timeFields {
		for _, value := range []string{"020610233429000R", "000000240000000R", "000032000000000R", "001300000000000R", "999999999999999R"} {
			c.expectSubmits([]submitCase{f.submit(value, smpp.ROK, f.refusal)})
		}
	}
	zero := timeFields[0].submit("000000000000000R", smpp.ROK, smpp.RINVSCHED)
	if id := c.expectSubmits([]submitCase{zero})[0]; id != "" {
		asked := time.Now()
		if p := w.awaitPush(t, withID(id)); p.At.Sub(asked) > time.Second {
			t.Errorf("%s: delivered after %v", zero.name, p.At.Sub(asked))
		}
	}
}

func pastTimes(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	now := time.Now()
	schedule, validity := timeFields[0], timeFields[1]
	both := func(from, until string) []byte { return schedule.put(validity.put(s0(0), until), from) }
	c.expectSubmits([]submitCase{
		schedule.submit(absoluteTime(now.Add(-time.Hour), 0), smpp.RINVSCHED), // the list allows a delivery at once, the design does not
		validity.submit(absoluteTime(now.Add(-time.Hour), 0), smpp.RINVEXPIRY),
		{"validity_period before schedule_delivery_time", both(absoluteTime(now.Add(2*time.Hour), 0), absoluteTime(now.Add(time.Hour), 4)), only(smpp.RINVEXPIRY)},
		{"the same, relative", both("000000020000000R", "000000010000000R"), only(smpp.RINVEXPIRY)},
		{"validity_period after schedule_delivery_time", both("000000010000000R", "000000020000000R"), only(smpp.ROK)},
	})
}

func centuries(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	validity := timeFields[1]
	c.expectSubmits([]submitCase{
		validity.submit("371231235959000+", smpp.ROK),
		validity.submit("380101000000000+", smpp.RINVEXPIRY),
		validity.submit("991231235959000+", smpp.RINVEXPIRY),
	})
}

func expiry(t *testing.T, s *suite) {
	const byDefault = 2 * time.Second
	shared, own := s.vocalcom(t), s.world(t, settings{"hermes.validity": byDefault.String()})
	cases := []struct {
		name     string
		w        *world
		validity string
		after    time.Duration
		c        *conn
		id       string
		sent     time.Time
	}{
		{name: "validity_period of 3 s", w: shared, validity: "000000000003000R", after: 3 * time.Second},
		{name: "no validity_period", w: own, after: byDefault},
	}
	for i := range cases {
		test := &cases[i]
		test.c = test.w.bind(t, test.w.account(t), transceiver, smpp.V34)
		p := smpptest.NewSubmit("1000", test.w.numberTo(t, "03"), "hello")
		p.ValidityPeriod, p.RegisteredDelivery = test.validity, 1
		test.sent = time.Now()
		test.id = test.c.SubmitSM(p)
	}
	for _, test := range cases {
		if got := test.c.queryState(test.id, "1000"); got != 1 && time.Since(test.sent) < test.after {
			t.Errorf("%s: in state %d before it is over", test.name, got)
		}
		r := test.c.expectReceipt(test.id)
		if took := time.Since(test.sent); took < test.after || took > test.after+2*time.Second {
			t.Errorf("%s: the receipt came after %v", test.name, took)
		}
		if state, _ := r.TLVs.Uint8(smpp.TagMessageState); r.Stat != "EXPIRED" || state != 3 {
			t.Errorf("%s: the receipt says %s, message_state %d", test.name, r.Stat, state)
		}
		if got := test.c.queryState(test.id, "1000"); got != 3 {
			t.Errorf("%s: in state %d, want 3", test.name, got)
		}
	}
}

func scheduledMessage(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	submit := func() (id, dest string) {
		dest = w.numberTo(t, "01")
		p := smpptest.NewSubmit("1000", dest, "hello")
		p.ScheduleDeliveryTime = "000000000005000R"
		return c.SubmitSM(p), dest
	}
	sent := time.Now()
	kept, _ := submit()
	cancelled, dest := submit()
	c.ExpectSilence(time.Second)
	for _, id := range []string{kept, cancelled} {
		if got := c.queryState(id, "1000"); got != 1 {
			t.Errorf("a scheduled message is in state %d, want 1", got)
		}
	}
	seq := c.next()
	c.SendRaw(c0(seq, cancelled, "1000", dest))
	c.expectHdr16(seq, smpp.CmdCancelSM, smpp.ROK)
	if got := c.queryState(cancelled, "1000"); got != 4 {
		t.Errorf("cancelled, it is in state %d, want 4", got)
	}
	if after := w.awaitPush(t, withID(kept)).At.Sub(sent); after < 5*time.Second {
		t.Errorf("delivered after %v, want 5 s", after)
	}
	c.awaitState(kept, "1000", 2)
	c.ExpectSilence(time.Second)
	if pushes := w.pushes(withID(cancelled)); len(pushes) > 0 {
		t.Errorf("cancelled, but pushed: %v", pushes)
	}
}
