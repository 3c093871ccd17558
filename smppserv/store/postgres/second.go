package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"
)

// second writes a share of what a batch adds, on a connection of its own, while the first one writes the rest: a connection is one process
// of the server's, and no faster than one core of it.
//
//	second:  BEGIN, the fence, COPY its share, its counters, COMMIT
//	first:   BEGIN, the fence, COPY the rest ........................ once that is on disk: all else, COMMIT
//
// The first one's commit decides. Where that does not come, what the second has committed is taken back: see settleShare. A worker that is
// killed between the two leaves messages that nobody was told of, as one does that is killed before it answers.
type second struct {
	link
	state    shareState
	messages []*sms.Message // the share
	rest     []*sms.Message
	rows     copied
	counted  values    // what the share adds to its counters
	err      error     // why the share is not on disk, or may not be
	not      time.Time // it is not tried before
}

type shareState uint8

const (
	noShare shareState = iota
	shareSent
	shareWritten
)

const (
	// leastShare is from how many messages on a share costs less time than it saves: a transaction of its own, and one flush after the other.
	leastShare = 64
	// secondPause is how long all is written by one connection after the second one failed.
	secondPause = 10 * time.Second

	shareFence = "SELECT 1 / (SELECT count(*) FROM (SELECT FROM fences WHERE epoch = $1 AND commits = $2 FOR KEY SHARE) f)"
	// addCounters fails where one of so many is not there.
	addCounters = "WITH c AS (UPDATE hourly h SET n = h.n + v.n, parts = h.parts + v.parts " +
		"FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) v (counter, n, parts) WHERE h.counter = v.counter RETURNING 1) " +
		"SELECT 1 / (count(*) = $4)::int FROM c"
	takeBackShare    = "WITH m AS (DELETE FROM messages WHERE id = any($1) RETURNING 1) SELECT count(*) FROM m"
	takeBackCounters = "UPDATE hourly h SET n = h.n - v.n, parts = h.parts - v.parts " +
		"FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) v (counter, n, parts) WHERE h.counter = v.counter"
	endProcess = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity " +
		"WHERE pid = $1 AND application_name = $2 AND datname = current_database() AND usename = current_user"
)

// share has the second connection begin with a share of the batch, where that pays, and returns what is left for the first one.
func (w *writer) share(ctx context.Context, b *store.Batch) []*sms.Message {
	s := &w.second
	if len(b.Added) < 2*leastShare || time.Now().Before(s.not) {
		return b.Added
	}
	s.divide(b.Added)
	if len(s.messages) < leastShare || !w.countShare(b.Tally) {
		return b.Added
	}
	s.d, s.epoch = w.d, w.epoch
	if _, err := s.connected(ctx); err != nil {
		s.not = time.Now().Add(secondPause)
		return b.Added
	}
	s.rows = append(s.rows[:0], copyHead...)
	for _, m := range s.messages {
		s.rows = s.rows.message(m, w.epoch, w.d.o.Keys)
	}
	s.rows = append(s.rows, copyEnd...)
	q := &pgx.Batch{}
	q.Queue("BEGIN")
	q.Queue(shareFence, int64(w.epoch), w.commits)
	q.Queue(copyMessages, s.rows)
	q.Queue(planOnce)
	q.Queue(addCounters, s.counted.numbers, s.counted.ns, s.counted.parts, int64(len(s.counted.numbers)))
	q.Queue("COMMIT")
	s.state = shareSent
	s.err = s.send(ctx, q, nil)
	return s.rest
}

// divide takes half of the messages into the share, of those that are rows and nothing else: the last ones, never the first one.
func (s *second) divide(added []*sms.Message) {
	clear(s.messages)
	clear(s.rest)
	s.messages, s.rest = s.messages[:0], s.rest[:0]
	first := max(len(added)/2, 1)
	s.rest = append(s.rest, added[:first]...)
	for _, m := range added[first:] {
		if m.ExternalID == "" && m.KnownBy == 0 && !m.Gathers() {
			s.messages = append(s.messages, m)
		} else {
			s.rest = append(s.rest, m)
		}
	}
}

// countShare finds what the share adds to its counters; false = not all of them are on disk yet.
func (w *writer) countShare(t *tally.Sheet) bool {
	s := &w.second
	s.counted = values{}
	all := true
	err := t.Share(s.messages, func(r *tally.Row) {
		number, has := w.counted.of(r.Key)
		all = all && has
		s.counted.add(number, r)
	})
	return err == nil && all
}

// written waits for the share, if there is one, and tells whether it is on disk.
func (s *second) written() bool {
	if s.state == noShare {
		return true
	}
	if s.err == nil {
		s.err = s.answers()
	}
	if s.err == nil {
		s.state = shareWritten
	} else if rolledBack(s.err) {
		s.state = noShare
	}
	s.untimed()
	if s.err != nil {
		s.drop()
		s.not = time.Now().Add(secondPause)
	}
	return s.err == nil
}

// takeBack is for a batch whose transaction has failed, and cannot come any more; an error = its share may still be there.
func (w *writer) takeBack(ctx context.Context, b *store.Batch) error {
	if w.second.state == noShare {
		return nil
	}
	_, err := w.settleShare(ctx, b)
	return err
}

// settleShare takes back a share that is on disk, or may be, unless the transaction that it belongs to is committed. It may be repeated.
func (w *writer) settleShare(ctx context.Context, b *store.Batch) (written bool, err error) {
	s := &w.second
	c, err := w.connected(ctx)
	if err != nil {
		return false, explain(w.d.where(), err)
	}
	written, err = w.settleBoth(ctx, c)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // taken over: nothing more is written
		w.abort(ctx)
		s.state = noShare
		return w.d.isThere(ctx, b)
	case err != nil:
		w.abort(ctx)
		return false, explain(w.d.where(), fmt.Errorf("take back a share: %w", err))
	}
	s.state = noShare
	w.commits++
	if written {
		w.parted.wrote(b)
		return true, nil
	}
	w.commits++ // that of the transaction is used up
	return false, nil
}

// settleBoth is one transaction. No share can come any more when it has the epoch's row: each one needs that, with the number before.
func (w *writer) settleBoth(ctx context.Context, c *pgx.Conn) (written bool, err error) {
	s := &w.second
	if s.state == shareSent { // its process may wait for what never comes
		s.drop()
		if _, err := c.Exec(ctx, endProcess, int64(s.pid), ApplicationName(w.epoch)); err != nil {
			return false, err
		}
	}
	n := w.commits + 1
	var commits, gone int64
	tx, err := c.Begin(ctx)
	if err != nil {
		return false, err
	}
	if err := tx.QueryRow(ctx, "SELECT commits FROM fences WHERE epoch = $1 FOR UPDATE", int64(w.epoch)).Scan(&commits); err != nil {
		return false, err
	}
	if commits == n {
		return true, tx.Commit(ctx)
	}
	if _, err := tx.Exec(ctx, "UPDATE fences SET commits = $2 WHERE epoch = $1", int64(w.epoch), n+1); err != nil {
		return false, err
	}
	ids := make([]int64, len(s.messages))
	for i, m := range s.messages {
		ids[i] = int64(m.ID)
	}
	if err := tx.QueryRow(ctx, takeBackShare, ids).Scan(&gone); err != nil {
		return false, err
	}
	if gone > 0 {
		if _, err := tx.Exec(ctx, takeBackCounters, s.counted.numbers, s.counted.ns, s.counted.parts); err != nil {
			return false, err
		}
	}
	return false, tx.Commit(ctx)
}
