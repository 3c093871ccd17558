package smsc

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
	"hnetsmpp/smppserv/testkit"
)

func receiptOf(t *testing.T, d *smpp.DeliverSM) smpp.Receipt {
	t.Helper()
	rc, err := smpp.ParseReceipt(d.ShortMessage)
	if err != nil || d.ESMClass != smpp.ESMReceipt {
		t.Fatalf("no receipt: %v, esm_class %#x, %q", err, d.ESMClass, d.ShortMessage)
	}
	return rc
}

// retrySoon shortens the waits before a client is tried again.
func retrySoon(t *testing.T, d time.Duration) {
	saved := clientRetry
	t.Cleanup(func() { clientRetry = saved })
	for i := range clientRetry {
		clientRetry[i] = d
	}
}

func TestAReceiptComesAfterTheRespThatNamesItsMessage(t *testing.T) {
	const n = 50
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	c, b := r.transceiver(), []byte(nil)
	for i := range n {
		b = smpp.AppendPDU(b, 0, uint32(100+i), withReceipt("receipt, please"))
	}
	c.SendRaw(b)
	named := map[string]bool{}
	for range 2 * n {
		h, p, _ := c.Read(patience)
		switch p := p.(type) {
		case *smpp.SubmitSMResp:
			named[p.MessageID] = true
		case *smpp.DeliverSM:
			rc := receiptOf(t, p)
			if !named[rc.ID] {
				t.Fatalf("a receipt of %s came before its message_id", rc.ID)
			}
			if rc.State != smpp.StateDelivered || p.Source != international(campaign) || p.Dest != international(person) {
				t.Fatalf("the receipt is %+v from %v to %v", rc, p.Source, p.Dest)
			}
			if of, _ := p.TLVs.Get(smpp.TagReceiptedMessageID); strings.TrimRight(string(of), "\x00") != rc.ID {
				t.Fatalf("receipted_message_id is %q, the text says %q", of, rc.ID)
			}
			c.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
		default:
			t.Fatalf("%v came", h.Command)
		}
	}
}

func TestAReceiptOnAnotherSessionIsHeldUntilTheRespIsKnown(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	rx, tx := r.bind(smpp.CmdBindReceiver, "alice"), r.bind(smpp.CmdBindTransmitter, "alice")
	for range 3 {
		before := time.Now()
		id := tx.SubmitSM(withReceipt("x"))
		if rc := receiptOf(t, rx.ExpectDeliver()); rc.ID != id {
			t.Fatalf("the receipt is of %s, want %s", rc.ID, id)
		}
		if took := time.Since(before); took < 200*time.Millisecond {
			t.Fatalf("the receipt came %v after the submit", took)
		}
	}
}

func TestAReceiptWaitsForAReceiver(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	tx := r.bind(smpp.CmdBindTransmitter, "alice")
	id := tx.SubmitSM(withReceipt("x"))
	r.awaitState(id, sms.Delivered)
	tx.ExpectAlive()
	if rc := receiptOf(t, r.bind(smpp.CmdBindReceiver, "alice").ExpectDeliver()); rc.ID != id {
		t.Fatalf("the receipt is of %s, want %s", rc.ID, id)
	}
}

func TestAReceiptThatTheClientCannotTakeNowComesAgain(t *testing.T) {
	retrySoon(t, 20*time.Millisecond)
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	c := r.transceiver()
	id := c.SubmitSM(withReceipt("x"))
	for _, status := range []smpp.Status{smpp.RXTAPPN, smpp.RMSGQFUL, smpp.RTHROTTLED, smpp.RSYSERR} {
		h, _ := c.Expect(smpp.CmdDeliverSM)
		c.SendStatus(h.Sequence, status, &smpp.DeliverSMResp{})
	}
	h, _ := c.Expect(smpp.CmdDeliverSM)
	c.SendStatus(h.Sequence, smpp.RINVCMDID, &smpp.GenericNack{})
	if rc := receiptOf(t, c.ExpectDeliver()); rc.ID != id {
		t.Fatalf("the receipt is of %s, want %s", rc.ID, id)
	}
	c.ExpectSilence(100 * time.Millisecond)
}

func TestAReceiptThatTheClientRefusesIsNotSentAgain(t *testing.T) {
	retrySoon(t, 20*time.Millisecond)
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	c := r.transceiver()
	c.SubmitSM(withReceipt("x"))
	h, _ := c.Expect(smpp.CmdDeliverSM)
	c.SendStatus(h.Sequence, smpp.RXRAPPN, &smpp.DeliverSMResp{})
	c.ExpectSilence(200 * time.Millisecond)
}

func TestAReceiptInFlightWhenTheConnectionBreaksComesAgain(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	c := r.transceiver()
	id := c.SubmitSM(withReceipt("x"))
	c.Expect(smpp.CmdDeliverSM)
	c.Close()
	testkit.Await(t, "the session is gone", func() bool { return len(r.sv.Sessions()) == 0 })
	if rc := receiptOf(t, r.transceiver().ExpectDeliver()); rc.ID != id {
		t.Fatalf("the receipt is of %s, want %s", rc.ID, id)
	}
}

// opportunity has the numbers of the clients decide who receives what.
func opportunity(r *rig, o *Options) {
	o.Opportunity = true
	r.alice().Numbers, r.bob().Numbers = []string{"4917*"}, []string{campaign}
}

