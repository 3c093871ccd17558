package queue

import (
	"testing"

	"hnetsmpp/smppserv/sms"
)

func TestAPartThatCameThriceMayBeTakenBackInTheMiddle(t *testing.T) {
	for _, taken := range []int{0, 1, 2} {
		r := newRig(t, nil)
		ms := []*sms.Message{r.part("a", 1, 2, 1), r.part("a", 1, 2, 1), r.part("a", 1, 2, 1)}
		for _, m := range ms {
			r.add(m)
		}
		if err := r.q.Cancel(t.Context(), ms[taken].ID); err != nil {
			t.Fatal(err)
		}
		r.wantState(ms[taken], sms.Deleted)
		last := r.part("b", 1, 2, 2)
		r.add(last)
		try := r.hermes().next("ab")
		if try.incomplete {
			t.Error("it is not complete")
		}
		try.done()
		for i, m := range append(ms, last) {
			if i != taken {
				r.wantState(m, sms.Delivered)
			}
		}
		r.emptied()
	}
}
