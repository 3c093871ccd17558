package sqlite

import (
	"errors"
	"fmt"
	"os"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	zombiezen "zombiezen.com/go/sqlite"
)

// CheckKeys tells whether a start would take these keys: an error is store.ErrContentKey and what to do. It changes nothing, and of a file that
// is not there, that this account may not use, or that a server left in the middle of its work, it does not tell.
func CheckKeys(file string, keys *store.Keys) error {
	lockFile := file
	file = followed(file)
	if _, err := os.Stat(file); err != nil {
		return nil
	}
	if _, err := os.Stat(file + "-wal"); err == nil { // whoever opens it alone writes it into the database: that is the start's
		if _, err := os.Stat(lockFile + ".lock"); err != nil {
			return nil
		}
		release, err := lock(lockFile)
		if err == nil {
			err = release()
		}
		if !errors.Is(err, store.ErrHeld) {
			return nil
		}
	}
	c, err := connect(file, "query_only = true")
	if err != nil {
		return nil
	}
	defer c.Close()
	if _, err := heldTo(c, keys); errors.Is(err, store.ErrContentKey) {
		return fmt.Errorf("store %s: %w", file, err)
	}
	return nil
}

// heldTo holds the keys to those that messages are sealed with, and returns the notes to write.
func heldTo(c *zombiezen.Conn, keys *store.Keys) ([]store.KeyNote, error) {
	ids, err := ask(c, "SELECT coalesce((SELECT min(id) FROM messages), 0), max((SELECT coalesce(max(id), 0) FROM last_message_id), (SELECT coalesce(max(id), 0) FROM messages))")
	if err != nil {
		return nil, err
	}
	var notes []store.KeyNote
	if err := each(c, "SELECT id, proof, up_to FROM content_keys ORDER BY id", func(s *zombiezen.Stmt) error {
		proof := make([]byte, s.ColumnLen(1))
		s.ColumnBytes(1, proof)
		notes = append(notes, store.KeyNote{ID: s.ColumnText(0), Proof: proof, UpTo: sms.ID(s.ColumnInt64(2))})
		return nil
	}); err != nil {
		return nil, err
	}
	return keys.Check(notes, sms.ID(ids[0]), sms.ID(ids[1]))
}

// checkKeys holds the keys to those that messages are sealed with, and notes the one that is used from now on.
func (w *writer) checkKeys() error {
	write, err := heldTo(w.conn, w.keys)
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
