package postgres_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// ask is one of another worker's, whose time is over that much later.
func ask(t *testing.T, pg *testkit.PG, database string, until time.Duration) *road.Ask {
	t.Helper()
	pg.Exec(t, database, fmt.Sprintf("INSERT INTO asks (to_epoch, from_epoch, what, body, begin_by, until) "+
		"VALUES (1, 2, '', '', clock_timestamp(), clock_timestamp() + interval '%d ms')", until.Milliseconds()))
	id, err := strconv.ParseInt(pg.Value(t, database, "SELECT max(id) FROM asks"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return &road.Ask{ID: id, Answer: []byte("done")}
}

func TestWhatIsDoneForAnAskIsOnDiskBeforeItsEndWithItsAnswerOrNotAtAll(t *testing.T) {
	pg, database, a, _ := two(t)
	answered := ask(t, pg, database, time.Hour)
	pg.Exec(t, database, fmt.Sprintf("UPDATE asks SET answered_at = clock_timestamp(), answer = 'failed' WHERE id = %d", answered.ID))
	inTime := ask(t, pg, database, time.Hour)
	for name, test := range map[string]struct {
		ask  *road.Ask
		want error
	}{
		"in time":              {inTime, nil},
		"its time is over":     {ask(t, pg, database, -time.Millisecond), store.ErrVoid},
		"it was taken away":    {&road.Ask{ID: 4711}, store.ErrVoid},
		"it is answered":       {answered, store.ErrVoid},
		"nobody asks":          {nil, nil},
		"in time, for a reply": {ask(t, pg, database, time.Hour), nil},
	} {
		ended, replaced := storetest.Sample(), storetest.Sample()
		for _, m := range []*sms.Message{ended, replaced} {
			if _, err := add(a.Store, m); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for range 20 { // what is with it in a transaction is written all the same
			all.Go(func() {
				if _, err := add(a.Store, storetest.Sample()); err != nil {
					t.Errorf("%s: what is handed in beside it: %v", name, err)
				}
			})
		}
		end, change := make(chan error, 1), make(chan error, 1)
		if name != "in time, for a reply" {
			a.End([]*road.Transition{{IDs: []sms.ID{ended.ID}, State: sms.Deleted}}, test.ask, func(err error) { end <- err })
			if err := testkit.Receive(t, end, "the end"); !errors.Is(err, test.want) {
				t.Errorf("%s: ended: %v", name, err)
			}
		}
		if name != "in time" {
			changed := *replaced
			changed.Content = []byte("changed")
			a.Change(&changed, test.ask, func(err error) { change <- err })
			if err := testkit.Receive(t, change, "the change"); !errors.Is(err, test.want) {
				t.Errorf("%s: changed: %v", name, err)
			}
			if m, err := a.Get(t.Context(), replaced.ID); err != nil || (string(m.Content) == "changed") != (test.want == nil) {
				t.Errorf("%s: its text is %q, %v", name, m.Content, err)
			}
		}
		all.Wait()
		if m, err := a.Get(t.Context(), ended.ID); err != nil || name != "in time, for a reply" && (m.State == sms.Deleted) != (test.want == nil) {
			t.Errorf("%s: it is %v, %v", name, m.State, err)
		}
	}
	if got := pg.Value(t, database, fmt.Sprintf("SELECT answer FROM asks WHERE id = %d AND answered_at IS NOT NULL", inTime.ID)); got != `\x646f6e65` {
		t.Errorf("the answer is %q", got)
	}
	if a.Trouble() != nil {
		t.Errorf("the store is in trouble: %v", a.Trouble())
	}
}
