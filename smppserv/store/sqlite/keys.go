package sqlite

import (
	"errors"
	"fmt"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	zombiezen "zombiezen.com/go/sqlite"
)

// checkKeys holds the keys to those that messages are sealed with, and notes the one that is used from now on.
func (w *writer) checkKeys() error {
	ids, err := ask(w.conn, "SELECT coalesce((SELECT min(id) FROM messages), 0), max((SELECT coalesce(max(id), 0) FROM last_message_id), (SELECT coalesce(max(id), 0) FROM messages))")
	if err != nil {
		return err
	}
	var notes []store.KeyNote
	if err := each(w.conn, "SELECT id, proof, up_to FROM content_keys ORDER BY id", func(s *zombiezen.Stmt) error {
		proof := make([]byte, s.ColumnLen(1))
		s.ColumnBytes(1, proof)
		notes = append(notes, store.KeyNote{ID: s.ColumnText(0), Proof: proof, UpTo: sms.ID(s.ColumnInt64(2))})
		return nil
	}); err != nil {
		return err
	}
	write, err := w.keys.Check(notes, sms.ID(ids[0]), sms.ID(ids[1]))
	if err != nil {
		return err
	}
	for _, n := range write {
		query := "INSERT OR REPLACE INTO content_keys (id, proof, up_to) VALUES (?, ?, ?)"
		if n.Forget {
			query = "DELETE FROM content_keys WHERE id = ?"
		}
		err := execBound(w.conn, query, func(s *zombiezen.Stmt) {
			s.BindText(1, n.ID)
			if !n.Forget {
				s.BindBytes(2, n.Proof)
				s.BindInt64(3, int64(n.UpTo))
			}
		})
		if err != nil {
			return fmt.Errorf("note the keys of texts: %w", err)
		}
	}
	return nil
}

// execBound executes a statement that is not executed often.
func execBound(c *zombiezen.Conn, query string, bind func(*zombiezen.Stmt)) error {
	s, _, err := c.PrepareTransient(query)
	if err != nil {
		return err
	}
	bind(s)
	_, err = s.Step()
	return errors.Join(err, s.Finalize())
}
