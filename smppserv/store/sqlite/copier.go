package sqlite

import (
	"errors"
	"sync"
	"time"

	zombiezen "zombiezen.com/go/sqlite"
)

const (
	// fewPart of the length from which on the log is copied may be left for the committer to copy, with commits waiting.
	fewPart = 16
	// copyRounds is how often it tries to come so far: commits go on meanwhile.
	copyRounds = 5
	// What holds the copying up may be a commit that is just ending, or a short read. The pauses between two attempts begin short;
	// from longPause on it is a reader that takes its time.
	shortPause = 5 * time.Millisecond
	longPause  = 50 * time.Millisecond
)

// copier copies the log into the database on a connection of its own, beside the commits (a PASSIVE checkpoint).
//
// SQLite begins a log anew by itself at the first commit after all of it was copied, without what binds it to the database (see
// leftover.go). So there is a guard, a transaction that reads what the log holds when the copying begins: until it is ended, the
// log goes on.
type copier struct {
	d   *database
	due func() // has Tend called soon; nil = nobody does

	mu       sync.Mutex
	change   sync.Cond // of phase, from copying to another one
	phase    copying
	braked   bool          // whoever commits waits
	stop     chan struct{} // closed: the copying under way is to end; nil = there is none
	ended    chan struct{} // closed: it has
	attempts int           // of all time
	warned   int64         // at this length of the log
	failed   bool          // as was said
	closed   chan struct{}

	// Of the copying under way, and then of the committer.
	conn, guard *zombiezen.Conn // nil = not opened yet
}

// copying is how far it is.
type copying uint8

const (
	rests   copying = iota
	copies          // is at it
	waits           // for a reader to end
	settled         // all but a few pages are copied, and the guard stands
)

func newCopier(d *database) *copier {
	c := &copier{d: d, closed: make(chan struct{})}
	c.change.L = &c.mu
	return c
}

// copied tells whether what is left of the log can be copied in a moment. If not, the copying begins, or goes on; with wait,
// it waits for the end of that, unless a reader holds it up.
func (c *copier) copied(wait bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == rests {
		c.phase, c.stop, c.ended = copies, make(chan struct{}), make(chan struct{})
		go c.run(c.stop, c.ended)
	}
	for c.braked = wait; wait && c.phase == copies; {
		c.change.Wait()
	}
	c.braked = false
	return c.phase == settled
}

// rest is for when the committer has copied the rest of the log; cut = and begun it anew.
func (c *copier) rest(cut bool) {
	c.endGuard()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = rests
	if cut {
		c.warned, c.failed = 0, false
	}
}

// halt ends the copying under way.
func (c *copier) halt() {
	c.mu.Lock()
	stop, ended := c.stop, c.ended
	c.stop = nil
	c.mu.Unlock()
	if stop != nil {
		close(stop)
		<-ended
	}
	c.rest(false)
}

// close ends all of it; the committer has ended.
func (c *copier) close() (err error) {
	close(c.closed)
	c.halt()
	for _, conn := range []*zombiezen.Conn{c.guard, c.conn} {
		if conn != nil {
			err = errors.Join(err, conn.Close())
		}
	}
	return err
}

func (c *copier) run(stop, ended chan struct{}) {
	defer close(ended)
	pause, round, last := shortPause, 1, int64(-1)
	for {
		asked, l, err := c.copy()
		c.mu.Lock()
		enough := c.braked || round >= copyRounds
		c.mu.Unlock()
		left := l.pages - l.copied
		held := l.copied < asked
		switch {
		case err == nil && (left <= c.d.care.limit/fewPart || enough && !held):
			c.enter(settled, stop)
			if c.due != nil {
				c.due()
			}
			return
		case err == nil && (!held || l.copied > last):
			c.endGuard()
			round, last = round+1, l.copied
			select {
			case <-stop:
				return
			default:
				continue
			}
		}
		c.endGuard()
		if err != nil || pause >= longPause {
			c.tell(err)
			c.enter(waits, stop)
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-stop:
			wait.Stop()
			return
		}
		c.enter(copies, stop)
		pause, round, last = min(2*pause, lastPause), 1, l.copied
	}
}

// enter changes the phase, unless whoever would look at it wants it to end.
func (c *copier) enter(p copying, stop chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-stop:
	default:
		c.phase = p
		c.change.Broadcast()
	}
}

// copy copies what the log holds now, asked pages of it, and tells how it is then.
func (c *copier) copy() (asked int64, l logState, err error) {
	c.mu.Lock()
	c.attempts++
	c.mu.Unlock()
	if err := c.d.present.now(); err != nil { // it would go into something else
		return 0, l, err
	}
	if err := c.open(); err != nil {
		return 0, l, err
	}
	c.d.gate.wait()
	asked = c.d.present.logNow().pages
	for _, query := range []string{"BEGIN", "SELECT 1 FROM last_message_id"} {
		if err := exec(c.guard, query); err != nil {
			return 0, l, err
		}
	}
	_, err = ask(c.conn, "PRAGMA wal_checkpoint(PASSIVE)")
	return asked, c.d.present.logNow(), err
}

func (c *copier) open() (err error) {
	if c.guard == nil {
		if c.guard, err = connect(c.d.file, "query_only = on"); err != nil {
			return err
		}
	}
	if c.conn == nil {
		if c.conn, err = connect(c.d.file, writing...); err != nil {
			return err
		}
		c.conn.SetInterrupt(c.closed)
	}
	return nil
}

func (c *copier) endGuard() {
	if c.guard != nil && !c.guard.AutocommitEnabled() {
		_ = exec(c.guard, "COMMIT") // it reads: there is nothing that could fail
	}
}

// tell says once what keeps the log from being copied.
func (c *copier) tell(err error) {
	care := &c.d.care
	pages := c.d.present.logNow().pages
	c.mu.Lock()
	failed, long := err != nil && !c.failed, err == nil && pages > 16*care.limit && pages > 2*c.warned
	c.failed = c.failed || failed
	if long {
		c.warned = pages
	}
	c.mu.Unlock()
	switch {
	case failed && zombiezen.ErrCode(err) != zombiezen.ResultInterrupt:
		care.log.Error().Err(err).Str("file", care.file).Msg("the write-ahead log cannot be copied into the database, and grows")
	case long:
		care.log.Warn().Str("file", care.file).Int64("megabytes", pages*framePage>>20).
			Msg("the write-ahead log grows, since a program has been reading the database for long: end it, if it is no backup")
	}
}
