package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hnetsmpp/smppserv/store"

	sqlite3 "modernc.org/sqlite/lib"
	zombiezen "zombiezen.com/go/sqlite"
)

// The store works on connections of zombiezen.com/go/sqlite, which binds and reads values as they are; opening, migrating and
// copying goes through database/sql. Both have the same SQLite underneath, and so the same locks.

// connect opens a connection of the store's to a database that is there.
func connect(file string, pragmas ...string) (*zombiezen.Conn, error) {
	c, err := zombiezen.OpenConn(uri(file), zombiezen.OpenReadWrite, zombiezen.OpenURI)
	if err != nil {
		return nil, err
	}
	c.SetBusyTimeout(busyTime)
	for _, pragma := range pragmas {
		if err := exec(c, "PRAGMA "+pragma); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// exec executes a statement that is not executed often.
func exec(c *zombiezen.Conn, query string) error {
	_, err := ask(c, query)
	return err
}

// ask executes a statement that is not executed often and returns the numbers of its first row.
func ask(c *zombiezen.Conn, query string) (row []int64, err error) {
	s, _, err := c.PrepareTransient(query)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := s.Finalize(); err == nil {
			err = e
		}
	}()
	more, err := s.Step()
	if err != nil || !more {
		return nil, err
	}
	for i := range s.ColumnCount() {
		row = append(row, s.ColumnInt64(i))
	}
	return row, nil
}

// run executes a prepared statement that returns no rows.
func run(s *zombiezen.Stmt) error {
	if _, err := s.Step(); err != nil {
		return err
	}
	return s.Reset()
}

const (
	readers = 4
	// readTime bounds a read: one that holds its place in the log keeps that from beginning anew.
	readTime = 2 * time.Second
)

var (
	errReadTime = fmt.Errorf("the database did not answer in time: %w", context.DeadlineExceeded)
	errClosed   = errors.New("the database is closed")
)

// pool has the connections that read. They are opened when they are needed; the one used last is used next.
type pool struct {
	file   string
	keys   *store.Keys
	gate   *gate
	limit  time.Duration // of a read
	gone   func() error  // looks at once whether the files are still there; nil = nobody watches over them
	slots  chan struct{} // one for each connection that there may be
	closed chan struct{}

	mu   sync.Mutex
	free []*reader
	all  []*reader
}

func newPool(file string, gate *gate, keys *store.Keys) *pool {
	return &pool{file: file, keys: keys, gate: gate, limit: readTime, slots: make(chan struct{}, readers), closed: make(chan struct{})}
}

// read calls f with a connection. What f does with it is interrupted after its limit, or when ctx ends.
// A transaction that f has begun is ended.
func (p *pool) read(ctx context.Context, f func(*reader) error) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return errClosed
	}
	defer func() { <-p.slots }()
	select {
	case <-p.closed: // both were ready
		return errClosed
	default:
	}
	if err := p.gate.within(ctx, p.limit); err != nil {
		return err
	}
	err := p.use(ctx, f)
	switch code(err) {
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		if p.gone == nil {
			return err
		}
		return cmp.Or(p.gone(), err) // nothing more is to be acknowledged then, from now on
	}
	if zombiezen.ErrCode(err) != zombiezen.ResultInterrupt {
		return err
	}
	select {
	case <-p.closed:
		return errClosed
	default:
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errReadTime
}

func (p *pool) use(ctx context.Context, f func(*reader) error) error {
	r, err := p.take()
	if err != nil {
		return err
	}
	err = r.within(ctx, p.limit, f)
	p.mu.Lock()
	p.free = append(p.free, r)
	p.mu.Unlock()
	return err
}

func (p *pool) take() (*reader, error) {
	p.mu.Lock()
	if n := len(p.free); n > 0 {
		r := p.free[n-1]
		p.free = p.free[:n-1]
		p.mu.Unlock()
		return r, nil
	}
	p.mu.Unlock()
	r, err := newReader(p.file, p.keys)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.all = append(p.all, r)
	p.mu.Unlock()
	select {
	case <-p.closed: // close may not have met it
		r.interrupt(nil)
	default:
	}
	return r, nil
}

// close ends the reads that are under way.
func (p *pool) close() (err error) {
	close(p.closed)
	for range readers {
		p.mu.Lock()
		for _, r := range p.all {
			r.interrupt(nil)
		}
		p.mu.Unlock()
		p.slots <- struct{}{} // one more is not read with any more
	}
	for _, r := range p.all {
		err = errors.Join(err, r.close())
	}
	return err
}

// reader is one connection that reads.
type reader struct {
	conn  *zombiezen.Conn
	keys  *store.Keys
	names store.Names
	buf   []byte // of one value
	texts []byte // of the texts of a row
	alarm *time.Timer

	mu    sync.Mutex
	until time.Time     // of the read under way, zero = there is none
	done  chan struct{} // the connection's: closed = it answers nothing
	over  bool          // done is closed
}

func newReader(file string, keys *store.Keys) (*reader, error) {
	c, err := connect(file, "query_only = on")
	if err != nil {
		return nil, err
	}
	r := &reader{conn: c, keys: keys, done: make(chan struct{}), buf: make([]byte, 512)}
	c.SetInterrupt(r.done)
	r.alarm = time.AfterFunc(readTime, r.late)
	r.alarm.Stop()
	return r, nil
}

func (r *reader) close() error {
	r.alarm.Stop()
	return r.conn.Close()
}

func (r *reader) within(ctx context.Context, limit time.Duration, f func(*reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	r.until = time.Now().Add(limit)
	done := r.done
	r.mu.Unlock()
	r.alarm.Reset(limit)
	stop := context.AfterFunc(ctx, func() { r.interrupt(done) })
	err := f(r)
	r.alarm.Stop()
	called := !stop()
	r.mu.Lock()
	r.until = time.Time{}
	if r.over || called { // what is called too late finds another channel
		r.done, r.over = make(chan struct{}), false
		r.conn.SetInterrupt(r.done)
	}
	r.mu.Unlock()
	if !r.conn.AutocommitEnabled() {
		err = errors.Join(err, exec(r.conn, "ROLLBACK"))
	}
	return err
}

// interrupt ends the read under way that has this channel, nil = whichever it is.
func (r *reader) interrupt(done chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over && (done == nil || done == r.done) {
		r.over = true
		close(r.done)
	}
}

func (r *reader) late() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over && !r.until.IsZero() && !time.Now().Before(r.until) {
		r.over = true
		close(r.done)
	}
}
