package session

import (
	"errors"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

func TestAClientThatWeCalledIsGreetedFirst(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Greeting = &smpp.Outbind{SystemID: "centre", Password: "pw"} })
	if h, p := r.Expect(smpp.CmdOutbind); h.Sequence != firstSequence || h.Status != smpp.ROK || p.(*smpp.Outbind).SystemID != "centre" {
		t.Fatalf("greeted by %+v %+v", h, p)
	}
	r.Bind(smpp.CmdBindReceiver, "client", "pw", smpp.V34)
	delivery := r.send("hello")
	h, _ := r.Expect(smpp.CmdDeliverSM)
	if h.Sequence != firstSequence+1 {
		t.Errorf("the next sequence_number is %#x", h.Sequence)
	}
	r.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
	testkit.Receive(t, delivery, "the answer")
}

func TestSeveralRequestsAreAnsweredTogether(t *testing.T) {
	r := newBound(t, smpp.CmdBindReceiver, func(o *Options) { o.Window = 2 })
	parts := []smpp.PDU{}
	for range 3 {
		parts = append(parts, &smpp.DeliverSM{Source: smpp.Address{Addr: "1"}, Dest: smpp.Address{Addr: "2"}})
	}
	done := make(chan []Answer, 2)
	r.s.SendAll(parts, func(a []Answer) { done <- a })
	first, _ := r.Expect(smpp.CmdDeliverSM)
	second, _ := r.Expect(smpp.CmdDeliverSM)
	r.SendStatus(second.Sequence, smpp.RMSGQFUL, &smpp.DeliverSMResp{})
	third, _ := r.Expect(smpp.CmdDeliverSM)
	r.SendSeq(third.Sequence, &smpp.DeliverSMResp{})
	r.ExpectAlive()
	if len(done) > 0 {
		t.Fatal("it came to an end before the first one was answered")
	}
	r.SendStatus(first.Sequence, smpp.RXTAPPN, &smpp.DeliverSMResp{})
	a := testkit.Receive(t, done, "the answers")
	if len(a) != 3 || a[0].Status != smpp.RXTAPPN || a[1].Status != smpp.RMSGQFUL || a[2] != (Answer{}) {
		t.Errorf("answered %+v", a)
	}
	r.s.Close(nil)
	r.s.SendAll(parts, func(a []Answer) { done <- a })
	for _, a := range testkit.Receive(t, done, "the end") {
		if !errors.Is(a.Err, ErrClosed) {
			t.Errorf("on a closed session: %+v", a)
		}
	}
	if len(done) > 0 {
		t.Error("it came to an end twice")
	}
}

func TestANotificationIsSentWhileTheSessionIsBound(t *testing.T) {
	alert := &smpp.AlertNotification{Source: smpp.Address{Addr: "1"}, ESME: smpp.Address{Addr: "2"}}
	r := newRig(t, nil)
	if r.s.Notify(alert) {
		t.Error("it was sent before the bind")
	}
	r.Bind(smpp.CmdBindReceiver, "client", "pw", smpp.V34) // and nothing came before its answer
	if !r.s.Notify(alert) {
		t.Error("it was not sent")
	}
	r.Expect(smpp.CmdAlertNotification)
	r.s.Unbind(nil)
	r.Expect(smpp.CmdUnbind)
	if r.s.Notify(alert) {
		t.Error("it was sent behind unbind")
	}
	r.ExpectAlive()
}
