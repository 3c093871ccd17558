package queue

import (
	"context"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
)

// foreign is the store of several workers, where epoch 7 accepted all messages.
type foreign struct {
	Store
	steps []road.ClockStep
	reads int
}

func (s *foreign) ClockSteps(context.Context) ([]road.ClockStep, error) {
	s.reads++
	return s.steps, nil
}

func (s *foreign) Load(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	ms, err := s.Store.Load(ctx, ids)
	for _, m := range ms {
		m.AcceptedBy = 7
	}
	return ms, err
}

// theirClock has the rig be an heir of epoch 7, whose clock was set by so much five minutes ago, when it knew the messages up to 500.
func (r *rig) theirClock(by time.Duration) (s *foreign, now time.Time) {
	now, _ = r.clock.read()
	set := now.Add(-5 * time.Minute)
	s = &foreign{Store: r.fault, steps: []road.ClockStep{
		{LastID: 5000, From: now, To: now.Add(7 * time.Hour), Of: []sms.Epoch{9}},
		{LastID: 500, From: set.Add(-by), To: set, Of: []sms.Epoch{6, 7}},
	}}
	r.q.o.Store = s
	return s, now
}

// takeOver takes a message up that another worker held.
func (r *rig) takeOver(m *sms.Message) {
	r.t.Helper()
	n, err := r.q.TakeOver(r.t.Context(), func(_ context.Context, f func(*sms.Message) error) error { return f(m) })
	if n != 1 || err != nil {
		r.t.Fatal(n, err)
	}
}

// left is how long a message that waits may still be tried.
func (r *rig) left(id sms.ID) time.Duration {
	r.t.Helper()
	r.q.mu.Lock()
	defer r.q.mu.Unlock()
	e := r.q.byID.find(uint64(id))
	if e == 0 {
		r.t.Fatalf("message %d is gone", id)
	}
	return time.Duration(r.q.entries.at(e).expires-r.q.now()) * time.Millisecond
}

func (r *rig) wantLeft(id sms.ID, want time.Duration) {
	r.t.Helper()
	if left := r.left(id); (left - want).Abs() > 30*time.Second {
		r.t.Errorf("message %d has %v left, want %v", id, left, want)
	}
}

func TestWhatADeadWorkerAcceptedIsJudgedByItsClockAsThatWasSet(t *testing.T) {
	const validity = 30 * time.Minute
	for _, by := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.Share = newOthers() })
			_, now := r.theirClock(by)
			accepted := func(id sms.ID, by sms.Epoch, shown time.Time) {
				m := r.answerTo("text")
				m.ID, m.AcceptedBy, m.Period, m.ReceivedAt, m.DueAt, m.ExpiresAt = id, by, true, shown, shown, shown.Add(validity)
				r.takeOver(m)
			}
			accepted(500, 7, now.Add(-by-10*time.Minute)) // ten minutes ago
			accepted(600, 7, now.Add(-2*time.Minute))
			accepted(400, 8, now.Add(-2*time.Minute)) // whose clock was not set
			r.wantLeft(500, validity-10*time.Minute)
			r.wantLeft(600, validity-2*time.Minute)
			r.wantLeft(400, validity-2*time.Minute)
			scheduled := r.answerTo("text")
			scheduled.ID, scheduled.AcceptedBy, scheduled.Period, scheduled.ReceivedAt = 499, 7, true, now.Add(-by-20*time.Minute)
			scheduled.DueAt = now.Add(-by - 10*time.Minute)
			scheduled.ExpiresAt = scheduled.DueAt.Add(validity)
			r.takeOver(scheduled)
			r.wantLeft(499, validity-10*time.Minute)
		})
	}
}

