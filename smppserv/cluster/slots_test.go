package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

var (
	transceiver = road.Place{Client: "acme", Receives: true, Transmits: true, Pair: true, Remote: "192.0.2.1:5000"}
	receiver    = road.Place{Client: "acme", Receives: true}
	transmitter = road.Place{Client: "acme", Transmits: true}
)

func numbered(p road.Place, session uint64) road.Place {
	p.Session = session
	return p
}

// takes takes a place that must be had.
func (w *worker) takes(p road.Place) (release func()) {
	w.r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	for {
		release, err := w.Take(ctx, p)
		switch {
		case err == nil:
			return release
		case !errors.Is(err, sms.ErrUnavailable) || ctx.Err() != nil: // a short lease may lapse on a machine that is busy
			w.r.t.Fatalf("session %d at %s: %v", p.Session, w.o.Name, err)
		}
		// No two sessions have one number: what this one was about to have is given back by that.
		testkit.Await(w.r.t, "what was in doubt is given back", func() bool {
			w.slots.mu.Lock()
			defer w.slots.mu.Unlock()
			return !w.slots.free[place{p.Client, p.Session}]
		})
	}
}

// refused tells that a place is not to be had.
func (w *worker) refused(p road.Place) bool {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	_, err := w.Take(ctx, p)
	return errors.Is(err, sms.ErrNoPlace)
}

// answering has a worker probe its sessions.
func answering(gone func(client string, session uint64) bool) func(*worker, *Options) {
	return serving(AskProbe, func(_ context.Context, _ sms.Epoch, body []byte) ([]byte, error) {
		var p Probe
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, err
		}
		return json.Marshal(Probed{gone(p.Client, p.Session)})
	})
}

func alive(string, uint64) bool { return false }

func TestPlacesAreSeenInADatabaseThatWasPutBackFromADump(t *testing.T) {
	r := newRig(t)
	first := r.join("first", long)
	first.takes(numbered(receiver, 1))()
	testkit.Await(t, "its place is free", func() bool { return r.value(`SELECT count(*) FROM slots WHERE epoch = 0`) == "1" })
	if err := first.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	// pg_restore writes the numbers of transactions as they were, and those of the new server begin at some hundreds.
	r.exec(`UPDATE slots SET at = '1000000000'`)
	a, b := r.join("a", long), r.join("b", long)
	testkit.Await(t, "a knows the row", func() bool {
		a.slots.mu.Lock()
		defer a.slots.mu.Unlock()
		return a.slots.client["acme"] != nil
	})
	release := b.takes(numbered(receiver, 1))
	sees := func(epoch sms.Epoch) func() bool {
		return func() bool {
			e, _ := a.Receiver("acme")
			return e == epoch
		}
	}
	testkit.Await(t, "a sees the place at b", sees(b.Epoch()))
	release()
	testkit.Await(t, "a sees that it is free", sees(0))
	a.takes(numbered(receiver, 1))
	testkit.Await(t, "a sees its own", sees(a.Epoch()))
}

func TestAClientHasTwoSessionsOverAllWorkers(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join("a", long, answering(alive)), r.join("b", long, answering(alive)), r.join("c", long, answering(alive))
	release := a.takes(numbered(transceiver, 1))
	b.takes(numbered(transceiver, 1))
	if !c.refused(numbered(transceiver, 1)) || !a.refused(numbered(transceiver, 2)) {
		t.Error("a third session has a place")
	}
	other := numbered(transceiver, 1)
	other.Client = "other"
	c.takes(other)
	release()
	testkit.Await(t, "its place is free", func() bool { return r.value(`SELECT count(*) FROM slots WHERE epoch <> 0 AND client = 'acme'`) == "1" })
	c.takes(numbered(transceiver, 7))
	testkit.Await(t, "all know", func() bool {
		return a.Transmitters("acme") == 2 && b.Transmitters("acme") == 2 && c.Transmitters("acme") == 2 && a.Transmitters("other") == 1
	})
	testkit.Await(t, "a shares the client's rate", func() bool { return a.is(func() bool { return a.reshared > 0 }) })
	if e, ok := b.Receiver("acme"); !ok || e != b.epoch {
		t.Errorf("b writes to it through %d", e)
	}
	if e, ok := a.Receiver("acme"); !ok || e != c.epoch { // which has the lower slot
		t.Errorf("a writes to it through %d, want %d", e, c.epoch)
	}
}

