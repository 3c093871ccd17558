package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/postgres/postgrestest"
	"hnetsmpp/smppserv/testkit"
)

func (w *worker) has(ids ...sms.ID) func() bool {
	return func() bool { return w.is(func() bool { return slices.Equal(w.arrived, ids) }) }
}

func TestWhatIsHandedOnArrivesWithoutANotice(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long), r.join("b", long)
	for id := sms.ID(1); id <= 3; id++ {
		r.message(id, a.epoch)
	}
	r.exec(`UPDATE messages SET final_at = 1 WHERE id = 2`)
	r.exec(handOn, []int64{1, 2, 3}, int64(b.epoch))
	testkit.Await(t, "it arrives", b.has(1, 3))
	// There and back.
	r.exec(handOn, []int64{3}, int64(a.epoch))
	testkit.Await(t, "it comes back", a.has(3))
	r.exec(handOn, []int64{3}, int64(b.epoch))
	testkit.Await(t, "it arrives again", b.has(1, 3, 3))
}

func TestWhatIsHandedOnArrivesInADatabaseThatWasPutBackFromADump(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long), r.join("b", long)
	r.message(1, a.epoch)
	r.message(2, a.epoch)
	r.exec(`UPDATE messages SET holder = $1, arrived = '1000000000' WHERE id = 1`, int64(b.epoch)) // as pg_restore writes it
	testkit.Await(t, "what was there arrives", b.has(1))
	r.exec(handOn, []int64{2}, int64(b.epoch))
	testkit.Await(t, "what is handed on arrives", b.has(1, 2))
	r.exec(handOn, []int64{1}, int64(a.epoch))
	testkit.Await(t, "it is seen that one went", func() bool {
		if b.looks.arriving.lock(t.Context()) != nil {
			return false
		}
		defer b.looks.arriving.unlock()
		return len(b.looks.seen) <= 1 && b.looks.seen[1] == ""
	})
	r.exec(handOn, []int64{1}, int64(b.epoch))
	testkit.Await(t, "what comes back arrives once more", b.has(1, 2, 1))
}

func TestWhatBecomesVisibleLaterArrivesThoughItsIDIsLower(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long), r.join("b", long)
	r.message(5, a.epoch)
	r.message(9, a.epoch)
	tx, err := r.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), handOn, []int64{5}, int64(b.epoch)); err != nil {
		t.Fatal(err)
	}
	r.exec(handOn, []int64{9}, int64(b.epoch))
	a.TellRows(b.epoch)
	testkit.Await(t, "the higher one arrives", b.has(9))
	r.message(20, a.epoch) // a later transaction that has ended
	r.exec(handOn, []int64{20}, int64(b.epoch))
	a.TellRows(b.epoch)
	testkit.Await(t, "a later one arrives", b.has(9, 20))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.TellRows(b.epoch)
	testkit.Await(t, "the lower one arrives", b.has(9, 20, 5))
}

func TestWhatCouldNotBeTakenUpArrivesAgain(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long), r.join("b", long)
	r.message(1, a.epoch) // what nobody has would be swept up, too
	b.note(func() { b.failing = errors.New("no") })
	r.exec(handOn, []int64{1}, int64(b.epoch))
	b.looks.rows.kick()
	b.looks.rows.kick()
	b.note(func() { b.failing = nil })
	// All that arrived is looked at when notices are heard, so that it may arrive twice.
	testkit.Await(t, "it arrives", func() bool { return b.is(func() bool { return slices.Contains(b.arrived, 1) }) })
}

func TestManyArriveInSteps(t *testing.T) {
	r := newRig(t)
	b := r.join("b", long)
	const n = arrivalsPage + 10
	r.exec(`INSERT INTO messages (id, received_at, due_at, expires_at, error, holder, attempts, kind, state, submitter, recipient, source, destination, reason, content, attributes, arrived)
		SELECT id, 0, 0, 0, 0, $1, 0, 0, 1, '', 'acme', '', '', '', '', '', pg_current_xact_id() FROM generate_series(1, $2::bigint) id`, int64(b.epoch), n)
	testkit.Await(t, "all arrive", func() bool {
		return b.is(func() bool { return len(b.arrived) == n && slices.IsSorted(b.arrived) })
	})
}

func TestWhatIsHandedToAWorkerThatIsOverArrivesAtItsHeir(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long), r.join("b", long)
	a.stop()
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "b has its estate", func() bool { return b.is(func() bool { return len(b.inherited) == 1 }) })
	if name := r.value(`SELECT node FROM estates WHERE epoch = $1`, int64(a.epoch)); name != "a" {
		t.Errorf("it was a life of %q", name)
	}
	r.message(1, b.epoch)
	r.exec(handOn, []int64{1}, int64(a.epoch))
	testkit.Await(t, "it arrives", b.has(1))
}

