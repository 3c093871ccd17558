package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"hnetsmpp/smppserv/sms"
)

// Application is the application_name of all connections of an epoch: by it who takes over finds them, and ends them.
func Application(e sms.Epoch) string { return fmt.Sprintf("hnetsmpp %d", e) }

// link is a connection of its own, beside the pool's, which is made anew when it broke.
type link struct {
	pool  *pgxpool.Pool
	epoch sms.Epoch     // 0 = none yet
	limit time.Duration // of each statement, lock and pause in a transaction
	hasty bool          // nothing that it says needs to be on a disk

	mu   sync.Mutex
	conn *pgx.Conn
}

// do calls f with the connection. After an error the connection is made anew.
func (l *link) do(ctx context.Context, f func(*pgx.Conn) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		c, err := l.connect(ctx)
		if err != nil {
			return err
		}
		l.conn = c
	}
	err := f(l.conn)
	if err != nil {
		l.end()
	}
	return err
}

func (l *link) connect(ctx context.Context) (*pgx.Conn, error) {
	o := l.pool.Config()
	c := o.ConnConfig.Copy()
	if o.BeforeConnect != nil {
		if err := o.BeforeConnect(ctx, c); err != nil {
			return nil, err
		}
	}
	if c.RuntimeParams == nil {
		c.RuntimeParams = map[string]string{}
	}
	if l.epoch != 0 {
		c.RuntimeParams["application_name"] = Application(l.epoch)
	}
	each := l.limit // of the hosts: one that is silent leaves the others their time
	if end, ok := ctx.Deadline(); ok {
		each = max(each, time.Until(end)/time.Duration(1+len(c.Fallbacks)))
	}
	if c.ConnectTimeout == 0 || c.ConnectTimeout > each {
		c.ConnectTimeout = each
	}
	limit := fmt.Sprintf("%d", l.limit.Milliseconds())
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		c.RuntimeParams[name] = limit
	}
	if l.hasty {
		c.RuntimeParams["synchronous_commit"] = "off"
	}
	return pgx.ConnectConfig(ctx, c)
}

const closeTime = time.Second

func (l *link) end() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_ = l.conn.Close(ctx)
	l.conn = nil
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}
