package sqlite

import (
	"errors"
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
func (d *database) Tend() {
	c := &d.care
	pages, salts := d.present.logNow()
	if pages < c.limit && c.salts == salts || time.Now().Before(c.again) || d.Present() != nil {
		return
	}
	d.gate.wait()
	var err error
	if c.salts != salts {
		err = d.name()
	}
	cut := false
	if err == nil {
		cut, err = d.fold()
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
func (d *database) name() (err error) {
	conn := d.writer.conn
	if err := exec(conn, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if !conn.AutocommitEnabled() {
			err = errors.Join(err, exec(conn, "ROLLBACK"))
		}
	}()
	number, err := ask(conn, "PRAGMA user_version")
	if err != nil {
		return err
	}
	const other = "UPDATE goose_db_version SET is_applied = 1 - is_applied" // twice: what stays as it was is not written else
	for _, query := range []string{fmt.Sprintf("PRAGMA user_version = %d", number[0]), other, other, "COMMIT"} {
		if err := exec(conn, query); err != nil {
			return err
		}
	}
	return nil
}

// fold copies the log into the database, begins it anew, and binds what comes into it to what is now in the database; see leftover.go.
// cut tells whether all of that was done: readers may have prevented it.
func (d *database) fold() (cut bool, err error) {
	even := 2 * (rand.Uint32N(1<<30-2) + 1)
	d.present.expect(even)
	conn := d.writer.conn
	if err := exec(conn, fmt.Sprintf("PRAGMA user_version = %d", even)); err != nil {
		return false, err
	}
	mode := "TRUNCATE" // at a start, and when it had become too long
	if info, e := os.Stat(d.care.file); e == nil && d.care.salts != [8]byte{} && info.Size() < 2*d.care.limit*framePage {
		mode = "RESTART"
	}
	conn.SetBusyTimeout(foldTime)
	busy, checkpointed := ask(conn, "PRAGMA wal_checkpoint("+mode+")")
	conn.SetBusyTimeout(busyTime)
	cut = checkpointed == nil && busy[0] == 0
	if cut {
		d.present.only(even)
	}
	err = exec(conn, fmt.Sprintf("PRAGMA user_version = %d", even+1))
	var pages int64
	pages, d.care.salts = d.present.logNow()
	cut = cut && pages < d.care.limit
	if checkpointed != nil {
		err = checkpointed
	}
	return cut && err == nil, err
}
