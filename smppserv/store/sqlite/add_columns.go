package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// tryColumns are of the last try: when it began, how long it took in milliseconds and what it went through, as error and reason are
// of it; NULL = not tried, or an earlier version did, or what ended it was no try. unjudged is how many tries up to that one,
// following each other, ended alike and said nothing of the message; 0 = the last one did.
const tryColumns = ", tried_at INTEGER, took_ms INTEGER, through TEXT, unjudged INTEGER NOT NULL DEFAULT 0"

// addTryColumns is migration 8. ALTER TABLE would write the same into the schema, but first read each row of the table, for each
// column anew, to see whether it is as STRICT wants it: with ten million messages the server would start after minutes. So
// the schema is written as sqlite.org/lang_altertable.html, section 7, has it for changes that concern no row.
func addTryColumns(ctx context.Context, tx *sql.Tx) error {
	const end = ") STRICT"
	var version int64
	if err := tx.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "PRAGMA writable_schema = ON"); err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx, "UPDATE sqlite_schema SET sql = substr(sql, 1, length(sql) - length(?1)) || ?2 || ?1 "+
		"WHERE type = 'table' AND name = 'messages' AND substr(sql, -length(?1)) = ?1", end, tryColumns)
	if err == nil {
		var n int64
		if n, err = done.RowsAffected(); err == nil && n != 1 {
			err = errors.New("the table messages is not as this program made it")
		}
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA schema_version = %d", version+1)) // others read the schema anew
	}
	if _, e := tx.ExecContext(ctx, "PRAGMA writable_schema = RESET"); err == nil { // and so does this connection
		err = e
	}
	return err
}
