package cluster

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"
)

func TestATermHoldsForSevenEighthsOfItsLease(t *testing.T) {
	sent := reading{elapsed: time.Hour, apart: 42 * time.Hour}
	term := newTerm(sent, 8*time.Second)
	for _, c := range []struct {
		after, set time.Duration
		holds      bool
	}{{0, 0, true}, {7*time.Second - 1, 0, true}, {7 * time.Second, 0, false}, {0, time.Second, true}, {0, time.Second + 1, false}, {0, -time.Second - 1, false}} {
		now := reading{sent.elapsed + c.after, sent.apart + c.set}
		if got := term.holds(now); got != c.holds {
			t.Errorf("after %v, the clock set by %v: holds %t", c.after, c.set, got)
		}
	}
	if term.over(sent).holds(sent) {
		t.Error("a term that is over holds")
	}
}

func TestARenewalDuringWhichTheClockJumpedDoesNotCount(t *testing.T) {
	const lease = 8 * time.Second
	sent := reading{elapsed: time.Hour, apart: 42 * time.Hour}
	before := newTerm(sent, lease)
	again := reading{elapsed: sent.elapsed + 6*time.Second, apart: sent.apart}
	late := reading{elapsed: again.elapsed + time.Second, apart: sent.apart}
	jumped := reading{elapsed: late.elapsed, apart: sent.apart + time.Hour}
	for name, c := range map[string]struct {
		now, before *term
		holds       bool
	}{
		"nothing happened":                 {before, before, true},
		"it lapsed by time":                {before.over(late), before, true},
		"the clock jumped, and back":       {before.over(jumped), before, false},
		"it lapsed, and the clock jumped":  {before.over(late).over(jumped), before, false},
		"sent after a jump had been found": {before.over(jumped), nil, true},
	} {
		if c.before == nil {
			c.before = c.now
		}
		if got := c.now.renewed(c.before, again, lease).holds(late); got != c.holds {
			t.Errorf("%s: holds %t", name, got)
		}
	}
}

func TestAnotherIsSilentAfterAWholeLeaseWithoutABeatOrAGap(t *testing.T) {
	const lease = 10 * time.Second
	type sight struct {
		at   time.Duration
		beat int64
		left time.Duration
		gap  bool
	}
	for name, c := range map[string]struct {
		seen   []sight
		silent bool
	}{
		"a whole lease":                    {[]sight{{at: 0, beat: 7, left: 9 * time.Second}, {at: lease, beat: 7, left: -1}}, true},
		"not yet":                          {[]sight{{at: 0, beat: 7, left: 9 * time.Second}, {at: lease - 1, beat: 7, left: -1}}, false},
		"a beat meanwhile":                 {[]sight{{at: 0, beat: 7}, {at: 9 * time.Second, beat: 8}, {at: 11 * time.Second, beat: 8, left: -1}}, false},
		"a gap of one's own":               {[]sight{{at: 0, beat: 7}, {at: 9 * time.Second, beat: 7, gap: true}, {at: 18 * time.Second, beat: 7, left: -1}}, false},
		"a lease after the gap":            {[]sight{{at: 0, beat: 7}, {at: 9 * time.Second, beat: 7, gap: true}, {at: 19 * time.Second, beat: 7, left: -1}}, true},
		"the database says no":             {[]sight{{at: 0, beat: 7}, {at: 20 * time.Second, beat: 7, left: time.Second}}, false},
		"its clock was set back":           {[]sight{{at: 0, beat: 7}, {at: 20 * time.Second, beat: 7, left: time.Hour}}, true},
		"its clock was set on, no silence": {[]sight{{at: 0, beat: 7, left: -time.Hour}, {at: 3 * time.Second, beat: 7, left: -time.Hour}}, false},
	} {
		ns := neighbours{}
		for _, s := range c.seen {
			ns.observe([]row{{epoch: 3, beat: s.beat, lease: lease, left: s.left}}, s.at, s.at, s.gap)
		}
		if got := ns[3].silent(lease); got != c.silent {
			t.Errorf("%s: silent %t", name, got)
		}
	}
	ns := neighbours{}
	ns.observe([]row{{epoch: 3, beat: 1, lease: 2 * lease}}, 0, 0, false)
	ns.observe([]row{{epoch: 3, beat: 1, lease: 2 * lease, left: -1}}, lease, lease, false)
	if ns[3].silent(lease) {
		t.Error("a node with a longer lease is judged by a shorter one")
	}
}

