package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// writer is the connection that writes, of one epoch. Only the committer uses it.
type writer struct {
	d       *Database
	epoch   sms.Epoch
	conn    *pgx.Conn // nil = there is none now
	pid     uint32    // of the server's process of the last connection
	commits int64     // the number of the last transaction that is committed
	block   sms.ID    // how many message_ids to reserve next
	asked   time.Time // when some were reserved last
	used    time.Time // when the connection was
	careful bool      // some of the ends had taken place: each is looked at before the counters are told
	swept   time.Time // when old groups were deleted last
	args    args
	counted numbered
	parted  parted
}

// writeTime bounds a transaction, its wait for a synchronous standby included; then it is in doubt.
func (w *writer) writeTime() time.Duration { return max(w.d.o.Lease, connectTime) }

func (w *writer) open(ctx context.Context, d *Database, epoch sms.Epoch) error {
	w.d, w.epoch, w.block = d, epoch, leastBlock
	w.parted.away = map[sms.ID]begun{}
	c, err := w.connected(ctx)
	if err != nil {
		return err
	}
	err = c.QueryRow(ctx, "SELECT commits FROM fences WHERE epoch = $1", int64(epoch)).Scan(&w.commits)
	if errors.Is(err, pgx.ErrNoRows) {
		return errNoEpoch
	}
	return err
}

func (w *writer) close() error {
	if w.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := w.conn.Close(ctx)
	w.conn = nil
	return err
}

// idle is how long the connection may have been used last for it to be taken for whole without asking: what is sent on one that is
// broken would be in doubt.
const idle = 50 * time.Millisecond

// connected is the connection, made anew where the last one is gone.
func (w *writer) connected(ctx context.Context) (*pgx.Conn, error) {
	now := time.Now()
	if w.conn != nil && !w.conn.IsClosed() && (now.Sub(w.used) < idle || w.conn.Ping(ctx) == nil) {
		w.used = now
		return w.conn, nil
	}
	w.drop()
	config := w.d.config.Copy()
	setTimes(config, w.d.o.Lease*3/4, w.d.o.Lease)
	config.RuntimeParams["application_name"] = ApplicationName(w.epoch)
	// Each row is found by its key, whatever the statistics say of a table that grows.
	for _, name := range []string{"enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"} {
		config.RuntimeParams[name] = "off"
	}
	config.RuntimeParams["jit"] = "off" // the cost of what has no key to be found by would have it compiled, each time
	if end, ok := ctx.Deadline(); ok {
		// Of several hosts one that is silent leaves the others their time.
		config.ConnectTimeout = min(config.ConnectTimeout, time.Until(end)/time.Duration(1+len(config.Fallbacks)))
	}
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	var recovering, readOnly bool
	// What the process of the last connection still has under way would hold the epoch's row.
	err = c.QueryRow(ctx, "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::bool, (SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "+
		"WHERE pid = $1 AND application_name = $2 AND datname = current_database() AND usename = current_user) >= 0", int64(w.pid), ApplicationName(w.epoch)).
		Scan(&recovering, &readOnly, nil)
	switch {
	case err != nil:
	case recovering:
		err = errStandby
	case readOnly:
		err = errReadOnly
	}
	if err != nil {
		c.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	w.conn, w.pid, w.used = c, c.PgConn().PID(), time.Now()
	return c, nil
}

// drop ends a connection that is of no more use, and waits for nothing.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.conn.Close(ctx)
	w.conn = nil
}

// Write implements store.Database.
func (d *Database) Write(b *store.Batch) (err error) {
	w := &d.writer
	ctx, cancel := context.WithTimeout(context.Background(), w.writeTime())
	defer cancel()
	if _, err := w.connected(ctx); err != nil {
		return explain(d.where(), err)
	}
	if err := w.group(ctx, b); err != nil {
		w.abort(ctx)
		return explain(d.where(), fmt.Errorf("long texts: %w", err))
	}
	sent, err := w.write(ctx, b)
	w.counted.wrote(err == nil)
	switch {
	case err == nil:
		w.commits++
		w.parted.wrote(b)
		return nil
	case code(err) == codeFenced:
		err = fmt.Errorf("%w: %w", store.ErrFenced, err)
	case sent && !rolledBack(err):
		w.drop()
		return explain(d.where(), fmt.Errorf("%w: %w", store.ErrInDoubt, err))
	case isTaken(err):
		err = fmt.Errorf("%w: %w", store.ErrTaken, err)
	}
	w.abort(ctx)
	w.ungroup(ctx)
	if code(err) == codeVoid {
		return &store.VoidError{Asks: w.voidAsks(ctx, b.Asked), Err: err}
	}
	return explain(d.where(), err)
}

// abort ends a transaction of which nothing is to be on disk.
func (w *writer) abort(ctx context.Context) {
	if w.conn == nil {
		return
	}
	if !w.conn.IsClosed() && w.conn.PgConn().TxStatus() != 'I' {
		if _, err := w.conn.Exec(ctx, "ROLLBACK"); err != nil {
			w.drop()
		}
	}
	if w.conn != nil && w.conn.IsClosed() {
		w.drop()
	}
}