func TestTheSecondOfAPairThatIsGoneElsewhereGivesItsPlaceToOneBesideTheFirst(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long, answering(alive))
	b := r.join("b", long, answering(func(string, uint64) bool { return true }))
	a.takes(numbered(transceiver, 1))
	b.takes(numbered(transceiver, 1))
	if n := b.Transmitters("acme"); n != 2 { // at once, as its rate is shared by that
		t.Errorf("b knows of %d", n)
	}
	a.takes(numbered(transceiver, 2))
	if !a.refused(numbered(transceiver, 3)) {
		t.Error("a third session has a place")
	}
}

func TestWithoutAPairOneReceivesAndOneTransmits(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long, answering(alive)), r.join("b", long, answering(alive))
	a.takes(numbered(receiver, 1))
	if !b.refused(numbered(receiver, 1)) {
		t.Error("two receive")
	}
	b.takes(numbered(transmitter, 2))
	both := numbered(transceiver, 3)
	both.Pair = false
	if !b.refused(both) || !a.refused(numbered(transmitter, 4)) {
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
				if !workers[i%3].refused(numbered(p, uint64(i))) {
					granted.Add(1)
				}
			})
		}
		all.Wait()
		if n := granted.Load(); n != 2 || r.value(`SELECT count(*) FROM slots WHERE epoch <> 0 AND client = $1`, p.Client) != "2" {
			t.Errorf("%d places", n)
		}
	}
}

func TestASilentSessionElsewhereGivesItsPlaceAway(t *testing.T) {
	r := newRig(t)
	probed := make(chan uint64, 10)
	gone := func(client string, session uint64) bool {
		probed <- session
		return client == "acme" && session == 2
	}
	a, b := r.join("a", long, answering(gone)), r.join("b", long)
	a.takes(numbered(transceiver, 1))
	release := a.takes(numbered(transceiver, 2))
	b.takes(numbered(transceiver, 3))
	if first, second := testkit.Receive(t, probed, "a probe"), testkit.Receive(t, probed, "a probe"); first+second != 3 {
		t.Errorf("probed %d and %d", first, second)
	}
	release() // the session of a's ends after its place is another's
	testkit.Await(t, "that is through", func() bool { a.slots.mu.Lock(); defer a.slots.mu.Unlock(); return len(a.slots.free) == 0 })
	if n := r.value(`SELECT string_agg(session::text, ' ' ORDER BY slot) FROM slots WHERE epoch <> 0`); n != "1 3" {
		t.Errorf("sessions %s", n)
	}
}

func TestAClientThatHopsToAndFroGetsItsPlaceEachTime(t *testing.T) {
	r := newRig(t)
	workers := []*worker{r.join("a", long, answering(alive)), r.join("b", long, answering(alive))}
	for i := range 20 {
		release := workers[i%2].takes(numbered(receiver, uint64(i+1)))
		release() // at once, while that is on its way to the database it binds elsewhere
	}
}

func TestThePlaceOfADeadWorkersSessionIsWaitedFor(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", short), r.join("b", short)
	a.takes(numbered(receiver, 1))
	a.die()
	b.takes(numbered(receiver, 2))
	if n := r.value(`SELECT string_agg(epoch::text, ' ') FROM slots WHERE epoch <> 0`); n != fmt.Sprint(b.epoch) {
		t.Errorf("places of %s", n)
	}
	if r.value(`SELECT count(*) FROM nodes WHERE name = 'a'`) != "0" {
		t.Error("its place was given away before it was taken over from")
	}
}

