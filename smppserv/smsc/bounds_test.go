package smsc

import (
	"testing"

	"hnetsmpp/pkg/smpp"
)

func TestTransactionsAreForgottenWhenTheyAreAnswered(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	c := r.transceiver()
	for range 100 {
		c.ExpectResp(c.Send(&smpp.DataSM{Source: international(person), Dest: international(campaign), ESMClass: smpp.ESMTransaction,
			TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("text")}}}), smpp.ROK)
		r.next()
	}
	r.sv.underWay.mu.Lock()
	defer r.sv.underWay.mu.Unlock()
	if n := len(r.sv.underWay.waiting); n > 0 {
		t.Errorf("%d transactions wait, and all are answered", n)
	}
}
