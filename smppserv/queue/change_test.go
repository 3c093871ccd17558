package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func replaceText(text string) func(*sms.Message) error {
	return func(m *sms.Message) error {
		m.Content = []byte(text)
		return nil
	}
}

// whileHeldOrNot runs a test with the texts in memory and with all of them on disk.
func whileHeldOrNot(t *testing.T, test func(t *testing.T, r *rig)) {
	for name, held := range map[string]int{"in memory": 0, "on disk": 1} {
		t.Run(name, func(t *testing.T) { test(t, newRig(t, func(o *Options) { o.CacheOctets = held })) })
	}
}

func TestACancelledMessageIsNotTried(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		ms := r.texts("1", "2", "3")
		scheduled := r.text("scheduled")
		scheduled.DueAt = scheduled.ReceivedAt.Add(time.Hour)
		s := r.add(scheduled)
		for _, m := range []*sms.Message{ms[0], ms[2], scheduled} {
			if err := r.q.Cancel(t.Context(), m.ID); err != nil {
				t.Fatal(err)
			}
			if got, err := r.store.Get(t.Context(), m.ID); err != nil || got.State != sms.Deleted {
				t.Fatalf("when Cancel returns it is %v, %v", got.State, err)
			}
			if err := r.q.Cancel(t.Context(), m.ID); err != sms.ErrNotWaiting {
				t.Fatalf("got %v", err)
			}
		}
		if o := testkit.Receive(t, s.concluded, "Concluded"); o.State != sms.Deleted {
			t.Fatalf("got %+v", o)
		}
		r.hermes().next("2").done()
		r.emptied()
	})
}

func TestWhatIsTriedOrUnknownCannotBeChanged(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.texts("1")[0]
	try := h.next("1")
	ctx := t.Context()
	if err := r.q.Cancel(ctx, m.ID); err != sms.ErrBeingTried {
		t.Fatalf("got %v", err)
	}
	if err := r.q.Replace(ctx, m.ID, replaceText("x")); err != sms.ErrBeingTried {
		t.Fatalf("got %v", err)
	}
	try.done()
	r.emptied()
	for _, id := range []sms.ID{m.ID, 4711} {
		if err := r.q.Cancel(ctx, id); err != sms.ErrNotWaiting {
			t.Fatalf("got %v", err)
		}
		if err := r.q.Replace(ctx, id, replaceText("x")); err != sms.ErrNotWaiting {
			t.Fatalf("got %v", err)
		}
	}
}

func TestAReplacedTextIsTriedInThePlaceOfTheOld(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		ms := r.texts("1", "2", "3")
		if err := r.q.Replace(t.Context(), ms[1].ID, replaceText("two")); err != nil {
			t.Fatal(err)
		}
		refused := errors.New("refused")
		if err := r.q.Replace(t.Context(), ms[0].ID, func(m *sms.Message) error { m.Content = nil; return refused }); err != refused {
			t.Fatalf("got %v", err)
		}
		h := r.hermes()
		h.next("1").done()
		h.next("two").done()
		h.next("3").done()
		r.emptied()
	})
}

func TestAMessageThatIsBeingChangedHoldsBackThoseBehindIt(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 0})
	m := r.answerTo("1")
	r.add(m)
	r.add(r.answerTo("2"))
	changing, change := make(chan struct{}), make(chan struct{})
	changed := make(chan error, 1)
	go func() {
		changed <- r.q.Replace(context.Background(), m.ID, func(m *sms.Message) error {
			close(changing)
			<-change
			m.Content = []byte("one")
			return nil
		})
	}()
	testkit.Receive(t, changing, "the change")
	if err := r.q.Cancel(t.Context(), m.ID); err != sms.ErrBeingTried {
		t.Fatalf("got %v", err)
	}
	c.SetWindow(10)
	r.nothing(c, "admin")
	close(change)
	if err := testkit.Receive(t, changed, "the change"); err != nil {
		t.Fatal(err)
	}
	c.next("one").done()
	c.next("2").done()
	r.emptied()
}

