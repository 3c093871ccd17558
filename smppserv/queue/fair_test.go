package queue

import (
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

const backlog = 5000

// soon checks that a message with this text is among the next tries.
func (o *outbox) soon(text string) {
	o.t.Helper()
	for n := range 100 {
		try := testkit.Receive(o.t, o.tries, "a try")
		if try.text() == text {
			return
		}
		if n == 99 {
			o.t.Fatalf("%q is not among the next 100 tries", text)
		}
		try.done()
	}
}

// backlog hands in so many messages, in one conversation or in one each.
func (r *rig) backlog(lanes int, change func(*sms.Message)) {
	r.t.Helper()
	s := newCountedSender(backlog)
	for i := range backlog {
		m := r.text("backlog")
		m.Source.Number = fmt.Sprint(33600000000 + i%lanes)
		change(m)
		if err := r.q.Add(m, 0, s); err != nil {
			r.t.Fatal(err)
		}
	}
	testkit.Receive(r.t, s.allAccepted, "all accepted")
}

func TestABacklogOfOneClientDoesNotDelayAnothersMessage(t *testing.T) {
	for _, lanes := range []int{1, backlog} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint(lanes, " conversations, restart ", restart), func(t *testing.T) {
				r := newRig(t, nil)
				var h *outbox
				if !restart { // it is at it
					h = r.hermes()
				}
				r.backlog(lanes, func(*sms.Message) {})
				m := r.text("another's")
				m.Submitter, m.Source.Number = "other", "33700000000"
				r.add(m)
				if restart {
					r.restart()
					h = r.hermes()
				}
				h.soon("another's")
			})
		}
	}
}

func TestABacklogOfReceiptsDoesNotDelayAMessageToTheSameClientNorTheOtherWayRound(t *testing.T) {
	receipt := func(m *sms.Message) {
		m.Kind, m.Submitter, m.Recipient, m.Receipt = sms.KindReceipt, sms.Hermes, "admin", &sms.Receipt{Of: 1}
	}
	message := func(m *sms.Message) { m.Submitter, m.Recipient = sms.Hermes, "admin" }
	for name, kinds := range map[string][2]func(*sms.Message){"a message": {receipt, message}, "a receipt": {message, receipt}} {
		for _, lanes := range []int{1, backlog} {
			t.Run(fmt.Sprint(name, " behind ", lanes, " conversations"), func(t *testing.T) {
				r := newRig(t, nil)
				r.backlog(lanes, kinds[0])
				m := r.text("the one")
				m.Source.Number = "33700000000"
				kinds[1](m)
				r.add(m)
				r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 10}).soon("the one")
			})
		}
	}
}

// Those of the backlog wait for the session that their submits came in on; the other one may go anywhere.
func TestReceiptsThatWaitForTheirSessionDoNotDelayAnothersMessage(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	s := newSubmission()
	s.session, s.since, s.ok = 1, time.Now().Add(time.Hour), true
	s.accepted, s.concluded = make(chan error, 500), make(chan sms.Outcome, 500)
	const receipts = 500
	for i := range receipts {
		m := r.text("backlog")
		m.RegisteredDelivery, m.Source.Number = 1, fmt.Sprint(i)
		if err := r.q.Add(m, 0, s); err != nil {
			t.Fatal(err)
		}
		testkit.Receive(t, h.tries, "a try").done()
	}
	testkit.Await(t, "the receipts wait", func() bool { return r.q.Waiting()["admin"] == receipts })
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 1})
	first := testkit.Receive(t, c.tries, "a try")
	r.add(r.answerTo("another's"))
	first.done()
	c.soon("another's")
}

// Its message may not overtake theirs; so theirs goes with its turn.
func TestAMessageInAConversationWithABacklogsWaitsForThatConversationOnly(t *testing.T) {
	for what, lane := range map[string]int{"under way": 0, "far behind": backlog - 1} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint("one that is ", what, ", restart ", restart), func(t *testing.T) {
				r := newRig(t, nil)
				var h *outbox
				if !restart {
					h = r.hermes()
				}
				r.backlog(backlog, func(*sms.Message) {})
				m := r.text("another's")
				m.Submitter, m.Source.Number = "other", fmt.Sprint(33600000000+lane)
				r.add(m)
				if restart {
					r.restart()
					h = r.hermes()
				}
				h.soon("another's")
			})
		}
	}
}

func TestAMessageThatComesBackIsNotPutBehindABacklogOfWhoeverWroteAfterIt(t *testing.T) {
	r := newRig(t, nil)
	shared := func(submitter, text string) {
		m := r.text(text)
		m.Submitter, m.Source.Number = submitter, "33700000000"
		r.add(m)
	}
	m := r.text("first of the backlog")
	m.Source.Number = "33600000000"
	r.add(m)
	shared("other", "another's")
	shared("admin", "behind it")
	r.backlog(backlog, func(*sms.Message) {})
	h := r.attach(road.OutletOptions{Window: 1, Serial: true})
	for range 2 { // its turns come as soon as anybody's
		for n := 0; ; n++ {
			try := testkit.Receive(t, h.tries, "a try")
			if try.text() == "another's" {
				try.report(sms.Outcome{Verdict: sms.Returned})
				break
			}
			if n == 10 {
				t.Fatal("it is behind the backlog")
			}
			try.done()
		}
	}
	h.soon("another's")
}
