package session

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// touchy is a Handler that some texts make panic.
type touchy struct{ *fake }

func (h touchy) Request(s *Session, hd smpp.Header, p smpp.PDU) {
	if submit, ok := p.(*smpp.SubmitSM); ok && string(submit.ShortMessage) == "private" {
		panic(string(submit.ShortMessage))
	}
	h.fake.Request(s, hd, p)
}

func TestAPDUThatPanicsItsHandlerEndsItsSessionAloneAndIsLoggedWithoutItsText(t *testing.T) {
	var log testkit.Log
	r := newBound(t, smpp.CmdBindTransceiver, func(o *Options) {
		o.Handler, o.Log = touchy{o.Handler.(*fake)}, zerolog.New(&log)
	})
	other := newBound(t, smpp.CmdBindTransceiver, nil)
	answered := r.send("in flight")
	r.Expect(smpp.CmdDeliverSM)
	r.ExpectResp(r.Send(submit("private")), smpp.RSYSERR)
	if err := r.expectEnd(); err == nil || !strings.Contains(err.Error(), "a fault of the server") {
		t.Errorf("it ends for %v", err)
	}
	if a := testkit.Receive(t, answered, "what was in flight"); a.Err != ErrClosed {
		t.Errorf("%+v", a)
	}
	testkit.Receive(t, r.h.unbound, "Unbound")
	if said := log.String(); !strings.Contains(said, "fault_test.go") || strings.Contains(said, "private") {
		t.Errorf("the log says\n%s", said)
	}
	other.Send(submit("hi"))
	other.request().Reply(&smpp.SubmitSMResp{MessageID: "1"})
}

func TestARequestThatCannotBeEncodedLeavesTheSessionUsable(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransceiver, nil)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it was encoded")
			}
		}()
		r.s.Send((*smpp.DeliverSM)(nil), func(Answer) {})
	}()
	r.send("hi")
	if d := r.ExpectDeliver(); string(d.ShortMessage) != "hi" {
		t.Errorf("%+v", d)
	}
}
