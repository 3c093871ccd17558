package postgres

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

func TestAPartThatEndsBeforeItIsHandedOnIsForgotten(t *testing.T) {
	p := parted{away: map[sms.ID]begun{}, leaving: map[sms.ID]begun{1: {}, 2: {}, 3: {}}}
	p.wrote(&store.Batch{})
	p.leaving = nil
	p.wrote(&store.Batch{Ended: []*road.Transition{{IDs: []sms.ID{1, 7}}}, HandedOn: []store.Handed{{IDs: []sms.ID{2}, To: 5}}})
	if _, ok := p.away[3]; !ok || len(p.away) != 1 {
		t.Errorf("on their way are %v", p.away)
	}
}

// losing is a connection on which an answer gets lost, with which it ends.
type losing struct {
	net.Conn
	commits *atomic.Int32 // until the one of which that is the answer
}

func (c *losing) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if bytes.Contains(b[:n], []byte("COMMIT\x00")) && c.commits.Add(-1) == 0 {
		c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

func TestAPartWhoseCommitIsKnownLateOnlyIsOnItsWayAndThenForgotten(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	database := testkit.DatabaseName(t, dsn)
	var commits atomic.Int32
	itself := func(d *Database) store.Database {
		d.config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &losing{c, &commits}, err
		}
		return d
	}
	_, one, epoch := openAs(t, pg, dsn, database, func(d *Database) store.Database { return d })
	d, two, _ := openAs(t, pg, dsn, database, itself)
	away := func() int {
		d.writer.parted.mu.Lock()
		defer d.writer.parted.mu.Unlock()
		return len(d.writer.parted.away)
	}
	part := func(seq byte) *sms.Message {
		m := storetest.Sample()
		m.Part.Seq, m.Part.Total, m.PartForm = seq, 2, sms.FormUDH8
		return m
	}
	storetest.Add(t, one, part(1))
	second := part(2)
	commits.Store(2) // the first one is of its text
	storetest.Add(t, two, second)
	if n := away(); commits.Load() > 0 || second.Holder != epoch || n != 1 {
		t.Fatalf("%d commits are not lost; it goes to %d, want %d; on their way are %d", commits.Load(), second.Holder, epoch, n)
	}
	commits.Store(1)
	done := make(chan error, 1)
	two.HandOn([]sms.ID{second.ID}, epoch, func(err error) { done <- err })
	if err := testkit.Receive(t, done, "the hand-on"); err != nil || commits.Load() > 0 {
		t.Fatalf("it is handed on: %v; %d commits are not lost", err, commits.Load())
	}
	if n := away(); n != 0 {
		t.Errorf("on their way are %d", n)
	}
	if n := pg.Value(t, database, "SELECT count(*) FROM groups"); n != "0" {
		t.Errorf("%s texts wait for a part", n)
	}
}
