package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/postgres/postgrestest"
	"hnetsmpp/smppserv/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// short is a lease that tests wait for, long is one that they do not.
const short, long = testkit.Slower * MinLease, 5 * time.Minute

// rig is a database with the schema of the store.
type rig struct {
	t    *testing.T
	dsn  string
	pool *pgxpool.Pool
	log  zerolog.Logger // of the stores
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOn(t, testkit.SharedPostgres(t))
}

func newRigOn(t *testing.T, pg *testkit.PG) *rig {
	t.Helper()
	t.Parallel() // they wait most of the time
	r := &rig{t: t, dsn: postgrestest.Blank(t, pg), log: zerolog.Nop()}
	r.pool = r.connect(r.dsn)
	return r
}

// database opens the database as the store does, which brings its schema up to date.
func (r *rig) database(dsn string) *postgres.Database {
	r.t.Helper()
	d, err := postgres.OpenDatabase(r.t.Context(), postgres.Options{DSN: dsn, Folder: r.t.TempDir(), Lease: short, Log: r.log})
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

func (r *rig) connect(dsn string) *pgxpool.Pool {
	r.t.Helper()
	pool, err := pgxpool.New(r.t.Context(), dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(pool.Close)
	return pool
}

func (r *rig) exec(statement string, args ...any) {
	r.t.Helper()
	if _, err := r.pool.Exec(context.Background(), statement, args...); err != nil {
		r.t.Fatalf("%s: %v", statement, err)
	}
}

// value is what a query returns, as text.
func (r *rig) value(query string, args ...any) (value string) {
	r.t.Helper()
	if err := r.pool.QueryRow(context.Background(), "SELECT coalesce(("+query+")::text, '')", args...).Scan(&value); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return value
}

// message stores one that waits.
func (r *rig) message(id sms.ID, holder sms.Epoch) {
	r.t.Helper()
	r.exec(`INSERT INTO messages (id, received_at, due_at, expires_at, error, holder, attempts, kind, state, submitter, recipient, source, destination, reason, content, attributes)
		VALUES ($1, 0, 0, 0, 0, $2, 0, 0, 1, '', 'acme', '', '', '', '', '')`, int64(id), int64(holder))
}

const handOn = `UPDATE messages SET holder = $2, handed_by = holder, arrived = pg_current_xact_id() WHERE id = ANY ($1) AND final_at IS NULL`

// clock is the machine's, but for what a test does to it.
type clock struct {
	mu            sync.Mutex
	start         time.Time
	wall, elapsed time.Duration // ahead
}

func (c *clock) read() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return now.Round(0).Add(c.wall), now.Sub(c.start) + c.elapsed
}

// set sets the wall clock.
func (c *clock) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall += by
}

// pass has time pass.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall += d
	c.elapsed += d
}

// worker is a node with duties that are noted.
type worker struct {
	*Node
	r     *rig
	clock *clock
	cut   *proxy
	stop  func() // Run

	before []func() // Run

	mu                     sync.Mutex
	lapsed, regained, away []time.Time
	ended, reshared        int
	displaced              []uint64
	inherited              []sms.Epoch
	inheritedAt            time.Time
	arrived                []sms.ID
	failing                error // what its duties return
	rows                   *Rows // take up, if there are any
}

func (w *worker) note(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *worker) Lapsed()   { w.note(func() { w.lapsed = append(w.lapsed, time.Now()) }) }
func (w *worker) Regained() { w.note(func() { w.regained = append(w.regained, time.Now()) }) }
func (w *worker) Away()     { w.note(func() { w.away = append(w.away, time.Now()) }) }
func (w *worker) Reshared() { w.note(func() { w.reshared++ }) }
func (w *worker) Displaced(_ string, session uint64) {
	w.note(func() { w.displaced = append(w.displaced, session) })
}

func (w *worker) Ended(context.Context) error {
	w.note(func() { w.ended++ })
	return nil
}

func (w *worker) Inherit(ctx context.Context, estates []sms.Epoch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing != nil {
		return w.failing
	}
	if w.rows != nil {
		if err := w.rows.Inherit(ctx, estates); err != nil {
			return err
		}
	}
	w.inherited = append(w.inherited, estates...)
	w.inheritedAt = time.Now()
	return nil
}

func (w *worker) Arrived(_ context.Context, ids []sms.ID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing != nil {
		return w.failing
	}
	w.arrived = append(w.arrived, ids...)
	return nil
}

func (w *worker) is(f func() bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f()
}

// stopped tells that the worker does not deliver. A short lease may lapse for a moment on a machine that is busy.
func (w *worker) stopped() bool {
	return w.is(func() bool { return len(w.lapsed) > len(w.regained) })
}

