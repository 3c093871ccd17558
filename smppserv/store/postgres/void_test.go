package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// counted counts the transactions that are tried, of which it can hold one.
type counted struct {
	*Database

	mu    sync.Mutex
	tried int
	began chan struct{} // the one that is held has begun
	held  chan struct{} // until it is closed; nil = none is
}

func (c *counted) Write(b *store.Batch) error {
	c.mu.Lock()
	c.tried++
	held := c.held
	c.held = nil
	c.mu.Unlock()
	if held != nil {
		c.began <- struct{}{}
		<-held
	}
	return c.Database.Write(b)
}

type plain struct {
	m    *sms.Message
	done chan error
}

func (p *plain) Message() *sms.Message      { return p.m }
func (p *plain) Replaces() *road.Transition { return nil }
func (p *plain) Added(_ bool, err error)    { p.done <- err }
func newPlain() *plain                      { return &plain{unparted(), make(chan error, 1)} }
func unparted() *sms.Message {
	m := storetest.Sample()
	m.Part, m.ExternalID = sms.Part{}, ""
	return m
}

// openAs opens a database under a new epoch; the store has what as makes of it.
func openAs(t *testing.T, pg *testkit.PG, dsn, database string, as func(*Database) store.Database) (*Database, *store.Store, sms.Epoch) {
	t.Helper()
	d, err := OpenDatabase(t.Context(), Options{DSN: dsn, Folder: t.TempDir(), Node: "one", GroupTime: time.Hour, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	epoch, err := strconv.ParseInt(pg.Value(t, database, "SELECT nextval('epochs')"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, database, fmt.Sprintf("INSERT INTO fences (epoch) VALUES (%d)", epoch))
	s, err := d.begin(t.Context(), sms.Epoch(epoch), as(d))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return d, s, sms.Epoch(epoch)
}

func TestWhatIsForAVoidAskCostsWhatIsWrittenWithItOneMoreTransaction(t *testing.T) {
	const many = 3000
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	database := testkit.DatabaseName(t, dsn)
	c := &counted{began: make(chan struct{})}
	d, s, _ := openAs(t, pg, dsn, database, func(d *Database) store.Database {
		c.Database = d
		return c
	})
	number := func(t *testing.T, query string) int64 {
		t.Helper()
		n, err := strconv.ParseInt(pg.Value(t, database, query), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	adds := func(n int) (all []*plain) {
		for range n {
			p := newPlain()
			all = append(all, p)
			s.Add(p)
		}
		return all
	}
	stored := func(t *testing.T, all []*plain) (ids []sms.ID) {
		t.Helper()
		for _, p := range all {
			if err := testkit.Receive(t, p.done, "an addition"); err != nil {
				t.Error(err)
			}
			ids = append(ids, p.m.ID)
		}
		return ids
	}
	end := func(ids []sms.ID, ask int64) <-chan error {
		ended := make(chan error, 1)
		s.End([]*road.Transition{{IDs: ids, State: sms.Deleted}}, &road.Ask{ID: ask, Answer: []byte("done")}, func(err error) { ended <- err })
		return ended
	}
	for _, test := range []struct {
		name    string
		wait    time.Duration // the ask's
		blocked time.Duration // the end of its rows is
	}{
		{"its time is over before", 0, 0},
		{"its time is over meanwhile", 500 * time.Millisecond, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			ids, other := stored(t, adds(many)), stored(t, adds(1))
			ask := func(wait time.Duration) int64 {
				pg.Exec(t, database, fmt.Sprintf("INSERT INTO asks (to_epoch, from_epoch, what, body, begin_by, until) VALUES (1, 2, '', '', clock_timestamp(), "+
					"clock_timestamp() + interval '%d ms')", wait.Milliseconds()))
				return number(t, "SELECT max(id) FROM asks")
			}
			held := make(chan struct{})
			c.mu.Lock()
			c.held = held
			c.mu.Unlock()
			first := adds(1)
			testkit.Receive(t, c.began, "a transaction")
			before := adds(20)
			good := end(other, ask(time.Hour))
			void := end(ids, ask(test.wait))
			after := adds(20)
			c.mu.Lock()
			c.tried = 0
			c.mu.Unlock()
			if test.blocked > 0 {
				tx, err := d.pool.Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.Exec(t.Context(), "SELECT FROM messages WHERE id = $1 FOR SHARE", int64(ids[0])); err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(test.blocked, func() { _ = tx.Rollback(context.Background()) })
			}
			close(held)
			if err := testkit.Receive(t, void, "the end for the void ask"); !errors.Is(err, store.ErrVoid) {
				t.Errorf("it is told %v", err)
			}
			if err := testkit.Receive(t, good, "the other end"); err != nil {
				t.Errorf("the other is told %v", err)
			}
			stored(t, first)
			stored(t, before)
			stored(t, after)
			c.mu.Lock()
			tried := c.tried
			c.mu.Unlock()
			if tried != 2 {
				t.Errorf("%d transactions were tried", tried)
			}
			if n := number(t, fmt.Sprintf("SELECT count(*) FROM messages WHERE final_at IS NOT NULL AND id BETWEEN %d AND %d", ids[0], ids[many-1])); n != 0 {
				t.Errorf("%d have ended", n)
			}
			if n := number(t, fmt.Sprintf("SELECT count(*) FROM messages WHERE final_at IS NOT NULL AND id = %d", other[0])); n != 1 {
				t.Error("the other has not ended")
			}
			// A transaction that failed leaves its number in the rows that it wrote.
			if n := number(t, fmt.Sprintf("SELECT count(*) FROM messages WHERE xmax::text <> '0' AND id BETWEEN %d AND %d", ids[0], ids[many-1])); test.blocked == 0 && n != 0 {
				t.Errorf("%d were written in vain", n)
			}
			if s.Trouble() != nil {
				t.Errorf("the store is in trouble: %v", s.Trouble())
			}
		})
	}
}
