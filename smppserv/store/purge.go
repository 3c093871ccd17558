package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"hnetsmpp/smppserv/sms"
)

// purgeStep is how many messages one transaction deletes, so that a purge holds up no submit.
const purgeStep = 1000

// Purge deletes the messages that became final before the time given, with what is kept of Hermès' ids for them,
// and returns how many went.
func (s *Store) Purge(ctx context.Context, before time.Time) (purged int, err error) {
	var cursor sms.ID
	for {
		old, next, err := s.old(ctx, cursor, before)
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

// old looks at the purgeStep messages behind cursor. IDs rise with the time of receipt and nothing ends before it came:
// behind the first message younger than the limit there is nothing to purge, and next is 0.
func (s *Store) old(ctx context.Context, cursor sms.ID, before time.Time) (old []sms.ID, next sms.ID, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, received_at, final_at FROM messages WHERE id > ? ORDER BY id LIMIT ?", int64(cursor), purgeStep)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	limit := milli(before)
	for rows.Next() {
		var id sms.ID
		var received int64
		var final sql.NullInt64
		if err := rows.Scan(&id, &received, &final); err != nil {
			return nil, 0, err
		}
		if received >= limit {
			return old, 0, nil
		}
		if final.Valid && final.Int64 < limit {
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
