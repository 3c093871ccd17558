package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"
)

// wire is a connection to the server, which fails once where a test wants it to.
type wire struct {
	net.Conn
	r      *shared
	writes string // which part of the batches
}

const (
	theShare, theRest = "share", "rest"

	beforeShare, afterShare   = "before the share is sent", "before the answer to the share"
	beforeCommit, afterCommit = "before the commit is sent", "before the answer to the commit"
)

func (w *wire) fails(at string) bool {
	if want := w.r.cut.Load(); want == nil || *want != at || !w.r.cut.CompareAndSwap(want, nil) {
		return false
	}
	w.Close()
	return true
}

func (w *wire) Write(b []byte) (int, error) {
	commit := w.r.commit.Load()
	switch { // a statement is sent when it is prepared, and its name from then on
	case bytes.Contains(b, []byte(shareFence)):
		w.writes = theShare
	case bytes.Contains(b, []byte("SELECT fence(")):
		w.writes = theRest
	case commit == nil || !bytes.Contains(b, []byte(*commit)):
	case w.writes == theShare && w.fails(beforeShare), w.writes == theRest && w.fails(beforeCommit):
		return 0, io.ErrClosedPipe
	}
	return w.Conn.Write(b)
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if bytes.Contains(b[:n], []byte("COMMIT\x00")) && (w.writes == theShare && w.fails(afterShare) || w.writes == theRest && w.fails(afterCommit)) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// shared is a store whose large batches are written by two connections.
type shared struct {
	t        *testing.T
	pg       *testkit.PG
	database string
	counted  *counted
	d        *Database
	s        *store.Store
	commit   atomic.Pointer[string] // the name of that statement
	cut      atomic.Pointer[string]
	said     int // messages that are on disk, as was said
}

func newShared(t *testing.T) *shared {
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	r := &shared{t: t, pg: pg, database: strings.TrimPrefix(u.Path, "/"), counted: &counted{began: make(chan struct{})}}
	r.d, r.s, _ = openAs(t, pg, dsn, r.database, func(d *Database) store.Database {
		d.config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &wire{Conn: c, r: r}, err
		}
		r.counted.Database = d
		return r.counted
	})
	r.batch(1, nil) // its counter is there from now on
	other, err := r.d.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Release()
	commit, err := other.Conn().Prepare(t.Context(), "COMMIT", "COMMIT")
	if err != nil {
		t.Fatal(err)
	}
	r.commit.Store(&commit.Name)
	return r
}

// batch hands in so many messages, which are written in one batch, and more when that is about to be.
func (r *shared) batch(n int, meanwhile func(), more ...*plain) (oks int) {
	r.t.Helper()
	held := make(chan struct{})
	if n > 1 {
		first := r.hold(held)
		defer func() {
			if err := testkit.Receive(r.t, first.done, "the one before"); err == nil {
				r.said++
			}
		}()
	}
	all := append([]*plain{}, more...)
	for range n - len(more) {
		all = append(all, newPlain())
	}
	for _, p := range all {
		r.s.Add(p)
	}
	if n > 1 {
		var last chan struct{}
		if meanwhile != nil {
			last = make(chan struct{})
			r.counted.mu.Lock()
			r.counted.held = last
			r.counted.mu.Unlock()
		}
		close(held)
		if meanwhile != nil {
			testkit.Receive(r.t, r.counted.began, "the batch")
			meanwhile()
			close(last)
		}
	}
	for _, p := range all {
		if err := testkit.Receive(r.t, p.done, "an addition"); err == nil {
			oks++
		}
	}
	r.said += oks
	return oks
}

// hold has a transaction wait until held is closed.
func (r *shared) hold(held chan struct{}) *plain {
	r.counted.mu.Lock()
	r.counted.held = held
	r.counted.mu.Unlock()
	p := newPlain()
	r.s.Add(p)
	testkit.Receive(r.t, r.counted.began, "the transaction that is held")
	return p
}

