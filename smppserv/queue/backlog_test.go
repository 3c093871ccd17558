package queue

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// backlog is what waits for a recipient.
func (r *rig) backlogOf(recipient string) sms.Backlog {
	r.t.Helper()
	all, err := r.q.Backlogs(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, b := range all {
		if b.Recipient == recipient {
			return b
		}
	}
	return sms.Backlog{Recipient: recipient}
}

func TestABacklogTellsTextsFromReceiptsAndWhichIsTheOldest(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("asks for a receipt")
	m.RegisteredDelivery = 1
	r.add(m)
	h.next("asks for a receipt").done()
	r.wantState(m, sms.Delivered)
	testkit.Await(t, "the receipt waits", func() bool { return r.backlogOf("admin").Receipts() == 1 })
	first, later := r.answerTo("for the client"), r.answerTo("for later")
	later.DueAt = later.DueAt.Add(time.Hour)
	later.ExpiresAt = later.ExpiresAt.Add(time.Hour)
	r.add(first)
	r.add(later)
	b := r.backlogOf("admin")
	if b.Count != 3 || b.Texts != 2 || b.Scheduled != 1 || b.Outlets != 0 || b.InFlight != 0 || b.Oldest >= first.ID || b.Next.Sub(later.DueAt).Abs() > 2*time.Millisecond {
		t.Fatalf("got %+v", b)
	}
	r.attach(road.OutletOptions{Recipient: "admin", Session: 7, Window: 8})
	testkit.Await(t, "two are in flight", func() bool { return r.backlogOf("admin").InFlight == 2 })
	if n := r.q.Texts(); n != 2 {
		t.Errorf("%d texts wait in all, want 2", n)
	}
}

func TestWhatIsForARecipientThatIsHeldWaitsUntilItIsGivenFree(t *testing.T) {
	r := newRig(t, nil)
	r.q.Hold("admin", true)
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 7, Window: 8})
	other := r.attach(road.OutletOptions{Recipient: "other", Session: 8, Window: 8})
	m := r.answerTo("held")
	r.add(m)
	r.nothing(other, "other")
	if b := r.backlogOf("admin"); !b.Held || b.Count != 1 || b.InFlight != 0 || len(c.tries) != 0 {
		t.Fatalf("got %+v, %d tries", b, len(c.tries))
	}
	if r.q.Waits("admin") {
		t.Error("a client that is held is called for what waits for it")
	}
	r.q.Hold("admin", false)
	c.next("held").done()
	r.wantState(m, sms.Delivered)
	r.emptied()
}

func TestARetryEndsTheWaitOfAMessageAndOfThoseBeforeIt(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 32, Serial: true, Retry: []time.Duration{time.Hour}})
	ms := r.texts("first", "second")
	h.next("first").again()
	testkit.Await(t, "it waits", func() bool { return !r.q.HowWait([]sms.ID{ms[0].ID})[ms[0].ID].Due.IsZero() })
	if w := r.q.HowWait([]sms.ID{ms[1].ID})[ms[1].ID]; w.Behind != ms[0].ID {
		t.Fatalf("the second one waits as %+v, want behind %d", w, ms[0].ID)
	}
	if err := r.q.RetryNow(ms[1].ID); err != nil {
		t.Fatal(err)
	}
	try := h.next("first")
	if err := r.q.RetryNow(ms[0].ID); !errors.Is(err, sms.ErrBeingTried) {
		t.Errorf("a retry of what is tried: %v", err)
	}
	try.done()
	h.next("second").done()
	r.wantState(ms[1], sms.Delivered)
	if err := r.q.RetryNow(ms[1].ID); !errors.Is(err, sms.ErrNotWaiting) {
		t.Errorf("a retry of what is final: %v", err)
	}
	r.emptied()
}

// line has messages in one conversation; one that was tried waits for an hour.
func line(q *Queue, tried func(sms.ID) bool, ids ...sms.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for _, id := range ids {
		m := &sms.Message{ID: id, Submitter: "admin", Source: sms.Address{Number: "33600000000"}, Dest: sms.Address{Number: "3600"}, State: sms.Enroute}
		m.DueAt = q.shown(now)
		if tried(id) {
			m.Attempts, m.Wait, m.DueAt = 1, time.Hour, m.DueAt.Add(time.Hour)
		}
		m.ExpiresAt = m.DueAt.Add(24 * time.Hour)
		q.parties.get(m.Owner()).pending++
		q.enter(m, keysOf(m), now, now, true)
	}
}

func TestARetryReachesAllThatStandsBeforeItsMessageAndNothingBehind(t *testing.T) {
	const n, step = 10 * strayed, 3 * strayed
	late := []sms.ID{step, 2 * step, 3 * step}
	tried := func(id sms.ID) bool { return slices.Contains(late, id) }
	var all, others []sms.ID
	for id := sms.ID(1); id <= n; id++ {
		if all = append(all, id); !tried(id) {
			others = append(others, id)
		}
	}
	for name, came := range map[string][]sms.ID{
		"in their order": all, "what was tried comes last": slices.Concat(others, late), "what was tried comes first": slices.Concat(late, others),
	} {
		t.Run(name, func(t *testing.T) {
			q := New(Options{Log: zerolog.Nop(), Clock: newHandClock().read})
			line(q, tried, came...)
			for _, test := range []struct {
				id    sms.ID
				waits []sms.ID
			}{{step - 1, late}, {3*step - 1, late[2:]}, {n, nil}} {
				if err := q.RetryNow(test.id); err != nil {
					t.Fatal(err)
				}
				var waits []sms.ID
				for id, w := range q.HowWait(late) {
					if !w.Due.IsZero() {
						waits = append(waits, id)
					}
				}
				if slices.Sort(waits); !slices.Equal(waits, test.waits) {
					t.Fatalf("after a retry of %d there wait %v, want %v", test.id, waits, test.waits)
				}
			}
			if len(q.strewn) > 0 {
				t.Error("the lane is walked as a whole for ever")
			}
		})
	}
}

func TestARetrySendsWhatIsScheduledNow(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("tomorrow")
	m.DueAt, m.ExpiresAt = m.DueAt.Add(24*time.Hour), m.ExpiresAt.Add(24*time.Hour)
	r.add(m)
	if w := r.q.HowWait([]sms.ID{m.ID})[m.ID]; !w.Scheduled || w.Due.IsZero() {
		t.Fatalf("it waits as %+v", w)
	}
	if err := r.q.RetryNow(m.ID); err != nil {
		t.Fatal(err)
	}
	h.next("tomorrow").done()
	r.wantState(m, sms.Delivered)
	r.emptied()
}

func TestARetryOfAPartSendsItsTextWithoutTheOthers(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("one of two")
	m.Part = sms.Part{Ref: 7, Total: 2, Seq: 1}
	r.add(m)
	if w := r.q.HowWait([]sms.ID{m.ID})[m.ID]; !w.Parts || w.Due.IsZero() {
		t.Fatalf("it waits as %+v", w)
	}
	if err := r.q.RetryNow(m.ID); err != nil {
		t.Fatal(err)
	}
	h.next("one of two").done()
	r.wantState(m, sms.Delivered)
	r.emptied()
}