func TestAPlaceIsGivenBackWhenTheDatabaseIsThereAgain(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	release := a.takes(numbered(receiver, 1))
	a.cut.set(true)
	release()
	if _, err := a.Take(t.Context(), numbered(receiver, 2)); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("a place without a database: %v", err)
	}
	a.cut.set(false)
	testkit.Await(t, "it is free", func() bool { return r.value(`SELECT count(*) FROM slots WHERE epoch <> 0`) == "0" })
}

func TestPlacesThatTheDatabaseForgotAreTakenAgainOrLost(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long, answering(alive)), r.join("b", long)
	one, two := numbered(receiver, 1), numbered(receiver, 2)
	two.Client = "other"
	a.takes(one)
	a.takes(two)
	b.slots.mu.Lock()
	b.slots.places[place{"other", 9}] = holding{Place: road.Place{Client: "other", Session: 9, Receives: true}, granted: 1}
	b.slots.mu.Unlock()
	r.exec(`DELETE FROM slots`)
	r.exec(`INSERT INTO slots (client, slot, epoch, session, receives, transmits, remote) VALUES ('other', 1, $1, 9, true, false, '')`, int64(b.epoch))
	a.slots.readAll() // as after the connection was lost
	a.looks.slots.kick()
	testkit.Await(t, "the session whose place is another's ends", func() bool { return a.is(func() bool { return slices.Contains(a.displaced, 2) }) })
	testkit.Await(t, "the other has its place again", func() bool {
		return r.value(`SELECT epoch FROM slots WHERE epoch <> 0 AND client = 'acme' AND session = 1`) == fmt.Sprint(a.epoch)
	})
}

// sees waits until workers have the client written to at another one.
func (r *rig) sees(what string, at sms.Epoch, ws ...*worker) {
	r.t.Helper()
	for _, w := range ws {
		testkit.Await(r.t, w.o.Name+" sees that "+what, func() bool { e, _ := w.Receiver("acme"); return e == at })
	}
}

func TestAMuteSessionIsWrittenToOnlyWhereItsClientHasNoOther(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join("a", long, answering(alive)), r.join("b", long, answering(alive)), r.join("c", long, answering(alive))
	p := receiver
	p.Pair = true
	release := a.takes(numbered(p, 1))
	r.sees("it is bound at a", a.epoch, a, b, c)
	a.Mute("acme", 1, true)
	marked := func() bool { return r.value(`SELECT count(*) FROM slots WHERE mute = at`) == "1" }
	testkit.Await(t, "it is marked", marked)
	b.takes(numbered(p, 1))
	r.sees("b's answers", b.epoch, a, b, c)
	b.Mute("acme", 1, true)
	r.sees("neither answers: each keeps what it has", b.epoch, b)
	r.sees("neither answers", a.epoch, a, c)
	b.Mute("acme", 1, false)
	r.sees("b's answers again", b.epoch, a, b, c)
	a.Mute("acme", 1, false)
	r.sees("both answer", a.epoch, a, c)
	r.sees("both answer", b.epoch, b)
	a.Mute("acme", 1, true)
	r.sees("b's answers", b.epoch, a, b, c)
	release()
	a.takes(numbered(p, 2))
	r.sees("a's is another one", a.epoch, a, c)
	a.Mute("acme", 1, true) // that has ended
	a.Mute("acme", 2, true)
	r.sees("that is mute, too", b.epoch, a, b, c)
}

func TestAMuteSessionsPlaceThatTheDatabaseForgotIsTakenAgainAsSuch(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long, answering(alive))
	a.takes(numbered(receiver, 1))
	a.Mute("acme", 1, true)
	marked := func() bool { return r.value(`SELECT count(*) FROM slots WHERE mute = at`) == "1" }
	testkit.Await(t, "it is marked", marked)
	r.exec(`DELETE FROM slots`)
	a.slots.readAll()
	a.looks.slots.kick()
	testkit.Await(t, "it is marked again", marked)
}