// rolledBack tells whether the server itself said that a transaction failed. One that ends the connection may have committed first.
func rolledBack(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.SeverityUnlocalized == "ERROR"
	}
	return pgconn.SafeToRetry(err)
}

func isTaken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == codeUniqueViolation && e.ConstraintName == "external_ids_pkey"
}

// run has the server do what is queued, in one round trip.
func (w *writer) run(ctx context.Context, q *pgx.Batch) error {
	return w.conn.SendBatch(ctx, q).Close()
}

// Settle implements store.Database. The number of the transaction that was in doubt is used up: should it still come, it fails.
func (d *Database) Settle(ctx context.Context, b *store.Batch) (written bool, err error) {
	w := &d.writer
	c, err := w.connected(ctx)
	if err != nil {
		return false, explain(d.where(), err)
	}
	n := w.commits + 1
	// The write waits for the transaction, and for a standby that has to have what that one wrote. It tells the same when it is
	// repeated.
	var now int64
	err = c.QueryRow(ctx, "UPDATE fences SET commits = CASE WHEN commits = $2 THEN $2 ELSE $2 + 1 END WHERE epoch = $1 RETURNING commits",
		int64(w.epoch), n).Scan(&now)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // it was taken over, after whatever became of the transaction: this one writes no more
		return d.isThere(ctx, b)
	case err != nil:
		w.abort(ctx)
		return false, explain(d.where(), err)
	}
	w.commits = now
	if now == n { // nothing was grouped since
		w.parted.wrote(b)
	}
	return now == n, nil
}

// isThere looks for what a transaction wrote. One that nobody can find wrote nothing that anybody was promised.
func (d *Database) isThere(ctx context.Context, b *store.Batch) (there bool, err error) {
	c := d.writer.conn
	switch {
	case len(b.Added) > 0:
		err = c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM messages WHERE id = $1)", int64(b.Added[0].ID)).Scan(&there)
	case len(b.Ended) > 0 && len(b.Ended[0].IDs) > 0:
		err = c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM messages WHERE id = $1 AND final_at = $2)", int64(b.Ended[0].IDs[0]), store.Milli(b.Now)).Scan(&there)
	}
	if err != nil {
		d.writer.abort(ctx)
		return false, explain(d.where(), err)
	}
	return there, nil
}

const (
	// A block of message_ids is larger when the one before was soon used up, so that ids of several workers rise with the time.
	leastBlock, mostBlock = 64, 1 << 14
	soon                  = 500 * time.Millisecond
)

// MoreIDs implements store.Database. It is on disk when it returns, as nobody else may be given these ids after a crash or a failover, either.
func (d *Database) MoreIDs(ctx context.Context, above sms.ID) (first, last sms.ID, err error) {
	w := &d.writer
	c, err := w.connected(ctx)
	if err != nil {
		return 0, 0, explain(d.where(), err)
	}
	now := time.Now()
	if now.Sub(w.asked) < soon {
		w.block = min(2*w.block, mostBlock)
	} else {
		w.block = max(w.block/2, leastBlock)
	}
	w.asked = now
	var highest int64
	err = c.QueryRow(ctx, "UPDATE last_message_id SET id = greatest(id, $1) + $2 RETURNING id", int64(above), int64(w.block)).Scan(&highest)
	if err != nil {
		w.abort(ctx)
		return 0, 0, explain(d.where(), err)
	}
	last = sms.ID(highest)
	return last - w.block + 1, last, nil
}

// ByExternalID implements store.Database.
func (d *Database) ByExternalID(externalIDs []string, ids []sms.ID) error {
	w := &d.writer
	ctx, cancel := context.WithTimeout(context.Background(), w.writeTime())
	defer cancel()
	c, err := w.connected(ctx)
	if err != nil {
		return explain(d.where(), err)
	}
	clear(ids)
	at := make(map[string][]int, len(externalIDs))
	wanted := make([]string, len(externalIDs))
	for i, external := range externalIDs {
		wanted[i] = escape(external)
		at[wanted[i]] = append(at[wanted[i]], i)
	}
	rows, err := c.Query(ctx, "SELECT external_id, message_id FROM external_ids WHERE external_id = any($1)", wanted)
	if err == nil {
		var external string
		var id int64
		_, err = pgx.ForEachRow(rows, []any{&external, &id}, func() error {
			for _, i := range at[external] {
				ids[i] = sms.ID(id)
			}
			return nil
		})
	}
	if err != nil {
		w.abort(ctx)
		return explain(d.where(), err)
	}
	return nil
}

// WrittenElsewhere implements store.Database: what others do here they tell.
func (d *Database) WrittenElsewhere() (bool, error) { return false, nil }

// Tend implements store.Database.
func (d *Database) Tend() { d.writer.forgetGroups() }

// OnDue implements store.Database: the care is PostgreSQL's own.
func (d *Database) OnDue(func()) {}

// Present implements store.Database: nobody moves a server's files away under it.
func (d *Database) Present() error { return nil }

// Start implements store.Database.
func (d *Database) Start(context.Context, func(func() error) error) error { return nil }

var _ store.Database = (*Database)(nil)
