package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"hnetsmpp/smppserv/sms"
)

// KnownAs lists the messages that the submitter knows by this message_id, in ascending order: the one that has it,
// and the others of its submit_multi. There may be none.
func (s *Store) KnownAs(ctx context.Context, id sms.ID) ([]sms.ID, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id FROM messages WHERE id = ? UNION SELECT message_id FROM submit_multi WHERE known_by = ? ORDER BY 1",
		int64(id), int64(id))
	if err != nil {
		return nil, fmt.Errorf("store: look up message %d: %w", id, err)
	}
	defer rows.Close()
	var ids []sms.ID
	for rows.Next() {
		var id sms.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("store: look up message %d: %w", id, err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: look up message %d: %w", id, err)
	}
	return ids, nil
}

const insertKnown = "INSERT INTO submit_multi (message_id, known_by) VALUES (?, ?)"

// knownBefore fills submit_multi with what waits since before there was that table; nobody cancels or replaces what is final.
func knownBefore() *goose.Migration {
	return goose.NewGoMigration(3, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		var known []*sms.Message
		rows, err := tx.QueryContext(ctx, "SELECT "+withoutContent+" FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			m, err := scanMessage(rows)
			if err != nil {
				return err
			}
			if m.KnownBy != 0 {
				known = append(known, m)
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, m := range known {
			if _, err := tx.ExecContext(ctx, insertKnown, int64(m.ID), int64(m.KnownBy)); err != nil {
				return err
			}
		}
		return nil
	}}, nil)
}
