package smsc

import (
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// later is a submit_sm that is not tried for an hour.
func later(text string) *smpp.SubmitSM {
	s := submit(text)
	s.ScheduleDeliveryTime = smpp.FormatTime(time.Now().Add(time.Hour))
	return s
}

func query(c *smpptest.Client, id string) *smpp.QuerySMResp {
	return c.ExpectResp(c.Send(&smpp.QuerySM{MessageID: id, Source: international(person)}), smpp.ROK).(*smpp.QuerySMResp)
}

func TestAQueryTellsTheState(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	id := c.Submit(person, campaign, "x")
	if q := query(c, id); q.State != smpp.StateEnroute || q.FinalDate != "" || q.MessageID != id {
		t.Fatalf("under way it is %+v", q)
	}
	r.next().report(sms.Outcome{Verdict: sms.Done})
	r.awaitState(id, sms.Delivered)
	if q := query(c, id); q.State != smpp.StateDelivered || len(q.FinalDate) != 16 {
		t.Fatalf("delivered it is %+v", q)
	}
	r.awaitState(id, sms.Delivered)
}

func TestAMessageIsManagedByItsSubmitterAlone(t *testing.T) {
	r := newRig(t, nil)
	c, other := r.transceiver(), r.bind(smpp.CmdBindTransceiver, "bob")
	id := c.SubmitSM(later("mine"))
	source, stranger := international(person), international("4999")
	for _, tc := range []struct {
		c      *smpptest.Client
		p      smpp.PDU
		status smpp.Status
	}{
		{other, &smpp.QuerySM{MessageID: id, Source: source}, smpp.RINVMSGID},
		{other, &smpp.CancelSM{MessageID: id, Source: source}, smpp.RINVMSGID},
		{other, &smpp.ReplaceSM{MessageID: id, Source: source}, smpp.RINVMSGID},
		{other, &smpp.CancelSM{Source: source, Dest: international(campaign)}, smpp.RCANCELFAIL},
		{c, &smpp.QuerySM{MessageID: "999999", Source: source}, smpp.RINVMSGID},
		{c, &smpp.QuerySM{MessageID: "", Source: source}, smpp.RINVMSGID},
		{c, &smpp.QuerySM{MessageID: "nonsense", Source: source}, smpp.RINVMSGID},
		{c, &smpp.QuerySM{MessageID: id, Source: stranger}, smpp.RQUERYFAIL},
		{c, &smpp.CancelSM{MessageID: id, Source: stranger}, smpp.RCANCELFAIL},
		{c, &smpp.CancelSM{MessageID: id, Source: source, Dest: stranger}, smpp.RCANCELFAIL},
		{c, &smpp.ReplaceSM{MessageID: id, Source: stranger}, smpp.RREPLACEFAIL},
	} {
		tc.c.ExpectResp(tc.c.Send(tc.p), tc.status)
	}
	if q := query(c, id); q.State != smpp.StateEnroute {
		t.Fatalf("it is %+v", q)
	}
}

func TestACancelledMessageIsDeletedOnce(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	id := c.SubmitSM(later("x"))
	cancel := &smpp.CancelSM{MessageID: id, Source: international(person), Dest: international(campaign)}
	c.ExpectResp(c.Send(cancel), smpp.ROK)
	if q := query(c, id); q.State != smpp.StateDeleted {
		t.Fatalf("it is %+v", q)
	}
	c.ExpectResp(c.Send(cancel), smpp.RCANCELFAIL)
}

func TestAConversationIsCancelledByItsAddresses(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	named := later("named")
	named.ServiceType = "CMT"
	a, b := c.SubmitSM(later("a")), c.SubmitSM(named)
	cancel := &smpp.CancelSM{ServiceType: "CMT", Source: international(person), Dest: international(campaign)}
	c.ExpectResp(c.Send(cancel), smpp.ROK)
	if r.message(a).State != sms.Enroute || r.message(b).State != sms.Deleted {
		t.Fatalf("they are %v and %v", r.message(a).State, r.message(b).State)
	}
	cancel.ServiceType = ""
	c.ExpectResp(c.Send(cancel), smpp.ROK)
	if r.message(a).State != sms.Deleted {
		t.Fatalf("it is %v", r.message(a).State)
	}
}

func TestAReplacedMessageHasItsNewText(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	id := c.SubmitSM(later("old"))
	before := r.message(id)
	replace := &smpp.ReplaceSM{MessageID: id, Source: international(person), ShortMessage: []byte("new")}
	c.ExpectResp(c.Send(replace), smpp.ROK)
	if m := r.message(id); string(m.Content) != "new" || !m.DueAt.Equal(before.DueAt) || !m.ExpiresAt.Equal(before.ExpiresAt) {
		t.Fatalf("it is %q, due %v, until %v", m.Content, m.DueAt, m.ExpiresAt)
	}
	replace.ScheduleDeliveryTime = "000000000001000R"
	c.ExpectResp(c.Send(replace), smpp.ROK)
	m := r.next()
	if string(m.Content) != "new" {
		t.Fatalf("sent was %q", m.Content)
	}
	c.ExpectResp(c.Send(replace), smpp.RREPLACEFAIL) // it is being tried
	m.report(sms.Outcome{Verdict: sms.Done})
	r.awaitState(id, sms.Delivered)
	c.ExpectResp(c.Send(replace), smpp.RREPLACEFAIL)
}

func TestReplaceIfPresentPutsTheNewMessageInThePlaceOfTheOld(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	old := c.SubmitSM(later("old"))
	s := later("new")
	s.ReplaceIfPresent = 1
	id := c.SubmitSM(s)
	if id == old {
		t.Fatal("the new message has the old one's message_id")
	}
	r.awaitState(old, sms.Deleted)
	if m := r.message(id); m.State != sms.Enroute || string(m.Content) != "new" {
		t.Fatalf("the new one is %v, %q", m.State, m.Content)
	}
}

func TestAReplacesTimesAreJudgedTogetherWithThoseThatAreKept(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	in := func(d time.Duration) string { return smpp.FormatTime(time.Now().Add(d)) }
	for _, tc := range []struct {
		name                                      string
		schedule, validity, newSchedule, newValid string
		status                                    smpp.Status
	}{
		{"valid until before it is due", in(time.Hour), "", "", in(time.Minute), smpp.RINVEXPIRY},
		{"valid beyond", in(time.Hour), "", "", in(2 * time.Hour), smpp.ROK},
		{"due after its validity", in(time.Hour), in(2 * time.Hour), in(3 * time.Hour), "", smpp.RINVSCHED},
		{"due within it", in(time.Hour), in(2 * time.Hour), in(90 * time.Minute), "", smpp.ROK},
		{"both are new", in(time.Hour), in(2 * time.Hour), in(3 * time.Hour), in(4 * time.Hour), smpp.ROK},
		{"both are new and contradict each other", in(time.Hour), in(2 * time.Hour), in(4 * time.Hour), in(3 * time.Hour), smpp.RINVEXPIRY},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := submit("old")
			s.ScheduleDeliveryTime, s.ValidityPeriod = tc.schedule, tc.validity
			id := c.SubmitSM(s)
			before := r.message(id)
			c.ExpectResp(c.Send(&smpp.ReplaceSM{MessageID: id, Source: international(person), ShortMessage: []byte("new"),
				ScheduleDeliveryTime: tc.newSchedule, ValidityPeriod: tc.newValid}), tc.status)
			m := r.message(id)
			switch {
			case tc.status != smpp.ROK && (string(m.Content) != "old" || !m.DueAt.Equal(before.DueAt) || !m.ExpiresAt.Equal(before.ExpiresAt)):
				t.Errorf("refused, and it is %q, due %v, until %v", m.Content, m.DueAt, m.ExpiresAt)
			case tc.status == smpp.ROK && (string(m.Content) != "new" || m.ExpiresAt.Before(m.DueAt)):
				t.Errorf("it is %q, due %v, until %v", m.Content, m.DueAt, m.ExpiresAt)
			}
		})
	}
}

func TestAReplaceMayEndAMessageBeforeItsNextTry(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	id := c.SubmitSM(submit("old"))
	r.next().report(sms.Outcome{Verdict: sms.TryAgain, After: time.Hour})
	testkit.Await(t, "it was tried once", func() bool { return r.message(id).Attempts == 1 })
	c.ExpectResp(c.Send(&smpp.ReplaceSM{MessageID: id, Source: international(person), ValidityPeriod: "000000000100000R"}), smpp.ROK)
}

func TestAReplaceBringsNoMoreThanASubmitMay(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.st.MaxOctets = 300 })
	c := r.dial()
	c.Bind(smpp.CmdBindTransceiver, "alice", "pw", smpp.V50)
	id := c.SubmitSM(later("old"))
	for octets, status := range map[int]smpp.Status{300: smpp.ROK, 301: smpp.RINVMSGLEN} {
		c.ExpectResp(c.Send(&smpp.ReplaceSM{MessageID: id, Source: international(person),
			TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: make([]byte, octets)}}}), status)
	}
	if m := r.message(id); len(m.Content) != 300 {
		t.Fatalf("it has %d octets", len(m.Content))
	}
}