func TestAProgramThatKnowsNothingOfMuteSessionsEndsTheMarkWithTheSession(t *testing.T) {
	r := newRig(t)
	c := r.join("c", long)
	older := `INSERT INTO slots (client, slot, epoch, session, receives, transmits, remote, at)
		VALUES ('acme', $1, $2, 1, true, false, '', pg_current_xact_id())
		ON CONFLICT (client, slot) DO UPDATE SET epoch = excluded.epoch, session = excluded.session, at = excluded.at`
	r.exec(older, 1, int64(77))
	r.exec(older, 2, int64(78))
	r.exec(`UPDATE slots SET mute = pg_current_xact_id(), at = pg_current_xact_id() WHERE slot = 1`)
	r.sees("the first is mute", 78, c)
	r.exec(older, 1, int64(79))
	r.sees("another one has its place", 79, c)
}

func TestARowWithoutASessionIsDeleted(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	r.exec(`INSERT INTO slots (client, slot, epoch, session, receives, transmits, remote) VALUES ('acme', 1, $1, 9, true, false, '')`, int64(a.epoch))
	testkit.Await(t, "it is gone", func() bool { return r.value(`SELECT count(*) FROM slots WHERE epoch <> 0`) == "0" })
}

func TestAPlaceIsNotHadWithoutTheLease(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	a.cut.set(true)
	a.clock.pass(long)
	if _, err := a.Take(t.Context(), numbered(receiver, 1)); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("a place without the lease: %v", err)
	}
}

func TestAPlaceIsNotHadByWhoWasTakenOver(t *testing.T) {
	r := newRig(t)
	a := r.joinIdle("a", long)
	r.exec(`DELETE FROM nodes`)
	if _, err := a.Take(t.Context(), numbered(receiver, 1)); !errors.Is(err, sms.ErrUnavailable) || !errors.Is(err, ErrLost) {
		t.Errorf("a place: %v", err)
	}
	testkit.Receive(t, a.Lost(), "it hears that another one has taken over")
	if n := r.value(`SELECT count(*) FROM slots`); n != "0" {
		t.Errorf("%s rows", n)
	}
}

func TestAPlaceIsNotTakenAgainForASessionThatHasEndedMeanwhile(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	p := numbered(receiver, 1)
	release := a.takes(p)
	none := func() bool { return r.value(`SELECT count(*) FROM slots WHERE epoch <> 0`) == "0" }
	release()
	testkit.Await(t, "its place is free", none)
	if way, err := a.tryTake(t.Context(), p, nil, true); err != nil || len(way) > 0 { // as a look does that found the place lost before
		t.Fatal(way, err)
	}
	testkit.Await(t, "its place is free again", none)
	a.takes(numbered(receiver, 2))
}

func TestASessionOfTheWorkersOwnThatIsGoneGivesItsPlaceAway(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long, answering(func(_ string, session uint64) bool { return session == 1 }))
	release := a.takes(numbered(receiver, 1))
	a.takes(numbered(receiver, 2)) // it is over, and its place on its way back
	release()
	if !a.refused(numbered(receiver, 3)) {
		t.Error("two receive")
	}
	if n := r.value(`SELECT string_agg(session::text, ' ') FROM slots WHERE epoch <> 0`); n != "2" {
		t.Errorf("places of %s", n)
	}
}

