package smsc

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
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

func (w *writer) Accepted(_ *sms.Message, _ bool, err error)    { w.accepted <- err }
func (w *writer) Concluded(*sms.Message, sms.Outcome)           {}
func (w *writer) Answered() (s uint64, since time.Time, b bool) { return }

// write has an agent's text sent to alice.
func (r *rig) write(text string) {
	r.t.Helper()
	c, source, dest, err := r.sv.Route(context.Background(), campaign, person, "")
	if err != nil {
		r.t.Fatal(err)
	}
	now := time.Now()
	w := &writer{make(chan error, 1)}
	err = r.q.Add(&sms.Message{Recipient: c.SystemID, Source: source, Dest: dest, Content: []byte(text), ReceivedAt: now, DueAt: now,
		ExpiresAt: now.Add(time.Hour), State: sms.Enroute}, 0, w)
	if err == nil {
		err = <-w.accepted
	}
	if err != nil {
		r.t.Fatal(err)
	}
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

func TestALongTextGoesOutAsTheClientWantsIt(t *testing.T) {
	text := strings.Repeat("0123456789", 40)
	for name, long := range map[string]LongMessages{"UDH": LongUDH, "SAR": LongSAR, "payload": LongPayload} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(r *rig, _ *Options) { r.alice().LongMessages = long })
			c := r.transceiver()
			r.write(text)
			parts := 3
			if long == LongPayload {
				parts = 1
			}
			var got strings.Builder
			for i := range parts {
				d := c.ExpectDeliver()
				part := d.ShortMessage
				switch long {
				case LongUDH:
					if d.ESMClass&smpp.ESMUDHI == 0 || part[0] != 5 || int(part[4]) != parts || int(part[5]) != i+1 {
						t.Fatalf("part %d is % x", i+1, part)
					}
					part = part[6:]
				case LongSAR:
					if seq, _ := d.TLVs.Uint8(smpp.TagSarSegmentSeqnum); int(seq) != i+1 {
						t.Fatalf("part %d is %v", i+1, d.TLVs)
					}
				case LongPayload:
					part, _ = d.TLVs.Get(smpp.TagMessagePayload)
				}
				got.Write(part)
			}
			if got.String() != text {
				t.Fatalf("the client got %q", got.String())
			}
		})
	}
}

func TestARouteNeedsAClientThatOwnsTheNumber(t *testing.T) {
	r := newRig(t, opportunity)
	for _, tc := range [][2]string{{"777", ""}, {campaign, "alice"}, {campaign, "nobody"}} {
		var nobody *NoClientError
		if _, _, _, err := r.sv.Route(context.Background(), tc[0], person, tc[1]); !errors.As(err, &nobody) {
			t.Errorf("%v: %v", tc, err)
		}
	}
	if c, _, _, err := r.sv.Route(context.Background(), campaign, person, "bob"); err != nil || c.SystemID != "bob" {
		t.Errorf("bob's number: %v, %v", c, err)
	}
}

// toBob has alice submit octets with a user data header, in message_payload, for bob's 3.3 session.
func toBob(t *testing.T, dcs byte, alphabet smstext.Alphabet, octets []byte) (alice, bob *smpptest.Client, id string) {
	t.Helper()
	r := newRig(t, func(r *rig, o *Options) {
		opportunity(r, o)
		r.bob().DefaultAlphabet = alphabet
	})
	alice, bob = r.transceiver(), r.dial()
	bob.Bind(smpp.CmdBindTransceiver, "bob", "pw", smpp.V33)
	s := withReceipt("")
	s.ESMClass, s.DataCoding = smpp.ESMUDHI, dcs
	s.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: octets}}
	return alice, bob, alice.SubmitSM(s)
}

func TestALongTextWithAHeaderKeepsItInEachPartForA33Session(t *testing.T) {
	ports := []byte{6, smstext.IEIPorts16, 4, 0x23, 0xF4, 0, 0}
	text := strings.Repeat("0123456789", 30)
	for name, tc := range map[string]struct {
		dcs      byte
		alphabet smstext.Alphabet
		text     []byte
		longest  int
	}{
		"binary":         {dataCodingBinary, smstext.GSM7, []byte(text), 140},
		"GSM":            {0, smstext.GSM7, []byte(text), 159},
		"packed septets": {0, smstext.GSM7Packed, smstext.Pack([]byte(text), smstext.FillBits(len(ports))), 140},
	} {
		t.Run(name, func(t *testing.T) {
			_, bob, _ := toBob(t, tc.dcs, tc.alphabet, append(ports[:len(ports):len(ports)], tc.text...))
			var parts [][]byte
			for total := byte(1); len(parts) < int(total); {
				d := bob.ExpectDeliver()
				udh, rest, err := smstext.ParseUDH(d.ShortMessage)
				if err != nil || d.ESMClass != smpp.ESMUDHI || len(udh) != 2 || len(d.ShortMessage) > tc.longest {
					t.Fatalf("part %d is esm_class %#x, % x: %v", len(parts)+1, d.ESMClass, d.ShortMessage, err)
				}
				if port, _ := udh.Find(smstext.IEIPorts16); !bytes.Equal(port, ports[3:]) {
					t.Fatalf("part %d has the header %v", len(parts)+1, udh)
				}
				number, ok := udh.Concat()
				if !ok || int(number.Seq) != len(parts)+1 {
					t.Fatalf("part %d says %+v", len(parts)+1, number)
				}
				total = number.Total
				parts = append(parts, rest)
			}
			alphabet := smstext.ForDataCoding(tc.dcs, tc.alphabet)
			if got := smstext.JoinBehind(alphabet, parts, len(ports)+concatElement); got != text || len(parts) < 3 {
				t.Fatalf("bob got %d parts, %q", len(parts), got)
			}
		})
	}
}

func TestWhatA33SessionCannotTakeIsRejected(t *testing.T) {
	long := make([]byte, 300)
	for name, header := range map[string][]byte{
		"a part of another text":       smstext.AppendConcat8(nil, 7, 2, 1),
		"a header that fills the part": append([]byte{99, 0x70, 97}, make([]byte, 97)...),
	} {
		t.Run(name, func(t *testing.T) {
			alice, bob, id := toBob(t, dataCodingBinary, smstext.GSM7, append(header, long...))
			if rc := receiptOf(t, alice.ExpectDeliver()); rc.ID != id || rc.State != smpp.StateRejected {
				t.Fatalf("the receipt says %+v", rc)
			}
			bob.ExpectAlive()
		})
	}
}
