package smsc

import (
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
