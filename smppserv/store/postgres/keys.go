package postgres

import (
	"context"
	"errors"
	"fmt"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
)

const (
	noteKey = "INSERT INTO content_keys (id, proof, up_to) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET up_to = excluded.up_to"
	// stillSealed looks at all messages. Others may have gone on to use a key after it was noted that nobody does.
	stillSealed = "SELECT EXISTS (SELECT 1 FROM messages WHERE get_byte(attributes, 0) = $1 AND substr(content, 1, length($2::bytea)) = $2)"
)

// CheckKeys tells whether a start would take these keys: an error is store.ErrContentKey and what to do. It changes nothing, and of a database
// that is away it does not tell.
func (d *Database) CheckKeys(ctx context.Context, keys *store.Keys) error {
	if _, err := heldTo(ctx, d.pool, keys); errors.Is(err, store.ErrContentKey) {
		return err
	}
	return nil
}

// reads is a connection, or several.
type reads interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

// heldTo holds the keys to those that messages are sealed with, and returns the notes to write.
func heldTo(ctx context.Context, c reads, keys *store.Keys) ([]store.KeyNote, error) {
	var first, last int64
	if err := c.QueryRow(ctx, "SELECT coalesce((SELECT min(id) FROM messages), 0), (SELECT id FROM last_message_id)").Scan(&first, &last); err != nil {
		return nil, err
	}
	read, err := c.Query(ctx, "SELECT id, proof, up_to FROM content_keys ORDER BY id")
	if err != nil {
		return nil, err
	}
	var notes []store.KeyNote
	var n store.KeyNote
	var upTo int64
	_, err = pgx.ForEachRow(read, []any{&n.ID, &n.Proof, &upTo}, func() error {
		notes = append(notes, store.KeyNote{ID: unescape(n.ID), Proof: append([]byte(nil), n.Proof...), UpTo: sms.ID(upTo)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range notes {
		if n := &notes[i]; n.UpTo != 0 && sms.ID(first) > n.UpTo {
			var still bool
			if err := c.QueryRow(ctx, stillSealed, store.SealedVersion, n.Head()).Scan(&still); err != nil {
				return nil, err
			}
			if still {
				n.UpTo = sms.ID(last)
			}
		}
	}
	return keys.Check(notes, sms.ID(first), sms.ID(last))
}

// checkKeys holds the keys to those that messages are sealed with, and notes the one that is used from now on.
func (d *Database) checkKeys(ctx context.Context, c *pgx.Conn) error {
	write, err := heldTo(ctx, c, d.o.Keys)
	if err != nil {
		return err
	}
	for _, n := range write {
		if n.Forget {
			_, err = c.Exec(ctx, "DELETE FROM content_keys WHERE id = $1", escape(n.ID))
		} else {
			_, err = c.Exec(ctx, noteKey, escape(n.ID), n.Proof, int64(n.UpTo))
		}
		if err != nil {
			return fmt.Errorf("note the keys of texts: %w", err)
		}
	}
	return nil
}
