package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

func TestAPartGoesToTheWorkerThatHasTheFirstOne(t *testing.T) {
	pg, database, a, b := two(t)
	part := func(n *node, seq byte) *sms.Message {
		m := storetest.Sample()
		m.Part.Seq, m.PartForm = seq, sms.FormUDH8
		storetest.Add(t, n.Store, m)
		return m
	}
	first, second := part(a, 1), part(b, 2)
	if first.Holder != 0 || second.Holder != a.epoch {
		t.Fatalf("they are held by %d and %d", first.Holder, second.Holder)
	}
	// It is its own as long as its submit may not be answered; the queue hands it on then. Also after a restart it is known where to.
	if ids := arrived(t, pg, database, a); ids != "" {
		t.Errorf("%v arrived before it was handed on", ids)
	}
	err := b.Store.Waiting(t.Context(), 0, func(m *sms.Message) error {
		if m.ID != second.ID || m.Holder != a.epoch {
			t.Errorf("message %d is to go to %d", m.ID, m.Holder)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	handed := make(chan error, 1)
	b.Store.HandOn([]sms.ID{second.ID}, second.Holder, func(err error) { handed <- err })
	if err := <-handed; err != nil {
		t.Fatal(err)
	}
	if ids := arrived(t, pg, database, a); ids != second.ID.String() {
		t.Errorf("%v arrived", ids)
	}
	if ids := waiting(t, b.Store); len(ids) != 0 {
		t.Errorf("the other has %v", ids)
	}
	pg.Exec(t, database, "UPDATE groups SET until = 0")
	if again := part(b, 1); again.Holder != 0 {
		t.Errorf("a new text under an old reference is held by %d", again.Holder)
	}
}

// parts hands in parts of a text of three, from a number.
func (n *node) parts(t *testing.T, from string, seqs ...byte) (ms []*sms.Message) {
	t.Helper()
	for _, seq := range seqs {
		m := storetest.Sample()
		m.Source.Number, m.Part, m.PartForm = from, sms.Part{Ref: 7, Total: 3, Seq: seq}, sms.FormUDH8
		storetest.Add(t, n.Store, m)
		ms = append(ms, m)
	}
	return ms
}

func TestTheNextTextUnderAReferenceBeginsWhereItComesInOnceTheOneBeforeIsWhole(t *testing.T) {
	pg, database, a, b := two(t)
	for _, c := range []struct {
		what   string
		before func(from string) // hands in all parts of the text
		at     sms.Epoch         // who has the next one that comes in at b
	}{
		{"all at the one", func(from string) { a.parts(t, from, 3, 1, 2) }, 0},
		{"some at the other", func(from string) {
			a.parts(t, from, 1)
			ms := b.parts(t, from, 3)
			a.parts(t, from, 2)
			b.handOn(t, a, ms...)
		}, 0},
		{"all but the first at the other", func(from string) {
			a.parts(t, from, 1)
			ms := b.parts(t, from, 3, 2)
			b.handOn(t, a, ms[1])
			b.handOn(t, a, ms[0])
		}, 0},
		{"one is on its way", func(from string) {
			a.parts(t, from, 1)
			b.parts(t, from, 3)
			a.parts(t, from, 2)
		}, a.epoch},
		{"one is missing", func(from string) { a.parts(t, from, 1, 3) }, a.epoch},
		{"one came again", func(from string) { a.parts(t, from, 1, 1, 3) }, a.epoch},
		{"one came again, and none is missing", func(from string) { a.parts(t, from, 1, 2, 2, 3) }, a.epoch},
		{"the next one has begun", func(from string) {
			a.parts(t, from, 1, 2)
			last := b.parts(t, from, 3)
			b.parts(t, from, 1)
			b.handOn(t, a, last...)
		}, a.epoch},
	} {
		c.before(c.what)
		if next := b.parts(t, c.what, 2); next[0].Holder != c.at {
			t.Errorf("%s: the next text is at %d, want %d", c.what, next[0].Holder, c.at)
		}
		pg.Exec(t, database, "DELETE FROM groups")
	}
}

func TestPartsThatComeAtOnceAndARowThatWasFrozenCompleteTheText(t *testing.T) {
	pg, database, a, b := two(t)
	c := join(t, pg, options(pg.DSN(database), t.TempDir()), database)
	c.database.Gather(time.Hour)
	a.parts(t, "33611", 1)
	second, third := b.parts(t, "33611", 2), c.parts(t, "33611", 3)
	pg.Exec(t, database, "VACUUM FREEZE groups")
	look, err := pgx.Connect(t.Context(), pg.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close(context.WithoutCancel(t.Context()))
	tx, err := look.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM groups FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	handed := make(chan error, 2)
	b.HandOn([]sms.ID{second[0].ID}, a.epoch, func(err error) { handed <- err })
	c.HandOn([]sms.ID{third[0].ID}, a.epoch, func(err error) { handed <- err })
	testkit.Await(t, "both wait for the row", func() bool {
		return pg.Value(t, database, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") == "2"
	})
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := testkit.Receive(t, handed, "the hand-on"); err != nil {
			t.Fatal(err)
		}
	}
	if next := b.parts(t, "33611", 2); next[0].Holder != 0 {
		t.Errorf("the next text is at %d", next[0].Holder)
	}
}

func TestAPartThatGoesOnAfterARestartCompletesItsText(t *testing.T) {
	pg, database, a, b := two(t)
	a.parts(t, "33611", 1, 2)
	last := b.parts(t, "33611", 3)
	heir := join(t, pg, options(pg.DSN(database), t.TempDir()), database)
	heir.database.Gather(time.Hour)
	over(t, pg, database, b, heir)
	if err := heir.Store.Waiting(t.Context(), 0, func(m *sms.Message) error {
		if m.Holder != a.epoch {
			t.Errorf("message %d is to go to %d", m.ID, m.Holder)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	heir.handOn(t, a, last...)
	if next := heir.parts(t, "33611", 2); next[0].Holder != 0 {
		t.Errorf("the next text is at %d", next[0].Holder)
	}
}

// earlierJoin is how a program of before schema 8 joins a text of three, which does not know given and came.
const earlierJoin = "INSERT INTO groups (submitter, source, destination, ref, form, total, epoch, until) SELECT v.*, %d, " + now + " + 3600000 FROM " +
	"unnest(ARRAY['%s'], ARRAY['%s'], ARRAY['%s'], ARRAY[7], ARRAY[%d::smallint], ARRAY[3::smallint]) v ON CONFLICT (submitter, source, destination, ref, form, total) DO UPDATE SET " +
	"epoch = CASE WHEN groups.until < " + now + " THEN excluded.epoch ELSE groups.epoch END, until = CASE WHEN groups.until < " + now + " THEN excluded.until ELSE groups.until END"

const now = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

func TestATextOfWhichAProgramOfBeforeHasAPartIsNotTakenForWholeBeforeItIs(t *testing.T) {
	pg, database, a, b := two(t)
	earlier := func(n *node, from string) {
		m := storetest.Sample()
		pg.Exec(t, database, fmt.Sprintf(earlierJoin, n.epoch, m.Submitter, from, m.Dest.Number, sms.FormUDH8))
	}
	overdue := func(from string) {
		pg.Exec(t, database, fmt.Sprintf("UPDATE groups SET until = 0 WHERE source = '%s'", from))
	}
	for what, before := range map[string]func(from string){ // b has a part of a text of which not all have come
		"it took over a row whose time was over": func(from string) {
			a.parts(t, from, 1, 2)
			overdue(from)
			earlier(b, from) // 1
			b.parts(t, from, 3)
		},
		"it began the text before": func(from string) {
			earlier(b, from) // 1
			b.parts(t, from, 2, 3, 1)
		},
		"it had one from the middle of the text before": func(from string) {
			b.parts(t, from, 1)
			earlier(b, from) // 2
			b.parts(t, from, 3, 2)
		},
		"it had the last one of the text before": func(from string) {
			b.parts(t, from, 1)
			ms := a.parts(t, from, 2)
			earlier(b, from) // 3
			a.handOn(t, b, append(ms, a.parts(t, from, 3)...)...)
		},
		"it has the first one, and others of the text before are on their way": func(from string) {
			b.parts(t, from, 1)
			ms := a.parts(t, from, 2, 3)
			earlier(b, from) // 1
			a.handOn(t, b, ms...)
		},
	} {
		before(what)
		if next := a.parts(t, what, 1); next[0].Holder != b.epoch {
			t.Errorf("%s: the next part is at %d, want %d", what, next[0].Holder, b.epoch)
		}
		pg.Exec(t, database, "DELETE FROM groups")
	}
	a.parts(t, "33611", 1, 2)
	overdue("33611")
	b.parts(t, "33611", 1, 3, 2)
	if next := a.parts(t, "33611", 1); next[0].Holder != 0 {
		t.Errorf("without one, the next text is at %d", next[0].Holder)
	}
}

func TestWhoeverWasTakenOverBeginsNoLongText(t *testing.T) {
	pg, database, a, _ := two(t)
	pg.Exec(t, database, fmt.Sprintf("DELETE FROM fences WHERE epoch = %d", a.epoch))
	if _, err := add(a.Store, storetest.Sample()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("got %v", err)
	}
	if n := pg.Value(t, database, "SELECT count(*) FROM groups"); n != "0" {
		t.Errorf("there are %s texts", n)
	}
}

func TestATakeOverWaitsForALongTextThatIsBeingBegun(t *testing.T) {
	pg, database, a, _ := two(t)
	pg.Exec(t, database, "CREATE FUNCTION wait_for_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NEW; END'",
		"CREATE TRIGGER slow BEFORE INSERT ON groups FOR EACH ROW EXECUTE FUNCTION wait_for_it()")
	c, err := pgx.Connect(t.Context(), pg.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.WithoutCancel(t.Context()))
	added := make(chan error, 1)
	go func() {
		_, err := add(a.Store, storetest.Sample())
		added <- err
	}()
	testkit.Await(t, "the text is being begun", func() bool {
		var sleeps bool
		err := c.QueryRow(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())").Scan(&sleeps)
		return err != nil || sleeps || len(added) > 0
	})
	var begun int
	if _, err := c.Exec(t.Context(), "DELETE FROM fences WHERE epoch = $1", int64(a.epoch)); err != nil {
		t.Fatal(err)
	}
	if err := c.QueryRow(t.Context(), "SELECT count(*) FROM groups").Scan(&begun); err != nil || begun != 1 {
		t.Errorf("after the take-over the text was begun, %d, %v", begun, err)
	}
	if err := <-added; !errors.Is(err, store.ErrFenced) {
		t.Errorf("its part is stored, %v", err)
	}
}

func TestPartsThatAreNotGatheredStayWhereTheyComeIn(t *testing.T) {
	_, _, a, b := two(t)
	for what, change := range map[string]func(first, second *sms.Message){
		"transaction mode":       func(first, second *sms.Message) { first.ESMClass, second.ESMClass = 0x42, 0x42 },
		"no number of any part":  func(_, second *sms.Message) { second.Part.Seq = 9 },
		"reassemble is off here": func(first, _ *sms.Message) { first.Part.Ref++; b.database.Gather(0) },
	} {
		first, second := storetest.Sample(), storetest.Sample()
		first.Source.Number, second.Source.Number = what, what
		second.Part.Seq = 2
		change(first, second)
		second.Part.Ref = first.Part.Ref
		storetest.Add(t, a.Store, first)
		storetest.Add(t, b.Store, second)
		if first.Holder != 0 || second.Holder != 0 {
			t.Errorf("%s: the holders are %d and %d", what, first.Holder, second.Holder)
		}
		b.database.Gather(time.Minute)
	}
}