// whole checks that what was said to be on disk is there and is counted, and nothing else.
func (r *shared) whole() {
	r.t.Helper()
	for _, query := range []string{"SELECT count(*) FROM messages", "SELECT sum(n) FROM hourly", "SELECT sum(parts) FROM hourly"} {
		if got := r.pg.Value(r.t, r.database, query); got != fmt.Sprint(r.said) {
			r.t.Errorf("%s: %s, want %d", query, got, r.said)
		}
	}
}

const large = 300

func TestALargeBatchIsWrittenByTwoConnections(t *testing.T) {
	r := newShared(t)
	if n := r.batch(large, nil); n != large {
		t.Errorf("%d of %d are written", n, large)
	}
	if n := len(r.d.writer.second.messages); n != large/2 {
		t.Errorf("the second connection has written %d", n)
	}
	r.whole()
}

func TestAConnectionThatIsLostInTheMiddleOfALargeBatchNeitherLosesNorDoublesAMessage(t *testing.T) {
	for at, want := range map[string]int{beforeShare: large, afterShare: large, beforeCommit: 0, afterCommit: large} {
		t.Run(at, func(t *testing.T) {
			r := newShared(t)
			r.batch(large, nil) // there is a second connection
			if n := r.batch(large, func() { r.cut.Store(&at) }); n != want {
				t.Errorf("%d of %d are written, want %d", n, large, want)
			}
			if r.cut.Load() != nil {
				t.Error("no connection was cut")
			}
			r.whole()
			if n := r.batch(large, nil); n != large {
				t.Errorf("then %d of %d are written", n, large)
			}
			r.whole()
		})
	}
}

func TestAShareOfABatchThatIsMadeAnewIsTakenBack(t *testing.T) {
	r := newShared(t)
	r.batch(large, nil)
	again := newPlain()
	again.m.ExternalID = "again"
	taken := func() {
		r.pg.Exec(t, r.database, "INSERT INTO external_ids (external_id, message_id, received_at) VALUES ('again', 1, 0)")
	}
	if n := r.batch(large, taken, again); n != large || again.m.ID != 1 {
		t.Errorf("%d of %d are answered; the one that is known is %d", n, large, again.m.ID)
	}
	r.said-- // it is one that was there
	r.whole()
}

func TestAShareThatTheServerRefusesIsWrittenByTheFirstConnection(t *testing.T) {
	r := newShared(t)
	r.batch(large, nil)
	pid := r.d.writer.second.pid
	r.pg.Exec(t, r.database, fmt.Sprintf("CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS "+
		"'BEGIN IF pg_backend_pid() = %d THEN RAISE EXCEPTION ''not by this one''; END IF; RETURN new; END'", pid))
	r.pg.Exec(t, r.database, "CREATE TRIGGER refused BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refused()")
	for range 2 {
		if n := r.batch(large, nil); n != large {
			t.Errorf("%d of %d are written", n, large)
		}
		r.whole()
	}
}

func TestAWorkerThatWasTakenOverWritesNoShare(t *testing.T) {
	r := newShared(t)
	r.batch(large, nil)
	if n := r.batch(large, func() { r.pg.Exec(t, r.database, "DELETE FROM fences") }); n != 0 {
		t.Errorf("%d are written", n)
	}
	r.whole()
}

func TestAShareCannotComeAnyMoreWhenItWasTakenBack(t *testing.T) {
	r := newShared(t)
	r.batch(large, nil)
	w := &r.d.writer
	commits := w.commits
	w.second.state = shareSent
	if _, err := w.settleShare(t.Context(), &store.Batch{Added: []*sms.Message{{ID: 1 << 40}}}); err != nil {
		t.Fatal(err)
	}
	c, err := w.second.connected(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Exec(t.Context(), shareFence, int64(w.epoch), commits); code(err) != codeNotAll {
		t.Errorf("it finds its fence: %v", errors.Unwrap(err))
	}
}
