package postgres_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// told is an addition of which f hears first.
type told struct {
	m    *sms.Message
	f    func()
	done chan error
}

func (a *told) Message() *sms.Message      { return a.m }
func (a *told) Replaces() *road.Transition { return nil }
func (a *told) Added(_ bool, err error) {
	if a.f != nil {
		a.f()
	}
	a.done <- err
}

// together hands in a message alone, and others that come into one commit after it, and returns their errors. f is called between the
// two, or nil. meanwhile is done to the database while the first one waits.
func together(t *testing.T, pg *testkit.PG, database string, n *node, ms []*sms.Message, f func(), meanwhile ...string) []error {
	t.Helper()
	c, err := pgx.Connect(t.Context(), pg.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	exec := func(statement string) {
		if _, err := c.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec("BEGIN")
	exec(fmt.Sprintf("SELECT * FROM fences WHERE epoch = %d FOR UPDATE", n.epoch))
	first := &told{m: storetest.Sample(), f: f, done: make(chan error, 1)}
	n.Add(first)
	for late := time.Now().Add(testkit.Patience); pg.Value(t, database, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") == "0"; {
		if time.Now().After(late) {
			t.Fatal("the first one does not wait")
		}
		time.Sleep(time.Millisecond)
	}
	all := []*told{first}
	for _, m := range ms {
		a := &told{m: m, done: make(chan error, 1)}
		all = append(all, a)
		n.Add(a)
	}
	for _, statement := range meanwhile {
		exec(statement)
	}
	exec("COMMIT")
	var errs []error
	for _, a := range all {
		errs = append(errs, <-a.done)
	}
	return errs
}

// samples are messages with what is hard to write.
func samples() (ms []*sms.Message) {
	for i := range 20 {
		m := storetest.Sample()
		m.Source.Number = fmt.Sprint("many ", i)
		ms = append(ms, m)
	}
	ms[0].Content = nil
	ms[1].Content = []byte(strings.Repeat("é\x00\xff", 20_000))
	ms[2].Dest.Number = "\x00\xff\xfe"
	ms[3].Dest.Number = ""
	ms[4].Reason, ms[4].Attempts, ms[4].Error = "nobody's fault", 3, 500
	ms[5].Submitter, ms[5].Recipient = "", "someone"
	ms[6].ExternalID = "many-6"
	ms[7].Kind, ms[7].Receipt = sms.KindReceipt, &sms.Receipt{Of: 7, State: sms.Delivered, SubmittedAt: time.UnixMilli(1), DoneAt: time.UnixMilli(2)}
	return ms
}

func TestManyMessagesInOneCommitAreStoredAsEachWouldBe(t *testing.T) {
	pg, database, a, b := two(t)
	ms := samples()
	for i, err := range together(t, pg, database, a, ms, nil) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := pg.Value(t, database, "SELECT count(DISTINCT xmin::text) FROM messages WHERE source LIKE 'many%'"); n != "1" {
		t.Errorf("they came in %s transactions", n)
	}
	for i, alone := range samples() {
		alone.ExternalID = strings.Replace(alone.ExternalID, "many", "alone", 1)
		storetest.Add(t, b.Store, alone)
		if alone.ReceivedAt != ms[i].ReceivedAt { // Sample may go by the clock
			alone.ReceivedAt = ms[i].ReceivedAt
		}
		columns := "kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, attempts, error, reason, content, wait, unjudged, " +
			"final_at, tried_at, progress, octet_length(attributes)"
		row := func(id sms.ID) string {
			return pg.Value(t, database, fmt.Sprintf("SELECT md5(row(%s)::text) || left(row(%s)::text, 300) FROM messages WHERE id = %d", columns, columns, id))
		}
		if one, other := row(ms[i].ID), row(alone.ID); i != 6 && one != other {
			t.Errorf("%d is stored as\n%s, and alone as\n%s", i, one, other)
		}
	}
	if id := pg.Value(t, database, "SELECT message_id FROM external_ids WHERE external_id = 'many-6'"); id != fmt.Sprint(int64(ms[6].ID)) {
		t.Errorf("its own id is that of %s", id)
	}
}

func TestWhoeverWasTakenOverWritesNothingOfManyMessages(t *testing.T) {
	pg, database, a, _ := two(t)
	for i, err := range together(t, pg, database, a, samples(), nil, fmt.Sprintf("DELETE FROM fences WHERE epoch = %d", a.epoch)) {
		if !errors.Is(err, store.ErrFenced) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := pg.Value(t, database, "SELECT count(*) FROM messages"); n != "0" {
		t.Errorf("there are %s messages", n)
	}
}

func TestACommitOfManyWhoseAnswerIsLostNeitherLosesNorDoublesThem(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	u, _ := url.Parse(pg.Database(t))
	c := newCutter(t, u.Host)
	database := testkit.DatabaseName(t, u.String())
	u.Host = c.listener.Addr().String()
	n := join(t, pg, options(u.String(), t.TempDir()), database)
	for round := range 6 {
		cut := &c.answer
		if round%2 == 0 {
			cut = &c.request
		}
		ms := samples()
		ms[6].ExternalID = fmt.Sprint("round-", round)
		accepted := 0
		for _, err := range together(t, pg, database, n, ms, func() { cut.Store(true) })[1:] {
			if err == nil {
				accepted++
			} else if !errors.Is(err, sms.ErrUnavailable) {
				t.Errorf("round %d: %v", round, err)
			}
		}
		if rows := pg.Value(t, database, "SELECT count(*) FROM messages WHERE source LIKE 'many%'"); rows != fmt.Sprint(accepted) {
			t.Errorf("round %d: %d were accepted, and there are %s", round, accepted, rows)
		}
		cut.Store(false)
		pg.Exec(t, database, "DELETE FROM messages")
		storetest.Add(t, n.Store, storetest.Sample())
	}
}

func TestACounterThatIsGoneIsWrittenAnew(t *testing.T) {
	pg, database, a, _ := two(t)
	for range 3 {
		storetest.Add(t, a.Store, storetest.Sample())
	}
	pg.Exec(t, database, "DELETE FROM hourly")
	storetest.Add(t, a.Store, storetest.Sample())
	if n := pg.Value(t, database, "SELECT sum(n) FROM hourly WHERE state = 1"); n != "4" {
		t.Errorf("%s were counted", n)
	}
}
