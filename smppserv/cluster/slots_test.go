package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

var (
	transceiver = Place{Client: "acme", Receives: true, Transmits: true, Pair: true, Remote: "192.0.2.1:5000"}
	receiver    = Place{Client: "acme", Receives: true}
	transmitter = Place{Client: "acme", Transmits: true}
)

func (p Place) of(session uint64) Place {
	p.Session = session
	return p
}

// takes takes a place that must be had.
func (w *worker) takes(p Place) (release func()) {
	w.r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	release, err := w.Take(ctx, p)
	if err != nil {
		w.r.t.Fatalf("session %d at %s: %v", p.Session, w.o.Name, err)
	}
	return release
}

// refused tells that a place is not to be had.
func (w *worker) refused(p Place) bool {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	_, err := w.Take(ctx, p)
	return errors.Is(err, sms.ErrNoPlace)
}

func answering(p Prober) func(*worker, *Options) {
	return func(w *worker, _ *Options) { w.before = append(w.before, func() { w.Probe(p) }) }
}

func alive(context.Context, string, uint64) bool { return false }

func TestAClientHasTwoSessionsOverAllWorkers(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join("a", long, answering(alive)), r.join("b", long, answering(alive)), r.join("c", long, answering(alive))
	release := a.takes(transceiver.of(1))
	b.takes(transceiver.of(1))
	if !c.refused(transceiver.of(1)) || !a.refused(transceiver.of(2)) {
		t.Error("a third session has a place")
	}
	other := transceiver.of(1)
	other.Client = "other"
	c.takes(other)
	release()
	testkit.Await(t, "its place is free", func() bool { return r.value(`SELECT count(*) FROM slots WHERE client = 'acme'`) == "1" })
	c.takes(transceiver.of(7))
	testkit.Await(t, "all know", func() bool {
		return a.Transmitters("acme") == 2 && b.Transmitters("acme") == 2 && c.Transmitters("acme") == 2 && a.Transmitters("other") == 1
	})
	if e, ok := b.Receiver("acme"); !ok || e != b.epoch {
		t.Errorf("b writes to it through %d", e)
	}
	if e, ok := a.Receiver("acme"); !ok || e != c.epoch { // which has the lower slot
		t.Errorf("a writes to it through %d, want %d", e, c.epoch)
	}
}

func TestWithoutAPairOneReceivesAndOneTransmits(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long, answering(alive)), r.join("b", long, answering(alive))
	a.takes(receiver.of(1))
	if !b.refused(receiver.of(1)) {
		t.Error("two receive")
	}
	b.takes(transmitter.of(2))
	both := transceiver.of(3)
	both.Pair = false
	if !b.refused(both) || !a.refused(transmitter.of(4)) {
		t.Error("two transmit")
	}
	testkit.Await(t, "b knows who receives", func() bool { e, _ := b.Receiver("acme"); return e == a.epoch })
}

func TestOfManyBindsAtTheSameTimeTwoGetPlaces(t *testing.T) {
	r := newRig(t)
	workers := []*worker{r.join("a", long, answering(alive)), r.join("b", long, answering(alive)), r.join("c", long, answering(alive))}
	for round := range 5 {
		p := transceiver
		p.Client = fmt.Sprint("client", round)
		var granted atomic.Int32
		var all sync.WaitGroup
		for i := range 9 {
			all.Go(func() {
				if !workers[i%3].refused(p.of(uint64(i))) {
					granted.Add(1)
				}
			})
		}
		all.Wait()
		if n := granted.Load(); n != 2 || r.value(`SELECT count(*) FROM slots WHERE client = $1`, p.Client) != "2" {
			t.Errorf("%d places", n)
		}
	}
}

