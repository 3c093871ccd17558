package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestARestartTakesUpWhatWaitsAndNothingElse(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 1, Serial: true, Retry: []time.Duration{200 * time.Millisecond}})
	receipted := r.text("done")
	receipted.RegisteredDelivery = 1
	r.add(receipted)
	h.next("done").done()
	r.texts("again", "in flight", "behind")
	scheduled := r.text("scheduled")
	scheduled.DueAt = scheduled.ReceivedAt.Add(time.Hour)
	r.add(scheduled)
	first := h.next("again")
	first.again()
	second := h.next("again")
	if second.at.Sub(first.at) < 200*time.Millisecond {
		t.Fatal("too early")
	}
	second.done()
	h.next("in flight") // nobody will know what came of it
	r.wantState(receipted, sms.Delivered)
	testkit.Await(t, "it is written", func() bool { return r.q.Stats().Unwritten == 0 })
	r.restart()
	if n := r.q.Pending("admin"); n != 4 {
		t.Fatalf("%d pending", n)
	}
	h = r.hermes()
	h.next("in flight").done()
	h.next("behind").done()
	r.nothing(h, sms.Hermes)
	r.attach(road.OutletOptions{Recipient: "admin", Window: 1}).next("done").done()
	if err := r.q.Cancel(t.Context(), scheduled.ID); err != nil {
		t.Fatal(err)
	}
	r.emptied()
}

func TestARestartKeepsTheTimeOfTheNextTry(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.texts("m", "behind")[0]
	h.next("m").report(sms.Outcome{Verdict: sms.TryAgain, Code: 503, After: time.Hour})
	testkit.Await(t, "it is written", func() bool { return r.q.Stats().Unwritten == 0 })
	r.restart()
	h = r.hermes()
	r.nothing(h, sms.Hermes)
	h.Resume() // what the recipient asked for is forgotten
	h.next("m").done()
	if got := r.wantState(m, sms.Delivered); got.Attempts != 2 {
		t.Fatalf("got %+v", got)
	}
	h.next("behind").done()
	r.emptied()
}

func TestWhatExpiredWhileNobodyRanExpiresAtTheStart(t *testing.T) {
	r := newRig(t, nil)
	m := r.text("m")
	m.ExpiresAt = m.ReceivedAt.Add(50 * time.Millisecond)
	m.RegisteredDelivery = 2
	r.add(m)
	r.close()
	<-time.After(time.Until(m.ExpiresAt))
	r.open()
	r.wantState(m, sms.Expired)
	r.attach(road.OutletOptions{Recipient: "admin", Window: 1}).next("m").done()
	r.emptied()
}

func TestStopAwaitsTriesAndOutcomes(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.texts("m", "behind")[0]
	try := h.next("m")
	stopped := make(chan error, 1)
	go func() { stopped <- r.q.Stop(context.Background()) }()
	testkit.Await(t, "it stops", r.stopping)
	if err := r.q.Add(r.text("late"), 0, newSubmission()); err != sms.ErrStopping {
		t.Fatalf("got %v", err)
	}
	r.fault.set(func() { r.fault.slow = true })
	try.done()
	r.stillStops(stopped)
	r.fault.heal()
	if err := testkit.Receive(t, stopped, "Stop"); err != nil {
		t.Fatal(err)
	}
	r.wantState(m, sms.Delivered)
	if len(h.tries) > 0 {
		t.Fatal("a try was started")
	}
	if err := r.q.Stop(context.Background()); err != nil {
		t.Fatalf("the second Stop: %v", err)
	}
	r.restart()
	h = r.hermes()
	h.next("behind").done()
	r.emptied()
}

// stillStops checks that a stop waits for the one outcome that is on its way to disk.
func (r *rig) stillStops(stopped chan error) {
	r.t.Helper()
	testkit.Await(r.t, "the outcome is on its way", func() bool { return r.fault.waitingOutcomes() == 1 })
	select {
	case <-r.q.idle:
		r.t.Fatal("it stopped before the outcome was on disk")
	case <-stopped:
		r.t.Fatal("it stopped before the outcome was on disk")
	default:
	}
}

