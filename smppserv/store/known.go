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

// takenOver brings what waits since before there was submit_multi up to date; nobody cancels or replaces what is final.
func takenOver() *goose.Migration {
	return goose.NewGoMigration(3, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		var known, watches []*sms.Message
		err := each(ctx, tx, func(m *sms.Message) error {
			if m.KnownBy != 0 {
				known = append(known, m)
			}
			if m.Kind == sms.KindWatch && m.Receipt != nil {
				watches = append(watches, m)
			}
			return nil
		}, "SELECT "+withoutContent+" FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL")
		if err != nil {
			return err
		}
		for _, m := range known {
			if _, err := tx.ExecContext(ctx, insertKnown, int64(m.ID), int64(m.KnownBy)); err != nil {
				return err
			}
		}
		for _, m := range watches {
			if err := takeOverWatch(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	}}, nil)
}

// takeOverWatch drops a watch beside its message, which now is its own while it waits. The others were set without telling
// whether somebody was there: nobody was, as a rule.
func takeOverWatch(ctx context.Context, tx *sql.Tx, watch *sms.Message) error {
	var waits bool
	err := tx.QueryRowContext(ctx, "SELECT count(*) > 0 FROM messages WHERE id = ? AND final_at IS NULL AND recipient = ? AND source = ? AND destination = ?",
		int64(watch.Receipt.Of), watch.Recipient, watch.Source.Number, watch.Dest.Number).Scan(&waits)
	switch {
	case err != nil:
		return err
	case waits:
		_, err = tx.ExecContext(ctx, "DELETE FROM messages WHERE id = ?", int64(watch.ID))
		if err == nil { // its id is not to come again
			_, err = tx.ExecContext(ctx, "UPDATE last_message_id SET id = ? WHERE id < ?", int64(watch.ID), int64(watch.ID))
		}
	default:
		watch.Receipt.Away = true
		_, err = tx.ExecContext(ctx, "UPDATE messages SET attributes = ? WHERE id = ?", appendAttributes(nil, watch), int64(watch.ID))
	}
	return err
}