func TestOneAloneTakesOverFromAWorkerThatDied(t *testing.T) {
	r := newRig(t)
	first := r.join("a", short)
	r.message(1, first.epoch)
	first.die()
	second := r.join("b", short)
	third := r.join("c", short)
	fourth := r.join("d", short)
	testkit.Await(t, "a is taken over from", func() bool { return r.value(`SELECT count(*) FROM nodes WHERE name = 'a'`) == "0" })
	heirs := []*worker{second, third, fourth}
	var heir *worker
	testkit.Await(t, "somebody has its messages", func() bool {
		for _, w := range heirs {
			if w.is(func() bool { return len(w.inherited) > 0 }) {
				heir = w
			}
		}
		return heir != nil
	})
	r.awaitBeats(6, heirs...)
	for _, w := range heirs {
		want := []sms.Epoch(nil)
		if w == heir {
			want = []sms.Epoch{first.epoch}
		}
		if got := w.inherited; !slices.Equal(got, want) {
			t.Errorf("%s inherits %v, want %v", w.o.Name, got, want)
		}
		if w.isLost() {
			t.Errorf("%s lost its lease", w.o.Name)
		}
	}
	// What it left goes on with what its heir leaves.
	heir.die()
	heirs = slices.DeleteFunc(heirs, func(w *worker) bool { return w == heir })
	testkit.Await(t, "the others have both estates", func() bool {
		return slices.ContainsFunc(heirs, func(w *worker) bool {
			return w.is(func() bool { return len(w.inherited) == 2 }) && slices.Equal(w.Estates(), []sms.Epoch{first.epoch, heir.epoch})
		})
	})
}

func TestARenewalPreventsATakeOver(t *testing.T) {
	r := newRig(t)
	living := r.joinIdle("a", long)
	other := r.joinIdle("b", long)
	r.awaitBeats(0, living)
	r.knows(other, living)
	seen, _, _ := other.other(living.epoch)
	r.exec(`UPDATE nodes SET alive_until = clock_timestamp() - interval '1 hour'`)
	stale := seen
	stale.beat = int64(living.beat()) - 1
	if err := other.takeOverFrom(t.Context(), &stale); !errors.Is(err, errAlive) {
		t.Fatalf("a beat later: %v", err)
	}
	r.exec(`UPDATE nodes SET alive_until = clock_timestamp() + interval '1 second'`)
	stale.beat = int64(living.beat())
	if err := other.takeOverFrom(t.Context(), &stale); !errors.Is(err, errAlive) {
		t.Fatalf("its lease runs: %v", err)
	}
	if n := r.value(`SELECT count(*) FROM fences WHERE epoch = $1`, int64(living.epoch)); n != "1" {
		t.Error("it cannot write any more")
	}
}

func TestWhoWasTakenOverWritesNothing(t *testing.T) {
	r := newRig(t)
	const lease = 3 * short // what is a part of it is not hidden by a machine that is busy
	a := r.join("a", lease)
	r.message(1, a.epoch)
	write := func() error {
		_, err := r.pool.Exec(context.Background(), `SELECT fence($1, 1)`, int64(a.epoch))
		return err
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	a.cut.set(true)
	b := r.join("b", lease)
	testkit.Await(t, "b has its messages", func() bool { return b.is(func() bool { return len(b.inherited) > 0 }) })
	if !a.stopped() || a.is(func() bool { return a.lapsed[len(a.lapsed)-1].After(b.inheritedAt) }) {
		t.Errorf("it went on delivering until %v, and another one had its messages at %v", a.lapsed, b.inheritedAt)
	}
	if err := write(); err == nil || !strings.Contains(err.Error(), "HN001") {
		t.Errorf("it still writes: %v", err)
	}
	a.cut.set(false)
	testkit.Receive(t, a.Lost(), "a hears of it")
	if a.Holds() || a.Leader() || a.Once(t.Context(), "job", time.Hour) {
		t.Error("it still holds its lease")
	}
	if _, err := a.Take(t.Context(), road.Place{Client: "acme", Session: 1, Receives: true}); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("it takes places: %v", err)
	}
	if err := a.Leave(t.Context()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("it leaves: %v", err)
	}
}

