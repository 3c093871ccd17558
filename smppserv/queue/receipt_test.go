package queue

import (
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestEachFinalStateHasTheReceiptThatWasAskedFor(t *testing.T) {
	for _, test := range []struct {
		registered, esmClass byte
		success, failure     bool
	}{
		{0, 0, false, false},
		{1, 0, true, true},
		{2, 0, false, true},
		{3, 0, true, false},
		{1, 0x01, false, false}, // datagram
		{1, 0x08, false, false}, // delivery acknowledgement
		{1, 0x10, false, false}, // manual acknowledgement
		{1, 0x02, false, false}, // transaction mode: the response tells
		{1, 0x40, true, true},   // with a user data header
		{0x11, 0, true, true},
	} {
		t.Run(fmt.Sprintf("%#x %#x", test.registered, test.esmClass), func(t *testing.T) {
			r := newRig(t, nil)
			h := r.hermes()
			c := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 10})
			for _, o := range []struct {
				outcome sms.Outcome
				state   sms.State
				owed    bool
			}{
				{sms.Outcome{Verdict: sms.Done}, sms.Delivered, test.success},
				{sms.Outcome{Verdict: sms.Failed, Code: 404}, sms.Undeliverable, test.failure},
			} {
				m := r.text("text")
				m.RegisteredDelivery, m.ESMClass = test.registered, test.esmClass
				r.add(m)
				h.next("text").report(o.outcome)
				r.wantState(m, o.state)
				if !o.owed {
					r.emptied()
					continue
				}
				try := c.next("text")
				got := try.ms[0]
				if got.Kind != sms.KindReceipt || got.Receipt.Of != m.ID || got.Receipt.State != o.state || got.Receipt.Error != o.outcome.Code ||
					got.Source != m.Dest || got.Dest != m.Source || got.ID <= m.ID {
					t.Fatalf("got %+v %+v", got, got.Receipt)
				}
				try.done()
				r.wantState(got, sms.Delivered)
				r.emptied()
			}
			if len(c.tries) > 0 {
				t.Fatal("a receipt too many")
			}
		})
	}
}

func TestExpiryAndCancelOweReceiptsToo(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	m := r.text("expires")
	m.RegisteredDelivery, m.ExpiresAt = 2, m.ReceivedAt.Add(20*time.Millisecond)
	r.add(m)
	try := c.next("expires")
	if try.ms[0].Receipt.State != sms.Expired {
		t.Fatalf("got %+v", try.ms[0].Receipt)
	}
	try.done()
	m = r.text("cancelled")
	m.RegisteredDelivery = 1
	r.add(m)
	if err := r.q.Cancel(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	try = c.next("cancelled")
	if try.ms[0].Receipt.State != sms.Deleted {
		t.Fatalf("got %+v", try.ms[0].Receipt)
	}
	try.done()
	r.emptied()
}

func TestAReceiptThatIsNotTakenMakesNoOther(t *testing.T) {
	r := newRig(t, func(o *Options) { o.ReceiptValidity = 60 * time.Millisecond; o.StatusToHermes = true })
	h := r.hermes()
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	for range 2 {
		m := r.text("text")
		m.RegisteredDelivery = 1
		r.add(m)
		h.next("text").done()
	}
	c.next("text").report(sms.Outcome{Verdict: sms.Failed})
	c.next("text").report(sms.Outcome{Verdict: sms.TryAgain, After: time.Hour}) // expires
	r.emptied()
}

// overtaken is a submission whose answer is slow.
type overtaken struct {
	*submission
	before func()
}

func (s overtaken) Accepted(m *sms.Message, duplicate bool, err error) {
	s.before()
	s.submission.Accepted(m, duplicate, err)
}

func TestNoReceiptGoesBeforeItsSubmitWasAnswered(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 10})
	answer := make(chan struct{})
	s := overtaken{newSubmission(), func() { <-answer }}
	s.session = 1
	m := r.text("m")
	m.RegisteredDelivery = 1
	if err := r.q.Add(m, 0, s); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "the queue knows of it", func() bool { return r.q.Stats().Waiting == 1 })
	h.Resume() // wakes it
	h.next("m").done()
	select {
	case <-c.tries:
		t.Fatal("the receipt went before Accepted returned")
	case <-s.concluded:
		t.Fatal("concluded before Accepted returned")
	case <-time.After(50 * time.Millisecond): // a commit takes less
	}
	close(answer)
	c.next("m").done()
	r.emptied()
}

