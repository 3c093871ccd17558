package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
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
