package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// counted is a store that knows how much it was asked for at a time.
type counted struct {
	rows
	mu       sync.Mutex
	heads    []int // messages that were read for their end
	ids      []int // ids that were listed
	outcomes []*road.Transition
	written  bool // elsewhere
}

func (s *counted) LoadHeads(_ context.Context, ids []sms.ID) (ms []*sms.Message, err error) {
	s.mu.Lock()
	s.heads = append(s.heads, len(ids))
	s.mu.Unlock()
	for _, id := range ids {
		ms = append(ms, &sms.Message{ID: id, Submitter: "admin", Content: []byte("text"), State: sms.Enroute, RegisteredDelivery: 2})
	}
	return ms, nil
}

func (s *counted) After(through func()) { through() }

func (s *counted) Finish(t *road.Transition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes = append(s.outcomes, t)
}

func (s *counted) WrittenElsewhere(context.Context) (bool, error) {
	written := s.written
	s.written = false
	return written, nil
}

func (s *counted) WaitingIDs(_ context.Context, after, upTo sms.ID, limit int) (ids []sms.ID, err error) {
	for id := after + 1; id <= upTo && len(ids) < limit; id++ {
		ids = append(ids, id)
	}
	s.ids = append(s.ids, len(ids))
	return ids, nil
}

func TestWhatExpiredWhileNobodyRanIsEndedInBoundedSteps(t *testing.T) {
	const messages = 10 * maxUnwritten
	s := &counted{rows: rows{n: messages, conversations: messages / 2, change: func(_ int, m *sms.Message) { m.ExpiresAt = m.ReceivedAt }}}
	q := New(Options{Log: zerolog.Nop(), Store: s})
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := 0
	for ended < messages {
		var some []*road.Transition
		testkit.Await(t, "as many end as may be on their way to disk", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			some = s.outcomes
			return len(some) >= min(maxUnwritten, messages-ended)
		})
		if len(some) > maxUnwritten+maxJobs {
			t.Fatalf("%d outcomes wait for the disk", len(some))
		}
		s.mu.Lock()
		s.outcomes = nil
		s.mu.Unlock()
		ended += len(some)
		for _, o := range some {
			o.Parked() // nobody waits for it any more
		}
	}
	if most := slices.Max(s.heads); most > maxJobs {
		t.Errorf("%d messages were read together", most)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	if err := q.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestASweepLooksOnlyWhenAnotherProgramHasWrittenAndInSteps(t *testing.T) {
	const messages = 10*sweepStep + 1
	s := &counted{rows: rows{n: messages, conversations: 10}}
	q := waitingIn(t, s)
	if n, err := q.Sweep(t.Context()); n != 0 || err != nil || len(s.ids) > 0 {
		t.Fatalf("%d, %v, asked for ids %d times", n, err, len(s.ids))
	}
	s.written = true
	if n, err := q.Sweep(t.Context()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if len(s.ids) != 11 || slices.Max(s.ids) > sweepStep {
		t.Errorf("ids were asked for in steps of %v", s.ids)
	}
}

// failing is a store whose list of ids cannot be read once.
type failing struct {
	*counted
	times int
}

func (s *failing) WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) ([]sms.ID, error) {
	if s.times++; s.times == 1 {
		return nil, errDisk
	}
	return s.counted.WaitingIDs(ctx, after, upTo, limit)
}

func TestASweepThatFailedIsMadeAgainThoughNobodyHasWrittenSince(t *testing.T) {
	s := &failing{counted: &counted{rows: rows{n: 10, conversations: 10}, written: true}}
	q := waitingIn(t, s)
	if _, err := q.Sweep(t.Context()); err != errDisk {
		t.Fatalf("got %v", err)
	}
	if _, err := q.Sweep(t.Context()); err != nil || s.times != 2 {
		t.Fatalf("got %v after %d looks", err, s.times)
	}
	if _, err := q.Sweep(t.Context()); err != nil || s.times != 2 {
		t.Fatalf("got %v after %d looks", err, s.times)
	}
}

func TestResumeEndsTheWaitsOfManyInStepsAndOfNoOthers(t *testing.T) {
	const messages, failed = 20 * step, 10 * step
	s := &counted{rows: rows{n: messages, conversations: messages, change: func(i int, m *sms.Message) {
		if i < failed {
			m.Attempts, m.DueAt, m.Wait = 1, m.ReceivedAt.Add(30*time.Minute), 30*time.Minute
		}
	}}}
	q := waitingIn(t, s)
	o := q.Attach(road.OutletOptions{Window: 1, Serial: true, Deliverer: done})
	q.mu.Lock()
	now := q.now()
	to := q.recipient(sms.Hermes)
	if len(to.failed) != failed {
		t.Fatalf("%d lanes are known to have failed", len(to.failed))
	}
	q.mu.Unlock()
	o.Resume()
	q.mu.Lock()
	defer q.mu.Unlock()
	due := func() (n int) {
		for id := sms.ID(1); id <= failed; id++ {
			if q.entries.at(q.byID.find(uint64(id))).due <= now {
				n++
			}
		}
		return n
	}
	now = q.now()
	for steps := 1; q.release(now, step); steps++ {
		if n := due(); n > steps*step {
			t.Fatalf("%d waits were ended in %d steps", n, steps)
		}
	}
	if n := due(); n != failed {
		t.Errorf("%d waits were ended", n)
	}
}

func TestEveryEntryFollowsTheClockOnceThoughOthersLookMeanwhile(t *testing.T) {
	const messages = 3 * chunkSize
	q := waitingIn(t, &counted{rows: rows{n: messages, conversations: messages, change: func(_ int, m *sms.Message) { m.Period = false }}})
	q.mu.Lock()
	defer q.mu.Unlock()
	expires := func(id sms.ID) int64 { return q.entries.at(q.byID.find(uint64(id))).expires }
	before := expires(1)
	q.beginToFollow(3600_000, q.now())
	if !q.followOn() {
		t.Fatal("all followed at once")
	}
	q.follow(q.byID.find(messages)) // somebody looks at it
	q.follow(q.byID.find(1))
	for q.followOn() {
	}
	for id := sms.ID(1); id <= messages; id++ {
		if got := expires(id); before-got != 3600_000 {
			t.Fatalf("message %d expires %d ms sooner", id, before-got)
		}
	}
}

func TestTheOldestOfItsServiceTypeIsReplacedInALongConversation(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	loading := &loading{Store: r.fault}
	r.q.o.Store = loading
	const others = 300
	s := newCountedSender(others)
	for i := range others {
		m := r.text(fmt.Sprint(i))
		m.ServiceType = "other"
		if err := r.q.Add(m, 0, s); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Receive(t, s.allAccepted, "all accepted")
	ms := r.texts("old", "older than the new one")
	m, sub := r.text("new"), newSubmission()
	if err := r.q.AddReplacing(t.Context(), m, 0, sub, nil); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, sub.accepted, "Accepted")
	r.wantState(ms[0], sms.Deleted)
	r.wantState(ms[1], sms.Enroute)
	if loading.most > 1 {
		t.Errorf("%d messages were read", loading.most)
	}
}

func TestACancelledConversationLeavesWhatIsOfAnotherServiceTypeOrSubmitter(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		const each = cancelStep + 10
		s := newCountedSender(3 * each)
		kinds := [3][]*sms.Message{}
		for i := range 3 * each {
			m := r.text("text")
			switch i % 3 {
			case 1:
				m.ServiceType = "CMT"
			case 2:
				m.Submitter = "other"
			}
			kinds[i%3] = append(kinds[i%3], m)
			if err := r.q.Add(m, 0, s); err != nil {
				t.Fatal(err)
			}
		}
		testkit.Receive(t, s.allAccepted, "all accepted")
		n, err := r.cancelConversation("admin", "CMT", 0)
		if n != each || err != nil {
			t.Fatalf("%d were cancelled, %v", n, err)
		}
		for _, m := range kinds[1] {
			r.wantState(m, sms.Deleted)
		}
		if n, err = r.cancelConversation("admin", "", 0); n != each || err != nil {
			t.Fatalf("%d were cancelled, %v", n, err)
		}
		if n := r.q.Stats().Waiting; n != each {
			t.Fatalf("%d wait", n)
		}
		if n, err = r.cancelConversation("other", "", 0); n != each || err != nil {
			t.Fatalf("%d were cancelled, %v", n, err)
		}
		r.emptied()
	})
}

// cancelConversation takes back what submitter has waiting in the rig's conversation.
func (r *rig) cancelConversation(submitter, serviceType string, elsewhere int) (n int, err error) {
	r.t.Helper()
	like := r.text("")
	like.Submitter, like.ServiceType = submitter, serviceType
	done := make(chan struct{})
	r.q.CancelConversation(context.Background(), like, func(context.Context) (road.Cancelled, error) { return road.Cancelled{N: elsewhere}, nil }, func(all road.Cancelled, failed error) {
		n, err = all.N, failed
		close(done)
	})
	testkit.Receive(r.t, done, "the end of a cancellation")
	return n, err
}
