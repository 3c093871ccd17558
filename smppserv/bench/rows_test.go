package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"

	"github.com/rs/zerolog"
)

func smallBench(t *testing.T) *bench {
	b := newBench(options{short: true, repeat: 2, size: 1000, max: 2000}, t.TempDir())
	b.progress.out = io.Discard
	t.Cleanup(b.close)
	return b
}

func TestRowsAreMeasuredBesideTheYardstick(t *testing.T) {
	chosen, err := choose("submit,window-10,life,lines,opportunity,backlog,known-number", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range smallBench(t).runAll(chosen) {
		if r.err != nil {
			t.Errorf("%s: %v", r.row.name, r.err)
			continue
		}
		m := r.figures[0]
		if m.value < 0 || r.row.load != nil && (m.yardstick <= 0 || m.ratio <= 0) {
			t.Errorf("%s: %+v", r.row.name, m)
		}
	}
}

func TestARowThatFailsTellsWhyAndStopsWhatItStarted(t *testing.T) {
	b := smallBench(t)
	stopped := 0
	for _, fail := range []func(*trial){
		func(t *trial) { t.Fatalf("out of %s", "luck") },
		func(t *trial) { t.must(errors.New("out of luck")) },
		func(t *trial) { t.Errorf("out of luck") },
	} {
		r := b.run(row{name: "r", figures: []figure{{}}, run: func(t *trial) []value {
			t.Cleanup(func() { stopped++ })
			fail(t)
			return []value{{}}
		}})
		if r.err == nil || !strings.Contains(r.err.Error(), "out of luck") {
			t.Errorf("the row failed with %v", r.err)
		}
	}
	if stopped != 3 {
		t.Errorf("%d of 3 were stopped", stopped)
	}
	if left, err := os.ReadDir(b.root); err != nil || len(left) > 0 {
		t.Errorf("left are %v: %v", left, err)
	}
}

func TestSeededMessagesAreWhatTheServerStoresAndInOrderOfTheirTimes(t *testing.T) {
	b := smallBench(t)
	from := time.Now().Add(-10 * 24 * time.Hour)
	to := from.Add(24 * time.Hour)
	err := b.try(0, func(tr *trial) {
		w := tr.seeded(tr.away())
		for _, n := range []int{1500, 5000} {
			w.grow(tr, n, from, to)
			if got := count(tr, w.store, "SELECT count(*) FROM messages WHERE final_at IS NOT NULL"); got != n {
				t.Errorf("%d messages, want %d", got, n)
			}
		}
		if n := count(tr, w.store, "SELECT count(*) FROM messages a, messages b WHERE b.id = a.id + 1 AND b.received_at < a.received_at"); n > 0 {
			t.Errorf("%d messages came before an earlier one", n)
		}
		if n := count(tr, w.store, "SELECT count(*) FROM messages WHERE received_at < ? OR final_at > ?", from.UnixMilli(), to.Add(24*time.Hour).UnixMilli()); n > 0 {
			t.Errorf("%d messages have other times", n)
		}
		if n := count(tr, w.store, "SELECT count(DISTINCT source) FROM messages"); n < 4000 {
			t.Errorf("they are of %d numbers", n)
		}
		w.startSeeded(tr)
		if ms := tr.searchByID(w, w.picker(tr)); ms <= 0 {
			t.Errorf("a search took %g ms", ms)
		}
		tr.submit("more", eight(100, 100), w.SMPP)
		w.Stop(tr)
		w.drop(tr)
		if got := count(tr, w.store, "SELECT count(*) FROM messages"); got != 5000 {
			t.Errorf("%d messages are left, want 5000", got)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestATimeIsWrittenAsARelativeOne(t *testing.T) {
	now := time.Now()
	for _, d := range []time.Duration{3 * time.Second, 70 * time.Second, 50 * time.Minute} {
		got, err := smpp.ParseTime(relative(d), now)
		if err != nil || got.Sub(now) != d {
			t.Errorf("%v is written %s, which is %v: %v", d, relative(d), got.Sub(now), err)
		}
	}
}

func TestAShortRunFailsOnlyWhenARatioHasHalvedThriceAndSaysWhich(t *testing.T) {
	b := smallBench(t)
	b.runAll(nil)
	b.repeat = 1
	for _, c := range []struct {
		reference float64
		code      int
		measured  int
	}{{1e-9, 0, 1}, {1000, 1, 1 + more}} {
		runs := 0
		r := row{name: "submit", load: submitLoad, figures: []figure{{limit: ratioLeast, goal: 0.9}}, run: func(*trial) []value {
			runs++
			return []value{{value: 1000}}
		}}
		var said strings.Builder
		code := b.judge(&said, []result{b.run(r)}, map[string]float64{"submit": c.reference})
		if code != c.code || runs != c.measured || strings.Contains(said.String(), "submit has halved") != (code == 1) {
			t.Errorf("with a reference of %g: exit code %d after %d measurements, and:\n%s", c.reference, code, runs, &said)
		}
	}
}

func TestRowsOnPostgreSQLAreMeasuredOrSkippedWithTheLineThatInstallsIt(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	chosen, err := choose("postgres,postgres-nodes,postgres-elsewhere,postgres-stored", false)
	if err != nil {
		t.Fatal(err)
	}
	b := smallBench(t)
	b.repeat = 1
	results := append(b.runAll(chosen), b.run(row{name: "missing", what: "what is missing", figures: []figure{{}}, run: func(t *trial) []value {
		t.Skipf("PostgreSQL is missing; it is installed by: apt-get install postgresql")
		return nil
	}}))
	if !errors.As(results[len(results)-1].err, new(skipped)) {
		t.Errorf("what is missing is not skipped: %v", results[len(results)-1].err)
	}
	for _, r := range results {
		if errors.As(r.err, new(skipped)) {
			if said := r.lines()[0].String(); !strings.Contains(said, "apt-get install postgresql") || failures(results) != 0 {
				t.Errorf("%s: %s", r.row.name, said)
			}
			continue
		}
		if r.err != nil {
			t.Errorf("%s: %v", r.row.name, r.err)
			continue
		}
		for _, m := range r.figures {
			if m.unit != perSecond && m.unit != ms { // so few messages may take no tick of the processors' clock
				continue
			}
			if m.value <= 0 || m.beside != "" && (m.yardstick <= 0 || m.ratio <= 0) {
				t.Errorf("%s: %+v", r.row.name, m)
			}
		}
	}
}

func TestTheStockHasItsMessagesInOrderOfTheirTimesAndCounted(t *testing.T) {
	b := smallBench(t)
	err := b.try(0, func(tr *trial) {
		s := tr.stock()
		for query, want := range map[string]int{
			"SELECT count(*) FROM messages WHERE final_at IS NOT NULL":                                                      b.max,
			"SELECT count(*) FROM messages a, messages b WHERE b.id = a.id + 1 AND b.received_at < a.received_at":           0,
			"SELECT count(*) FROM messages WHERE state = 5 AND error = 404":                                                 b.max / failing,
			"SELECT sum(n) FROM hourly WHERE state = 1":                                                                     b.max,
			"SELECT sum(n) FROM hourly WHERE state = 5":                                                                     b.max / failing,
			"SELECT id FROM last_message_id WHERE id < (SELECT max(id) FROM messages) UNION ALL SELECT 0 LIMIT 1":           0,
			"SELECT count(*) FROM pg_indexes WHERE indexname IN ('messages_source', 'messages_failed', 'messages_waiting')": 3,
		} {
			if got := s.number(query); got != want {
				t.Errorf("%s: %d, want %d", query, got, want)
			}
		}
		if n := s.number("SELECT count(DISTINCT source) FROM messages"); n < b.max/2 {
			t.Errorf("they are of %d numbers", n)
		}
		if n := s.number("SELECT count(*) FROM messages WHERE received_at < $1 OR received_at > $2", s.from.UnixMilli(), s.to.UnixMilli()); n > 0 {
			t.Errorf("%d messages have other times", n)
		}
		o, err := postgres.Open(t.Context(), postgres.Options{DSN: s.dsn, Folder: tr.TempDir(), Node: "bench", Log: zerolog.Nop()})
		tr.must(err)
		found, err := o.Search(t.Context(), store.Search{Campaign: campaign, States: []sms.State{sms.Undeliverable}, Limit: 100})
		if err != nil || len(found.Messages) != b.max/failing {
			t.Errorf("%d failed messages are found: %v", len(found.Messages), err)
		}
		tr.must(o.Close(t.Context()))
		if tr.stock().PG != s.PG {
			t.Error("another one was filled for the next row")
		}
		s.end()
		if b.stocked != nil {
			t.Error("it is there after its end")
		}
	})
	if err != nil && !errors.As(err, new(skipped)) {
		t.Fatal(err)
	}
}
