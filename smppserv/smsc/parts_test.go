package smsc

import (
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// threeParts is a text of 326 GSM characters.
var threeParts = strings.Repeat("0123456789", 33)[:326]

// part is a deliver_sm of a text in several: its reference, number and text.
type part struct {
	sequence uint32
	ref, seq byte
	total    byte
	dcs      byte
	text     string
}

func partOf(t *testing.T, h smpp.Header, p smpp.PDU) part {
	t.Helper()
	d := p.(*smpp.DeliverSM)
	if d.ESMClass&smpp.ESMUDHI == 0 {
		seq, ok := d.TLVs.Uint8(smpp.TagSarSegmentSeqnum)
		ref, _ := d.TLVs.Uint16(smpp.TagSarMsgRefNum)
		total, _ := d.TLVs.Uint8(smpp.TagSarTotalSegments)
		if !ok {
			t.Fatalf("no part: %+v", d)
		}
		return part{h.Sequence, byte(ref), seq, total, d.DataCoding, string(d.ShortMessage)}
	}
	b := d.ShortMessage
	return part{h.Sequence, b[3], b[5], b[4], d.DataCoding, string(b[6:])}
}

func nextPart(t *testing.T, c *smpptest.Client) part {
	t.Helper()
	h, p := c.Expect(smpp.CmdDeliverSM)
	return partOf(t, h, p)
}

// answer answers the parts of a text in the order in which they came, and returns them by their numbers. It answers none before all have
// come: what is behind one that is refused may not be sent.
func answer(t *testing.T, c *smpptest.Client, statuses ...smpp.Status) map[byte]part {
	t.Helper()
	all := map[byte]part{}
	came := make([]part, len(statuses))
	for i := range came {
		came[i] = nextPart(t, c)
		all[came[i].seq] = came[i]
	}
	for i, status := range statuses {
		c.SendStatus(came[i].sequence, status, &smpp.DeliverSMResp{})
	}
	return all
}

func TestOnlyThePartThatWasNotTakenIsSentAgain(t *testing.T) {
	for _, status := range []smpp.Status{smpp.RTHROTTLED, smpp.RMSGQFUL, smpp.RXTAPPN, smpp.RSYSERR} {
		t.Run(status.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			c := r.transceiver()
			m := r.writeTo(person, threeParts)
			first := answer(t, c, smpp.ROK, status, smpp.ROK)
			again := nextPart(t, c)
			if want := first[2]; again.seq != 2 || again.ref != want.ref || again.text != want.text {
				t.Fatalf("%+v came again, want %+v", again, want)
			}
			c.SendSeq(again.sequence, &smpp.DeliverSMResp{})
			r.awaitState(m.ID.String(), sms.Delivered)
			c.ExpectSilence(100 * time.Millisecond)
		})
	}
}

func TestPartsThatWereTakenAreNotSentAgain(t *testing.T) {
	for name, again := range map[string]func(r *rig, c *smpptest.Client) *smpptest.Client{
		"after the connection broke": func(r *rig, c *smpptest.Client) *smpptest.Client {
			c.Close()
			return r.bind(smpp.CmdBindReceiver, "alice")
		},
		"after an unbind": func(r *rig, c *smpptest.Client) *smpptest.Client {
			c.Unbind()
			return r.bind(smpp.CmdBindReceiver, "alice")
		},
		"after a restart": func(r *rig, _ *smpptest.Client) *smpptest.Client {
			r.restart()
			return r.bind(smpp.CmdBindReceiver, "alice")
		},
		"after a reload with another alphabet and other long_messages": func(r *rig, c *smpptest.Client) *smpptest.Client {
			st := r.st
			st.Clients = append([]Client(nil), st.Clients...)
			st.Clients[0].DefaultAlphabet = smstext.UCS2
			st.Clients[0].LongMessages = translate.LongSAR
			r.sv.Reload(st)
			c.Close()
			return r.bind(smpp.CmdBindReceiver, "alice")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			c := r.bind(smpp.CmdBindReceiver, "alice")
			m := r.writeTo(person, threeParts)
			first := map[byte]part{}
			for range 3 {
				p := nextPart(t, c)
				if first[p.seq] = p; p.seq != 2 {
					c.SendSeq(p.sequence, &smpp.DeliverSMResp{})
				}
			}
			c.ExpectAlive()
			// That a part was taken is on disk at once, not with the end of the try.
			for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
				if p := r.message(m.ID.String()).Progress; p != "" && p[len(p)-1] == 0b101 {
					break
				} else if time.Now().After(deadline) {
					t.Fatalf("noted is %q", p)
				}
			}
			c = again(r, c)
			p := nextPart(t, c)
			if want := first[2]; p.seq != 2 || p.ref != want.ref || p.total != 3 || p.dcs != want.dcs || p.text != want.text {
				t.Fatalf("%+v came again, want %+v", p, want)
			}
			c.SendSeq(p.sequence, &smpp.DeliverSMResp{})
			r.awaitState(m.ID.String(), sms.Delivered)
			c.ExpectSilence(100 * time.Millisecond)
		})
	}
}

