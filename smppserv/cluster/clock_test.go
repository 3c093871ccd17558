package cluster

import (
	"net/url"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// setDatabaseClock sets the clock that the database's statements see.
func (r *rig) setDatabaseClock(ahead string) {
	r.exec(`UPDATE clock_set SET by = $1::text::interval`, ahead)
}

// withDatabaseClock has the database's clock be one that can be set. It is called before anybody joins.
func (r *rig) withDatabaseClock() {
	r.exec(`CREATE TABLE clock_set (by interval NOT NULL)`)
	r.exec(`INSERT INTO clock_set VALUES ('0')`)
	r.exec(`CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.clock_timestamp() + by FROM clock_set'`)
	r.exec(`ALTER DATABASE ` + r.pool.Config().ConnConfig.Database + ` SET search_path = public, pg_catalog`)
	r.pool.Reset()
}

func TestADatabaseWhoseClockIsSetTakesNobodyForDead(t *testing.T) {
	r := newRig(t)
	r.withDatabaseClock()
	a, b := r.join("a", short), r.join("b", short)
	r.awaitBeats(6, a, b)
	for _, ahead := range []string{"1 hour", "0", "-1 hour"} {
		r.setDatabaseClock(ahead)
		r.awaitBeats(8, a, b)
	}
	for _, w := range []*worker{a, b} {
		if w.isLost() || w.is(func() bool { return len(w.inherited) > 0 }) {
			t.Errorf("%s: lost %t, inherits %v", w.o.Name, w.isLost(), w.inherited)
		}
	}
	// Set back, it keeps a dead worker alive no longer.
	r.setDatabaseClock("1 hour")
	r.awaitBeats(2, a, b)
	a.die()
	r.setDatabaseClock("0")
	testkit.Await(t, "b has its messages", func() bool { return b.is(func() bool { return len(b.inherited) == 1 }) })
}

func TestAWallClockThatJumpsHasTheLeaseRenewedFirst(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	b := r.join("b", long)
	r.awaitBeats(0, a, b)
	r.knows(b, a)
	a.cut.set(true)
	a.clock.set(time.Hour)
	if a.Holds() {
		t.Fatal("it holds its lease after its clock was set")
	}
	since := a.LapsedAt()
	if since.IsZero() || time.Now().Before(since) || !b.LapsedAt().IsZero() {
		t.Errorf("it is lost since %v, the other's since %v", since, b.LapsedAt())
	}
	a.clock.set(-time.Hour)
	if a.Holds() {
		t.Fatal("it holds its lease since its clock was set back")
	}
	testkit.Await(t, "deliveries stop", func() bool { return a.is(func() bool { return len(a.lapsed) == 1 }) })
	if again := a.LapsedAt(); !again.Equal(since) {
		t.Errorf("it is lost since %v, and then since %v", since, again)
	}
	a.cut.set(false)
	a.renewNow()
	testkit.Await(t, "deliveries go on", func() bool { return a.is(func() bool { return len(a.regained) == 1 }) && a.Holds() })
	if !a.LapsedAt().IsZero() {
		t.Errorf("it is lost since %v though it is held", a.LapsedAt())
	}
	if a.isLost() || b.is(func() bool { return len(b.inherited)+len(b.lapsed) > 0 }) {
		t.Error("another worker has minded its clock")
	}
}

func TestADatabaseThatWasAwayForTenLeasesMakesNobodyDead(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", short), r.join("b", short)
	r.knows(a, b)
	r.knows(b, a)
	epochs := r.value(`SELECT string_agg(epoch::text, ' ' ORDER BY epoch) FROM nodes`)
	both := []*worker{a, b}
	for _, w := range both {
		w.cut.set(true)
	}
	for _, w := range both {
		testkit.Await(t, w.o.Name+" stops delivering", w.stopped)
		w.clock.pass(10 * short)
		testkit.Await(t, w.o.Name+" unbinds its clients", func() bool { return w.is(func() bool { return len(w.away) == 1 }) })
	}
	for _, w := range both { // one after the other
		w.cut.set(false)
		testkit.Await(t, w.o.Name+" delivers again", func() bool { return w.Holds() && !w.stopped() })
	}
	r.awaitBeats(8, a, b)
	for _, w := range both {
		if w.isLost() || w.is(func() bool { return len(w.inherited) > 0 || len(w.away) != 1 }) {
			t.Errorf("%s: lost %t, inherits %v, unbound %d times", w.o.Name, w.isLost(), w.inherited, len(w.away))
		}
	}
	if now := r.value(`SELECT string_agg(epoch::text, ' ' ORDER BY epoch) FROM nodes`); now != epochs {
		t.Errorf("epochs %s, want %s", now, epochs)
	}
}

func TestALeaseIsRenewedAtTheSecondHostBehindAFirstOneThatIsSilent(t *testing.T) {
	r := newRig(t)
	at, beSilent := testkit.SilentLater(t)
	a := r.join("a", short, func(w *worker, o *Options) {
		u, err := url.Parse(w.cut.dsn)
		if err != nil {
			t.Fatal(err)
		}
		u.Host = at + "," + u.Host
		o.Pool = r.connect(u.String())
	})
	beSilent()
	a.cut.set(true)
	testkit.Await(t, "it stops delivering", a.stopped)
	a.cut.set(false)
	testkit.Await(t, "it delivers again", func() bool { return a.Holds() && !a.stopped() })
}

func TestAPostgresThatIsRestartedMakesNobodyDead(t *testing.T) {
	pg := testkit.Postgres(t)
	r := newRigOn(t, pg)
	a, b := r.join("a", short), r.join("b", short)
	r.knows(a, b)
	r.knows(b, a)
	pg.Kill(t)
	for _, w := range []*worker{a, b} {
		testkit.Await(t, w.o.Name+" stops delivering", w.stopped)
	}
	pg.Start(t)
	for _, w := range []*worker{a, b} {
		testkit.Await(t, w.o.Name+" delivers again", w.Holds)
	}
	r.awaitBeats(8, a, b)
	r.message(1, a.epoch)
	r.exec(handOn, []int64{1}, int64(b.epoch))
	a.TellRows(b.epoch)
	testkit.Await(t, "what is handed to b arrives", func() bool { return b.is(func() bool { return len(b.arrived) == 1 }) })
	if a.isLost() || b.isLost() {
		t.Error("one has been taken over from")
	}
}
