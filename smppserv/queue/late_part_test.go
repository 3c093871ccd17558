package queue

import (
	"testing"
	"time"
)

// The dispatcher closes a text when its time is up, but a part may come before it gets there.
func TestAPartThatComesAfterTheTimeOfItsTextBeginsAnother(t *testing.T) {
	for _, late := range []time.Duration{0, 20 * time.Minute} {
		r := newRig(t, func(o *Options) { o.Reassemble = 15 * time.Minute })
		h := r.hermes()
		r.add(r.part("a", 1, 3, 1))
		r.clock.elapse(r.o.Reassemble + late)
		r.add(r.part("b", 1, 3, 2))
		try := h.next("a")
		if !try.incomplete {
			t.Error("the first text is complete")
		}
		try.done()
		r.clock.elapse(r.o.Reassemble - 5*time.Minute)
		r.add(r.part("c", 1, 3, 3)) // in time for b
		r.add(r.part("A", 1, 3, 1))
		if try = h.next("Abc"); try.incomplete {
			t.Error("the second text is incomplete")
		}
		try.done()
		r.emptied()
	}
}