func TestAReplacementMayChangeTheTimes(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		ms := r.texts("later", "now", "expires")
		at := func(id sms.ID, due, expires time.Duration) {
			t.Helper()
			err := r.q.Replace(t.Context(), id, func(m *sms.Message) error {
				m.DueAt, m.ExpiresAt = time.Now().Add(due), time.Now().Add(expires)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		at(ms[0].ID, time.Hour, 2*time.Hour)
		at(ms[2].ID, 0, 30*time.Millisecond)
		r.wantState(ms[2], sms.Expired)
		h := r.hermes()
		h.next("now").done()
		r.nothing(h, sms.Hermes)
		at(ms[0].ID, 0, time.Hour)
		h.next("later").done()
		r.emptied()
	})
}

func TestAReplacementKeepsTheWaitAfterAFailedTry(t *testing.T) {
	whileHeldOrNot(t, func(t *testing.T, r *rig) {
		h := r.hermes()
		m := r.texts("1")[0]
		h.next("1").report(sms.Outcome{Verdict: sms.TryAgain, After: time.Hour})
		testkit.Await(t, "it is written", func() bool { return r.q.Stats().Unwritten == 0 })
		if err := r.q.Replace(t.Context(), m.ID, replaceText("one")); err != nil {
			t.Fatal(err)
		}
		r.nothing(h, sms.Hermes)
		if got, err := r.store.Get(t.Context(), m.ID); err != nil || time.Until(got.DueAt) < time.Minute || got.Attempts != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
	})
}

func TestAChangeThatCannotBeWrittenChangesNothing(t *testing.T) {
	r := newRig(t, nil)
	m := r.texts("1")[0]
	r.fault.set(func() { r.fault.changeErr = errDisk })
	if err := r.q.Replace(t.Context(), m.ID, replaceText("one")); err != errDisk {
		t.Fatalf("got %v", err)
	}
	r.hermes().next("1").done()
	r.emptied()
}

func TestAMessageWhoseTextCannotBeReadIsNeitherCancelledNorLost(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	m := r.texts("1")[0]
	r.fault.set(func() { r.fault.loadErr = errDisk })
	if err := r.q.Cancel(t.Context(), m.ID); err != errDisk {
		t.Fatalf("got %v", err)
	}
	r.fault.set(func() { r.fault.loadErr = nil })
	r.hermes().next("1").done()
	r.emptied()
}

func TestAConversationListsWhatWaitsOldestFirst(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	scheduled := r.text("scheduled")
	scheduled.DueAt = scheduled.ReceivedAt.Add(time.Hour)
	r.add(scheduled)
	r.texts("tried")
	try := h.next("tried")
	r.add(r.part("a", 1, 2, 1))
	r.add(r.part("b", 1, 2, 2))
	r.add(r.part("x", 2, 2, 1))
	want := []string{"scheduled", "a", "b", "x"}
	for range 100 {
		r.texts("more")
		want = append(want, "more")
	}
	ms := r.conversation(sms.Hermes, "33612345678", "3600")
	if len(ms) != len(want) {
		t.Fatalf("%d messages", len(ms))
	}
	for i, m := range ms {
		if string(m.Content) != want[i] || i > 0 && m.ID <= ms[i-1].ID {
			t.Fatalf("message %d at %d is %q", m.ID, i, m.Content)
		}
	}
	if ms := r.conversation("admin", "33612345678", "3600"); len(ms) != 0 {
		t.Fatalf("got %v", ms)
	}
	try.done()
}

func TestAConversationAwaitsWhatIsOnItsWayToDisk(t *testing.T) {
	r := newRig(t, nil)
	for n := range 50 {
		if err := r.q.Add(r.text("text"), 0, nil); err != nil {
			t.Fatal(err)
		}
		if ms := r.conversation(sms.Hermes, "33612345678", "3600"); len(ms) != n+1 {
			t.Fatalf("%d messages of %d", len(ms), n+1)
		}
	}
}

func TestOnlyWhatMayBeTriedIsSaidToWait(t *testing.T) {
	r := newRig(t, nil)
	scheduled := r.answerTo("later")
	scheduled.DueAt = scheduled.ReceivedAt.Add(time.Hour)
	r.add(scheduled)
	if r.q.Waits("admin") {
		t.Error("what is scheduled for later is said to wait")
	}
	now := r.answerTo("now")
	now.Source.Number = "3601"
	r.add(now)
	if !r.q.Waits("admin") || r.q.Waits("other") {
		t.Error("what waits is not known")
	}
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 1, Retry: []time.Duration{time.Minute}})
	c.next("now").again()
	c.Detach()
	r.elapse(2 * time.Minute)
	if !r.q.Waits("admin") {
		t.Error("what may be tried again is not said to wait")
	}
	r.restart()
	if !r.q.Waits("admin") {
		t.Error("after a restart what waits is not known")
	}
	r.attach(road.OutletOptions{Recipient: "admin", Window: 1}).next("now").done()
	testkit.Await(t, "nothing waits", func() bool { return !r.q.Waits("admin") })
}

func TestWhatMustWaitForItsNextTryIsNotSaidToWait(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 1, Retry: []time.Duration{time.Hour}})
	r.add(r.answerTo("not now"))
	c.next("not now").again()
	c.Detach()
	testkit.Await(t, "the outcome is written", func() bool { return r.q.Stats().Unwritten == 0 })
	if r.q.Waits("admin") {
		t.Error("the client would be called long before")
	}
}

func TestWhatIsScheduledIsNotSaidToWaitWhenThatBeforeItWasTakenBack(t *testing.T) {
	r := newRig(t, nil)
	scheduled, now := r.answerTo("later"), r.answerTo("now")
	scheduled.DueAt = scheduled.ReceivedAt.Add(time.Hour)
	r.add(scheduled)
	r.add(now)
	if !r.q.Waits("admin") {
		t.Error("what waits is not known")
	}
	if err := r.q.Cancel(t.Context(), now.ID); err != nil {
		t.Fatal(err)
	}
	if r.q.Waits("admin") {
		t.Error("what is scheduled for later is said to wait")
	}
}
