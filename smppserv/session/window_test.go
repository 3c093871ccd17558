package session

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

func TestTheWindowHoldsExactlySoManyRequests(t *testing.T) {
	const window, all = 3, 8
	r := newBound(t, smpp.CmdBindReceiver, func(o *Options) { o.Window = window })
	var answers []chan Answer
	for i := range all {
		answers = append(answers, r.send(fmt.Sprint(i)))
	}
	var flying []uint32
	next := func(i int) {
		t.Helper()
		h, p := r.Expect(smpp.CmdDeliverSM)
		if got := string(p.(*smpp.DeliverSM).ShortMessage); got != fmt.Sprint(i) {
			t.Fatalf("deliver_sm %q came instead of %d", got, i)
		}
		flying = append(flying, h.Sequence)
	}
	for i := range window {
		next(i)
	}
	for i := range all {
		r.ExpectSilence(20 * time.Millisecond)
		r.SendSeq(flying[i], &smpp.DeliverSMResp{})
		if a := testkit.Receive(t, answers[i], "an answer"); a != (Answer{}) {
			t.Fatalf("answer %d is %+v", i, a)
		}
		if i+window < all {
			next(i + window)
		}
	}
	if flying[0] < firstSequence {
		t.Fatalf("the first sequence_number is %#x", flying[0])
	}
}

func TestAnswersMayComeInAnyOrder(t *testing.T) {
	r := newBound(t, smpp.CmdBindReceiver, nil)
	a, b := r.send("a"), r.send("b")
	ha, _ := r.Expect(smpp.CmdDeliverSM)
	hb, _ := r.Expect(smpp.CmdDeliverSM)
	r.SendStatus(hb.Sequence, smpp.RXTAPPN, &smpp.DeliverSMResp{})
	if got := testkit.Receive(t, b, "b"); got != (Answer{Status: smpp.RXTAPPN}) {
		t.Fatalf("b was answered %+v", got)
	}
	r.SendStatus(ha.Sequence, smpp.RINVCMDID, &smpp.GenericNack{})
	if got := testkit.Receive(t, a, "a"); got != (Answer{Status: smpp.RINVCMDID, Nack: true}) {
		t.Fatalf("a was answered %+v", got)
	}
}

func TestAnAnswerThatIsOverdueIsATimeoutAndComesToNothingLater(t *testing.T) {
	r := newBound(t, smpp.CmdBindReceiver, func(o *Options) { o.Timers.Response, o.Window = 40*time.Millisecond, 1 })
	first := r.send("first")
	late, _ := r.Expect(smpp.CmdDeliverSM)
	if a := testkit.Receive(t, first, "the timeout"); !errors.Is(a.Err, ErrTimeout) {
		t.Fatalf("ended as %+v", a)
	}
	r.SendSeq(late.Sequence, &smpp.DeliverSMResp{})
	r.ExpectAlive()
	second := r.send("second")
	h, _ := r.Expect(smpp.CmdDeliverSM)
	if h.Sequence == late.Sequence {
		t.Fatal("the sequence_number was used again at once")
	}
	r.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
	if a := testkit.Receive(t, second, "the answer"); a != (Answer{}) {
		t.Fatalf("ended as %+v", a)
	}
	if len(first) != 0 {
		t.Fatal("the late answer was taken for one")
	}
}

func TestWhatIsUnansweredFailsWithTheConnection(t *testing.T) {
	r := newBound(t, smpp.CmdBindReceiver, func(o *Options) { o.Window = 1 })
	flying, waiting := r.send("flying"), r.send("waiting")
	r.Expect(smpp.CmdDeliverSM)
	r.Close()
	for _, c := range []chan Answer{flying, waiting} {
		if a := testkit.Receive(t, c, "an end"); !errors.Is(a.Err, ErrClosed) {
			t.Fatalf("ended as %+v", a)
		}
	}
}

func TestTheSocketIsNotReadWhileTooManyRequestsWait(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransmitter, func(o *Options) { o.MaxRequests = 2 })
	for range 5 {
		r.Send(submit("x"))
	}
	link := r.Send(&smpp.EnquireLink{})
	a, b := r.request(), r.request()
	r.ExpectSilence(30 * time.Millisecond)
	if len(r.h.requests) != 0 {
		t.Fatal("a third request was read")
	}
	a.Reply(&smpp.SubmitSMResp{MessageID: "1"})
	b.Reply(&smpp.SubmitSMResp{MessageID: "2"})
	for range 3 {
		r.request().Reply(&smpp.SubmitSMResp{MessageID: "3"})
	}
	r.ExpectResp(link, smpp.ROK)
}

func TestAClientThatWeDoNotReadIsNotTakenForSilent(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransmitter, func(o *Options) {
		o.MaxRequests = 1
		o.Timers = Timers{EnquireLink: 20 * time.Millisecond, Response: 40 * time.Millisecond}
	})
	r.AutoEnquire = true
	first, second := r.Send(submit("1")), r.Send(submit("2"))
	a := r.request()
	r.ExpectSilence(200 * time.Millisecond) // far longer than the timers
	if !r.s.Probe(time.Millisecond) {
		t.Fatal("a probe took it for silent")
	}
	a.Reply(&smpp.SubmitSMResp{MessageID: "1"})
	r.ExpectResp(first, smpp.ROK)
	r.request().Reply(&smpp.SubmitSMResp{MessageID: "2"})
	r.ExpectResp(second, smpp.ROK)
}

func TestAClientThatDoesNotReadIsNotReadEither(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransmitter, nil)
	stuck := flood(t, r.Client, r.s)
	r.s.Close(nil)
	testkit.Receive(t, stuck, "the end of the writes")
	if n := len(r.s.out); n > 2*maxOut {
		t.Fatalf("%d octets are waiting", n)
	}
}

func TestAProbeTellsWhetherThePeerIsThere(t *testing.T) {
	r := newBound(t, smpp.CmdBindReceiver, nil)
	alive := make(chan bool, 1)
	go func() { alive <- r.s.Probe(patience) }()
	h, _ := r.Expect(smpp.CmdEnquireLink)
	r.SendSeq(h.Sequence, &smpp.EnquireLinkResp{})
	if !testkit.Receive(t, alive, "the probe") {
		t.Fatal("a peer that answers was taken for silent")
	}
	if r.s.Probe(10 * time.Millisecond) {
		t.Fatal("a silent peer was taken for alive")
	}
}