func TestASessionThatCannotCarryThePartsGetsAllUnderANewReference(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.alice().LongMessages = translate.LongSAR })
	c := r.bind(smpp.CmdBindReceiver, "alice")
	m := r.writeTo(person, threeParts)
	first := nextPart(t, c)
	c.SendSeq(first.sequence, &smpp.DeliverSMResp{})
	c.ExpectAlive()
	c.Close()
	c = r.dial()
	c.Bind(smpp.CmdBindReceiver, "alice", "pw", smpp.V33)
	var ref byte
	for i := range 3 {
		p := nextPart(t, c)
		if i == 0 {
			ref = p.ref
		}
		if int(p.seq) != i+1 || p.ref != ref || p.ref == first.ref {
			t.Fatalf("%+v came as number %d, after %+v", p, i, first)
		}
		c.SendSeq(p.sequence, &smpp.DeliverSMResp{})
	}
	r.awaitState(m.ID.String(), sms.Delivered)
}

func TestAPartThatIsRefusedForGoodEndsTheText(t *testing.T) {
	r := newRig(t, func(_ *rig, o *Options) { o.Window = 2 })
	c := r.transceiver()
	m := r.writeTo(person, strings.Repeat("x", 153*6))
	answer(t, c, smpp.RXRAPPN)
	second := nextPart(t, c)
	c.SendSeq(second.sequence, &smpp.DeliverSMResp{})
	r.awaitState(m.ID.String(), sms.Undeliverable)
	c.ExpectSilence(100 * time.Millisecond)
	if got := r.message(m.ID.String()); got.Error != int(smpp.RXRAPPN) {
		t.Errorf("its error is %#x", got.Error)
	}
}

func TestTextsThatAreOpenTogetherHaveDifferentReferences(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	r.writeTo(person, threeParts)
	first := nextPart(t, c)
	for range 255 { // take up ids
		if err := r.q.Add(&sms.Message{Recipient: "nobody", ReceivedAt: time.Now(), DueAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), State: sms.Enroute}, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	m := r.writeTo(person, threeParts)
	if byte(m.ID) != first.ref {
		t.Fatalf("the test is wrong: message %d after reference %d", m.ID, first.ref)
	}
	refs := map[byte]int{first.ref: 1}
	for range 5 {
		refs[nextPart(t, c).ref]++
	}
	if len(refs) != 2 {
		t.Errorf("the references are %v", refs)
	}
}

func TestEveryReferenceMayBeInUse(t *testing.T) {
	var r references
	seen := map[byte]bool{}
	for range 256 {
		seen[r.take(7)] = true
	}
	if len(seen) != 256 {
		t.Errorf("%d references for 256 texts", len(seen))
	}
	if ref := r.take(9); ref != 9 {
		t.Errorf("text 257 has reference %d", ref)
	}
	r.release(3)
	if ref := r.take(200); ref != 3 {
		t.Errorf("the one that is free is 3, not %d", ref)
	}
}
