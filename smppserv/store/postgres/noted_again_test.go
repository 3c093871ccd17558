package postgres

import (
	"fmt"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

func TestPartsOfABatchThatFailedAreNotedOnceHoweverTheyComeAgain(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	database := testkit.DatabaseName(t, dsn)
	c := &counted{began: make(chan struct{})}
	_, one, epoch := openAs(t, pg, dsn, database, func(d *Database) store.Database {
		c.Database = d
		return c
	})
	_, two, _ := openAs(t, pg, dsn, database, func(d *Database) store.Database { return d })
	pg.Exec(t, database, "CREATE SEQUENCE failures", "CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+
		"IF nextval('failures') = 1 THEN RAISE EXCEPTION 'once' USING ERRCODE = TG_ARGV[0], CONSTRAINT = 'external_ids_pkey'; END IF; RETURN NEW; END $$")
	const total = 10 // of which the first one is written before
	for _, code := range []string{codeUniqueViolation, codeVoid, "22000", codeDiskFull} {
		added := func(s *store.Store, seq byte) *plain {
			p := &plain{storetest.Sample(), make(chan error, 1)}
			p.m.Source.Number, p.m.Part, p.m.PartForm = code, sms.Part{Ref: 7, Total: total, Seq: seq}, sms.FormUDH8
			s.Add(p)
			return p
		}
		if err := testkit.Receive(t, added(one, 1).done, "the first part"); err != nil {
			t.Fatal(err)
		}
		pg.Exec(t, database, "ALTER SEQUENCE failures RESTART", "DROP TRIGGER IF EXISTS once ON messages", fmt.Sprintf(
			"CREATE TRIGGER once BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.source = '%s') EXECUTE FUNCTION fail_once('%[1]s')", code))
		held := make(chan struct{})
		c.mu.Lock()
		c.held = held
		c.mu.Unlock()
		before := newPlain()
		one.Add(before)
		testkit.Receive(t, c.began, "the one before")
		var others []*plain // in one batch
		for seq := byte(2); seq <= total; seq++ {
			others = append(others, added(one, seq))
		}
		close(held)
		var again []sms.ID
		for i, p := range others {
			if err := testkit.Receive(t, p.done, "a part"); err == nil {
				continue
			}
			p = added(two, byte(i+2))
			if err := testkit.Receive(t, p.done, "a part"); err != nil || p.m.Holder != epoch {
				t.Fatalf("%s: again it is at %d, %v", code, p.m.Holder, err)
			}
			again = append(again, p.m.ID)
		}
		if failed := code == codeDiskFull; failed != (len(again) > 0) {
			t.Errorf("%s: %v are handed in again", code, again)
		}
		if len(again) > 0 {
			done := make(chan error, 1)
			two.HandOn(again, epoch, func(err error) { done <- err })
			if err := testkit.Receive(t, done, "the hand-on"); err != nil {
				t.Fatal(err)
			}
		}
		if n := pg.Value(t, database, fmt.Sprintf("SELECT count(*) FROM messages WHERE source = '%s'", code)); n != fmt.Sprint(total) {
			t.Errorf("%s: there are %s parts", code, n)
		}
		if given := pg.Value(t, database, fmt.Sprintf("SELECT coalesce(max(given::text), '') FROM groups WHERE source = '%s'", code)); given != "" {
			t.Errorf("%s: the text is whole, and its group has %s", code, given)
		}
	}
}

func TestANoteOfWhichItIsNotKnownWhetherItStandsIsNotTakenBack(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	database := testkit.DatabaseName(t, dsn)
	d, _, _ := openAs(t, pg, dsn, database, func(d *Database) store.Database { return d })
	m := storetest.Sample()
	m.Part, m.PartForm = sms.Part{Ref: 8, Total: 2, Seq: 1}, sms.FormUDH8
	w := &d.writer
	if _, err := w.connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.group(t.Context(), &store.Batch{Added: []*sms.Message{m}}); err != nil {
		t.Fatal(err)
	}
	w.drop()
	if _, err := w.connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.ungroup(t.Context())
	if given := pg.Value(t, database, "SELECT given::text FROM groups"); given != `\x01` {
		t.Errorf("through another connection it is taken back: %s", given)
	}
}