func TestInOpportunityModeAMessageGoesToTheOwnerOfItsNumber(t *testing.T) {
	r := newRig(t, opportunity)
	alice, bob := r.transceiver(), r.bind(smpp.CmdBindTransceiver, "bob")
	for status, state := range map[smpp.Status]smpp.MessageState{smpp.ROK: smpp.StateDelivered, smpp.RXRAPPN: smpp.StateUndeliverable} {
		id := alice.SubmitSM(withReceipt("hello bob"))
		h, p := bob.Expect(smpp.CmdDeliverSM)
		if d := p.(*smpp.DeliverSM); string(d.ShortMessage) != "hello bob" || d.Source != international(person) || d.Dest != international(campaign) || d.ESMClass != 0 {
			t.Fatalf("bob got %+v", d)
		}
		if q := query(alice, id); q.State != smpp.StateEnroute {
			t.Fatalf("before bob's answer it is %+v", q)
		}
		bob.SendStatus(h.Sequence, status, &smpp.DeliverSMResp{})
		if rc := receiptOf(t, alice.ExpectDeliver()); rc.ID != id || rc.State != state {
			t.Fatalf("after %v the receipt says %+v", status, rc)
		}
		if q := query(alice, id); q.State != state {
			t.Fatalf("after %v it is %+v", status, q)
		}
	}
	lost := submit("x")
	lost.Dest.Addr = "777"
	alice.ExpectResp(alice.Send(lost), smpp.RINVDSTADR)
}

// writer is Hermès where it hands messages in.
type writer struct{ accepted chan error }

func (w *writer) Accepted(_ *sms.Message, _ bool, err error) { w.accepted <- err }
func (w *writer) Concluded(*sms.Message, sms.Outcome)        {}
func (w *writer) Awaits() bool                               { return true }

func (w *writer) Answered() (s uint64, since time.Time, b bool) { return }

// write has an agent's text sent to alice.
func (r *rig) write(text string) {
	r.t.Helper()
	r.writeTo(person, text)
}

// writeTo has an agent's text to a number sent to alice, and returns the message.
func (r *rig) writeTo(to, text string) *sms.Message {
	r.t.Helper()
	route, err := r.sv.Route(context.Background(), campaign, to, "")
	if err != nil {
		r.t.Fatal(err)
	}
	now := time.Now()
	w := &writer{make(chan error, 1)}
	m := &sms.Message{Recipient: route.Recipient, Source: route.Source, Dest: route.Dest, Content: []byte(text), ReceivedAt: now, DueAt: now,
		ExpiresAt: now.Add(time.Hour), State: sms.Enroute}
	err = r.q.Add(m, 0, w)
	if err == nil {
		err = <-w.accepted
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

func TestAnAgentsTextReachesItsClient(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	r.write("hello")
	d := c.ExpectDeliver()
	if string(d.ShortMessage) != "hello" || d.DataCoding != 0 || d.Source != (smpp.Address{NPI: 1, Addr: campaign}) || d.Dest != international(person) {
		t.Fatalf("the client got %+v", d)
	}
}

func TestARouteNeedsAClientThatOwnsTheNumber(t *testing.T) {
	r := newRig(t, opportunity)
	for _, tc := range [][2]string{{"777", ""}, {campaign, "alice"}, {campaign, "nobody"}} {
		if _, err := r.sv.Route(context.Background(), tc[0], person, tc[1]); !errors.Is(err, sms.ErrNoClient) || !strings.Contains(err.Error(), tc[0]) {
			t.Errorf("%v: %v", tc, err)
		}
	}
	if route, err := r.sv.Route(context.Background(), campaign, person, "bob"); err != nil || route.Recipient != "bob" {
		t.Errorf("bob's number: %v, %v", route, err)
	}
}

func TestALongTextIsOneMessageInSeveralDeliverSM(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.alice().LongMessages = translate.LongSAR })
	c := r.transceiver()
	text := strings.Repeat("0123456789", 40)
	r.write(text)
	var got strings.Builder
	for i := range 3 {
		d := c.ExpectDeliver()
		if seq, _ := d.TLVs.Uint8(smpp.TagSarSegmentSeqnum); int(seq) != i+1 {
			t.Fatalf("part %d is %v", i+1, d.TLVs)
		}
		got.Write(d.ShortMessage)
	}
	if got.String() != text {
		t.Fatalf("the client got %q", got.String())
	}
}

func TestWhatTheClientsSessionCannotTakeIsRejected(t *testing.T) {
	r := newRig(t, opportunity)
	alice, bob := r.transceiver(), r.dial()
	bob.Bind(smpp.CmdBindTransceiver, "bob", "pw", smpp.V33)
	s := withReceipt("")
	s.ESMClass, s.DataCoding = smpp.ESMUDHI, 4
	s.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: append(smstext.AppendConcat8(nil, 7, 2, 1), make([]byte, 300)...)}}
	id := alice.SubmitSM(s)
	if rc := receiptOf(t, alice.ExpectDeliver()); rc.ID != id || rc.State != smpp.StateRejected {
		t.Fatalf("the receipt says %+v", rc)
	}
	bob.ExpectAlive()
}
