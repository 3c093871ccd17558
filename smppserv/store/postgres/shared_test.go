package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/postgres/postgrestest"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// node is one of several workers on a database.
type node struct {
	*store.Store
	database *postgres.Database
	epoch    sms.Epoch
}

// join opens a database under a new epoch.
func join(t *testing.T, pg *testkit.PG, o postgres.Options, database string) *node {
	t.Helper()
	d, err := postgres.OpenDatabase(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	epoch, err := strconv.ParseInt(pg.Value(t, database, "SELECT nextval('epochs')"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, database, fmt.Sprintf("INSERT INTO fences (epoch) VALUES (%d)", epoch))
	n := &node{database: d, epoch: sms.Epoch(epoch)}
	if n.Store, err = d.Begin(t.Context(), n.epoch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := n.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return n
}

// two opens a new database for two workers.
func two(t *testing.T) (pg *testkit.PG, database string, a, b *node) {
	pg = testkit.SharedPostgres(t)
	dsn := postgrestest.Blank(t, pg)
	database = testkit.DatabaseName(t, dsn)
	o := options(dsn, t.TempDir())
	o.GroupTime = time.Hour
	a = join(t, pg, o, database)
	o.Folder, o.Node = t.TempDir(), "two"
	return pg, database, a, join(t, pg, o, database)
}

type addition struct {
	m    *sms.Message
	done chan error
	dup  bool
}

func (a *addition) Message() *sms.Message      { return a.m }
func (a *addition) Replaces() *road.Transition { return nil }
func (a *addition) Added(duplicate bool, err error) {
	a.dup = duplicate
	a.done <- err
}

func add(s *store.Store, m *sms.Message) (duplicate bool, err error) {
	a := &addition{m: m, done: make(chan error, 1)}
	s.Add(a)
	err = <-a.done
	return a.dup, err
}

func waiting(t *testing.T, s *store.Store) (ids []sms.ID) {
	t.Helper()
	if err := s.Waiting(t.Context(), 0, func(m *sms.Message) error { ids = append(ids, m.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	return ids
}

func get(t *testing.T, s *store.Store, id sms.ID) *sms.Message {
	t.Helper()
	m, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// arrived lists what was handed to a node, with commas between.
func arrived(t *testing.T, pg *testkit.PG, database string, n *node) string {
	t.Helper()
	return pg.Value(t, database, fmt.Sprintf("SELECT string_agg(id::text, ',' ORDER BY id) FROM messages WHERE holder = %d AND arrived IS NOT NULL AND final_at IS NULL", n.epoch))
}

func TestAMessageThatIsHandedOnIsTheOthers(t *testing.T) {
	pg, database, a, b := two(t)
	kept, given, final := storetest.Sample(), storetest.Sample(), storetest.Sample()
	for _, m := range []*sms.Message{kept, given, final} {
		storetest.Add(t, a.Store, m)
	}
	storetest.Finish(a.Store, road.Transition{IDs: []sms.ID{final.ID}, State: sms.Delivered})
	done := make(chan error, 1)
	a.HandOn([]sms.ID{given.ID, final.ID}, b.epoch, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if ids := arrived(t, pg, database, b); ids != given.ID.String() {
		t.Errorf("%s arrived, want %d", ids, given.ID)
	}
	if ids := waiting(t, a.Store); !slices.Equal(ids, []sms.ID{kept.ID}) {
		t.Errorf("the one has %v", ids)
	}
	if ids := waiting(t, b.Store); !slices.Equal(ids, []sms.ID{given.ID}) {
		t.Errorf("the other has %v", ids)
	}
	if m := get(t, a.Store, given.ID); m.Holder != b.epoch || m.HandedBy != a.epoch {
		t.Errorf("the one sees it at %d, of %d", m.Holder, m.HandedBy)
	}
	if m := get(t, b.Store, given.ID); m.Holder != 0 || m.HandedBy != a.epoch {
		t.Errorf("the other sees it at %d, of %d", m.Holder, m.HandedBy)
	}
	like := storetest.Sample()
	if ms, err := a.HeldElsewhere(t.Context(), like, 10); err != nil || len(ms) != 1 || ms[0].ID != given.ID {
		t.Errorf("elsewhere is %v, %v", ms, err)
	}
	like.ServiceType = "OTH"
	if ms, err := a.HeldElsewhere(t.Context(), like, 10); err != nil || len(ms) != 0 {
		t.Errorf("elsewhere is %v, %v", ms, err)
	}
}

func (n *node) handOn(t *testing.T, to *node, ms ...*sms.Message) {
	t.Helper()
	var ids []sms.ID
	for _, m := range ms {
		ids = append(ids, m.ID)
	}
	done := make(chan error, 1)
	n.HandOn(ids, to.epoch, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// over ends a worker; what it has is heir's.
func over(t *testing.T, pg *testkit.PG, database string, dead, heir *node) {
	t.Helper()
	pg.Exec(t, database, fmt.Sprintf("DELETE FROM fences WHERE epoch = %d", dead.epoch),
		fmt.Sprintf("UPDATE estates SET owner = %d WHERE owner = %d", heir.epoch, dead.epoch),
		fmt.Sprintf("INSERT INTO estates (epoch, owner) VALUES (%d, %d)", dead.epoch, heir.epoch))
}

func TestWhatWasHandedOnTwiceIsKnownToTheHeirsOfBothThatHandedItOn(t *testing.T) {
	pg, database, a, b := two(t)
	o := options(pg.DSN(database), t.TempDir())
	c, heir := join(t, pg, o, database), join(t, pg, o, database)
	to := func(from string) *sms.Message {
		m := storetest.Sample()
		m.Part, m.Submitter, m.Recipient, m.Source.Number = sms.Part{}, "", "acme", from
		storetest.Add(t, a.Store, m)
		return m
	}
	first, second, other := to("33611"), to("33611"), to("33622")
	a.handOn(t, b, first)
	b.handOn(t, c, first)
	a.handOn(t, b, second)
	a.handOn(t, c, other)
	before := func(dead ...sms.Epoch) (ids []sms.ID) {
		t.Helper()
		if err := heir.Store.HandedOn(t.Context(), dead, func(m *sms.Message) { ids = append(ids, m.ID) }); err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if ids := before(a.epoch); !slices.Equal(ids, []sms.ID{first.ID, second.ID, other.ID}) {
		t.Errorf("what the first one left must not overtake %v", ids)
	}
	if ids := before(b.epoch); !slices.Equal(ids, []sms.ID{first.ID, second.ID}) {
		t.Errorf("what the second one left must not overtake %v", ids)
	}
	// Who inherits hands on what the dead one accepted.
	over(t, pg, database, b, heir)
	heir.handOn(t, c, second)
	over(t, pg, database, heir, a)
	var ids []sms.ID
	if err := a.Store.HandedOn(t.Context(), []sms.Epoch{a.epoch}, func(m *sms.Message) { ids = append(ids, m.ID) }); err != nil || !slices.Equal(ids, []sms.ID{first.ID, second.ID, other.ID}) {
		t.Errorf("after a take-over it is %v: %v", ids, err)
	}
}

func TestWhoeverWasTakenOverWritesNothing(t *testing.T) {
	pg, database, a, b := two(t)
	storetest.Add(t, a.Store, storetest.Sample())
	pg.Exec(t, database, fmt.Sprintf("DELETE FROM fences WHERE epoch = %d", a.epoch))
	if _, err := add(a.Store, storetest.Sample()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("got %v", err)
	}
	storetest.Add(t, b.Store, storetest.Sample())
	if n := pg.Value(t, database, "SELECT count(*) FROM messages"); n != "2" {
		t.Errorf("there are %s messages", n)
	}
}

func TestAnExternalIDThatAnotherWorkerTakesMeanwhileIsADuplicate(t *testing.T) {
	pg, database, a, b := two(t)
	storetest.Add(t, a.Store, storetest.Sample())
	// The other's transaction is under way: its id cannot be seen yet.
	slow := make(chan error, 1)
	pg.Exec(t, database, "CREATE FUNCTION wait_for_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NEW; END'",
		"CREATE TRIGGER slow AFTER INSERT ON messages FOR EACH STATEMENT EXECUTE FUNCTION wait_for_it()")
	look, err := pgx.Connect(t.Context(), pg.DSN(database)) // the look must take less than what it waits for
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close(context.WithoutCancel(t.Context()))
	first := storetest.Sample()
	first.ExternalID = "h-1"
	go func() {
		_, err := add(a.Store, first)
		slow <- err
	}()
	testkit.Await(t, "the other one is under way", func() bool {
		var sleeps bool
		err := look.QueryRow(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())").Scan(&sleeps)
		return err != nil || sleeps || len(slow) > 0
	})
	second := storetest.Sample()
	second.ExternalID = "h-1"
	duplicate, err := add(b.Store, second)
	if e := <-slow; e != nil || err != nil || !duplicate || second.ID != first.ID {
		t.Errorf("%v, %v, duplicate %v, %d is %d", e, err, duplicate, second.ID, first.ID)
	}
	if n := pg.Value(t, database, "SELECT count(*) FROM external_ids"); n != "1" {
		t.Errorf("there are %s", n)
	}
}

// cutter is a proxy before a PostgreSQL that cuts connections.
type cutter struct {
	listener net.Listener
	to       string
	request  atomic.Bool // the next one gets lost, and its connection ends
	answer   atomic.Bool // the next one does
}

func newCutter(t *testing.T, to string) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, to: to}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(client)
		}
	}()
	return c
}

func (c *cutter) serve(client net.Conn) {
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		client.Close()
		return
	}
	end := func() {
		client.Close()
		server.Close()
	}
	pass := func(to, from net.Conn, cut *atomic.Bool) {
		defer end()
		buf := make([]byte, 1<<16)
		for {
			n, err := from.Read(buf)
			if n > 0 && cut.CompareAndSwap(true, false) {
				return
			}
			if _, e := to.Write(buf[:n]); err != nil || e != nil {
				return
			}
		}
	}
	go pass(server, client, &c.request)
	pass(client, server, &c.answer)
}

func TestACommitWhoseAnswerIsLostNeitherLosesNorDoublesAMessage(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	direct := pg.Database(t)
	u, _ := url.Parse(direct)
	c := newCutter(t, u.Host)
	database := testkit.DatabaseName(t, u.String())
	u.Host = c.listener.Addr().String()
	n := join(t, pg, options(u.String(), t.TempDir()), database)
	storetest.Add(t, n.Store, storetest.Sample())
	accepted, lost := 1, 0
	for i := range 20 {
		cut := &c.answer
		if i%2 == 0 {
			cut = &c.request
		}
		m := storetest.Sample()
		m.Source.Number = fmt.Sprint("cut ", i)
		storetest.Add(t, n.Store, storetest.Sample()) // a block of ids is not what is cut
		accepted++
		cut.Store(true)
		_, err := add(n.Store, m)
		rows := pg.Value(t, database, fmt.Sprintf("SELECT count(*) FROM messages WHERE source = 'cut %d'", i))
		switch {
		case err == nil && rows == "1":
			accepted++
		case err != nil && rows == "0" && errors.Is(err, sms.ErrUnavailable):
			lost++
		default:
			t.Errorf("%d: %v, and there are %s", i, err, rows)
		}
		cut.Store(false)
	}
	if total := pg.Value(t, database, "SELECT count(*) FROM messages"); total != fmt.Sprint(accepted) {
		t.Errorf("%d were accepted, %s are there", accepted, total)
	}
	if lost == 0 || accepted == 1 {
		t.Errorf("%d accepted, %d lost", accepted, lost)
	}
	// What ends is told once, whatever is cut.
	m := storetest.Sample()
	storetest.Add(t, n.Store, m)
	c.answer.Store(true)
	storetest.Finish(n.Store, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	if got := get(t, n.Store, m.ID); got.State != sms.Delivered {
		t.Errorf("it is %v", got.State)
	}
}

func TestAWorkersOwnSamplesAreThoseOfItsName(t *testing.T) {
	_, _, a, b := two(t)
	at := time.Now().Truncate(time.Minute)
	a.AddSample(store.Sample{At: at, Submitted: 3, Waiting: 1})
	b.AddSample(store.Sample{At: at, Submitted: 4, Waiting: 1})
	for what, c := range map[string]struct {
		samples func(context.Context, time.Time, time.Time) ([]store.Sample, error)
		want    int64
	}{"all": {a.Samples, 7}, "the first one's": {a.OwnSamples, 3}, "the second one's": {b.OwnSamples, 4}} {
		testkit.Await(t, what+" are on disk", func() bool {
			got, err := c.samples(t.Context(), at, at.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			return len(got) == 1 && got[0].Submitted == c.want
		})
	}
}

func TestWorkersThatTakeTheSameExternalIDsInOtherOrdersDoNotBlockEachOther(t *testing.T) {
	_, _, a, b := two(t)
	const rounds, n = 5, 300
	for round := range rounds {
		var all sync.WaitGroup
		for who, s := range []*node{a, b} {
			all.Go(func() {
				var as []*addition
				for i := range n {
					if who == 1 {
						i = n - 1 - i
					}
					m := storetest.Sample()
					m.Part, m.Submitter, m.Recipient, m.ExternalID = sms.Part{}, "", "acme", fmt.Sprintf("r%d-%d", round, i)
					as = append(as, &addition{m: m, done: make(chan error, 1)})
				}
				for _, one := range as {
					s.Add(one)
				}
				for _, one := range as {
					if err := <-one.done; err != nil {
						t.Errorf("%s at worker %d: %v", one.m.ExternalID, who, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
}
