package postgres

import (
	"context"
	"errors"
	"time"

	"hnetsmpp/smppserv/sms"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// link is a connection of an epoch that writes. Only the committer uses it.
type link struct {
	d     *Database
	epoch sms.Epoch
	conn  *pgx.Conn // nil = there is none now
	pid   uint32    // of the server's process of the last connection
	used  time.Time // when the connection was
}

func (l *link) close() error {
	if l.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := l.conn.Close(ctx)
	l.conn = nil
	return err
}

// idle is how long the connection may have been used last for it to be taken for whole without asking: what is sent on one that is
// broken would be in doubt.
const idle = 50 * time.Millisecond

// connected is the connection, made anew where the last one is gone.
func (l *link) connected(ctx context.Context) (*pgx.Conn, error) {
	now := time.Now()
	if l.conn != nil && !l.conn.IsClosed() && (now.Sub(l.used) < idle || l.conn.Ping(ctx) == nil) {
		l.used = now
		return l.conn, nil
	}
	l.drop()
	config := l.d.config.Copy()
	setTimes(config, l.d.o.Lease*3/4, l.d.o.Lease)
	config.RuntimeParams["application_name"] = ApplicationName(l.epoch)
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
		"WHERE pid = $1 AND application_name = $2 AND datname = current_database() AND usename = current_user) >= 0", int64(l.pid), ApplicationName(l.epoch)).
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
	l.conn, l.pid, l.used = c, c.PgConn().PID(), time.Now()
	return c, nil
}

// drop ends a connection that is of no more use, and waits for nothing.
func (l *link) drop() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = l.conn.Close(ctx)
	l.conn = nil
}

// abort ends a transaction of which nothing is to be on disk.
func (l *link) abort(ctx context.Context) {
	if l.conn == nil {
		return
	}
	if !l.conn.IsClosed() && l.conn.PgConn().TxStatus() != 'I' {
		if _, err := l.conn.Exec(ctx, "ROLLBACK"); err != nil {
			l.drop()
		}
	}
	if l.conn != nil && l.conn.IsClosed() {
		l.drop()
	}
}

// run has the server do what is queued, in one round trip.
func (l *link) run(ctx context.Context, q *pgx.Batch) error {
	return l.conn.SendBatch(ctx, q).Close()
}

// answers reads those to what was sent, up to the end.
func (l *link) answers() (failed error) {
	for {
		m, err := l.conn.PgConn().ReceiveMessage(context.Background())
		if err != nil {
			return sentBefore(err)
		}
		switch m := m.(type) {
		case *pgproto3.ErrorResponse:
			if failed == nil {
				failed = pgconn.ErrorResponseToPgError(m)
			}
		case *pgproto3.ReadyForQuery:
			return failed
		}
	}
}

// untimed ends the deadline of send.
func (l *link) untimed() {
	if l.conn != nil && !l.conn.IsClosed() {
		_ = l.conn.PgConn().Conn().SetDeadline(time.Time{})
	}
}

// sentBefore is an error of reading an answer without pgconn's word that nothing was sent: of this call nothing was.
func sentBefore(err error) error {
	for {
		if _, says := err.(interface{ SafeToRetry() bool }); !says {
			return err
		}
		within := errors.Unwrap(err)
		if within == nil {
			return errors.New(err.Error())
		}
		err = within
	}
}
