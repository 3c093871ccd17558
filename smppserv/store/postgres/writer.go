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

// writer writes for one epoch, on its link and on a second one. Only the committer uses it.
type writer struct {
	link
	second  second
	commits int64     // the number of the last transaction that is committed
	block   sms.ID    // how many message_ids to reserve next
	asked   time.Time // when some were reserved last
	careful bool      // some of the ends had taken place: each is looked at before the counters are told
	swept   time.Time // when old groups were deleted last
	args    args
	counted numbered
	parted  parted
}

func (w *writer) close() error { return errors.Join(w.link.close(), w.second.close()) }

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
	var void []int64
	switch {
	case err == nil:
		w.commits++
		w.parted.wrote(b)
		return nil
	case code(err) == codeFenced:
		err = fmt.Errorf("%w: %w", store.ErrFenced, err)
	case code(err) == codeVoid:
		w.abort(ctx)
		void = w.voidAsks(ctx, b.Asked)
	case sent && !rolledBack(err):
		w.drop()
		return explain(d.where(), fmt.Errorf("%w: %w", store.ErrInDoubt, err))
	case isTaken(err):
		err = fmt.Errorf("%w: %w", store.ErrTaken, err)
	}
	w.abort(ctx)
	if e := w.takeBack(ctx, b); e != nil {
		return explain(d.where(), fmt.Errorf("%w: %w", store.ErrInDoubt, errors.Join(err, e)))
	}
	w.ungroup(ctx)
	if code(err) == codeVoid {
		return &store.VoidError{Asks: void, Err: err}
	}
	return explain(d.where(), err)
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

// Settle implements store.Database. The number of the transaction that was in doubt is used up: should it still come, it fails.
func (d *Database) Settle(ctx context.Context, b *store.Batch) (written bool, err error) {
	w := &d.writer
	if w.second.state != noShare {
		return w.settleShare(ctx, b)
	}
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