func TestTheLeaderIsOneAndAnotherWhenItIsGone(t *testing.T) {
	r := newRig(t)
	a := r.join("a", short)
	testkit.Await(t, "a leads", a.Leader)
	b, c := r.join("b", short), r.join("c", short)
	r.awaitBeats(4, a, b, c)
	if !a.Leader() || b.Leader() || c.Leader() {
		t.Fatalf("leaders: %t %t %t", a.Leader(), b.Leader(), c.Leader())
	}
	a.stop()
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "one of the others leads", func() bool { return b.Leader() != c.Leader() })
	leader, other := b, c
	if c.Leader() {
		leader, other = c, b
	}
	leader.die()
	testkit.Await(t, "the last one leads", other.Leader)
}

func TestAJobIsOneWorkersUntilItsTimeIsOverOrTheWorkerIs(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long), r.join("b", long)
	once := func(w *worker) bool { return w.Once(t.Context(), "call acme", time.Hour) }
	for range 2 { // who has it may ask again
		if !once(a) {
			t.Fatal("it is not a's")
		}
	}
	if once(b) {
		t.Fatal("it is not a's alone")
	}
	r.exec(`UPDATE once SET until = clock_timestamp() - interval '1 second'`)
	if !once(b) || once(a) {
		t.Fatal("it is not b's when its time is over")
	}
	b.stop()
	if err := b.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !once(a) {
		t.Error("it is not a's when b is gone")
	}
}

func TestWaitingMessagesOfAnOwnerAreCountedOverAllWorkers(t *testing.T) {
	r := newRig(t)
	waiting := func(counts map[string]int) func(*worker, *Options) {
		return func(w *worker, o *Options) {
			o.Waiting = func() map[string]int {
				w.mu.Lock()
				defer w.mu.Unlock()
				now := map[string]int{}
				for owner, n := range counts {
					now[owner] = n
				}
				return now
			}
		}
	}
	counts := map[string]int{"acme": 7, "": 3}
	a, b := r.join("a", long, waiting(counts)), r.join("b", long, waiting(map[string]int{"acme": 5}))
	c := r.join("c", long)
	testkit.Await(t, "c counts both", func() bool { return c.Pending("acme") == 12 && c.Pending("") == 3 })
	testkit.Await(t, "b counts a's alone", func() bool { return b.Pending("acme") == 7 })
	a.note(func() { delete(counts, "acme"); counts[""] = 4 })
	testkit.Await(t, "c hears of it", func() bool { return c.Pending("acme") == 5 && c.Pending("") == 4 })
	a.stop()
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "what is gone does not count", func() bool { return c.Pending("") == 0 && c.Pending("acme") == 5 })
}

func TestThoseThatChangedMostAreSaidFirst(t *testing.T) {
	p := pending{said: map[string]int{"b": 100}}
	now := map[string]int{"a": 50, "b": 1}
	for i := range maxSaid {
		now[string(rune('A'+i%26))+string(rune(0x4e00+i))] = 2
	}
	owners, _ := p.news(now)
	if len(owners) != maxSaid || !slices.Contains(owners, "a") || !slices.Contains(owners, "b") {
		t.Errorf("%d owners", len(owners))
	}
}

func TestOperatorsSeeAllWorkersAndWhatDiffers(t *testing.T) {
	r := newRig(t)
	facts := []byte(`{"sessions": 3}`)
	with := func(hash string) func(*worker, *Options) {
		return func(w *worker, o *Options) {
			o.Configuration = func() map[string]string { return map[string]string{"clients": "same", "hermes": hash} }
			o.Facts = func() []byte { return facts }
		}
	}
	a := r.join("a", short, with("one"))
	testkit.Await(t, "a leads", a.Leader) // before b is there, which may look first
	b := r.join("b", short, with("two"))
	var nodes []NodeInfo
	testkit.Await(t, "a sees both", func() bool {
		nodes = a.Nodes()
		return len(nodes) == 2 && string(nodes[1].Facts) == `{"sessions": 3}` && !nodes[0].Since.IsZero()
	})
	if n := nodes[0]; n.Name != "a" || !n.Self || !n.Leader || n.Epoch != a.Epoch() || len(n.Differs) > 0 {
		t.Errorf("itself: %+v", n)
	}
	n := nodes[1]
	if n.Name != "b" || n.Self || n.Leader || n.Address != "b.example:2775" || n.Version != "test" || !slices.Equal(n.Differs, []string{"hermes"}) {
		t.Errorf("the other: %+v", n)
	}
	if a.NameOf(b.epoch) != "b" || a.NameOf(a.epoch) != "a" || a.NameOf(99) != "" {
		t.Error("names")
	}
}