func TestConnectionsOfADeadWorkerHoldNobodyUp(t *testing.T) {
	r := newRig(t)
	a := r.join("a", short)
	stopped := link{pool: a.o.Pool, epoch: a.epoch, limit: time.Hour}
	defer stopped.close()
	c, err := stopped.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	tx, err := c.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT fence($1, 1)`, int64(a.epoch)); err != nil {
		t.Fatal(err)
	}
	a.die()
	b := r.join("b", short)
	testkit.Await(t, "b has its messages", func() bool { return b.is(func() bool { return len(b.inherited) > 0 }) })
	if err := tx.Commit(context.Background()); err == nil {
		t.Error("what was under way is committed")
	}
}

func TestANameInUseIsRefusedAndSaysByWhom(t *testing.T) {
	r := newRig(t)
	r.join("a", short)
	o, _, _ := r.options("a", short)
	_, err := Join(t.Context(), o)
	var held *HeldError
	if !errors.Is(err, store.ErrHeld) || !errors.As(err, &held) || held.Address != "a.example:2775" || held.Since.IsZero() {
		t.Fatalf("a second one of the name: %v", err)
	}
	if !strings.Contains(err.Error(), "a.example:2775") {
		t.Errorf("the text does not say where it is: %v", err)
	}
}

func TestNamesThatDifferByCaseAloneAreOne(t *testing.T) {
	r := newRig(t)
	a := r.join("SMPP-é1", short)
	o, _, _ := r.options("smpp-é1", short)
	_, err := Join(t.Context(), o)
	var held *HeldError
	if !errors.As(err, &held) || held.Name != "SMPP-é1" || !strings.Contains(err.Error(), `"smpp-é1"`) {
		t.Fatalf("a second one of the name: %v", err)
	}
	r.message(1, a.epoch)
	a.die()
	again := r.join("smpp-é1", short)
	if got := again.Estates(); !slices.Equal(got, []sms.Epoch{a.epoch}) {
		t.Errorf("it has %v", got)
	}
	if names := r.value(`SELECT string_agg(name, ' ') FROM nodes`); names != "smpp-é1" {
		t.Errorf("the nodes are %s", names)
	}
}

func TestOfTwoNamesThatDifferByCaseOneJoins(t *testing.T) {
	r := newRig(t)
	var errs [2]error
	var joined sync.WaitGroup
	for i, name := range []string{"B", "b"} {
		o, _, _ := r.options(name, short)
		joined.Go(func() {
			n, err := Join(t.Context(), o)
			if errs[i] = err; err == nil {
				t.Cleanup(n.renewing.stop)
			}
		})
	}
	joined.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), store.ErrHeld) {
		t.Errorf("got %v, %v", errs[0], errs[1])
	}
}

func TestWhoComesBackUnderItsNameHasWhatItLeft(t *testing.T) {
	r := newRig(t)
	a := r.join("a", short)
	r.message(1, a.epoch)
	a.die()
	again := r.join("a", short)
	if again.epoch == a.epoch {
		t.Error("an epoch is used twice")
	}
	if got := again.Estates(); !slices.Equal(got, []sms.Epoch{a.epoch}) {
		t.Errorf("it has %v", got)
	}
	r.awaitBeats(2, again)
	if again.is(func() bool { return len(again.inherited) > 0 }) {
		t.Error("what it had when it joined is given to it once more")
	}
}

func TestAPoliteStopGivesEverythingAtOnce(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long), r.join("b", long)
	r.message(1, a.epoch)
	if _, err := a.Take(t.Context(), road.Place{Client: "acme", Session: 1, Receives: true}); err != nil {
		t.Fatal(err)
	}
	a.stop()
	a.o.Pool.Close() // as the store does when it is closed
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "b has its messages", func() bool { return b.is(func() bool { return slices.Equal(b.inherited, []sms.Epoch{a.epoch}) }) })
	for _, table := range []string{"slots", "nodes", "fences"} {
		if n := r.value(`SELECT count(*) FROM `+table+` WHERE epoch = $1`, int64(a.epoch)); n != "0" {
			t.Errorf("%s has %s rows of it", table, n)
		}
	}
	// Who is alone leaves it to whoever comes.
	b.stop()
	if err := b.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := r.join("a", long)
	if got := c.Estates(); !slices.Equal(got, []sms.Epoch{a.epoch, b.epoch}) {
		t.Errorf("who comes has %v", got)
	}
}

func TestAFailedInheritanceIsRepeated(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long), r.join("b", long)
	b.note(func() { b.failing = errors.New("the disk is full") })
	a.stop()
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "b has its estate", func() bool { return slices.Equal(b.Estates(), []sms.Epoch{a.epoch}) })
	b.note(func() { b.failing = nil })
	testkit.Await(t, "b has its messages", func() bool { return b.is(func() bool { return slices.Equal(b.inherited, []sms.Epoch{a.epoch}) }) })
}

func TestAProgramThatHasTheDatabaseForItselfKeepsWorkersOut(t *testing.T) {
	r := newRig(t)
	o, _, _ := r.options("a", long)
	alone := link{pool: o.Pool, epoch: 7777, limit: long}
	defer alone.close()
	r.exec(`INSERT INTO fences (epoch) VALUES (7777)`)
	r.exec(`INSERT INTO estates (epoch, owner) VALUES (7, 7777)`)
	if err := alone.do(t.Context(), func(c *pgx.Conn) error { return c.Ping(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	if _, err := Join(t.Context(), o); !errors.Is(err, store.ErrHeld) {
		t.Fatalf("beside it: %v", err)
	}
	if n := r.value(`SELECT count(*) FROM nodes`); n != "0" {
		t.Errorf("%s nodes are left of that", n)
	}
	alone.close() // it is killed
	testkit.Await(t, "its connection is gone", func() bool {
		return r.value(`SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, Application(7777)) == "0"
	})
	a := r.join("a", long)
	if got := a.Estates(); !slices.Equal(got, []sms.Epoch{7, 7777}) {
		t.Errorf("who comes then has %v", got)
	}
}

