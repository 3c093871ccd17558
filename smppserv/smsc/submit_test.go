package smsc

import (
	"context"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

func TestASubmitIsAnsweredWithItsNumberWhenItIsOnDisk(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	last := sms.ID(0)
	for _, text := range []string{"one", "two"} {
		id := c.Submit(person, campaign, text)
		if strings.Trim(id, "0123456789") != "" || strings.HasPrefix(id, "0") {
			t.Fatalf("message_id %q", id)
		}
		m := r.message(id)
		if string(m.Content) != text || m.Submitter != "alice" || m.Recipient != sms.Hermes || m.Source.Number != person || m.Dest.Number != campaign {
			t.Fatalf("on disk is %+v", m)
		}
		if m.ID <= last {
			t.Fatalf("message_id %d follows %d", m.ID, last)
		}
		last = m.ID
	}
}

func TestHexadecimalIDsAreForWhoWantsThem(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) {
		r.alice().MessageIDHex, r.alice().ReceiptIDHex, r.hermes.eager = true, true, true
	})
	c := r.transceiver()
	for range 11 {
		c.Submit(person, campaign, "x")
	}
	id := c.SubmitSM(withReceipt("x"))
	if id != "c" {
		t.Fatalf("message_id %q", id)
	}
	if rc := receiptOf(t, c.ExpectDeliver()); rc.ID != id {
		t.Fatalf("the receipt is of %q", rc.ID)
	}
	if q := c.ExpectResp(c.Send(&smpp.QuerySM{MessageID: id, Source: international(person)}), smpp.ROK).(*smpp.QuerySMResp); q.MessageID != id {
		t.Fatalf("query_sm says %+v", q)
	}
}

func TestWhatCannotBeSentIsRefusedWithItsStatus(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.bob().Numbers = []string{"12345", "99*"} })
	alice, bob := r.transceiver(), r.bind(smpp.CmdBindTransceiver, "bob")
	for _, tc := range []struct {
		name   string
		change func(*smpp.SubmitSM)
		status smpp.Status
	}{
		{"reserved source TON", func(s *smpp.SubmitSM) { s.Source.TON = 7 }, smpp.RINVSRCTON},
		{"reserved source NPI", func(s *smpp.SubmitSM) { s.Source.NPI = 2 }, smpp.RINVSRCNPI},
		{"long alphanumeric source", func(s *smpp.SubmitSM) { s.Source = smpp.Address{TON: 5, Addr: "twelve chars"} }, smpp.RINVSRCADR},
		{"alphanumeric source", func(s *smpp.SubmitSM) { s.Source = smpp.Address{TON: 5, Addr: "eleven char"} }, smpp.ROK},
		{"no source", func(s *smpp.SubmitSM) { s.Source = smpp.Address{} }, smpp.ROK},
		{"control character in source", func(s *smpp.SubmitSM) { s.Source.Addr = "12\n34" }, smpp.RINVSRCADR},
		{"reserved destination TON", func(s *smpp.SubmitSM) { s.Dest.TON = 9 }, smpp.RINVDSTTON},
		{"reserved destination NPI", func(s *smpp.SubmitSM) { s.Dest.NPI = 200 }, smpp.RINVDSTNPI},
		{"no destination", func(s *smpp.SubmitSM) { s.Dest.Addr = "" }, smpp.RINVDSTADR},
		{"letters in destination", func(s *smpp.SubmitSM) { s.Dest.Addr = "12a45" }, smpp.RINVDSTADR},
		{"plus", func(s *smpp.SubmitSM) { s.Dest.Addr = "+12345" }, smpp.ROK},
		{"priority", func(s *smpp.SubmitSM) { s.PriorityFlag = 4 }, smpp.RINVPRTFLG},
		{"replace_if_present", func(s *smpp.SubmitSM) { s.ReplaceIfPresent = 2 }, smpp.RINVREPFLAG},
		{"canned message", func(s *smpp.SubmitSM) { s.DefaultMsgID = 1 }, smpp.RINVDFTMSGID},
		{"receipt bits", func(s *smpp.SubmitSM) { s.RegisteredDelivery = 3 }, smpp.RINVREGDLVFLG},
		{"esm_class", func(s *smpp.SubmitSM) { s.ESMClass = 0x04 | 0x08 }, smpp.RINVESMCLASS},
		{"broken user data header", func(s *smpp.SubmitSM) { s.ESMClass, s.ShortMessage = smpp.ESMUDHI, []byte{200, 1} }, smpp.RINVESMCLASS},
		{"half a character", func(s *smpp.SubmitSM) { s.DataCoding = 8 }, smpp.RINVMSGLEN},
		{"past schedule", func(s *smpp.SubmitSM) { s.ScheduleDeliveryTime = "200101000000000+" }, smpp.RINVSCHED},
		{"past validity", func(s *smpp.SubmitSM) { s.ValidityPeriod = "200101000000000+" }, smpp.RINVEXPIRY},
		{"validity that is no time", func(s *smpp.SubmitSM) { s.ValidityPeriod = "tomorrow" }, smpp.RINVEXPIRY},
		{"text and payload", func(s *smpp.SubmitSM) { s.TLVs = smpp.TLVs{smpp.TLVString(smpp.TagMessagePayload, "p")} }, smpp.ROPTPARNOTALLWD},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := submit("odd")
			tc.change(s)
			alice.ExpectResp(alice.Send(s), tc.status)
		})
	}
	for dest, status := range map[string]smpp.Status{"12345": smpp.ROK, "9901": smpp.ROK, "12346": smpp.RINVDSTADR} {
		s := submit("x")
		s.Dest.Addr = dest
		bob.ExpectResp(bob.Send(s), status)
	}
}