func TestWhatAnotherWorkerHandsOnIsJudgedByItsClockAndThatIsNotReadEachTime(t *testing.T) {
	const by, validity = 2 * time.Hour, 30 * time.Minute
	r := newRig(t, func(o *Options) { o.Share = newOthers() })
	s, now := r.theirClock(by)
	handed := func() sms.ID {
		m := r.answerTo("text")
		m.Period, m.ReceivedAt = true, now.Add(-by-10*time.Minute)
		m.DueAt, m.ExpiresAt = m.ReceivedAt, m.ReceivedAt.Add(validity)
		storetest.Add(t, r.store, m)
		if n, err := r.q.TakeIn(t.Context(), []sms.ID{m.ID}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		return m.ID
	}
	r.clock.elapse(othersFresh)
	first, second := handed(), handed()
	r.wantLeft(first, validity-10*time.Minute)
	r.wantLeft(second, validity-10*time.Minute)
	if s.reads != 1 {
		t.Errorf("the steps were read %d times", s.reads)
	}
	r.clock.elapse(othersFresh)
	if handed(); s.reads != 2 {
		t.Errorf("later the steps were read %d times", s.reads)
	}
}

func TestAPeriodThatIsReplacedOfWhatADeadWorkerAcceptedIsKeptOverATakeOver(t *testing.T) {
	const by = 2 * time.Hour
	r := newRig(t, func(o *Options) { o.Share = newOthers() })
	_, now := r.theirClock(by)
	r.clock.elapse(othersFresh)
	m := r.answerTo("text")
	m.Period, m.ReceivedAt = true, now.Add(-by-10*time.Minute)
	m.DueAt, m.ExpiresAt = m.ReceivedAt, m.ReceivedAt.Add(30*time.Minute)
	storetest.Add(t, r.store, m)
	if n, err := r.q.TakeIn(t.Context(), []sms.ID{m.ID}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := r.q.Replace(t.Context(), m.ID, func(m *sms.Message) error {
		m.Content, m.ReceivedAt = []byte("replaced"), now
		m.ExpiresAt = now.Add(5 * time.Hour)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	r.wantLeft(m.ID, 5*time.Hour)
	rows, err := r.q.o.Store.Load(t.Context(), []sms.ID{m.ID})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	heir := newRig(t, func(o *Options) { o.Share = newOthers() })
	heir.theirClock(by)
	heir.takeOver(rows[0])
	heir.wantLeft(m.ID, 5*time.Hour)
}

func TestWhatCameFromOthersIsNotTakenForWhatThisClockGaveItsTimes(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Share = newOthers() })
	_, now := r.theirClock(time.Hour)
	own := r.texts("own")[0]
	m := r.answerTo("text") // of a higher block of IDs
	m.ID, m.AcceptedBy, m.ReceivedAt, m.DueAt, m.ExpiresAt = 9000, 8, now, now, now.Add(time.Hour)
	r.takeOver(m)
	r.setClock(-time.Hour)
	r.q.mu.Lock()
	defer r.q.mu.Unlock()
	if last := r.q.steps[0].LastID; last != own.ID {
		t.Errorf("the clock was set after message %d, want %d", last, own.ID)
	}
}

func TestWhatAnEarlierLifeAcceptedAndAnotherWorkerHasFollowsTheClockOfALaterLife(t *testing.T) {
	const by, validity = time.Hour, 3 * time.Hour
	r := newRig(t, func(o *Options) { o.Share = newOthers() })
	m := r.answerTo("text")
	now, _ := r.clock.read()
	m.Period, m.ReceivedAt, m.DueAt, m.ExpiresAt = true, now, now, now.Add(validity)
	storetest.Add(t, r.store, m)
	storetest.Finish(r.store, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered}) // nothing of it waits here
	r.restart()
	r.clock.elapse(2 * time.Minute)
	r.setClock(by)
	steps := r.awaitStepsOnDisk(1)
	steps[0].Of = []sms.Epoch{6, 7}
	heir := newRig(t, func(o *Options) { o.Share = newOthers() })
	heir.clock.elapse(2 * time.Minute)
	heir.setClock(by)
	heir.q.o.Store = &foreign{Store: heir.fault, steps: steps}
	m.AcceptedBy = 6
	heir.takeOver(m)
	heir.wantLeft(m.ID, validity-2*time.Minute)
}
