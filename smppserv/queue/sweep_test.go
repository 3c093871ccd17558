package queue

import (
	"context"
	"testing"

	"hnetsmpp/smppserv/sms"
)

// meanwhile is a store with which something happens between the two looks of a sweep.
type meanwhile struct {
	Store
	happen func()
}

func (s meanwhile) WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) ([]sms.ID, error) {
	ids, err := s.Store.WaitingIDs(ctx, after, upTo, limit)
	s.happen()
	return ids, err
}

func (meanwhile) WrittenElsewhere(context.Context) (bool, error) { return true, nil }

func TestAMessageThatEndsDuringASweepIsNotTriedAgain(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.texts("m")[0]
	try := h.next("m")
	r.q.o.Store = meanwhile{r.fault, func() {
		try.done()
		r.wantState(m, sms.Delivered)
		r.emptied()
	}}
	if n, err := r.q.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("the sweep took up %d, %v", n, err)
	}
	r.nothing(h, sms.Hermes)
	r.emptied()
}