func TestStopAwaitsTheNextTriesThatAreNotOnDisk(t *testing.T) {
	for name, o := range map[string]sms.Outcome{
		"failed":   {Verdict: sms.TryAgain, Code: 503, Reason: "busy"},
		"unjudged": {Verdict: sms.TryAgain, Unjudged: true, Reason: "nobody answers"},
		"returned": {Verdict: sms.Returned, Progress: "1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			m := r.text("m")
			h := r.hermes()
			r.add(m)
			try := h.next("m")
			r.fault.set(func() { r.fault.slow = true })
			stopped := make(chan error, 1)
			go func() { stopped <- r.q.Stop(context.Background()) }()
			testkit.Await(t, "it stops", r.stopping)
			try.report(o)
			r.stillStops(stopped)
			r.fault.heal()
			if err := testkit.Receive(t, stopped, "Stop"); err != nil {
				t.Fatal(err)
			}
			if got, err := r.store.Get(t.Context(), m.ID); err != nil || got.Reason != o.Reason || got.Progress != o.Progress {
				t.Errorf("on disk is %+v, %v", got, err)
			}
		})
	}
}

// stopping tells whether the queue has begun to stop.
func (r *rig) stopping() bool {
	r.q.mu.Lock()
	defer r.q.mu.Unlock()
	return r.q.stopping
}

func TestStopGivesUpWhenItsTimeIsOver(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	r.texts("m")
	try := h.next("m")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := r.q.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	try.report(sms.Outcome{Verdict: sms.Returned}) // too late, and harmless
	r.restart()
	r.hermes().next("m").done()
	r.emptied()
}

