package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
)

type scanner interface{ Scan(...any) error }

func scanMessage(row scanner) (*sms.Message, error) {
	m := &sms.Message{}
	var received, due, expires, wait int64
	var final sql.NullInt64
	var pushKey sql.NullString
	var attributes sql.RawBytes
	err := row.Scan(&m.ID, &m.Kind, &m.State, &m.Submitter, &m.Recipient, &m.Source.Number, &m.Dest.Number,
		&received, &due, &expires, &final, &m.Attempts, &m.Error, &m.Reason, &m.Content, &attributes, &pushKey, &wait)
	if err != nil {
		return nil, err
	}
	m.ReceivedAt, m.DueAt, m.ExpiresAt = time.UnixMilli(received), time.UnixMilli(due), time.UnixMilli(expires)
	m.PushKey, m.Wait = pushKey.String, time.Duration(wait)*time.Millisecond
	if final.Valid {
		m.FinalAt = time.UnixMilli(final.Int64)
	}
	if err := decodeAttributes(attributes, m); err != nil {
		return nil, fmt.Errorf("message %d: %w", m.ID, err)
	}
	return m, nil
}

func (s *Store) each(ctx context.Context, f func(*sms.Message) error, query string, args ...any) error {
	return each(ctx, s.db, f, query, args...)
}

// querier is the database, or a transaction in it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func each(ctx context.Context, q querier, f func(*sms.Message) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		m, err := scanMessage(rows)
		if err != nil {
			return err
		}
		if err := f(m); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Get returns one message, or sms.ErrUnknown.
func (s *Store) Get(ctx context.Context, id sms.ID) (*sms.Message, error) {
	var found *sms.Message
	err := s.each(ctx, func(m *sms.Message) error { found = m; return nil },
		"SELECT "+selected+" FROM messages WHERE id = ?", int64(id))
	if err != nil {
		return nil, fmt.Errorf("store: read message %d: %w", id, err)
	}
	if found == nil {
		return nil, sms.ErrUnknown
	}
	return found, nil
}

// Load reads messages by their IDs; those that are missing are left out.
func (s *Store) Load(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	return s.load(ctx, selected, ids)
}

// LoadHeads is Load with no more of each Content than its first sms.HeadOctets: enough for the receipt of what ends untried.
func (s *Store) LoadHeads(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	return s.load(ctx, heads, ids)
}

// heads is selected with the beginning of the text.
var heads = strings.Replace(selected, "content", fmt.Sprintf("substr(content, 1, %d)", sms.HeadOctets), 1)

func (s *Store) load(ctx context.Context, columns string, ids []sms.ID) ([]*sms.Message, error) {
	ms := make([]*sms.Message, 0, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), rowSteps[0])
		args := make([]any, n)
		for i, id := range ids[:n] {
			args[i] = int64(id)
		}
		err := s.each(ctx, func(m *sms.Message) error { ms = append(ms, m); return nil },
			"SELECT "+columns+" FROM messages WHERE id IN ("+repeat("?", n)+") ORDER BY id", args...)
		if err != nil {
			return nil, fmt.Errorf("store: read messages: %w", err)
		}
		ids = ids[n:]
	}
	return ms, nil
}

// withoutContent is columns with nothing in the place of the text.
const withoutContent = "id, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, " +
	"final_at, attempts, error, reason, NULL, attributes, push_key, wait"

// Waiting calls f for each message that is not final and whose ID is above after, in the order of their IDs,
// without their Content, and stops at f's first error. m is only valid until f returns.
func (s *Store) Waiting(ctx context.Context, after sms.ID, f func(*sms.Message) error) error {
	err := s.each(ctx, f, "SELECT "+withoutContent+" FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL AND id > ? ORDER BY id", int64(after))
	if err != nil {
		return fmt.Errorf("store: read the waiting messages: %w", err)
	}
	return nil
}

// WaitingIDs lists the messages above after and up to upTo that are not final, in ascending order and at most limit of them.
func (s *Store) WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) (ids []sms.ID, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL AND id > ? AND id <= ? ORDER BY id LIMIT ?",
		int64(after), int64(upTo), limit)
	if err != nil {
		return nil, fmt.Errorf("store: read the waiting ids: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id sms.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("store: read the waiting ids: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// WrittenElsewhere tells whether another program has written to the database since the last call; at the first one, since the
// store was opened. Somebody may have put messages back to ENROUTE.
func (s *Store) WrittenElsewhere(ctx context.Context) (bool, error) {
	var written bool
	done := make(chan error, 1)
	look := func(w *writer) (err error) {
		written, err = w.writtenElsewhere()
		return err
	}
	if !s.push(op{write: look, done: func(err error) { done <- err }}) {
		return false, sms.ErrUnavailable
	}
	select {
	case err := <-done:
		return written, err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
