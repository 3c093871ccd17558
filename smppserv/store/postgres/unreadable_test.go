package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

func TestARowThatIsDamagedIsToldFromADatabaseThatIsAway(t *testing.T) {
	pg, database, a, _ := two(t)
	m := storetest.Sample()
	if _, err := add(a.Store, m); err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, database, fmt.Sprintf(`UPDATE messages SET attributes = '\x07' WHERE id = %d`, m.ID))
	for _, read := range []func() error{
		func() error { _, err := a.Load(t.Context(), []sms.ID{m.ID}); return err },
		func() error { _, err := a.LoadHeads(t.Context(), []sms.ID{m.ID}); return err },
	} {
		if err := read(); !errors.Is(err, sms.ErrUnreadable) || !strings.Contains(err.Error(), fmt.Sprintf("message %d", m.ID)) {
			t.Errorf("it is read: %v", err)
		}
	}
	pg.Exec(t, database, fmt.Sprintf("UPDATE messages SET final_at = 0 WHERE id = %d", m.ID))
}

func TestOfWorkersThatShareADatabaseARowThatIsDamagedHoldsUpNoneBehindIt(t *testing.T) {
	pg, database, a, b := two(t)
	var log testkit.Log
	o := options(pg.DSN(database), t.TempDir())
	o.Log = zerolog.New(&log)
	heir := join(t, pg, o, database)
	var ids []sms.ID
	for range 3 {
		m := storetest.Sample()
		m.Part, m.Submitter, m.Recipient = sms.Part{}, "", "acme"
		storetest.Add(t, a.Store, m)
		ids = append(ids, m.ID)
		a.handOn(t, b, m)
	}
	pg.Exec(t, database, fmt.Sprintf(`UPDATE messages SET attributes = '\x07' WHERE id = %d`, ids[1]))
	want := []sms.ID{ids[0], ids[2]}
	var seen []sms.ID
	see := func(m *sms.Message) { seen = append(seen, m.ID) }
	if err := heir.Store.HandedOn(t.Context(), []sms.Epoch{a.epoch}, see); err != nil || !slices.Equal(seen, want) {
		t.Errorf("handed on were %v, %v", seen, err)
	}
	seen = nil
	if err := heir.WaitingOf(t.Context(), []sms.Epoch{b.epoch}, func(m *sms.Message) error { see(m); return nil }); err != nil || !slices.Equal(seen, want) {
		t.Errorf("%v wait, %v", seen, err)
	}
	over(t, pg, database, b, heir)
	if got := waiting(t, heir.Store); !slices.Equal(got, want) {
		t.Errorf("%v wait at the heir", got)
	}
	if n := strings.Count(log.String(), fmt.Sprintf(`"message_id":"%d"`, ids[1])); n != 1 {
		t.Errorf("it was said %d times: %s", n, log.String())
	}
	pg.Exec(t, database, "UPDATE messages SET final_at = 0")
}
