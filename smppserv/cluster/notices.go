package cluster

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/sms"
)

const (
	channel = "hnet_smpp"
	// gatherTime is the least time from one sending to the next: what comes meanwhile is gathered.
	gatherTime = 3 * time.Millisecond
	// pingEvery is how often a connection is asked that hears nothing.
	pingEvery = 10 * time.Second
)

// teller sends notices, gathered, on a connection of its own. A notice is "epoch kind argument", from whom it comes first.
type teller struct {
	n    *Node
	link link
	wake kick

	mu  sync.Mutex
	all map[string]bool
}

func (t *teller) init(n *Node) { t.n, t.wake, t.all = n, make(kick, 1), map[string]bool{} }

func (t *teller) payload(kind, argument string) string {
	return strings.TrimSpace(strconv.FormatInt(int64(t.n.epoch), 10) + " " + kind + " " + argument)
}

// later sends a notice at once, or within gatherTime when some were sent just now.
func (t *teller) later(kind, argument string) {
	t.mu.Lock()
	t.all[t.payload(kind, argument)] = true
	t.mu.Unlock()
	t.wake.kick()
}

// run sends what is gathered until ctx ends. What cannot be sent is left to the looks of the others.
func (t *teller) run(ctx context.Context) {
	t.link.pool, t.link.epoch, t.link.limit, t.link.hasty = t.n.o.Pool, t.n.epoch, t.n.o.Lease/2, true
	defer t.link.close()
	for ; ; pause(ctx, gatherTime) {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		}
		t.mu.Lock()
		all := make([]string, 0, len(t.all))
		for payload := range t.all {
			all = append(all, payload)
		}
		clear(t.all)
		t.mu.Unlock()
		slices.Sort(all)
		for range 2 { // the connection may have broken long ago
			if t.send(ctx, all) == nil {
				break
			}
		}
	}
}

func (t *teller) send(ctx context.Context, all []string) error {
	ctx, cancel := t.n.bound(ctx)
	defer cancel()
	return t.link.do(ctx, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, `SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload`, channel, all)
		return err
	})
}

// TellRows tells a node that messages were handed to it.
func (n *Node) TellRows(to sms.Epoch) { n.tell.later("rows", strconv.FormatInt(int64(to), 10)) }

// TellEnded tells a node that messages which it handed on have ended.
func (n *Node) TellEnded(to sms.Epoch) { n.tell.later("ended", strconv.FormatInt(int64(to), 10)) }

// listen hears notices until ctx ends.
func (n *Node) listen(ctx context.Context) {
	l := link{pool: n.o.Pool, epoch: n.epoch, limit: n.o.Lease / 2}
	defer l.close()
	for {
		if n.Holds() { // see look
			_ = l.do(ctx, func(c *pgx.Conn) error { return n.hear(ctx, c) })
		}
		if !pause(ctx, n.o.Lease/8) {
			return
		}
	}
}

func (n *Node) hear(ctx context.Context, c *pgx.Conn) error {
	if err := n.statement(ctx, c, `LISTEN `+channel); err != nil {
		return err
	}
	n.looks.whole.Store(true) // what was said meanwhile is lost, and it may be another database now, which has followed the first
	n.slots.readAll()
	n.looks.kickAll()
	for {
		wait, cancel := context.WithTimeout(ctx, pingEvery)
		heard, err := c.WaitForNotification(wait)
		late := wait.Err() != nil
		cancel()
		switch {
		case err == nil:
			n.heard(heard.Payload)
		case ctx.Err() != nil || !late || c.IsClosed():
			return err
		default:
			if err := n.statement(ctx, c, `SELECT 1`); err != nil {
				return err
			}
		}
	}
}

func (n *Node) statement(ctx context.Context, c *pgx.Conn, statement string, args ...any) error {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	_, err := c.Exec(ctx, statement, args...)
	return err
}

// heard looks where a notice says.
func (n *Node) heard(payload string) {
	from, notice, _ := strings.Cut(payload, " ")
	kind, argument, _ := strings.Cut(notice, " ")
	if e, err := strconv.ParseInt(from, 10, 64); err != nil || sms.Epoch(e) == n.epoch {
		return
	}
	switch kind {
	case "nodes":
		n.renewNow()
		n.looks.kickAll()
		return
	case "slots":
		n.looks.slots.kick()
		return
	}
	to, err := strconv.ParseInt(argument, 10, 64)
	mine := err == nil && (sms.Epoch(to) == n.epoch || slices.Contains(n.Estates(), sms.Epoch(to)))
	if !mine {
		return
	}
	switch kind {
	case "rows":
		n.looks.rows.kick()
	case "ended":
		n.looks.ended.kick()
	case "asks":
		n.looks.asks.kick()
	case "answers":
		n.looks.answers.kick()
	}
}
