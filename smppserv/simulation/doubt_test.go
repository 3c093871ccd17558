package simulation

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/memory"
)

// waiter hears whether its message was accepted.
type waiter struct{ accepted chan error }

func (w waiter) Accepted(_ *sms.Message, _ bool, err error) { w.accepted <- err }
func (waiter) Awaits() bool                                 { return false }
func (waiter) Concluded(*sms.Message, sms.Outcome)          {}
func (waiter) Answered() (uint64, time.Time, bool)          { return 1, time.Now().Add(-time.Hour), true }

// taker takes whatever comes.
type taker chan *sms.Message

func (d taker) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	d <- ms[0]
	report(sms.Outcome{Verdict: sms.Done})
}

func TestAReplacementThatWasInDoubtForLongIsAcceptedAfterAllSinceTheOldMessageIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		var lose atomic.Bool // the answer to the next commit
		var since time.Time
		s, _, err := memory.Open(ctx, memory.NewDisk(), memory.Options{Log: zerolog.Nop(),
			Write: func(*store.Batch) memory.Fate {
				if lose.Swap(false) {
					since = time.Now()
					return memory.Kept
				}
				return memory.Written
			},
			Settle: func() error {
				if time.Since(since) < time.Minute {
					return errors.New("out of reach")
				}
				return nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		q := queue.New(queue.Options{Store: s, Log: zerolog.Nop(), Settings: queue.Settings{ReceiptValidity: time.Hour}})
		if err := q.Start(ctx); err != nil {
			t.Fatal(err)
		}
		text := func(content string) *sms.Message {
			now := time.Now()
			return &sms.Message{Submitter: "acme", Source: sms.Address{Number: "336"}, Dest: sms.Address{Number: "3600"}, RegisteredDelivery: 1,
				Content: []byte(content), ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(time.Hour), State: sms.Enroute}
		}
		first, second := waiter{make(chan error, 1)}, waiter{make(chan error, 1)}
		if err := q.Add(text("old"), 0, first); err != nil {
			t.Fatal(err)
		}
		if err := <-first.accepted; err != nil {
			t.Fatal(err)
		}
		lose.Store(true)
		if err := q.AddReplacing(ctx, text("new"), 0, second, nil); err != nil {
			t.Fatal(err)
		}
		if err := <-second.accepted; err != nil {
			t.Errorf("the new one: %v", err)
		}
		pushed, receipts := make(taker, 10), make(taker, 10)
		q.Attach(road.OutletOptions{Recipient: sms.Hermes, Window: 10, Serial: true, Retry: []time.Duration{time.Second}, Deliverer: pushed})
		q.Attach(road.OutletOptions{Recipient: "acme", Session: 1, Window: 10, Retry: []time.Duration{time.Second}, Deliverer: receipts})
		time.Sleep(time.Minute)
		if n := len(pushed); n != 1 {
			t.Fatalf("%d are pushed", n)
		}
		if got := <-pushed; string(got.Content) != "new" {
			t.Errorf("%q is pushed", got.Content)
		}
		states := map[sms.State]int{}
		for range len(receipts) {
			states[(<-receipts).Receipt.State]++
		}
		if states[sms.Deleted] != 1 || states[sms.Delivered] != 1 || len(states) != 2 {
			t.Errorf("receipts came of %v", states)
		}
		end, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := errors.Join(q.Stop(end), s.Close(end)); err != nil {
			t.Error(err)
		}
	})
}
