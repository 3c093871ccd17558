package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/transfer"

	"github.com/rs/zerolog"
	zombiezen "zombiezen.com/go/sqlite"
)

// end is a database that is one end of a copy. Its log is SQLite's own affair: it has only whole copies of page 1 with the number that the
// database has, so that it is known as its own, see leftover.go.
type end struct {
	ctx     context.Context // interrupts what is under way
	o       Options
	file    string
	conn    *zombiezen.Conn
	release func() error
	writes  map[*transfer.Table]*zombiezen.Stmt
	failed  *zombiezen.Stmt
}

// OpenSource opens a database whose content is to be copied elsewhere. Its schema is brought up to date. ctx ends what it does.
func OpenSource(ctx context.Context, o Options) (transfer.Database, error) {
	if _, err := os.Stat(o.File); err != nil {
		return nil, explain(o.File, err)
	}
	return openEnd(ctx, o)
}

// OpenDestination opens a database that another one is to be copied into, and makes it where it is missing.
func OpenDestination(ctx context.Context, o Options) (transfer.Database, error) {
	return openEnd(ctx, o)
}

func openEnd(ctx context.Context, o Options) (*end, error) {
	e := &end{ctx: ctx, o: o, file: followed(o.File)}
	if err := e.open(); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *end) open() error {
	current, err := e.current()
	if err != nil {
		return err
	}
	if !current { // or there is none
		o := e.o
		o.marked = true
		d, err := openFile(e.ctx, o)
		if err != nil {
			return err
		}
		if err := d.Close(); err != nil {
			return explain(e.file, err)
		}
		e.file = followed(e.o.File)
	}
	if e.release, err = lock(e.o.File); err != nil {
		return err
	}
	if like, missing := os.Stat(e.file); missing == nil {
		err = giveTo(like, e.o.File+".lock")
	}
	if err == nil {
		err = e.judge()
	}
	if err == nil {
		e.conn, err = connect(e.file, "journal_mode(wal)", "synchronous(normal)")
	}
	if err != nil {
		return explain(e.file, errors.Join(err, e.release()))
	}
	e.conn.SetInterrupt(e.ctx.Done())
	e.writes, e.failed = map[*transfer.Table]*zombiezen.Stmt{}, nil
	return nil
}

// judge refuses a file before SQLite opens it.
func (e *end) judge() error {
	if err := checkRestored(e.file); err != nil {
		return err
	}
	if err := checkLeftover(e.file); err != nil {
		return err
	}
	return checkOwner(e.ctx, e.file)
}

// current tells whether the database is there and has the newest schema.
func (e *end) current() (current bool, err error) {
	if info, err := os.Stat(e.file); err != nil || info.Size() == 0 {
		return false, nil // whoever opens it tells
	}
	release, err := lock(e.o.File)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := e.judge(); err != nil {
		return false, explain(e.file, err)
	}
	db, err := openSQL(e.file)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return isCurrent(e.ctx, db)
}

func isCurrent(ctx context.Context, db *sql.DB) (bool, error) {
	has, err := version(ctx, db)
	if err != nil {
		return false, nil // an empty one has no such table; whoever migrates it tells of all else
	}
	p, err := migrator(db, zerolog.Nop())
	if err != nil {
		return false, err
	}
	sources := p.ListSources()
	return has == sources[len(sources)-1].Version, nil
}

// Where implements transfer.Database.
func (e *end) Where() string { return e.o.File }

// State implements transfer.Database: each start changes the number that binds the log, see leftover.go.
func (e *end) State(context.Context) (string, error) {
	n, err := e.number("PRAGMA user_version")
	return strconv.FormatInt(n, 10), err
}

func (e *end) number(query string) (int64, error) {
	row, err := ask(e.conn, query)
	if err != nil {
		return 0, e.explain(err)
	}
	if len(row) == 0 {
		return 0, nil
	}
	return row[0], nil
}