func TestFactsThatTheDatabaseRefusesDoNotCostTheLease(t *testing.T) {
	r := newRig(t)
	bad, _ := json.Marshal("a\x00b")
	a := r.join("a", short, func(_ *worker, o *Options) { o.Facts = func() []byte { return bad } })
	r.awaitBeats(6, a)
	if a.isLost() || a.beat() == 0 {
		t.Error("its lease lapsed")
	}
}

func TestWhatWaitsOfAnEpochThatNobodyKnowsIsTakenUp(t *testing.T) {
	r := newRig(t)
	r.message(1, 4711)
	a := r.join("a", long)
	testkit.Await(t, "a leads", a.Leader)
	if err := a.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "a has it", func() bool { return a.is(func() bool { return slices.Equal(a.inherited, []sms.Epoch{4711}) }) })
	// What it had accepted waits elsewhere: by whose clock, and how that was set, must be known.
	r.exec(handOn, []int64{1}, int64(a.epoch))
	r.exec(`UPDATE estates SET since = since - interval '2 hours'`)
	r.exec(`INSERT INTO clock_steps (epoch, message_id, set_from, set_to) VALUES (4711, 1, 0, 1), ($1, 1, 0, 1)`, int64(a.epoch))
	for _, c := range []struct{ change, estates, steps string }{{`SELECT 1`, "1", "2"}, {`UPDATE messages SET final_at = 1`, "0", "1"}} {
		r.exec(c.change)
		for range 2 { // its steps go after the estate
			if err := a.sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if estates, steps := r.value(`SELECT count(*) FROM estates`), r.value(`SELECT count(*) FROM clock_steps`); estates != c.estates || steps != c.steps {
			t.Errorf("after %s there are %s estates and %s steps of the clock, want %s and %s", c.change, estates, steps, c.estates, c.steps)
		}
	}
}

func TestTheStepsOfALaterLifeGoWhenNothingWaitsThatAnEarlierOneAccepted(t *testing.T) {
	r := newRig(t)
	a := r.join("a", long)
	testkit.Await(t, "a leads", a.Leader)
	r.message(1, 4711)
	r.message(5, 4713)
	r.exec(`INSERT INTO estates (epoch, owner, node, since) SELECT e, $1, n, clock_timestamp() - interval '2 hours' FROM (VALUES (4711, 'b'), (4712, 'B'), (4713, 'c'), (4714, 'c')) x (e, n)`,
		int64(a.epoch))
	r.exec(`INSERT INTO clock_steps (epoch, message_id, set_from, set_to) VALUES (4712, 3, 0, 1), (4714, 3, 0, 1)`) // message 5 came after the latter
	for _, c := range []struct{ change, estates, steps string }{
		{`SELECT 1`, "4711 4712 4713", "4712"}, {`UPDATE messages SET holder = 1, handed_by = 4711, arrived = pg_current_xact_id() WHERE id = 1`, "4711 4712 4713", "4712"},
		{`UPDATE messages SET final_at = 1`, "", ""},
	} {
		r.exec(c.change)
		for range 2 { // its steps go after the estate
			if err := a.sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		estates, steps := r.value(`SELECT string_agg(epoch::text, ' ' ORDER BY epoch) FROM estates WHERE epoch > 1000`), r.value(`SELECT string_agg(epoch::text, ' ') FROM clock_steps`)
		if estates != c.estates || steps != c.steps {
			t.Errorf("after %s there are the estates %q and steps of the clock of %q, want %q and %q", c.change, estates, steps, c.estates, c.steps)
		}
	}
}

func TestWhatIsHandedOnAfterACrashArrivesThoughItsTransactionHasAnEarlierNumber(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", long), r.join("b", long)
	r.message(1, a.epoch)
	r.message(2, a.epoch)
	r.exec(handOn, []int64{1}, int64(b.epoch))
	testkit.Await(t, "one arrives", b.has(1))
	if err := b.looks.arriving.lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.looks.oldest = "999999999" // as before the crash
	r.exec(handOn, []int64{2}, int64(b.epoch))
	r.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	b.looks.arriving.unlock()
	testkit.Await(t, "the other one arrives", func() bool { return b.is(func() bool { return slices.Contains(b.arrived, 2) }) })
}

func TestWhatIsHandedOnIsFoundByItsIndexThoughTheLookWasPlannedWhileNothingWaited(t *testing.T) {
	t.Parallel()
	pg := testkit.SharedPostgres(t)
	plan := pg.GenericPlan(t, testkit.DatabaseName(t, postgrestest.Blank(t, pg)), arrived, "'{1,2}', '0', 0, 5000")
	if !strings.Contains(plan, "messages_arrived") || strings.Contains(plan, "messages_waiting") {
		t.Errorf("it reads all that waits:\n%s", plan)
	}
}
