package queue

import (
	"testing"
	"time"
)

// The dispatcher closes a text when its time is up, but a part may come before it gets there.
func TestAPartThatComesAfterTheTimeOfItsTextBeginsAnother(t *testing.T) {
	for _, late := range []time.Duration{0, time.Hour} {
		r := newRig(t, nil)
		h := r.hermes()
		a, b, c := r.part("a", 1, 3, 1), r.part("b", 1, 3, 2), r.part("c", 1, 3, 3)
		b.ReceivedAt = a.ReceivedAt.Add(r.o.Reassemble + late)
		c.ReceivedAt = b.ReceivedAt.Add(r.o.Reassemble - time.Millisecond)
		b.ExpiresAt, c.ExpiresAt = b.ReceivedAt.Add(time.Hour), b.ReceivedAt.Add(time.Hour)
		r.add(a)
		r.add(b)
		r.add(c) // in time for b
		try := h.next("a")
		if !try.incomplete {
			t.Error("the first text is complete")
		}
		try.done()
		other := r.part("A", 1, 3, 1)
		other.ReceivedAt, other.ExpiresAt = c.ReceivedAt, c.ExpiresAt
		r.add(other)
		if try = h.next("Abc"); try.incomplete {
			t.Error("the second text is incomplete")
		}
		try.done()
		r.emptied()
	}
}
