package store_test

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite/sqlitetest"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/store/tally"
)

// counts are what counters say: by their keys how many messages, short messages and times.
type counts map[tally.Key][3]int64

func (c counts) add(k tally.Key, n, parts, times int64) {
	was := c[k]
	c[k] = [3]int64{was[0] + n, was[1] + parts, was[2] + times}
}

// count is what a message should have been counted for, by its row.
func (c counts) count(m *sms.Message) {
	c.add(tally.Key{Hour: tally.Hour(m.FirstReceived().UnixMilli()), Subject: tally.Of(m), State: tally.Accepted}, 1, tally.Parts(m), 0)
	if !m.State.Final() {
		return
	}
	of, times := tally.Of(m), int64(0)
	if m.State == sms.Delivered {
		times = 1
	}
	c.add(tally.Key{Hour: tally.Hour(m.FinalAt.UnixMilli()), Subject: of, State: m.State, Reason: of.Reason(m.State, m.Error)}, 1, 0, times)
}

// counting is a store under random traffic, some of which the database refuses.
type counting struct {
	t      *testing.T
	r      *rand.Rand
	file   string
	s      *store.Store
	f      *faulty
	purged counts // what messages counted for that are gone
	ids    []sms.ID
}

func (c *counting) open() { c.s, c.f = openFaulty(c.t, c.file, zerolog.Nop()) }

// close gives up the outcomes that are refused.
func (c *counting) close() { _ = c.s.Close(context.Background()) }

func (c *counting) message() *sms.Message {
	pick := func(of ...string) string { return of[c.r.IntN(len(of))] }
	m := storetest.Sample()
	m.Submitter, m.Recipient = pick("a", "b", sms.Hermes), pick("a", "b", sms.Hermes)
	m.Source.Number, m.Dest.Number = pick("3600", "3601", "bad"), pick("3600", "3601", "3602")
	m.Content, m.Alphabet = []byte(strings.Repeat("x", c.r.IntN(400))), ""
	m.ReceivedAt = time.Now().Add(-time.Duration(c.r.IntN(6)) * time.Hour)
	if c.r.IntN(20) == 0 {
		m.ExternalID = pick("h-1", "h-2")
	}
	return m
}

// together hands in a batch of everything at random, and waits for its end.
func (c *counting) together() {
	var ops []store.Op
	var added []*outcomeOf
	var tried []sms.ID
	for range 1 + c.r.IntN(30) {
		if len(c.ids) == 0 || c.r.IntN(2) == 0 {
			a := &outcomeOf{m: c.message(), done: make(chan error, 1)}
			added = append(added, a)
			ops = append(ops, store.AddOp(a))
			continue
		}
		states := []sms.State{sms.Enroute, sms.Delivered, sms.Delivered, sms.Expired, sms.Deleted, sms.Undeliverable, sms.Rejected}
		v := &road.Transition{IDs: []sms.ID{c.ids[c.r.IntN(len(c.ids))]}, State: states[c.r.IntN(len(states))], Error: []int{0, 8, 404, 70_000}[c.r.IntN(4)], At: time.Now()}
		if v.State.Final() && c.r.IntN(3) == 0 {
			v.Receipts = []*sms.Message{c.message()}
		}
		switch {
		case !v.State.Final():
			tried = append(tried, v.IDs...)
		case c.r.IntN(2) == 0 && !slices.Contains(tried, v.IDs[0]):
			if ms, err := c.s.Load(context.Background(), v.IDs); err != nil {
				c.t.Fatal(err)
			} else if len(ms) == 1 { // it is not purged
				v.Messages = ms
			}
		}
		ops = append(ops, store.FinishOp(v))
	}
	through := make(chan error, 1)
	c.s.Together(append(ops, store.ProbeOp(func(err error) { through <- err }))...)
	<-through
	for _, a := range added {
		if err := <-a.done; err == nil {
			c.ids = append(c.ids, a.m.ID)
		}
	}
}

func (c *counting) messages(f func(*sms.Message)) {
	q := store.Search{Limit: store.MaxFound}
	for {
		found, err := c.s.Search(context.Background(), q)
		if err != nil {
			c.t.Fatal(err)
		}
		var ids []sms.ID
		for _, m := range found.Messages {
			ids = append(ids, m.ID)
		}
		ms, err := c.s.Load(context.Background(), ids)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, m := range ms {
			f(m)
		}
		if q.Below = found.Next; q.Below == 0 {
			return
		}
	}
}

func (c *counting) purge() {
	c.messages(func(m *sms.Message) {
		if m.State.Final() {
			c.purged.count(m)
		}
	})
	if _, err := c.s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *counting) check(seed uint64) {
	c.t.Helper()
	want := maps.Clone(c.purged)
	c.messages(want.count)
	got := counts{}
	last := tally.Row{}
	err := c.f.Traffic(context.Background(), math.MinInt64, math.MaxInt64, "", "", func(r *tally.Row) error {
		got.add(r.Key, r.N, r.Parts, r.Times.Len())
		last = *r
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		for k := range want {
			if got[k] != want[k] {
				c.t.Errorf("seed %d: %+v: %v, want %v", seed, k, got[k], want[k])
			}
		}
		c.t.Fatalf("seed %d: the counters say\n%v\nthe messages\n%v\nlast %+v", seed, got, want, last)
	}
}

type outcomeOf struct {
	m    *sms.Message
	done chan error
}

func (a *outcomeOf) Message() *sms.Message      { return a.m }
func (a *outcomeOf) Replaces() *road.Transition { return nil }
func (a *outcomeOf) Added(_ bool, err error)    { a.done <- err }

// Whatever is refused, put back, purged or opened anew: the counters say what the messages do.
func TestTheCountersSayWhatTheMessagesDo(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	c := &counting{t: t, r: rand.New(rand.NewPCG(seed, 1)), file: sqlitetest.Blank(t, t.TempDir()), purged: counts{}}
	c.open()
	sqlite3(t, c.file, "CREATE TRIGGER bad BEFORE INSERT ON messages WHEN new.source = 'bad' BEGIN SELECT RAISE(ABORT, 'bad'); END")
	sqlite3(t, c.file, "CREATE TRIGGER late BEFORE INSERT ON hourly WHEN new.n % 7 = 3 AND new.state = 5 BEGIN SELECT RAISE(ABORT, 'late'); END")
	for range 60 {
		c.together()
		switch c.r.IntN(8) {
		case 0:
			c.close()
			c.open()
		case 1:
			c.purge()
		case 2:
			c.check(seed)
		}
	}
	c.check(seed)
	sqlite3(t, c.file, "DROP TRIGGER late")
	c.close()
	c.open()
	c.check(seed)
	if len(c.purged) == 0 {
		t.Error("nothing was purged")
	}
	c.close()
}