func TestASilentSessionElsewhereGivesItsPlaceAway(t *testing.T) {
	r := newRig(t)
	probed := make(chan uint64, 10)
	gone := func(_ context.Context, client string, session uint64) bool {
		probed <- session
		return client == "acme" && session == 2
	}
	a, b := r.join("a", long, answering(gone)), r.join("b", long)
	a.takes(transceiver.of(1))
	release := a.takes(transceiver.of(2))
	b.takes(transceiver.of(3))
	if first, second := testkit.Receive(t, probed, "a probe"), testkit.Receive(t, probed, "a probe"); first+second != 3 {
		t.Errorf("probed %d and %d", first, second)
	}
	release() // the session of a's ends after its place is another's
	testkit.Await(t, "that is through", func() bool { a.slots.mu.Lock(); defer a.slots.mu.Unlock(); return len(a.slots.free) == 0 })
	if n := r.value(`SELECT string_agg(session::text, ' ' ORDER BY slot) FROM slots`); n != "1 3" {
		t.Errorf("sessions %s", n)
	}
}

func TestAClientThatHopsToAndFroGetsItsPlaceEachTime(t *testing.T) {
	r := newRig(t)
	workers := []*worker{r.join("a", long, answering(alive)), r.join("b", long, answering(alive))}
	for i := range 20 {
		release := workers[i%2].takes(receiver.of(uint64(i + 1)))
		release() // at once, while that is on its way to the database it binds elsewhere
	}
}

func TestThePlaceOfADeadWorkersSessionIsWaitedFor(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", short), r.join("b", short)
	a.takes(receiver.of(1))
	a.die()
	b.takes(receiver.of(2))
	if n := r.value(`SELECT string_agg(epoch::text, ' ') FROM slots`); n != fmt.Sprint(b.epoch) {
		t.Errorf("places of %s", n)
	}
	if r.value(`SELECT count(*) FROM nodes WHERE name = 'a'`) != "0" {
		t.Error("its place was given away before it was taken over from")
	}
}

func TestAPlaceIsGivenBackWhenTheDatabaseIsThereAgain(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	release := a.takes(receiver.of(1))
	a.cut.set(true)
	release()
	if _, err := a.Take(t.Context(), receiver.of(2)); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("a place without a database: %v", err)
	}
	a.cut.set(false)
	testkit.Await(t, "it is free", func() bool { return r.value(`SELECT count(*) FROM slots`) == "0" })
}

func TestPlacesThatTheDatabaseForgotAreTakenAgainOrLost(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long, answering(alive)), r.join("b", long)
	lost := make(chan struct{})
	one, two := receiver.of(1), receiver.of(2)
	two.Client, two.Lost = "other", sync.OnceFunc(func() { close(lost) })
	a.takes(one)
	a.takes(two)
	r.exec(`DELETE FROM slots`)
	r.exec(`INSERT INTO slots (client, slot, epoch, session, receives, transmits, remote) VALUES ('other', 1, $1, 9, true, false, '')`, int64(b.epoch))
	b.slots.mu.Lock()
	b.slots.places[place{"other", 9}] = &Place{Client: "other", Session: 9, Receives: true}
	b.slots.mu.Unlock()
	testkit.Receive(t, lost, "the session whose place is another's ends")
	testkit.Await(t, "the other has its place again", func() bool {
		return r.value(`SELECT epoch FROM slots WHERE client = 'acme' AND session = 1`) == fmt.Sprint(a.epoch)
	})
}

func TestARowWithoutASessionIsDeleted(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	r.exec(`INSERT INTO slots (client, slot, epoch, session, receives, transmits, remote) VALUES ('acme', 1, $1, 9, true, false, '')`, int64(a.epoch))
	testkit.Await(t, "it is gone", func() bool { return r.value(`SELECT count(*) FROM slots`) == "0" })
}

func TestAPlaceIsNotHadWithoutTheLease(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	a.cut.set(true)
	a.clock.pass(long)
	if _, err := a.Take(t.Context(), receiver.of(1)); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("a place without the lease: %v", err)
	}
}
