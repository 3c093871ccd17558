package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/rs/zerolog"
)

const (
	// walPages is the length of the write-ahead log, in pages of 4 KiB, at which it is copied into the database and begun anew.
	// The file keeps its size: to write over it costs the disk less than to let it grow again.
	walPages   = 8192
	framePage  = 4096 + walFrameHeader
	busyTime   = time.Second
	foldTime   = 50 * time.Millisecond // how long it waits for readers
	firstPause = time.Second / 5       // when they did not end in it
	lastPause  = 15 * time.Second
)

// care keeps the write-ahead log short. Only the committer uses it.
type care struct {
	log    zerolog.Logger
	file   string  // the log
	salts  [8]byte // of the log that fold began
	limit  int64   // pages
	pause  time.Duration
	again  time.Time // not before
	warned int64     // at this length of the log
	failed bool      // as was said
}

// Tend implements store.Database: it copies the log into the database when it is long, or when it is not bound to it because
// another program copied all of the one before. Readers that do not end hold that back; then it tries again after a pause.
func (d *database) Tend(ctx context.Context, writer *sql.Conn) {
	c := &d.care
	pages, salts := d.present.logNow()
	if pages < c.limit && c.salts == salts || time.Now().Before(c.again) || d.Present() != nil {
		return
	}
	var err error
	if c.salts != salts {
		err = name(ctx, writer)
	}
	cut := false
	if err == nil {
		cut, err = d.fold(ctx, writer)
	}
	if cut {
		c.pause, c.again, c.warned, c.failed = 0, time.Time{}, 0, false
		return
	}
	c.pause = min(max(2*c.pause, firstPause), lastPause)
	c.again = time.Now().Add(c.pause)
	switch {
	case err != nil && !c.failed:
		c.failed = true
		c.log.Error().Err(err).Str("file", c.file).Msg("the write-ahead log cannot be copied into the database, and grows")
	case err == nil && pages > 8*c.limit && pages > 2*c.warned:
		c.warned = pages
		c.log.Warn().Str("file", c.file).Int64("megabytes", pages*framePage>>20).
			Msg("the write-ahead log grows, since a program has been reading the database for long: end it, if it is no backup")
	}
}

// name has the log tell the number that the database has now: not all of a log begins with fold. That there is more in this
// transaction tells it from fold's.
func name(ctx context.Context, writer *sql.Conn) error {
	tx, err := writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var number int64
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&number); err != nil {
		return err
	}
	const other = "UPDATE goose_db_version SET is_applied = 1 - is_applied" // twice: what stays as it was is not written else
	for _, query := range []string{fmt.Sprintf("PRAGMA user_version = %d", number), other, other} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// fold copies the log into the database, begins it anew, and binds what comes into it to what is now in the database; see leftover.go.
// cut tells whether all of that was done: readers may have prevented it.
func (d *database) fold(ctx context.Context, writer *sql.Conn) (cut bool, err error) {
	even := 2 * (rand.Uint32N(1<<30-2) + 1)
	d.present.expect(even)
	exec := func(format string, args ...any) {
		if err == nil {
			_, err = writer.ExecContext(ctx, fmt.Sprintf(format, args...))
		}
	}
	exec("PRAGMA user_version = %d", even)
	if err != nil {
		return false, err
	}
	exec("PRAGMA busy_timeout = %d", foldTime.Milliseconds())
	if err == nil {
		var busy, pages, copied int
		mode := "TRUNCATE" // at a start, and when it had become too long
		if info, e := os.Stat(d.care.file); e == nil && d.care.salts != [8]byte{} && info.Size() < 2*d.care.limit*framePage {
			mode = "RESTART"
		}
		err = writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &pages, &copied)
		cut = busy == 0
	}
	if cut {
		d.present.only(even)
	}
	checkpointed := err
	err = nil
	exec("PRAGMA busy_timeout = %d", busyTime.Milliseconds())
	exec("PRAGMA user_version = %d", even+1)
	var pages int64
	pages, d.care.salts = d.present.logNow()
	cut = cut && pages < d.care.limit
	if checkpointed != nil {
		err = checkpointed
	}
	return cut && err == nil, err
}
