package store

import (
	"context"
	"database/sql"
	"fmt"

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

// before is withoutContent of a database that has no columns push_key and wait yet.
const before = "id, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, " +
	"final_at, attempts, error, reason, NULL, attributes, NULL, 0"

const insertKnown = "INSERT INTO submit_multi (message_id, known_by) VALUES (?, ?)"

// TakeOverWaiting is the migration that brings what waits since before there was the table submit_multi up to date;
// nobody cancels or replaces what is final.
func TakeOverWaiting(ctx context.Context, tx *sql.Tx) error {
	var known, dpfs []*sms.Message
	err := each(ctx, tx, func(m *sms.Message) error {
		if m.KnownBy != 0 {
			known = append(known, m)
		}
		if m.Kind == sms.KindDPF && m.Receipt != nil {
			dpfs = append(dpfs, m)
		}
		return nil
	}, "SELECT "+before+" FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL")
	if err != nil {
		return err
	}
	for _, m := range known {
		if _, err := tx.ExecContext(ctx, insertKnown, int64(m.ID), int64(m.KnownBy)); err != nil {
			return err
		}
	}
	for _, m := range dpfs {
		if err := takeOverDPF(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// takeOverDPF drops a delivery pending flag beside its message, which now is its own while it waits. The others were set
// without telling whether somebody was there: nobody was, as a rule.
func takeOverDPF(ctx context.Context, tx *sql.Tx, dpf *sms.Message) error {
	var waits bool
	err := tx.QueryRowContext(ctx, "SELECT count(*) > 0 FROM messages WHERE id = ? AND final_at IS NULL AND recipient = ? AND source = ? AND destination = ?",
		int64(dpf.Receipt.Of), dpf.Recipient, dpf.Source.Number, dpf.Dest.Number).Scan(&waits)
	switch {
	case err != nil:
		return err
	case waits:
		_, err = tx.ExecContext(ctx, "DELETE FROM messages WHERE id = ?", int64(dpf.ID))
		if err == nil { // its id is not to come again
			_, err = tx.ExecContext(ctx, "UPDATE last_message_id SET id = ? WHERE id < ?", int64(dpf.ID), int64(dpf.ID))
		}
	default:
		dpf.Receipt.Away = true
		_, err = tx.ExecContext(ctx, "UPDATE messages SET attributes = ? WHERE id = ?", appendAttributes(nil, dpf), int64(dpf.ID))
	}
	return err
}
