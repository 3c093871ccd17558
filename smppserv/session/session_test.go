package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

func TestABindIsAnsweredAndTheHandlerHearsOfIt(t *testing.T) {
	for bind, state := range map[smpp.CommandID]State{
		smpp.CmdBindTransmitter: BoundTX, smpp.CmdBindReceiver: BoundRX, smpp.CmdBindTransceiver: BoundTRX,
	} {
		t.Run(bind.String(), func(t *testing.T) {
			r := newRig(t, nil)
			if resp := r.Bind(bind, "client", "pw", 0x40); resp.SystemID != "centre" {
				t.Fatalf("answered by %q", resp.SystemID)
			}
			if s := testkit.Receive(t, r.h.bound, "Bound"); s.State() != state || s.SystemID() != "client" || s.Version() != smpp.V34 {
				t.Fatalf("bound as %v, %q, %#x", s.State(), s.SystemID(), s.Version())
			}
		})
	}
}

func TestARefusedBindIsAnsweredBeforeTheConnectionCloses(t *testing.T) {
	r := newRig(t, nil)
	r.h.refuse = smpp.RINVPASWD
	r.ExpectResp(r.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client"}), smpp.RINVPASWD)
	if err := r.expectEnd(); !errors.Is(err, errRefused) {
		t.Fatalf("ended because of %v", err)
	}
	if len(r.h.unbound) != 0 {
		t.Fatal("a session that never was bound was unbound")
	}
}

func TestABindThatCannotBeReadIsRefused(t *testing.T) {
	r := newRig(t, nil)
	r.ExpectResp(r.Send(&smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: "sixteen letters!"}), smpp.RINVSYSID)
	r.expectEnd()
}

func TestASecondBindIsRefusedAndTheSessionLives(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransmitter, nil)
	for _, bind := range []smpp.CommandID{smpp.CmdBindTransmitter, smpp.CmdBindReceiver, smpp.CmdBindTransceiver} {
		r.ExpectResp(r.Send(&smpp.Bind{Type: bind, SystemID: "client", Password: "pw"}), smpp.RALYBND)
	}
	r.ExpectAlive()
}

func TestEachStateRefusesWhatIsNotForIt(t *testing.T) {
	number := smpp.Address{Addr: "1"}
	deliver := &smpp.DeliverSM{Source: number, Dest: number}
	sending := []smpp.PDU{submit("x"), &smpp.SubmitMulti{Dests: []smpp.Dest{{Address: number}}}, &smpp.DataSM{Source: number, Dest: number},
		&smpp.QuerySM{MessageID: "1"}, &smpp.CancelSM{MessageID: "1"}, &smpp.ReplaceSM{MessageID: "1"}}
	refuses := func(r *rig, pdus ...smpp.PDU) {
		t.Helper()
		for _, p := range pdus {
			r.ExpectResp(r.Send(p), smpp.RINVBNDSTS)
		}
		r.ExpectAlive()
	}
	t.Run("OPEN", func(t *testing.T) { refuses(newRig(t, nil), append(sending, deliver)...) })
	t.Run("BOUND_RX", func(t *testing.T) { refuses(newBound(t, smpp.CmdBindReceiver, nil), append(sending, deliver)...) })
	for _, bind := range []smpp.CommandID{smpp.CmdBindTransmitter, smpp.CmdBindTransceiver} {
		t.Run(bind.String(), func(t *testing.T) {
			r := newBound(t, bind, nil)
			refuses(r, deliver)
			for _, p := range sending {
				seq := r.Send(p)
				r.request().Refuse(smpp.RTHROTTLED)
				r.ExpectResp(seq, smpp.RTHROTTLED)
			}
		})
	}
	t.Run("UNBINDING", func(t *testing.T) {
		r := newBound(t, smpp.CmdBindTransceiver, nil)
		r.s.Unbind(nil)
		r.Expect(smpp.CmdUnbind)
		for _, p := range sending { // sent before it knew
			r.ExpectResp(r.Send(p), smpp.RSYSERR)
		}
		refuses(r, deliver)
	})
	t.Run("UNBINDING from BOUND_RX", func(t *testing.T) {
		r := newBound(t, smpp.CmdBindReceiver, nil)
		r.s.Unbind(nil)
		r.Expect(smpp.CmdUnbind)
		refuses(r, append(sending, deliver)...)
	})
}

func TestAnUnbindWithoutABindIsRefusedAndEndsTheSession(t *testing.T) {
	r := newRig(t, nil)
	r.ExpectResp(r.Send(&smpp.Unbind{}), smpp.RINVBNDSTS)
	r.expectEnd()
}

func TestAnUnknownCommandIsNackedInEveryState(t *testing.T) {
	for name, r := range map[string]*rig{"OPEN": newRig(t, nil), "BOUND_RX": newBound(t, smpp.CmdBindReceiver, nil),
		"BOUND_TX": newBound(t, smpp.CmdBindTransmitter, nil)} {
		for i, command := range []smpp.CommandID{0x0000000A, 0x00000111, 0x00010200, 0x80000099, 0x7FFFFFFF} {
			r.SendRaw(smpp.AppendHeader(nil, command, 0, uint32(100+i)))
			if h, _ := r.Expect(smpp.CmdGenericNack); h.Status != smpp.RINVCMDID || h.Sequence != uint32(100+i) {
				t.Fatalf("%s: %#x was answered %v, %d", name, uint32(command), h.Status, h.Sequence)
			}
		}
		r.ExpectAlive()
	}
}

