package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/rs/zerolog"
)

// takeOver is the migration that brings what waits since before there was the table submit_multi up to date; nobody cancels or
// replaces what is final.
type takeOver struct{ log zerolog.Logger }

// takeOverStep is how many messages are in memory at once.
const takeOverStep = 1000

func (t takeOver) waiting(ctx context.Context, tx *sql.Tx) error {
	progress := time.Now()
	cursor, done := sms.ID(0), 0
	for {
		ms, err := waitingBefore(ctx, tx, cursor)
		if err != nil {
			return err
		}
		if len(ms) == 0 {
			return nil
		}
		for i := range ms {
			if err := takeOverOne(ctx, tx, &ms[i]); err != nil {
				return err
			}
		}
		cursor = ms[len(ms)-1].ID
		if done += len(ms); time.Since(progress) > progressTime {
			progress = time.Now()
			t.log.Info().Int("messages", done).Msg("the database of an earlier version is being taken over: messages that wait are entered into the new tables")
		}
	}
}

// waitingBefore reads waiting messages behind cursor, as far as they matter here, from a database of that time.
func waitingBefore(ctx context.Context, tx *sql.Tx, cursor sms.ID) (ms []sms.Message, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, kind, recipient, source, destination, received_at, attributes FROM messages INDEXED BY messages_waiting "+
		"WHERE final_at IS NULL AND id > ? ORDER BY id LIMIT ?", int64(cursor), takeOverStep)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names store.Names
	for rows.Next() {
		var m sms.Message
		var received int64
		var attributes sql.RawBytes
		if err := rows.Scan(&m.ID, &m.Kind, &m.Recipient, &m.Source.Number, &m.Dest.Number, &received, &attributes); err != nil {
			return nil, err
		}
		m.ReceivedAt = time.UnixMilli(received)
		if err := store.DecodeAttributes(attributes, &m, &names); err != nil {
			return nil, fmt.Errorf("message %d: %w", m.ID, err)
		}
		ms = append(ms, m)
	}
	return ms, rows.Err()
}

func takeOverOne(ctx context.Context, tx *sql.Tx, m *sms.Message) error {
	if m.KnownBy != 0 {
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO submit_multi (message_id, known_by) VALUES (?, ?)", int64(m.ID), int64(m.KnownBy)); err != nil {
			return err
		}
	}
	if m.Kind == sms.KindDPF && m.Receipt != nil {
		return takeOverDPF(ctx, tx, m)
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
		_, err = tx.ExecContext(ctx, "UPDATE messages SET attributes = ? WHERE id = ?", store.AppendAttributes(nil, dpf), int64(dpf.ID))
	}
	return err
}
