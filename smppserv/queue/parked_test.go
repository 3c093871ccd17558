package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// refuse has the database refuse to change the row of m, until mend is called.
func (r *rig) refuse(m *sms.Message) (mend func()) {
	r.t.Helper()
	db, err := sql.Open("sqlite", "file:"+r.file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		r.t.Fatal(err)
	}
	exec := func(statement string) {
		r.t.Helper()
		if _, err := db.Exec(statement); err != nil {
			r.t.Fatal(err)
		}
	}
	exec(fmt.Sprintf("CREATE TRIGGER refuse BEFORE UPDATE ON messages WHEN old.id = %d BEGIN SELECT RAISE(ABORT, 'no such row'); END", m.ID))
	return func() {
		r.t.Helper()
		exec("DROP TRIGGER refuse")
		if err := db.Close(); err != nil {
			r.t.Error(err)
		}
	}
}

func (r *rig) awaitParked(n int) {
	r.t.Helper()
	testkit.Await(r.t, "the outcome is parked", func() bool { return r.store.Parked() == n && r.q.Stats().Unwritten == 0 })
}

func TestAParkedOutcomeIsNotTriedAgainAndIsWrittenWithItsReceiptWhenItCanBe(t *testing.T) {
	r := newRig(t, nil)
	h, c := r.hermes(), r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 10})
	m := r.text("refused")
	m.RegisteredDelivery = 1
	s := r.add(m)
	mend := r.refuse(m)
	h.next("refused").done()
	r.awaitParked(1)
	if n, err := r.q.Sweep(t.Context()); err != nil || n != 0 {
		t.Errorf("%d messages are taken up, %v", n, err)
	}
	r.nothing(h, sms.Hermes)
	if len(s.concluded) > 0 || len(c.tries) > 0 {
		t.Error("it was told of what is not on disk")
	}
	mend()
	testkit.Await(t, "the outcome is written", func() bool {
		if err := r.store.Check(); err != nil {
			t.Error(err)
		}
		return r.store.Parked() == 0
	})
	r.wantState(m, sms.Delivered)
	if receipt := c.next("refused"); receipt.ms[0].Kind != sms.KindReceipt {
		t.Errorf("got %+v", receipt.ms[0])
	} else {
		receipt.done()
	}
	testkit.Receive(t, s.concluded, "Concluded")
	r.emptied()
}

func TestAStopDoesNotWaitForAParkedOutcomeAndItsMessageIsTriedAfterTheNextStart(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.texts("refused")[0]
	mend := r.refuse(m)
	h.next("refused").done()
	r.awaitParked(1)
	r.stop()
	if err := r.store.Close(t.Context()); err == nil {
		t.Error("what is not on disk was not told")
	}
	r.q = nil
	mend()
	r.open()
	r.hermes().next("refused").done()
	r.wantState(m, sms.Delivered)
	r.emptied()
}

func TestACancelThatTheDatabaseRefusesIsToldToHaveFailed(t *testing.T) {
	r := newRig(t, nil)
	m := r.texts("refused")[0]
	mend := r.refuse(m)
	defer mend()
	if err := r.q.Cancel(t.Context(), m.ID); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAnIntermediateNotificationWhoseRowsAreRefusedIsOwedByTheNextTryThatFails(t *testing.T) {
	r := newRig(t, nil)
	h, c := r.attach(road.OutletOptions{Window: 32, Serial: true, Retry: []time.Duration{2 * time.Second}}), r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 10})
	m := r.text("refused")
	m.RegisteredDelivery = 0x10
	r.add(m)
	mend := r.refuse(m)
	h.next("refused").again()
	testkit.Await(t, "the next try is given up", func() bool { return r.q.Stats().Unwritten == 0 })
	mend()
	h.next("refused").again()
	c.nextKind(sms.KindIntermediate).done()
	h.next("refused").done()
	r.emptied()
}

func TestManyParkedOutcomesLeaveRoomForTries(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.texts("refused")[0]
	mend := r.refuse(m)
	defer mend()
	h.next("refused").done()
	r.awaitParked(1)
	other := r.texts("in the same conversation")[0]
	h.next("in the same conversation").done()
	r.wantState(other, sms.Delivered)
}

func TestWhatWaitsIsCountedByWhoIsToGetIt(t *testing.T) {
	r := newRig(t, nil)
	expect := func(when string, want map[string]int) {
		t.Helper()
		if got := r.q.Waiting(); !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", when, got, want)
		}
	}
	expect("at first", map[string]int{})
	m := r.flagged("for Hermès")
	r.add(m)
	r.add(r.answerTo("one"))
	r.add(r.answerTo("two"))
	expect("before the tries", map[string]int{sms.Hermes: 1, "admin": 2})
	r.restart()
	expect("after a restart", map[string]int{sms.Hermes: 1, "admin": 2})
	h := r.hermes()
	h.next("for Hermès").report(sms.Outcome{Verdict: sms.Failed, Unreached: true})
	testkit.Await(t, "its receipt waits", func() bool { return r.q.Waiting()["admin"] == 3 })
	expect("with a delivery pending flag, which nobody gets", map[string]int{"admin": 3})
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 10})
	for range 3 {
		testkit.Receive(t, c.tries, "a try").done()
	}
	testkit.Await(t, "all is delivered", func() bool { return len(r.q.Waiting()) == 0 })
}

func TestAStopThatIsOverDoesNotWaitForAReadThatHangs(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	defer close(release)
	loading := make(chan struct{}, 1)
	r.q.o.Store = hanging{r.fault, loading, release}
	r.hermes()
	if err := r.q.Add(r.text("read"), 0, newSubmission()); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, loading, "the read")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.q.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// hanging is a store whose reads hang.
type hanging struct {
	Store
	loading, release chan struct{}
}

func (h hanging) Load(context.Context, []sms.ID) ([]*sms.Message, error) {
	h.loading <- struct{}{}
	<-h.release
	return nil, errDisk
}
