package postgres

import (
	"maps"
	"slices"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
)

func TestItIsKnownWhichWorkerHasWhatWasHandedOn(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	d, err := OpenDatabase(t.Context(), Options{DSN: pg.Database(t), Folder: t.TempDir(), Node: "a", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.epoch.Store(1)
	d.Estates(func() []sms.Epoch { return []sms.Epoch{4} })
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := d.pool.Exec(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("INSERT INTO estates (epoch, owner) VALUES (4, 1), (5, 2)")
	for _, m := range []struct {
		id, holder, by int
		recipient      string
		final          any
	}{
		{10, 1, 2, "acme", nil}, {11, 2, 1, "acme", nil}, {12, 4, 1, "acme", nil}, {13, 5, 4, "acme", nil},
		{14, 2, 4, "acme", 1}, {15, 2, 4, "", nil}, {16, 2, 3, "acme", nil}, {17, 2, 4, "acme", nil},
	} {
		exec("INSERT INTO messages (id, received_at, due_at, expires_at, error, holder, handed_by, attempts, kind, state, submitter, recipient, source, destination, reason, "+
			"content, attributes, arrived, final_at) VALUES ($1, 0, 0, 0, 0, $2, $3, 0, 0, 1, '', $4, '', '', '', '', $6, pg_current_xact_id(), $5)",
			m.id, m.holder, m.by, m.recipient, m.final, store.AppendAttributes(nil, &sms.Message{}))
	}
	at, err := d.Holders(t.Context(), []sms.ID{10, 11, 12, 13, 14, 99})
	if want := map[sms.ID]sms.Epoch{10: 0, 11: 2, 12: 0, 13: 5}; err != nil || !maps.Equal(at, want) {
		t.Errorf("they are at %v, want %v: %v", at, want, err)
	}
	var ids []sms.ID
	err = d.HandedOn(t.Context(), []sms.Epoch{4}, func(m *sms.Message) { ids = append(ids, m.ID) })
	if err != nil || !slices.Equal(ids, []sms.ID{11, 13, 17}) { // 11 stands before 12, which was handed to it
		t.Errorf("what it left must not overtake %v: %v", ids, err)
	}
}
