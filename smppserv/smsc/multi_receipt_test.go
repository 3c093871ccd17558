package smsc

import (
	"fmt"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// halting is a queue in whose second Add something happens first.
type halting struct {
	Queue
	adds   int
	happen func()
}

func (q *halting) Add(m *sms.Message, limit int, s road.Submission) error {
	if q.adds++; q.adds == 2 {
		q.happen()
	}
	return q.Queue.Add(m, limit, s)
}

func TestNoReceiptGoesBeforeTheAnswerToItsSubmitMulti(t *testing.T) {
	r := newRig(t, func(r *rig, o *Options) {
		r.hermes.eager = true
		o.Queue = &halting{Queue: r.q, happen: func() {
			r.awaitState(r.next().ID.String(), sms.Delivered)
			for end := time.Now().Add(50 * time.Millisecond); r.q.Stats().InFlight == 0 && time.Now().Before(end); { // where it is held
				time.Sleep(time.Millisecond)
			}
		}}
	})
	c := r.transceiver()
	multi := multiTo(smpp.Dest{Address: international("33611111111")}, smpp.Dest{Address: international("33622222222")})
	multi.RegisteredDelivery = smpp.RegReceiptFinal
	c.Send(multi)
	for _, want := range []smpp.CommandID{smpp.CmdSubmitMultiResp, smpp.CmdDeliverSM, smpp.CmdDeliverSM} {
		if h, _, _ := c.Read(patience); h.Command != want || h.Status != smpp.ROK {
			t.Errorf("%v %v came, want %v", h.Command, h.Status, want)
		}
	}
}

func TestNoReceiptOvertakesTheAnswerToItsSubmitMulti(t *testing.T) {
	const rounds, n = 20, 254
	for name, own := range map[string]bool{"on its own session": true, "on another one": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(r *rig, o *Options) {
				r.hermes.eager, r.hermes.tries = true, make(chan try, rounds*n)
				o.Window = n
			})
			tx := r.dial()
			rx := tx
			if own {
				tx.Bind(smpp.CmdBindTransceiver, "alice", "pw", smpp.V34)
			} else {
				tx.Bind(smpp.CmdBindTransmitter, "alice", "pw", smpp.V34)
				rx = r.bind(smpp.CmdBindReceiver, "alice")
			}
			var dests []smpp.Dest
			for i := range n {
				dests = append(dests, smpp.Dest{Address: international(fmt.Sprint(33612340000 + i))})
			}
			multi := multiTo(dests...)
			multi.RegisteredDelivery = smpp.RegReceiptFinal
			for range rounds {
				sent := time.Now()
				seq := tx.Send(multi)
				if h, _, _ := tx.Read(patience); h.Command != smpp.CmdSubmitMultiResp || h.Sequence != seq {
					t.Fatalf("%v came before the answer", h.Command)
				}
				for range n {
					h, _ := rx.Expect(smpp.CmdDeliverSM)
					if d := time.Since(sent); !own && d < 200*time.Millisecond {
						t.Fatalf("a receipt came %v after the submit_multi", d)
					}
					rx.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
				}
			}
		})
	}
}

func TestNoReceiptOvertakesTheAnswerToItsDataSM(t *testing.T) {
	const n = 200
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	c, b := r.transceiver(), []byte(nil)
	for i := range n {
		d := &smpp.DataSM{Source: international(person), Dest: international(campaign), RegisteredDelivery: smpp.RegReceiptFinal,
			TLVs: smpp.TLVs{smpp.TLVString(smpp.TagMessagePayload, "x")}}
		b = smpp.AppendPDU(b, 0, uint32(100+i), d)
	}
	c.SendRaw(b)
	named := map[string]bool{}
	for range 2 * n {
		h, p, _ := c.Read(patience)
		switch p := p.(type) {
		case *smpp.DataSMResp:
			named[p.MessageID] = true
		case *smpp.DeliverSM:
			if rc := receiptOf(t, p); !named[rc.ID] {
				t.Fatalf("a receipt of %s came before its message_id", rc.ID)
			}
			c.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
		default:
			t.Fatalf("%v %v came", h.Command, h.Status)
		}
	}
}