func TestARateIsKept(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.alice().ThrottleRate, r.st.ThrottleRate = 3, 1000 })
	c, b := r.transceiver(), []byte(nil)
	for i := range 4 {
		b = smpp.AppendPDU(b, 0, uint32(100+i), submit("x"))
	}
	c.SendRaw(b)
	for i := range 3 {
		c.ExpectResp(uint32(100+i), smpp.ROK)
	}
	c.ExpectResp(103, smpp.RTHROTTLED)
	other := r.bind(smpp.CmdBindTransceiver, "bob")
	for range 5 {
		other.Submit(person, campaign, "not throttled")
	}
}

func TestAFullQueueTakesNothingUntilItHasRoom(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.alice().MaxQueued = 2 })
	c := r.transceiver()
	first := c.Submit(person, campaign, "1")
	c.Submit(person, campaign, "2")
	c.ExpectResp(c.Send(submit("3")), smpp.RMSGQFUL)
	r.bind(smpp.CmdBindTransceiver, "bob").Submit(person, campaign, "another client's")
	for {
		m := r.next()
		m.report(sms.Outcome{Verdict: sms.Done})
		if m.ID.String() == first {
			break
		}
	}
	r.awaitState(first, sms.Delivered)
	c.Submit(person, campaign, "4")
}

func TestASubmitMultiIsOneMessageForEachDestination(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	bad := international("no number")
	multi := multiTo(smpp.Dest{Address: international("111")}, smpp.Dest{Address: bad}, smpp.Dest{Address: international("222")})
	resp := c.ExpectResp(c.Send(multi), smpp.ROK).(*smpp.SubmitMultiResp)
	if len(resp.Unsuccess) != 1 || resp.Unsuccess[0].Address != bad || resp.Unsuccess[0].Status != smpp.RINVDSTADR {
		t.Fatalf("answered %+v", resp)
	}
	seen := map[string]bool{}
	for range 2 {
		m := r.next()
		seen[m.Dest.Number] = true
		if m.PublicID().String() != resp.MessageID {
			t.Errorf("%s is known by %v, want %s", m.Dest.Number, m.PublicID(), resp.MessageID)
		}
	}
	if !seen["111"] || !seen["222"] {
		t.Fatalf("sent to %v", seen)
	}
	multi.Dests = []smpp.Dest{{Address: bad}}
	c.ExpectResp(c.Send(multi), smpp.RSUBMITFAIL)
	multi.Dests = []smpp.Dest{{ListName: "friends"}}
	c.ExpectResp(c.Send(multi), smpp.RINVDLNAME)
	multi.Dests, multi.PriorityFlag = []smpp.Dest{{Address: international("111")}}, 9
	c.ExpectResp(c.Send(multi), smpp.RINVPRTFLG)
}

func TestADataSMIsASubmitWithItsTextInThePayload(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	data := &smpp.DataSM{Source: international(person), Dest: international(campaign)}
	c.ExpectResp(c.Send(data), smpp.RMISSINGOPTPARAM)
	data.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("payload")}}
	resp := c.ExpectResp(c.Send(data), smpp.ROK).(*smpp.DataSMResp)
	if m := r.message(resp.MessageID); string(m.Content) != "payload" {
		t.Fatalf("on disk is %q", m.Content)
	}
}

func TestOn50ThePayloadWinsOverTheText(t *testing.T) {
	r := newRig(t, nil)
	c := r.dial()
	c.Bind(smpp.CmdBindTransceiver, "alice", "pw", smpp.V50)
	s := submit("text")
	s.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("payload")}}
	if m := r.message(c.SubmitSM(s)); string(m.Content) != "payload" {
		t.Fatalf("on disk is %q", m.Content)
	}
}

func TestWithoutTheStoreASubmitIsRefusedAndTheSessionLives(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.store.Close(ctx); err != nil {
		t.Fatal(err)
	}
	c.ExpectResp(c.Send(submit("x")), smpp.RSYSERR)
	c.ExpectAlive()
}
