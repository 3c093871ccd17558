package queue

import (
	"errors"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// asked cancels messages for another worker.
func (r *rig) asked(id sms.ID) error {
	ctx := road.WithAnswer(road.WithAsk(r.t.Context(), 7), func(int) []byte { return nil })
	return r.q.CancelBy(ctx, id, "asked")
}

func TestWhatIsCancelledForAnotherWorkerIsDeletedWithItsReceipt(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		c := r.admin()
		m := r.text("text")
		m.RegisteredDelivery = 1
		r.add(m)
		if err := r.asked(m.ID); err != nil {
			t.Fatal(err)
		}
		if got := r.wantState(m, sms.Deleted); got.Reason != "asked" {
			t.Errorf("its reason is %q", got.Reason)
		}
		if got := c.nextKind(sms.KindReceipt); got.ms[0].Receipt.State != sms.Deleted {
			t.Errorf("its receipt is %+v", got.ms[0])
		} else {
			got.done()
		}
		if err := r.asked(m.ID); err != sms.ErrNotWaiting {
			t.Errorf("again: %v", err)
		}
		r.hermes()
		r.emptied()
	})
}

func TestWhatAnotherWorkerDoesNotWaitForAnyMoreIsNotCancelled(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		r.fault.set(func() { r.fault.endErr = errDisk })
		long := "a text that is longer than the head of it that is read to end a message, so that it is seen whether all of it is sent after that"
		ms := r.texts(long)
		scheduled := r.text("scheduled")
		scheduled.DueAt = scheduled.ReceivedAt.Add(200 * time.Millisecond)
		r.add(scheduled)
		first := r.part("first ", 1, 2, 1)
		first.Dest.Number = "3601"
		r.add(first)
		for _, m := range append(ms, scheduled, first) {
			if err := r.asked(m.ID); !errors.Is(err, errDisk) {
				t.Fatalf("message %d: %v", m.ID, err)
			}
		}
		if n, err := r.q.Sweep(t.Context()); n != 1 || err != nil { // a part is taken up anew
			t.Fatalf("%d were taken up, %v", n, err)
		}
		h := r.hermes()
		second := r.part("second", 1, 2, 2)
		second.Dest.Number = "3601"
		r.add(second)
		seen := map[string]bool{}
		for range 3 {
			try := testkit.Receive(t, h.tries, "a try")
			seen[try.text()] = true
			try.done()
		}
		if !seen[long] || !seen["scheduled"] || !seen["first second"] {
			t.Errorf("came %v", seen)
		}
		for _, m := range append(ms, scheduled, first, second) {
			r.wantState(m, sms.Delivered)
		}
	})
}