func (e *end) explain(err error) error {
	if err == nil {
		return nil
	}
	if e.ctx.Err() != nil {
		return e.ctx.Err()
	}
	return explain(e.file, err)
}

// Marks implements transfer.Database.
func (e *end) Marks(context.Context) (ms transfer.Marks, err error) {
	ms, err = marksOf(e.conn)
	return ms, err
}

func marksOf(c *zombiezen.Conn) (ms transfer.Marks, err error) {
	s, _, err := c.PrepareTransient("SELECT name, ran_at FROM jobs WHERE name LIKE '" + transfer.MarkPrefix + "%'")
	if err != nil {
		return ms, err
	}
	defer s.Finalize()
	return ms, rows(s, func(s *zombiezen.Stmt) error { return ms.Read(s.ColumnText(0), s.ColumnInt64(1)) })
}

// checkMarks refuses a database that was moved elsewhere, or is not whole yet. It is called before anything is written.
func (d *database) checkMarks() error {
	is, err := ask(d.writer.conn, "SELECT count(*) FROM sqlite_schema WHERE name = 'jobs'")
	if err != nil || is[0] == 0 {
		return err
	}
	ms, err := marksOf(d.writer.conn)
	if err != nil {
		return err
	}
	return ms.Refusal(d.file)
}

// SetMark implements transfer.Database.
func (e *end) SetMark(_ context.Context, m transfer.Mark) error { return e.setMark(m) }

func (e *end) setMark(m transfer.Mark) error {
	if err := exec(e.conn, "PRAGMA synchronous = full"); err != nil {
		return e.explain(err)
	}
	err := e.within(func() error {
		s, _, err := e.conn.PrepareTransient("DELETE FROM jobs WHERE name LIKE ?")
		if err != nil {
			return err
		}
		defer s.Finalize()
		s.BindText(1, transfer.MarkPrefix+m.Kind+" %")
		if err := run(s); err != nil || m.Text == "" {
			return err
		}
		add, _, err := e.conn.PrepareTransient("INSERT INTO jobs (name, ran_at) VALUES (?, ?)")
		if err != nil {
			return err
		}
		defer add.Finalize()
		add.BindText(1, m.Name())
		add.BindInt64(2, store.Milli(m.At))
		return run(add)
	})
	if err == nil {
		err = exec(e.conn, "PRAGMA synchronous = normal")
	}
	return e.explain(err)
}

// within has f write in a transaction.
func (e *end) within(f func() error) error {
	err := exec(e.conn, "BEGIN IMMEDIATE")
	if err == nil {
		if err = f(); err == nil {
			err = exec(e.conn, "COMMIT")
		}
	}
	if err != nil && !e.conn.AutocommitEnabled() {
		e.conn.SetInterrupt(nil) // else nothing would be taken back
		err = errors.Join(err, exec(e.conn, "ROLLBACK"))
		e.conn.SetInterrupt(e.ctx.Done())
	}
	return err
}

// SetAside implements transfer.Renamed. The high-water mark stays.
func (e *end) SetAside(context.Context) (name string, err error) {
	if err := e.closeConn(); err != nil {
		return "", e.explain(err)
	}
	name = e.file + ".moved-" + time.Now().Format("20060102-150405.000")
	err = os.Rename(e.file, name) // its log went into it with the last connection
	for _, suffix := range suffixes {
		if e := os.Rename(e.file+suffix, name+suffix); err == nil && e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
	}
	if err == nil {
		err = store.SyncFolder(filepath.Dir(e.file))
	}
	err = errors.Join(err, e.release())
	e.release = func() error { return nil }
	if err != nil {
		return "", fmt.Errorf("the database that was moved cannot be set aside: %w", err)
	}
	return name, e.open()
}

func (e *end) closeConn() error {
	if e.conn == nil {
		return nil
	}
	e.conn.SetInterrupt(nil)
	err := e.conn.Close()
	e.conn = nil
	return err
}

// Close implements transfer.Database.
func (e *end) Close() error {
	return errors.Join(e.closeConn(), e.release())
}
