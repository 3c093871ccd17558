package smsc

import (
	"fmt"
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

func TestClientsThatAreGoneAreForgotten(t *testing.T) {
	r := newRig(t, nil)
	for i := range 50 {
		id := fmt.Sprint("client", i)
		st := r.st
		st.Clients = []Client{{SystemID: id, CheckPassword: func(string) bool { return true }}}
		r.sv.Reload(st)
		c := r.bind(smpp.CmdBindTransmitter, id)
		c.Unbind()
	}
	r.sv.Reload(r.st)
	r.sv.registry.mu.Lock()
	defer r.sv.registry.mu.Unlock()
	if n := len(r.sv.registry.accounts); n > 0 {
		t.Errorf("%d clients are remembered that are no more", n)
	}
}
