package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/transfer"

	"github.com/jackc/pgx/v5"
)

// end is a database that is one end of a copy. A transaction of guard keeps workers from taking part, from renewing a lease and from
// writing; it is committed by Leave alone. All else goes over conn.
type end struct {
	d      *Database
	conn   *pgx.Conn
	guard  *pgx.Conn
	held   pgx.Tx // of guard
	holder int64  // see epoch; 0 = not known yet

	groupTime time.Duration // Options.GroupTime
}

// OpenTransfer opens a database that is one end of a copy, makes its tables where it is empty, and brings its schema up to date. While a
// worker is at work on it, the error is store.ErrHeld; one that is dead for longer than its lease does not count.
func OpenTransfer(ctx context.Context, o Options) (transfer.Database, error) {
	groupTime := o.GroupTime
	o.GroupTime, o.marked = 0, true
	d, err := newDatabase(ctx, o)
	if err != nil {
		return nil, err
	}
	e := &end{d: d, groupTime: groupTime}
	if err := e.open(ctx); err != nil {
		return nil, e.explain(errors.Join(err, e.Close()))
	}
	return e, nil
}

const (
	// copying is what the connections of a copy call themselves.
	copying = "hnetsmpp copy"
	// holding is a node with a lease. Where a lease lasts longer than it can, the database's clock was set, and it says nothing.
	holding = "SELECT min(name) FROM nodes WHERE alive_until BETWEEN clock_timestamp() AND clock_timestamp() + (lease_ms + 1000) * interval '1 ms'"
	// connectedNow counts the connections of workers, but for those of nodes whose lease is over.
	connectedNow = "SELECT count(*) FROM pg_stat_activity a WHERE a.datname = current_database() AND a.application_name ~ '^hnetsmpp [0-9]+$' " +
		"AND NOT EXISTS (SELECT 1 FROM nodes n WHERE a.application_name = 'hnetsmpp ' || n.epoch AND n.alive_until < clock_timestamp())"
	// holderMark is a job that is none: its time is the epoch that waiting messages are written under.
	holderMark = transfer.MarkPrefix + "holder"
	// guardTime is how long it waits for a worker's transaction to end.
	guardTime = 3 * time.Second
)

func (e *end) open(ctx context.Context) (err error) {
	if e.guard, err = e.connect(ctx); err != nil {
		return err
	}
	if e.conn, err = e.connect(ctx); err != nil {
		return err
	}
	if e.held, err = e.guard.Begin(ctx); err != nil {
		return err
	}
	busy := func(why string) error {
		return fmt.Errorf("%w: %s: stop all workers that use this database first, on every machine", store.ErrHeld, why)
	}
	// What a copy that was killed had under way ends before this one looks at what is there: its lock goes with its connection.
	limit := strconv.FormatInt(guardTime.Milliseconds(), 10)
	_, err = e.conn.Exec(ctx, "SET lock_timeout = "+limit+"; SELECT pg_advisory_lock(hashtextextended('"+copying+"', 0)); SET lock_timeout = '10s'")
	switch {
	case code(err) == codeLockTimeout:
		return busy("another copy is under way")
	case err != nil:
		return err
	}
	_, err = e.held.Exec(ctx, "SET LOCAL lock_timeout = "+limit)
	if err == nil {
		_, err = e.held.Exec(ctx, "LOCK TABLE nodes, fences IN SHARE ROW EXCLUSIVE MODE")
	}
	switch code(err) {
	case codeLockTimeout:
		return busy("a worker is in the middle of a transaction")
	case "":
		if err != nil {
			return err
		}
	default:
		return err
	}
	var node *string
	var connections int
	if err := e.held.QueryRow(ctx, "SELECT ("+holding+"), ("+connectedNow+")").Scan(&node, &connections); err != nil {
		return err
	}
	switch {
	case node != nil:
		return busy("the worker " + strconv.Quote(*node) + " has its lease (of one that was killed it must run out)")
	case connections > 0:
		return busy("a worker is connected")
	}
	return nil
}

func (e *end) connect(ctx context.Context) (*pgx.Conn, error) {
	config := e.d.config.Copy()
	p := config.RuntimeParams
	p["application_name"], p["client_encoding"], p["timezone"] = copying, "UTF8", "UTC"
	p["statement_timeout"], p["lock_timeout"], p["idle_in_transaction_session_timeout"] = "0", "10s", "0"
	// Rows are wanted in the order of an index, the first ones at once.
	p["enable_seqscan"], p["enable_sort"], p["jit"] = "off", "off", "off"
	p["synchronous_commit"] = "off" // what is lost in a crash is copied again; SetMark waits for the disk
	return pgx.ConnectConfig(ctx, config)
}

func (e *end) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return advise(e.d.where(), err, "; PostgreSQL cannot be reached: when it can, call the same command again")
}

// Where implements transfer.Database.
func (e *end) Where() string { return "PostgreSQL " + e.d.where() }

// State implements transfer.Database: each start takes an epoch.
func (e *end) State(ctx context.Context) (state string, err error) {
	err = e.conn.QueryRow(ctx, "SELECT last_value || CASE WHEN is_called THEN '' ELSE '-' END FROM epochs").Scan(&state)
	return state, e.explain(err)
}

const marks = "SELECT name, ran_at FROM jobs WHERE name LIKE '" + transfer.MarkPrefix + "%'"