func TestTheNextRenewalComesInTimeToFindThatAnotherNodeIsSilent(t *testing.T) {
	const now = time.Hour
	for name, c := range map[string]struct{ lease, seen, want time.Duration }{
		"a short lease":             {4 * time.Second, 0, time.Second},
		"a long one":                {time.Minute, 0, longestRenewal},
		"its last beat is long ago": {10 * time.Second, 9 * time.Second, time.Second},
		"it may be silent now":      {10 * time.Second, 11 * time.Second, longestRenewal},
	} {
		n := &Node{o: Options{Lease: c.lease, Clock: func() (time.Time, time.Duration) { return time.Now(), now }}}
		n.term.Store(newTerm(reading{elapsed: now}, c.lease))
		n.neighbours = neighbours{3: {row: row{lease: c.lease}, from: now - c.seen}}
		if got := n.untilRenewal(time.Millisecond); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestEachKindOfReasonForALostLeaseIsSaidOnce(t *testing.T) {
	var said bytes.Buffer
	n := &Node{o: Options{Log: zerolog.New(&said)}}
	refused := &pgconn.PgError{Code: "25006", Message: "cannot execute UPDATE in a read-only transaction"}
	for range 2 {
		for range 2 {
			for _, err := range []error{io.ErrUnexpectedEOF, refused, &pgconn.PgError{Code: "57P03"}} {
				n.complain(err)
			}
		}
		n.complain(nil)
		n.complain(nil)
		for words, times := range map[string]int{"does not answer": 1, "the database refuses it": 1, "read-only": 1, "renewed again": 1} {
			if got := strings.Count(said.String(), words); got != times {
				t.Errorf("%q is said %d times: %s", words, got, said.String())
			}
		}
		said.Reset()
	}
}
