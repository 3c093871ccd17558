package queue

import (
	"errors"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// many adds messages of one conversation.
func (r *rig) many(n int) []*sms.Message {
	r.t.Helper()
	s := newCountedSender(n)
	var ms []*sms.Message
	for range n {
		m := r.text("text")
		m.RegisteredDelivery = 1
		ms = append(ms, m)
		if err := r.q.Add(m, 0, s); err != nil {
			r.t.Fatal(err)
		}
	}
	testkit.Receive(r.t, s.allAccepted, "all accepted")
	return ms
}

func TestACancellationThatTheDiskRefusesCancelsNothing(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		ms := r.many(cancelStep + 10)
		r.fault.set(func() { r.fault.endErr = errDisk })
		if n, err := r.cancelConversation("admin", "", 0); n != 0 || !errors.Is(err, errDisk) {
			t.Fatalf("%d were cancelled, %v", n, err)
		}
		h := r.hermes()
		for range ms { // each is tried, in its turn
			h.next("text").done()
		}
		for _, m := range ms {
			r.wantState(m, sms.Delivered)
		}
	})
}

func TestMoreThanAreCancelledAtATimeAreLeft(t *testing.T) {
	r := newRig(t, nil)
	ms := r.many(11)
	r.q.maxCancelled = 10
	if n, err := r.cancelConversation("admin", "", 0); n != 0 || !errors.Is(err, sms.ErrTooMany) {
		t.Fatalf("%d were cancelled, %v", n, err)
	}
	r.q.maxCancelled = 11
	if n, err := r.cancelConversation("admin", "", 0); n != 11 || err != nil {
		t.Fatalf("%d were cancelled, %v", n, err)
	}
	for _, m := range ms {
		r.wantState(m, sms.Deleted)
	}
}

// endsOfATry are what may come of a message that was taken back while it was tried.
var endsOfATry = map[string]struct {
	outcome sms.Outcome
	want    sms.State
}{
	"and fails":    {sms.Outcome{Verdict: sms.TryAgain, Reason: "busy"}, sms.Deleted},
	"and succeeds": {sms.Outcome{Verdict: sms.Done}, sms.Delivered},
}

func TestWhatIsTriedWhenItsConversationIsCancelledIsNotTriedAgain(t *testing.T) {
	for name, report := range endsOfATry {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			h := r.hermes()
			ms := r.many(5)
			first := h.next("text")
			if n, err := r.cancelConversation("admin", "", 0); n != 4 || err != nil {
				t.Fatalf("%d were cancelled, %v", n, err)
			}
			first.report(report.outcome)
			testkit.Await(t, "it has ended", func() bool {
				got, err := r.store.Get(t.Context(), ms[0].ID)
				return err == nil && got.State == report.want
			})
			r.nothing(h, sms.Hermes)
		})
	}
}