func TestLostFramingIsNackedOnceAndEndsWithAFIN(t *testing.T) {
	header := func(length uint32) []byte {
		b := smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 9)
		binary.BigEndian.PutUint32(b, length)
		return append(b, make([]byte, 5000)...)
	}
	for name, octets := range map[string][]byte{
		"0": header(0), "4": header(4), "8": header(8), "15": header(15), "more than any PDU": header(smpp.MaxPDU + 1), "7FFFFFFF": header(0x7FFFFFFF),
		"FFFFFFFF": header(0xFFFFFFFF), "a web browser": []byte("GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.SendRaw(octets)
			h, _, _ := r.Read(patience)
			if h.Command != smpp.CmdGenericNack || h.Status != smpp.RINVCMDLEN {
				t.Fatalf("answered %v %v", h.Command, h.Status)
			}
			r.ExpectClosed(patience)
			r.SendRaw(smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 1)) // still read, not answered: no reset
			r.ExpectClosed(patience)
			r.Close()
			if err := testkit.Receive(t, r.ended, "the end"); !errors.Is(err, errFraming) {
				t.Fatalf("ended because of %v", err)
			}
		})
	}
}

func TestRequestsBeforeLostFramingAreStillAnswered(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransmitter, nil)
	r.SendRaw(append(smpp.AppendPDU(nil, 0, 5, submit("good")), "GET / HTTP/1.1\r\n\r\n"...))
	ticket := r.request()
	r.Expect(smpp.CmdGenericNack)
	ticket.Reply(&smpp.SubmitSMResp{MessageID: "1"})
	r.ExpectResp(5, smpp.ROK)
	r.expectEnd()
}

func TestPDUsMayComeOctetByOctet(t *testing.T) {
	r := newRig(t, nil)
	b := smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransmitter, SystemID: "client", InterfaceVersion: smpp.V34})
	for _, o := range smpp.AppendPDU(b, 0, 2, submit("dribbled")) {
		r.SendRaw([]byte{o})
	}
	r.ExpectResp(1, smpp.ROK)
	r.request().Reply(&smpp.SubmitSMResp{MessageID: "1"})
	r.ExpectResp(2, smpp.ROK)
}

func TestManyPDUsMayComeAtOnce(t *testing.T) {
	r := newRig(t, func(o *Options) { o.MaxRequests = 1000 })
	b := smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransmitter, SystemID: "client", InterfaceVersion: smpp.V34})
	for i := range 500 {
		b = smpp.AppendPDU(b, 0, uint32(2+i), submit(fmt.Sprint("number ", i)))
	}
	big := submit("")
	big.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: make([]byte, 60_000)}}
	b = smpp.AppendPDU(b, 0, 502, big)
	r.SendRaw(b)
	r.ExpectResp(1, smpp.ROK)
	for i := range 501 {
		r.request().Reply(&smpp.SubmitSMResp{MessageID: "1"})
		r.ExpectResp(uint32(2+i), smpp.ROK)
	}
}

func TestUnbindIsAnsweredAfterTheRequestsBeforeIt(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransceiver, nil)
	delivery := r.send("never answered")
	r.Expect(smpp.CmdDeliverSM)
	first, second := r.Send(submit("1")), r.Send(submit("2"))
	a, b := r.request(), r.request()
	unbind := r.Send(&smpp.Unbind{})
	if err := testkit.Receive(t, r.h.unbound, "Unbound"); !errors.Is(err, errPeerUnbound) {
		t.Fatalf("unbound because of %v", err)
	}
	if a := testkit.Receive(t, delivery, "the deliver_sm's end"); !errors.Is(a.Err, ErrClosed) {
		t.Fatalf("deliver_sm ended as %+v", a)
	}
	r.ExpectSilence(30 * time.Millisecond)
	b.Reply(&smpp.SubmitSMResp{MessageID: "2"})
	a.Reply(&smpp.SubmitSMResp{MessageID: "1"})
	for _, want := range []uint32{second, first, unbind} {
		if h, _, _ := r.Read(patience); h.Sequence != want || h.Status != smpp.ROK {
			t.Fatalf("answered %d %v, want %d", h.Sequence, h.Status, want)
		}
	}
	if a := testkit.Receive(t, r.send("too late"), "an answer"); !errors.Is(a.Err, ErrClosed) {
		t.Fatalf("sent after unbind: %+v", a)
	}
	r.expectEnd()
}

