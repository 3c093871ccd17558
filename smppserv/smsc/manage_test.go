package smsc

import (
	"context"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/sms"
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

func TestAReplaceThatIsRefusedChangesNothing(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.st.MaxOctets = 200 })
	c := r.transceiver()
	id := c.SubmitSM(later("old"))
	before := r.message(id)
	for _, tc := range []struct {
		name   string
		change func(*smpp.ReplaceSM)
		status smpp.Status
	}{
		{"whichever message it is", func(s *smpp.ReplaceSM) { s.ShortMessage = make([]byte, 201) }, smpp.RINVMSGLEN},
		{"valid until before it is due", func(s *smpp.ReplaceSM) { s.ValidityPeriod = "000000000100000R" }, smpp.RINVEXPIRY},
		{"due after its validity", func(s *smpp.ReplaceSM) { s.ScheduleDeliveryTime = "000000030000000R" }, smpp.RINVSCHED},
	} {
		t.Run(tc.name, func(t *testing.T) {
			replace := &smpp.ReplaceSM{MessageID: id, Source: international(person), ShortMessage: []byte("new")}
			tc.change(replace)
			c.ExpectResp(c.Send(replace), tc.status)
			if m := r.message(id); string(m.Content) != "old" || !m.DueAt.Equal(before.DueAt) || !m.ExpiresAt.Equal(before.ExpiresAt) {
				t.Errorf("it is %q, due %v, until %v", m.Content, m.DueAt, m.ExpiresAt)
			}
		})
	}
}

// hanging is a queue whose changes are not on disk in time.
type hanging struct{ Queue }

func (hanging) CancelBy(context.Context, sms.ID, string) error { return context.DeadlineExceeded }

func (hanging) Replace(context.Context, sms.ID, func(*sms.Message) error) error {
	return context.DeadlineExceeded
}

func TestWhatMayBeDoneLaterIsNotRefused(t *testing.T) {
	r := newRig(t, func(r *rig, o *Options) { o.Queue = hanging{r.q} })
	c := r.transceiver()
	id := c.SubmitSM(later("a"))
	c.ExpectResp(c.Send(&smpp.CancelSM{MessageID: id, Source: international(person), Dest: international(campaign)}), smpp.RSYSERR)
	c.ExpectResp(c.Send(&smpp.ReplaceSM{MessageID: id, Source: international(person), ShortMessage: []byte("b")}), smpp.RSYSERR)
}
