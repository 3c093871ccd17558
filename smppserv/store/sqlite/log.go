package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/rs/zerolog"
)

// The log is copied into the database by the copier, while commits go on. When all but the last pages of it are copied, the
// committer copies those between two commits and begins it anew, which takes a moment; see fold.

const (
	// walPages is the length of the write-ahead log, in pages of 4 KiB, from which on it is copied into the database where it grows fast.
	walPages = 4096
	// The file is cut when it has become longer than keptPages. Else it keeps its size: to write over it costs the disk less than
	// to let it grow again. Where it grows slowly it is not copied before it is nearly as long: while it is copied, and begun anew,
	// commits take several times as long.
	keptPages = 3 * walPages
	// From brakePages on, 256 MiB, commits wait until what is being copied is: they come faster than it goes into the database.
	brakePages = 1 << 16
	framePage  = 4096 + walFrameHeader
	busyTime   = time.Second
	foldTime   = 20 * time.Millisecond // how long it waits for readers
	firstPause = time.Second / 5       // when they did not end in it
	lastPause  = 5 * time.Second
)

// care keeps the write-ahead log short. Only the committer uses it.
type care struct {
	log    zerolog.Logger
	file   string  // the log
	salts  [8]byte // of the log that fold began
	limit  int64   // pages, as walPages
	from   int64   // the length from which on it is copied, where that is above limit
	brake  int64   // as brakePages
	pause  time.Duration
	again  time.Time // not before
	woken  time.Time // has Tend called at that time
	failed bool      // as was said
	long   bool      // nothing more is done to lengthen it
	scrubs
}

// kept is the length up to which the file of the log keeps its size, in pages.
func (c *care) kept() int64 { return keptPages / walPages * c.limit }

// start is the length from which on the log is copied, in pages.
func (c *care) start() int64 { return max(c.limit, c.from) }

// copiedAt is told how long the log became until it was copied: next time there is to be room for twice that growth, and for
// what the committer has left to copy.
func (c *care) copiedAt(pages int64) { c.from = c.kept() - c.limit/fewPart - 2*(pages-c.start()) }

// Tend implements store.Database: it has a long log copied, and begins it anew when it is, or when it is not bound to the database
// because another program copied all of the one before. Readers that do not end hold that back; then it tries again after a pause.
func (d *database) Tend() {
	c := &d.care
	l := d.present.logNow()
	scrub := c.waiting()
	if l.pages < c.start() && c.salts == l.salts && scrub == 0 {
		return
	}
	if rest := time.Until(c.again); rest > 0 {
		if scrub > 0 && c.woken != c.again { // nobody may commit until then
			c.woken = c.again
			time.AfterFunc(rest, d.copier.due)
		}
		return
	}
	if d.Present() != nil {
		d.copier.halt()
		return
	}
	d.gate.wait()
	var err error
	switch {
	case c.salts != l.salts:
		d.copier.halt()
		err = d.name()
	case scrub > 0:
		d.copier.halt()
	case !d.copier.copied(l.pages >= c.brake):
		return
	}
	cut := false
	if err == nil {
		cut, err = d.fold()
	}
	d.copier.rest(cut)
	if cut {
		c.pause, c.again, c.failed = 0, time.Time{}, false
		if l.pages >= c.start() {
			c.copiedAt(l.pages)
		}
		if scrub > 0 {
			c.long = false // its file was cut
			c.done(scrub)
		}
		return
	}
	c.pause = min(max(2*c.pause, firstPause), lastPause)
	c.again = time.Now().Add(c.pause)
	if scrub > 0 {
		c.woken = c.again
		time.AfterFunc(c.pause, d.copier.due)
	}
	if err != nil && !c.failed {
		c.failed = true
		c.log.Error().Err(err).Str("file", c.file).Msg("the write-ahead log cannot be copied into the database, and grows")
	}
}

// OnDue implements store.Database.
func (d *database) OnDue(due func()) { d.copier.due = due }

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
	if l := d.present.logNow(); l.copied >= l.pages { // what comes next begins it: that must tell the number which is in the database
		err = d.name()
	}
	if err == nil {
		err = exec(conn, fmt.Sprintf("PRAGMA user_version = %d", even))
	}
	d.copier.endGuard() // there is something in the log that is not copied: no commit but that below begins it anew
	if err != nil {
		return false, err
	}
	mode := "TRUNCATE" // at a start, when it had become too long, and when nothing is to be left of what was in it
	if info, e := os.Stat(d.care.file); !d.care.wanted() && e == nil && d.care.salts != [8]byte{} && info.Size() <= d.care.kept()*framePage {
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
	l := d.present.logNow()
	d.care.salts = l.salts
	cut = cut && l.pages < d.care.limit
	if checkpointed != nil {
		err = checkpointed
	}
	return cut && err == nil, err
}