func marksOf(ctx context.Context, c *pgx.Conn) (ms transfer.Marks, err error) {
	rows, err := c.Query(ctx, marks)
	if err != nil {
		return ms, err
	}
	var name string
	var at int64
	_, err = pgx.ForEachRow(rows, []any{&name, &at}, func() error { return ms.Read(name, at) })
	return ms, err
}

// Marks implements transfer.Database.
func (e *end) Marks(ctx context.Context) (transfer.Marks, error) {
	ms, err := marksOf(ctx, e.conn)
	return ms, e.explain(err)
}

// checkMarks refuses a database that was moved elsewhere, or is not whole yet.
func (d *Database) checkMarks(ctx context.Context, c *pgx.Conn) error {
	if d.o.marked {
		return nil
	}
	ms, err := marksOf(ctx, c)
	if err != nil {
		return err
	}
	return ms.Refusal("PostgreSQL " + d.where())
}

// SetMark implements transfer.Database.
func (e *end) SetMark(ctx context.Context, m transfer.Mark) error {
	return e.explain(pgx.BeginFunc(ctx, e.conn, func(tx pgx.Tx) error { return setMark(ctx, tx, m) }))
}

func setMark(ctx context.Context, tx pgx.Tx, m transfer.Mark) error {
	q := &pgx.Batch{}
	q.Queue("SET LOCAL synchronous_commit = on") // with all that was committed before
	q.Queue("DELETE FROM jobs WHERE name LIKE $1", transfer.MarkPrefix+m.Kind+" %")
	if m.Text != "" {
		q.Queue("INSERT INTO jobs (name, ran_at) VALUES ($1, $2)", m.Name(), store.Milli(m.At))
	}
	return tx.SendBatch(ctx, q).Close()
}

// markFiles are the high-water marks of the workers that were on this machine.
func (e *end) markFiles() []string {
	files, _ := filepath.Glob(filepath.Join(escapeGlob(e.d.o.Folder), "last_message_id.*.postgres"))
	return files
}

func escapeGlob(path string) string {
	var escaped []rune
	for _, r := range path {
		if os.PathSeparator == '/' && (r == '*' || r == '?' || r == '[' || r == '\\') {
			escaped = append(escaped, '\\')
		}
		escaped = append(escaped, r)
	}
	return string(escaped)
}

// LastID implements transfer.Database.
func (e *end) LastID(ctx context.Context) (sms.ID, error) {
	var last int64
	if err := e.conn.QueryRow(ctx, "SELECT greatest((SELECT max(id) FROM last_message_id), (SELECT max(id) FROM messages))").Scan(&last); err != nil {
		return 0, e.explain(err)
	}
	for _, file := range e.markFiles() {
		mark, err := store.ReadMark(file)
		if err != nil {
			return 0, err
		}
		last = max(last, int64(mark))
	}
	return sms.ID(last), nil
}

// Noted implements transfer.Database: there was no earlier version.
func (e *end) Noted(context.Context) (int64, error) { return 0, nil }

// Finish implements transfer.Database.
func (e *end) Finish(ctx context.Context, last sms.ID) error {
	if err := e.groupWaiting(ctx); err != nil {
		return e.explain(err)
	}
	err := pgx.BeginFunc(ctx, e.conn, func(tx pgx.Tx) error {
		q := &pgx.Batch{}
		q.Queue("SET LOCAL synchronous_commit = on")
		q.Queue("UPDATE last_message_id SET id = greatest(id, $1)", int64(last))
		q.Queue("DELETE FROM jobs WHERE name = '" + holderMark + "'")
		q.Queue("SELECT setval(pg_get_serial_sequence('audit', 'id'), coalesce((SELECT max(id) FROM audit), 0) + 1, false)")
		return tx.SendBatch(ctx, q).Close()
	})
	if err == nil {
		_, err = e.conn.Exec(ctx, "ANALYZE messages, tries, external_ids, submit_multi, hourly")
	}
	if err != nil {
		return e.explain(err)
	}
	return store.RaiseMark(e.d.MarkFile(), last)
}

// Leave implements transfer.Database. The fences go, so that a node which comes back finds that it was taken over.
func (e *end) Leave(ctx context.Context, m transfer.Mark) error {
	q := &pgx.Batch{}
	q.Queue("SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a, nodes n WHERE a.datname = current_database() AND a.usename = current_user " +
		"AND a.application_name = 'hnetsmpp ' || n.epoch")
	q.Queue("INSERT INTO estates (epoch, owner, node) SELECT f.epoch, 0, coalesce(n.name, '') FROM fences f LEFT JOIN nodes n ON n.epoch = f.epoch " +
		"ON CONFLICT (epoch) DO NOTHING")
	q.Queue("UPDATE estates SET owner = 0")
	for _, table := range []string{"fences", "nodes", "slots", "leader", "pending", "once", "asks"} {
		q.Queue("DELETE FROM " + table)
	}
	err := e.held.SendBatch(ctx, q).Close()
	if err == nil {
		err = setMark(ctx, e.held, m)
	}
	if err == nil {
		err = e.held.Commit(ctx)
	}
	return e.explain(err)
}

// Close implements transfer.Database.
func (e *end) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var err error
	for _, c := range []*pgx.Conn{e.conn, e.guard} {
		if c != nil {
			err = errors.Join(err, c.Close(ctx))
		}
	}
	return err
}
