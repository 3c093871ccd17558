package session

import (
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
