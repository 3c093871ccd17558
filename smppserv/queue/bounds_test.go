package queue

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// messageOctets is about what a message with a short text takes.
const messageOctets = int(unsafe.Sizeof(sms.Message{})) + 40

// heldOctets is the memory that messages take.
func (r *rig) heldOctets() int {
	r.q.mu.Lock()
	defer r.q.mu.Unlock()
	return r.q.cached
}

func TestWaitingMessagesTakeNoMoreMemoryThanTheyMay(t *testing.T) {
	const held = 10
	r := newRig(t, func(o *Options) { o.CacheOctets = held * messageOctets })
	const messages = 10 * held
	for range messages {
		r.texts("m")
		if got := r.heldOctets(); got > r.o.CacheOctets {
			t.Fatalf("%d octets are held, more than %d", got, r.o.CacheOctets)
		}
	}
	h := r.hermes()
	for range messages {
		h.next("m").done()
	}
	r.emptied()
}

func TestWhatIsReadAheadTakesNoMoreMemoryThanItMay(t *testing.T) {
	const lanes, each, size = 12, readAhead + 1, 32 << 10
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	text := strings.Repeat("x", size)
	s := newCountedSender(lanes * each)
	for lane := range lanes {
		for range each {
			m := r.text(text)
			m.Source.Number = fmt.Sprint("336", lane)
			if err := r.q.Add(m, 0, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	testkit.Receive(t, s.allAccepted, "all accepted")
	h := r.attach(road.OutletOptions{Window: 1, Serial: true})
	most := 0
	for range lanes * each {
		try := testkit.Receive(t, h.tries, "a try")
		most = max(most, r.heldOctets())
		try.done()
		testkit.Await(t, "its outcome is on disk", func() bool { return r.q.Stats().Unwritten == 0 })
	}
	if bound := aheadOctets + readAhead*(size+messageOctets); most > bound {
		t.Errorf("%d octets are held, more than %d", most, bound)
	}
	r.emptied()
}

// loading is a store that knows how many messages were read together.
type loading struct {
	Store
	most int
}

func (s *loading) Load(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	s.most = max(s.most, len(ids))
	return s.Store.Load(ctx, ids)
}

func TestOfALineOnlySoManyMessagesAreReadAhead(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	store := &loading{Store: r.fault}
	r.q.o.Store = store
	const messages = 4 * readAhead
	for i := range messages {
		r.texts(fmt.Sprint(i))
	}
	h := r.attach(road.OutletOptions{Window: 1, Serial: true})
	for i := range messages {
		h.next(fmt.Sprint(i)).done()
	}
	r.emptied()
	r.stop()
	if store.most != readAhead {
		t.Errorf("%d messages were read together, want %d", store.most, readAhead)
	}
}

func TestAMessageThatIsGivenBackIsNotKeptInMemoryBeyondTheBound(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	h := r.hermes()
	r.texts("m")
	for _, o := range []sms.Outcome{{Verdict: sms.Returned}, {Verdict: sms.TryAgain}} {
		try := h.next("m")
		h.Pause(time.Hour)
		try.report(o)
		testkit.Await(t, "it is on disk as it is", func() bool { return r.q.Stats().Unwritten == 0 })
		if got := r.heldOctets(); got != 0 {
			t.Errorf("%d octets are held after %v", got, o.Verdict)
		}
		h.Resume()
	}
	h.next("m").done()
	r.emptied()
}

func TestADeliveryPendingFlagThatHasEndedLeavesNothingOfItsConversation(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 4, Serial: true, Retry: []time.Duration{time.Hour}})
	const conversations = 10
	for i := range conversations {
		m := r.flagged("text")
		m.RegisteredDelivery, m.Source.Number = 0, fmt.Sprint("336", i)
		m.ExpiresAt = m.ReceivedAt.Add(2 * time.Second)
		r.add(m)
		h.next("text").again()
	}
	testkit.Await(t, "all have expired, and left their delivery pending flags", func() bool {
		r.q.mu.Lock()
		defer r.q.mu.Unlock()
		return len(r.q.recipient(sms.Hermes).dpfs) == conversations && r.q.unwritten == 0
	})
	dpfs, err := r.store.WaitingIDs(t.Context(), 0, 1<<62, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range dpfs {
		if err := r.q.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	r.emptied()
	r.q.mu.Lock()
	defer r.q.mu.Unlock()
	if n := len(r.q.recipient(sms.Hermes).dpfs); n > 0 {
		t.Errorf("%d conversations are kept for dpfs, and there is none", n)
	}
}