func (r *rig) options(name string, lease time.Duration) (Options, *clock, *proxy) {
	cut := newProxy(r.t, r.dsn)
	c := &clock{start: time.Now()}
	return Options{Pool: r.connect(cut.dsn), Name: name, Address: name + ".example:2775", Version: "test", Lease: lease, Clock: c.read,
		Log: zerolog.New(zerolog.NewTestWriter(r.t)).Level(zerolog.ErrorLevel).With().Str("on", name).Logger()}, c, cut
}

// join starts a worker, whose options may be changed, that runs until the test ends.
func (r *rig) join(name string, lease time.Duration, change ...func(*worker, *Options)) *worker {
	r.t.Helper()
	w := r.joinIdle(name, lease, change...)
	w.run()
	return w
}

// joinIdle starts a worker that renews its lease and does nothing else.
func (r *rig) joinIdle(name string, lease time.Duration, change ...func(*worker, *Options)) *worker {
	r.t.Helper()
	w := &worker{r: r}
	var o Options
	o, w.clock, w.cut = r.options(name, lease)
	for _, f := range change {
		f(w, &o)
	}
	testkit.Await(r.t, name+" has joined", func() bool {
		n, err := Join(r.t.Context(), o)
		if err != nil && !postgres.IsAway(err) {
			r.t.Fatal(err)
		}
		w.Node = n
		return err == nil
	})
	for _, f := range w.before {
		f()
	}
	r.t.Cleanup(w.die)
	return w
}

func (w *worker) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx, w)
	}()
	w.stop = func() {
		cancel()
		<-ended
	}
}

// die ends a worker as a kill does: nothing is given back.
func (w *worker) die() {
	w.renewing.stop()
	if w.stop != nil {
		w.stop()
	}
}

func (w *worker) beat() (n int) {
	_, _ = fmt.Sscan(w.r.value(`SELECT beat FROM nodes WHERE name = $1`, w.o.Name), &n)
	return n
}

// awaitBeats waits until workers have renewed so many times more.
func (r *rig) awaitBeats(n int, ws ...*worker) {
	r.t.Helper()
	before := make([]int, len(ws))
	for i, w := range ws {
		before[i] = w.beat()
	}
	for i, w := range ws {
		testkit.Await(r.t, w.o.Name+" has renewed its lease", func() bool { return w.beat() >= before[i]+n })
	}
}

// knows waits until a worker has seen another one.
func (r *rig) knows(w, of *worker) {
	r.t.Helper()
	testkit.Await(r.t, w.o.Name+" knows "+of.o.Name, func() bool { _, ok, _ := w.other(of.epoch); return ok })
}

// proxy stands between a worker and the database, and can be cut.
type proxy struct {
	dsn, to string
	l       net.Listener

	mu    sync.Mutex
	away  bool
	loses string
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, dsn string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{to: u.Host, l: l, conns: map[net.Conn]bool{}}
	u.Host = l.Addr().String()
	p.dsn = u.String()
	go p.accept()
	t.Cleanup(func() {
		l.Close()
		p.set(true)
	})
	return p
}

func (p *proxy) accept() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		go p.join(c)
	}
}

func (p *proxy) join(c net.Conn) {
	defer c.Close()
	p.mu.Lock()
	away := p.away
	p.mu.Unlock()
	if away { // the database is to hear nothing of it
		return
	}
	d, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer d.Close()
	p.mu.Lock()
	away = p.away
	p.conns[c], p.conns[d] = true, true
	p.mu.Unlock()
	if !away {
		var lost atomic.Bool
		go func() {
			_, _ = io.Copy(pipe(func(b []byte) (int, error) {
				if p.losesReply(b) {
					lost.Store(true)
				}
				return d.Write(b)
			}), c)
			d.Close()
			c.Close()
		}()
		_, _ = io.Copy(pipe(func(b []byte) (int, error) {
			if lost.Load() {
				return 0, io.ErrClosedPipe
			}
			return c.Write(b)
		}), d)
	}
	p.mu.Lock()
	delete(p.conns, c)
	delete(p.conns, d)
	p.mu.Unlock()
}

// set cuts the worker from the database, or ends that.
func (p *proxy) set(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
	if away {
		for c := range p.conns {
			c.Close()
		}
	}
}

type pipe func([]byte) (int, error)

func (p pipe) Write(b []byte) (int, error) { return p(b) }

// loseReply cuts the connection on which the next statement with these words comes, when the database has done it and before its reply
// is heard. The statement is sent whole, see whole.
func (p *proxy) loseReply(words string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loses = words
}

func (p *proxy) losesReply(sent []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loses == "" || !bytes.Contains(sent, []byte(p.loses)) {
		return false
	}
	p.loses = ""
	return true
}

// whole has each statement of a worker sent with its words, not prepared.
func whole(w *worker, o *Options) {
	c := o.Pool.Config()
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := pgxpool.NewWithConfig(w.r.t.Context(), c)
	if err != nil {
		w.r.t.Fatal(err)
	}
	w.r.t.Cleanup(pool.Close)
	o.Pool = pool
}
