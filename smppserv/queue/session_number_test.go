package queue

import (
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/testkit"
)

func TestAReceiptPrefersTheSessionOfItsSubmitLongAfterThatWasLetGo(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 1})
	r.texts("first")
	busy := h.next("first")
	const messages = 10
	for i := range messages {
		s := &visit{new(device), newCountedSender(1)}
		m := r.text(fmt.Sprint(i))
		m.RegisteredDelivery, m.Source.Number = 1, fmt.Sprint(i)
		if err := r.q.Add(m, 0, s); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Await(t, "the submissions are let go", func() bool {
		r.q.mu.Lock()
		defer r.q.mu.Unlock()
		return r.q.entries.n == messages+1 && r.q.kept() == 1 // the first one awaits its outcome
	})
	wide := r.attach(road.OutletOptions{Recipient: "admin", Session: 2, Window: 100})
	own := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 1})
	busy.done()
	for range messages {
		testkit.Receive(t, h.tries, "a try").done()
		testkit.Receive(t, own.tries, "the receipt on the session of the submit").done()
	}
	if len(wide.tries) > 0 {
		t.Error("a receipt went elsewhere")
	}
	r.emptied()
}

// deaf is a submission whose answer nobody reads.
type deaf struct{ *visit }

func (deaf) Answered() (uint64, time.Time, bool) { return 7, time.Time{}, false }

func TestAnAnswerThatIsNotReadKeepsNoOtherSubmission(t *testing.T) {
	r := newRig(t, nil)
	const others = 50
	s := newCountedSender(others + 1)
	for i := range others + 1 {
		m := r.text(fmt.Sprint(i))
		m.RegisteredDelivery, m.Source.Number = 1, fmt.Sprint(i)
		var err error
		if i == 0 {
			err = r.q.Add(m, 0, &deaf{&visit{new(device), s}})
		} else {
			err = r.q.Add(m, 0, &visit{new(device), s})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	testkit.Receive(t, s.allAccepted, "all accepted")
	testkit.Await(t, "one is kept", func() bool {
		r.q.mu.Lock()
		defer r.q.mu.Unlock()
		return r.q.kept() == 1 && r.q.answers.line.len() == 1
	})
}
