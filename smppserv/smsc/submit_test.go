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
	r := newRig(t, func(r *rig, _ *Options) {
		r.bob().Numbers = []string{"12345", "99*"}
		r.st.ServiceTypes = map[string]smpp.Status{"WAP": smpp.RSERTYPUNAVAIL}
	})
	alice, bob := r.transceiver(), r.bind(smpp.CmdBindTransceiver, "bob")
	for _, tc := range []struct {
		name   string
		change func(*smpp.SubmitSM)
		status smpp.Status
	}{
		{"a number", func(s *smpp.SubmitSM) { s.PriorityFlag = 4 }, smpp.RINVPRTFLG},
		{"a number, before the service_type", func(s *smpp.SubmitSM) { s.PriorityFlag, s.ServiceType, s.Source.TON = 4, "WAP", 7 }, smpp.RINVPRTFLG},
		{"service_type, before the addresses", func(s *smpp.SubmitSM) { s.ServiceType, s.Source.TON = "WAP", 7 }, smpp.RINVSERTYP},
		{"source", func(s *smpp.SubmitSM) { s.Source.TON = 7 }, smpp.RINVSRCTON},
		{"no source", func(s *smpp.SubmitSM) { s.Source = smpp.Address{} }, smpp.ROK},
		{"no destination", func(s *smpp.SubmitSM) { s.Dest.Addr = "" }, smpp.RINVDSTADR},
		{"transaction mode", func(s *smpp.SubmitSM) { s.ESMClass = smpp.ESMTransaction }, smpp.RINVESMCLASS},
		{"broken user data header", func(s *smpp.SubmitSM) { s.ESMClass, s.ShortMessage = smpp.ESMUDHI, []byte{200, 1} }, smpp.RINVESMCLASS},
		{"past schedule", func(s *smpp.SubmitSM) { s.ScheduleDeliveryTime = "200101000000000+" }, smpp.RINVSCHED},
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
	multi.ReplaceIfPresent = 1
	c.ExpectResp(c.Send(multi), smpp.RINVREPFLAG)
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