func TestABindDuringWhoseProbeTheDatabaseGoesAwayIsNotSaidToBeOneTooMany(t *testing.T) {
	r := newRig(t)
	var b *worker
	a := r.join("a", long, answering(func(string, uint64) bool {
		b.cut.set(true)
		return false
	}))
	b = r.join("b", long)
	a.takes(numbered(receiver, 1))
	r.knows(b, a)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	if _, err := b.Take(ctx, numbered(receiver, 2)); !errors.Is(err, sms.ErrUnavailable) || ctx.Err() != nil {
		t.Errorf("away when the answer was to come: %v", err)
	}
	way := []slot{{number: 1, epoch: a.epoch, session: 1, receives: true}}
	if gone, err := b.probe(ctx, "acme", way); err == nil || len(gone) > 0 {
		t.Errorf("away when it was to be asked: %v, %v", gone, err)
	}
	way[0].epoch = 4711 // of which it knows nothing
	if gone, err := b.probe(ctx, "acme", way); err == nil || len(gone) > 0 {
		t.Errorf("away, and the worker is a new one: %v, %v", gone, err)
	}
}

func TestABindIsNotSaidToBeOneTooManyByWhoLostItsLeaseDuringTheProbe(t *testing.T) {
	r := newRig(t)
	var b *worker
	a := r.join("a", long, serving(AskProbe, func(ctx context.Context, _ sms.Epoch, _ []byte) ([]byte, error) {
		b.term.Store(&term{})
		<-ctx.Done() // it does not answer
		return nil, ctx.Err()
	}))
	b = r.joinIdle("b", long)
	r.knows(b, a)
	b.renewing.stop() // it is not to get its lease back meanwhile
	b.run()
	a.takes(numbered(receiver, 1))
	if _, err := b.Take(t.Context(), numbered(receiver, 2)); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("without the lease: %v", err)
	}
}

// usual is a lease that is longer than a probe: the place of a dead worker's session is asked for before that is taken over.
const usual = 10 * time.Second

func TestThePlaceOfADeadWorkersSessionIsFreeWhateverSessionHasItsNumberElsewhere(t *testing.T) {
	for name, number := range map[string]uint64{"the session that binds": 1, "another session": 2} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			a, heir := r.join("a", usual), r.join("heir", usual, answering(alive))
			at := heir
			if number != 1 { // it binds at a third one, which takes over from nobody
				heir.takes(numbered(transmitter, 1))
				at = r.join("c", usual, answering(alive))
				at.Retire()
			}
			a.takes(numbered(receiver, 1))
			r.knows(at, a)
			r.awaitBeats(1, a)
			a.die()
			ctx, cancel := context.WithTimeout(t.Context(), 2*testkit.Patience)
			defer cancel()
			if _, err := at.Take(ctx, numbered(receiver, number)); err != nil {
				t.Errorf("it is refused: %v", err)
			}
		})
	}
}

// A row that another worker frees while it is being taken is of a later transaction than the one that takes it.
func TestAPlaceIsKnownEverywhereThoughItsRowWasFreedWhileItWasTaken(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	b := r.join("b", long, answering(func(string, uint64) bool { return true }))
	release := b.takes(numbered(receiver, 1))
	r.exec(`CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END'`)
	r.exec(`CREATE TRIGGER held BEFORE INSERT ON slots FOR EACH ROW EXECUTE FUNCTION held()`)
	tx, err := r.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(4711)`); err != nil {
		t.Fatal(err)
	}
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		a.takes(numbered(receiver, 2))
	}()
	testkit.Await(t, "it is being taken", func() bool {
		return r.value(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`) == "1"
	})
	release()
	testkit.Await(t, "it is free", func() bool { return r.value(`SELECT epoch FROM slots`) == "0" })
	testkit.Await(t, "that is seen", func() bool {
		b.slots.mu.Lock()
		defer b.slots.mu.Unlock()
		return strconv.FormatUint(b.slots.client["acme"][0].at, 10) == r.value(`SELECT at FROM slots`)
	})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, taken, "the place")
	testkit.Await(t, "the other worker knows who has it", func() bool {
		e, ok := b.Receiver("acme")
		return ok && e == a.epoch
	})
}