// submitted adds a message with a receipt, whose submission is given a session before it is told of anything.
func (r *rig) submitted(text string, session uint64, since time.Time, ok bool) *submission {
	r.t.Helper()
	m := r.text(text)
	m.RegisteredDelivery = 1
	s := newSubmission()
	s.session, s.since, s.ok = session, since, ok
	if err := r.q.Add(m, 0, s); err != nil {
		r.t.Fatal(err)
	}
	testkit.Receive(r.t, s.accepted, "Accepted")
	return s
}

func TestAReceiptOnAnotherSessionIsHeldAfterTheAnswer(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 2, Window: 10})
	s := r.submitted("m", 1, time.Time{}, false)
	h.next("m").done()
	testkit.Receive(t, s.concluded, "Concluded")
	select {
	case <-c.tries:
		t.Fatal("the receipt went before the answer")
	case <-time.After(receiptDelay + 100*time.Millisecond):
	}
	since := time.Now()
	s.answer(1, since)
	try := c.next("m")
	if got := try.at.Sub(since); got < receiptDelay {
		t.Fatalf("the receipt went %v after the answer", got)
	}
	try.done()
	r.emptied()
}

func TestAReceiptPrefersTheSessionOfItsSubmitAndIsNotHeldThere(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	other := r.attach(road.OutletOptions{Recipient: "admin", Session: 2, Window: 10})
	own := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 1})
	since := time.Now().Add(time.Hour) // held for ever on any other
	r.submitted("1", 1, since, true)
	h.next("1").done()
	first := own.next("1")
	r.submitted("2", 1, since, true)
	h.next("2").done()
	r.nothing(other, "admin") // the second waits for room on its own session
	first.done()
	own.next("2").done()
	if len(other.tries) > 0 {
		t.Fatal("a receipt went elsewhere")
	}
	r.emptied()
}

func TestAReceiptOfASenderWithoutSessionsGoesAtOnce(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 2, Window: 10})
	r.submitted("m", 0, time.Time{}, false)
	h.next("m").done()
	c.next("m").done()
	r.emptied()
}

func TestAReceiptGoesElsewhereWhenItsSessionIsGone(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	own := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 0})
	r.submitted("m", 1, time.Now().Add(-time.Second), true)
	h.next("m").done()
	testkit.Await(t, "the receipt waits", func() bool { return r.q.Stats() == sms.QueueStats{Waiting: 1, Lanes: 1} })
	other := r.attach(road.OutletOptions{Recipient: "admin", Session: 2, Window: 1})
	r.nothing(other, "admin")
	own.Detach()
	other.next("m").done()
	r.emptied()
}

func TestAnIntermediateNotificationIsSentOnce(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	m := r.text("m")
	m.RegisteredDelivery = 0x10
	r.add(m)
	h.next("m").again()
	try := c.next("m")
	if got := try.ms[0]; got.Kind != sms.KindIntermediate || got.Receipt.State != sms.Enroute || got.Receipt.Error != 503 {
		t.Fatalf("got %+v %+v", got, got.Receipt)
	}
	try.done()
	h.next("m").again()
	r.restart()
	h, c = r.hermes(), r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	h.next("m").again()
	h.next("m").done()
	r.emptied()
	if len(c.tries) > 0 {
		t.Fatal("another notification")
	}
}

func TestHermesHearsOfEachOfItsMessagesIfItWants(t *testing.T) {
	for _, wants := range []bool{true, false} {
		r := newRig(t, func(o *Options) { o.StatusToHermes = wants })
		h := r.hermes()
		c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
		m := r.answerTo("m")
		m.ExternalID, m.RegisteredDelivery = "h-1", 0x10
		r.add(m)
		c.next("m").again()
		c.next("m").done()
		if wants {
			for _, kind := range []sms.Kind{sms.KindIntermediate, sms.KindReceipt} {
				try := h.next("m")
				if got := try.ms[0]; got.Kind != kind || got.Receipt.ExternalID != "h-1" || got.Recipient != sms.Hermes {
					t.Fatalf("got %+v %+v", got, got.Receipt)
				}
				try.done()
			}
		}
		r.emptied()
	}
}

func TestTheReceiptsOfALongTextWaitForTheAnswersOfTheirOwnParts(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 9, Window: 10})
	var late *submission
	for seq := byte(1); seq <= 2; seq++ {
		m := r.part("ab"[seq-1:seq], 7, 2, seq)
		m.RegisteredDelivery = 1
		s := newSubmission()
		s.session, s.since, s.ok = 1, time.Now().Add(-time.Second), seq == 1
		if err := r.q.Add(m, 0, s); err != nil {
			t.Fatal(err)
		}
		testkit.Receive(t, s.accepted, "Accepted")
		late = s
	}
	h.next("ab").done()
	c.next("a").done()
	r.nothing(c, "admin")
	late.answer(1, time.Now().Add(-time.Second))
	c.next("b").done()
	r.emptied()
}
