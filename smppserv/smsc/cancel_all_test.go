package smsc

import (
	"context"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// fill has n messages of alice wait for Hermès, scheduled, and returns the last one. Each tenth asks for a receipt.
func (r *rig) fill(n int) (last *sms.Message) {
	r.t.Helper()
	w := &writer{make(chan error, n)}
	for i := range n {
		now := time.Now()
		last = &sms.Message{Submitter: "alice", Recipient: sms.Hermes, Source: sms.Address{TON: 1, NPI: 1, Number: person}, Dest: sms.Address{TON: 1, NPI: 1, Number: campaign},
			Content: []byte("x"), InterfaceVersion: smpp.V34, ReceivedAt: now, StoredAt: now, DueAt: now.Add(time.Hour), ExpiresAt: now.Add(2 * time.Hour), State: sms.Enroute}
		if i%10 == 0 {
			last.RegisteredDelivery = smpp.RegReceiptFinal
		}
		if err := r.q.Add(last, 0, w); err != nil {
			r.t.Fatal(err)
		}
	}
	for range n {
		if err := testkit.Receive(r.t, w.accepted, "an acceptance"); err != nil {
			r.t.Fatal(err)
		}
	}
	return last
}

var cancelAll = &smpp.CancelSM{Source: international(person), Dest: international(campaign)}

func TestAConversationOfTwentyThousandIsCancelledWhole(t *testing.T) {
	const all = 20_000
	r := newRig(t, nil)
	last := r.fill(all)
	c := r.bind(smpp.CmdBindTransmitter, "alice")
	began := time.Now()
	seq := c.Send(cancelAll)
	behind := c.Send(later("it came after"))
	var id string
	var asked, answered time.Duration
	for range 2 {
		h, p, _ := c.Read(30 * time.Second)
		switch {
		case h.Sequence == seq && h.Status == smpp.ROK:
			answered = time.Since(began)
		case h.Sequence == behind && h.Status == smpp.ROK:
			id, asked = p.(*smpp.SubmitSMResp).MessageID, time.Since(began)
		default:
			t.Fatalf("%v %v came", h.Command, h.Status)
		}
	}
	t.Logf("cancel_sm was answered after %v, a submit_sm behind it after %v", answered, asked)
	r.restart()
	receipts := 0
	err := r.store.Waiting(context.Background(), 0, func(m *sms.Message) error {
		switch {
		case m.Kind == sms.KindReceipt && m.Receipt.State == sms.Deleted:
			receipts++
		case m.ID.String() != id:
			t.Errorf("message %v waits", m.ID)
		}
		return nil
	})
	if err != nil || receipts != all/10 {
		t.Errorf("%d receipts wait, %v", receipts, err)
	}
	if m := r.message(last.ID.String()); m.State != sms.Deleted {
		t.Errorf("the last one is %v", m.State)
	}
	if m := r.message(id); m.State != sms.Enroute {
		t.Errorf("what came after cancel_sm is %v", m.State)
	}
}