func TestAClientThatAnswersOurUnbindStillGetsItsAnswers(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransceiver, nil)
	seq := r.Send(submit("under way"))
	ticket := r.request()
	r.s.Unbind(errInactive)
	h, _ := r.Expect(smpp.CmdUnbind)
	r.SendSeq(h.Sequence, &smpp.UnbindResp{})
	r.ExpectSilence(30 * time.Millisecond)
	ticket.Reply(&smpp.SubmitSMResp{MessageID: "1"})
	r.ExpectResp(seq, smpp.ROK)
	if err := r.expectEnd(); !errors.Is(err, errInactive) {
		t.Fatalf("ended because of %v", err)
	}
}

func TestOurUnbindEndsWhenNobodyAnswersIt(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransceiver, func(o *Options) { o.Timers.Response = 50 * time.Millisecond })
	r.s.Unbind(nil)
	r.Expect(smpp.CmdUnbind)
	r.expectEnd()
}

func TestStrayResponsesAreIgnored(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransceiver, nil)
	for _, p := range []smpp.PDU{&smpp.DeliverSMResp{}, &smpp.EnquireLinkResp{}, &smpp.SubmitSMResp{}, &smpp.UnbindResp{}, &smpp.GenericNack{}} {
		r.SendSeq(0x40000001, p)
	}
	r.ExpectSilence(30 * time.Millisecond)
	r.ExpectAlive()
}

func TestASessionWithoutABindIsClosed(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Timers.SessionInit = 30 * time.Millisecond })
	if err := r.expectEnd(); !errors.Is(err, ErrSessionInit) {
		t.Fatalf("ended because of %v", err)
	}
}

func TestAnUnansweredEnquireLinkEndsTheSession(t *testing.T) {
	r := newBound(t, smpp.CmdBindReceiver, func(o *Options) {
		o.Timers = Timers{EnquireLink: 30 * time.Millisecond, Response: 50 * time.Millisecond}
	})
	h, _ := r.Expect(smpp.CmdEnquireLink)
	r.SendSeq(h.Sequence, &smpp.EnquireLinkResp{})
	r.Expect(smpp.CmdEnquireLink)
	if err := r.expectEnd(); !errors.Is(err, errEnquireLink) {
		t.Fatalf("ended because of %v", err)
	}
	testkit.Receive(t, r.h.unbound, "Unbound")
}

func TestInactivityIsEndedByUnbind(t *testing.T) {
	r := newBound(t, smpp.CmdBindReceiver, func(o *Options) { o.Timers.Inactivity = 30 * time.Millisecond })
	h, _ := r.Expect(smpp.CmdUnbind)
	r.SendSeq(h.Sequence, &smpp.UnbindResp{})
	if err := r.expectEnd(); !errors.Is(err, errInactive) {
		t.Fatalf("ended because of %v", err)
	}
}

func TestAHalfClosedConnectionIsStillAnswered(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransmitter, nil)
	seq := r.Send(submit("and goodbye"))
	r.CloseWrite()
	ticket := r.request()
	testkit.Receive(t, r.h.unbound, "Unbound")
	ticket.Reply(&smpp.SubmitSMResp{MessageID: "1"})
	r.ExpectResp(seq, smpp.ROK)
	r.expectEnd()
	if _, _, ok := ticket.Answered(); !ok {
		t.Fatal("the ticket does not know that it was answered")
	}
}

func TestAResetEndsTheSession(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransmitter, nil)
	r.Reset()
	testkit.Receive(t, r.h.unbound, "Unbound")
	testkit.Receive(t, r.ended, "the end")
}

func TestAnUnbindWaitsForWhatIsAnsweredLate(t *testing.T) {
	const response = 300 * time.Millisecond
	for name, unbind := range map[string]func(r *rig) (answered func()){
		"the client's": func(r *rig) func() {
			seq := r.Send(&smpp.Unbind{})
			testkit.Receive(t, r.h.unbound, "Unbound")
			return func() { r.ExpectResp(seq, smpp.ROK) }
		},
		"ours": func(r *rig) func() {
			r.s.Unbind(errInactive)
			h, _ := r.Expect(smpp.CmdUnbind)
			r.SendSeq(h.Sequence, &smpp.UnbindResp{})
			return func() {}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newBound(t, smpp.CmdBindTransceiver, func(o *Options) { o.Timers.Response = response })
			seq := r.Send(submit("a transaction"))
			ticket := r.request()
			answered := unbind(r)
			// Its own time begins with its commit, and may end after that of the unbind.
			time.AfterFunc(response+response/2, func() { ticket.Reply(&smpp.SubmitSMResp{MessageID: "1"}) })
			r.ExpectResp(seq, smpp.ROK)
			answered()
			r.expectEnd()
		})
	}
}

func TestAStopDoesNotWaitForAClientThatHasUnbound(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransceiver, func(o *Options) { o.Logout = time.Hour })
	r.ExpectResp(r.Send(&smpp.Unbind{}), smpp.ROK)
	testkit.Await(t, "it is closing", func() bool { return r.s.State() == Closing })
	r.s.Unbind(errInactive)
	if err := r.expectEnd(); !errors.Is(err, errPeerUnbound) {
		t.Fatalf("ended because of %v", err)
	}
}