func TestAQueueThatNeverStartedStops(t *testing.T) {
	if err := New(Options{}).Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestOutcomesWaitForTheDiskAndNothingIsTriedTwice(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	ms := r.texts("done", "failed", "again")
	r.fault.set(func() { r.fault.slow = true })
	h.next("done").done()
	h.next("failed").report(sms.Outcome{Verdict: sms.Failed})
	h.next("again").again()
	h.next("again").done()
	r.nothing(h, sms.Hermes)
	for _, m := range ms {
		if got, err := r.store.Get(t.Context(), m.ID); err != nil || got.State != sms.Enroute {
			t.Fatalf("got %v, %v", got.State, err)
		}
		if err := r.q.Cancel(t.Context(), m.ID); err != sms.ErrNotWaiting {
			t.Fatalf("got %v", err)
		}
	}
	if n, err := r.q.Sweep(t.Context()); n != 0 || err != nil {
		t.Fatalf("a sweep found %d, %v", n, err)
	}
	r.fault.heal()
	for i, want := range []sms.State{sms.Delivered, sms.Undeliverable, sms.Delivered} {
		r.wantState(ms[i], want)
	}
	r.emptied()
	if len(h.tries) > 0 {
		t.Fatal("tried twice")
	}
}

func TestNothingMoreIsTriedWhileTooManyOutcomesWaitForTheDisk(t *testing.T) {
	r := newRig(t, nil)
	r.fault.set(func() { r.fault.slow = true })
	d := &counting{verdict: func(int) sms.Outcome { return sms.Outcome{Verdict: sms.Done} }}
	const messages = maxUnwritten + 2*maxJobs
	s := newCountedSender(messages)
	for i := range messages {
		m := r.text("m")
		m.Source.Number = fmt.Sprint(i)
		if err := r.q.Add(m, 0, s); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Receive(t, s.allAccepted, "all accepted")
	r.q.Attach(road.OutletOptions{Window: 10_000, Deliverer: d})
	testkit.Await(t, "the bound is reached", func() bool { return r.q.Stats().Unwritten >= maxUnwritten })
	if n := d.count(); n > maxUnwritten+maxJobs {
		t.Fatalf("%d tries", n)
	}
	r.fault.heal()
	testkit.Receive(t, s.allConcluded, "all concluded")
	if n := d.count(); n != messages {
		t.Fatalf("%d tries", n)
	}
	r.emptied()
}

func TestAMessageThatTheDiskRefusesIsNotTaken(t *testing.T) {
	r := newRig(t, nil)
	r.fault.set(func() { r.fault.addErr = errDisk })
	s := newSubmission()
	if err := r.q.Add(r.text("m"), 1, s); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Receive(t, s.accepted, "Accepted"); err != errDisk {
		t.Fatalf("got %v", err)
	}
	r.emptied()
}

func TestWhileTheDiskCannotBeReadMessagesWaitWithoutBusyWork(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	r.fault.set(func() { r.fault.loadErr = errDisk })
	expires := r.answerTo("expires")
	expires.ExpiresAt = expires.ReceivedAt.Add(20 * time.Millisecond)
	ms := append(r.texts("1", "2"), expires)
	r.add(expires)
	h := r.hermes()
	loads := func() (n int) {
		r.fault.set(func() { n = r.fault.loads })
		return n
	}
	testkit.Await(t, "the disk was asked again", func() bool { return loads() >= 4 })
	if took := time.Since(ms[0].ReceivedAt); took < loadRetry {
		t.Fatalf("asked %d times within %v", loads(), took)
	}
	r.fault.set(func() { r.fault.loadErr = nil })
	h.next("1").done()
	h.next("2").done()
	r.wantState(expires, sms.Expired)
	r.emptied()
}

func TestTextsOnDiskAreReadAheadInOrder(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	const messages = 4 * readAhead
	for i := range messages {
		r.texts(fmt.Sprint(i))
	}
	h := r.hermes()
	for i := range messages {
		h.next(fmt.Sprint(i)).done()
	}
	r.fault.set(func() {
		if r.fault.loads > 5 {
			t.Errorf("%d reads for %d messages", r.fault.loads, messages)
		}
	})
	r.emptied()
}

func (r *rig) sql(query string, args ...any) {
	r.t.Helper()
	db, err := sql.Open("sqlite", r.file)
	if err == nil {
		defer db.Close()
		_, err = db.Exec(query, args...)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestASweepTakesUpWhatAnOperatorPutBack(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.texts("m")[0]
	h.next("m").report(sms.Outcome{Verdict: sms.Failed})
	r.wantState(m, sms.Undeliverable)
	r.emptied()
	if n, err := r.q.Sweep(t.Context()); n != 0 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	r.sql("UPDATE messages SET state = 1, final_at = NULL WHERE id = ?", int64(m.ID))
	if n, err := r.q.Sweep(t.Context()); n != 1 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	if n, err := r.q.Sweep(t.Context()); n != 0 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	h.next("m").done()
	r.wantState(m, sms.Delivered)
	r.emptied()
}

func TestAMessageThatIsGoneFromTheDiskHoldsNobodyBack(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	ms := r.texts("deleted", "ended", "stays")
	a, b, c := r.part("a", 1, 3, 1), r.part("b", 1, 3, 2), r.part("c", 1, 3, 3)
	for _, m := range []*sms.Message{a, b, c} {
		r.add(m)
	}
	r.sql("DELETE FROM messages WHERE id IN (?, ?, ?)", int64(ms[0].ID), int64(a.ID), int64(c.ID))
	r.sql("UPDATE messages SET state = 5, final_at = 1 WHERE id = ?", int64(ms[1].ID))
	h := r.hermes()
	h.next("stays").done()
	if try := h.next("b"); !try.incomplete {
		t.Fatal("it is not complete")
	} else {
		try.done()
	}
	r.emptied()
}

func TestARestartEndsATransactionThatNobodyWaitsForAnyMore(t *testing.T) {
	for _, held := range []int{0, 1} {
		r := newRig(t, func(o *Options) { o.CacheOctets = held })
		transaction, datagram := r.text("transaction"), r.text("datagram")
		transaction.ESMClass, datagram.ESMClass = 0x02, 0x01
		r.add(transaction)
		r.add(datagram)
		r.restart()
		h := r.hermes()
		h.next("datagram").done() // its submit was answered: it is ours to deliver
		if got := r.wantState(transaction, sms.Undeliverable); got.Attempts != 0 || got.Reason != "a restart ended its transaction" {
			t.Errorf("got %+v", got)
		}
		r.emptied()
		if len(h.tries) > 0 {
			t.Errorf("the transaction was tried")
		}
	}
}

func TestWhatIsBehindAMessageThatCannotBeReadWaitsForIt(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	first, second := r.answerTo("first"), r.answerTo("second")
	r.add(first)
	r.add(second)
	q := r.q
	q.mu.Lock()
	q.hold(q.byID.find(uint64(second.ID)), second) // as what was taken up before has left it
	q.mu.Unlock()
	r.fault.set(func() { r.fault.loadErr = errDisk })
	h := r.attach(road.OutletOptions{Recipient: "admin", Window: 4})
	testkit.Await(t, "the disk was asked", func() (asked bool) {
		r.fault.set(func() { asked = r.fault.loads > 0 })
		return asked
	})
	r.fault.set(func() { r.fault.loadErr = nil })
	h.next("first").done()
	h.next("second").done()
	r.emptied()
}
