package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"hnetsmpp/smppserv/sms"
)

// purgeStep is how many messages one transaction deletes, so that a purge holds up no submit.
const purgeStep = 1000

// Purge deletes the messages that became final before the time given, with what is kept of Hermès' ids for them,
// and returns how many went.
func (s *Store) Purge(ctx context.Context, before time.Time) (purged int, err error) {
	p := purge{limit: milli(before), now: milli(time.Now())}
	p.now = max(p.now, p.limit)
	if err := s.bound(ctx, &p); err != nil {
		return 0, fmt.Errorf("store: purge: %w", err)
	}
	var cursor sms.ID
	for {
		old, next, err := s.old(ctx, cursor, &p)
		if err != nil {
			return purged, fmt.Errorf("store: purge: %w", err)
		}
		if len(old) > 0 {
			done := make(chan error, 1)
			if !s.push(op{purge: old, done: func(err error) { done <- err }}) {
				return purged, sms.ErrUnavailable
			}
			if err := <-done; err != nil {
				return purged, fmt.Errorf("store: purge: %w", err)
			}
			purged += len(old)
		}
		if next == 0 {
			return purged, nil
		}
		cursor = next
	}
}

// purge is what one run goes by. Clocks are wrong at times, before NTP sets them: a time in the future, or before there was this
// program, is no time at all. IDs rise with the time of receipt, whatever the clock said, and nothing ends before it came.
type purge struct {
	limit, now int64  // milliseconds
	end        sms.ID // the first message that came at the limit or later: from there on nothing is old
	horizon    sms.ID // the last message before that which came, by a time that can be, before the limit: all before it is old
}

// epoch is 2020-01-01: no message is older.
const epoch = 1_577_836_800_000

func (p *purge) canBe(t int64) bool { return t >= epoch && t <= p.now }

// old judges a message below end that is final.
func (p *purge) old(id sms.ID, received, final, expires int64) bool {
	switch {
	case !p.canBe(received):
		return id < p.horizon && (!p.canBe(final) || final < p.limit)
	case p.canBe(final) && final >= received:
		return final < p.limit
	default: // it ended while the clock was wrong, at the latest when it expired
		return expires < p.limit || expires > p.now && id < p.horizon
	}
}

func (s *Store) bound(ctx context.Context, p *purge) error {
	first := func(id *sms.ID, query string, args ...any) error {
		err := s.db.QueryRowContext(ctx, query, args...).Scan(id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	}
	p.end = math.MaxInt64
	if err := first(&p.end, "SELECT id FROM messages WHERE received_at >= ? AND received_at <= ? ORDER BY id LIMIT 1", p.limit, p.now); err != nil {
		return err
	}
	return first(&p.horizon, "SELECT id FROM messages WHERE id < ? AND received_at >= ? AND received_at < ? ORDER BY id DESC LIMIT 1",
		int64(p.end), int64(epoch), p.limit)
}

// old looks at the purgeStep messages behind cursor; next is 0 when there are no more.
func (s *Store) old(ctx context.Context, cursor sms.ID, p *purge) (old []sms.ID, next sms.ID, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, received_at, final_at, expires_at FROM messages WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
		int64(cursor), int64(p.end), purgeStep)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var id sms.ID
		var received, expires int64
		var final sql.NullInt64
		if err := rows.Scan(&id, &received, &final, &expires); err != nil {
			return nil, 0, err
		}
		if final.Valid && p.old(id, received, final.Int64, expires) {
			old = append(old, id)
		}
		next = id
	}
	return old, next, rows.Err()
}

func (w *writer) purge(ids []sms.ID) error {
	if err := w.exec("UPDATE last_message_id SET id = ? WHERE id < ?", int64(w.lastID), int64(w.lastID)); err != nil {
		return err
	}
	for _, id := range ids {
		for _, query := range [...]string{"DELETE FROM messages WHERE id = ?", "DELETE FROM external_ids WHERE message_id = ?",
			"DELETE FROM submit_multi WHERE message_id = ?"} {
			if err := w.exec(query, int64(id)); err != nil {
				return err
			}
		}
	}
	return nil
}
