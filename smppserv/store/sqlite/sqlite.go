// Package sqlite is the SQLite database of a store: how it is opened, kept up to date and cared for, and what its errors mean.
//
// Its write-ahead log is flushed at each commit (synchronous=FULL): what is committed survives a loss of power.
package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"hnetsmpp/smppserv/store"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"github.com/rs/zerolog"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID is "HNET" in SQLite's application_id: it tells our database from another program's.
const applicationID = 0x484E4554

// walPages is the size of the write-ahead log, in pages of 4 KiB, at which a commit copies it into the database.
const walPages = 8192

// Options of a store in SQLite.
type Options struct {
	File string // made when it is missing, as is its folder
	Log  zerolog.Logger
}

// Open opens a store, creates it when it is missing, and brings its schema up to date.
// Its errors name the file and what to do; store.ErrHeld is among them.
func Open(ctx context.Context, o Options) (*store.Store, error) {
	d, err := openFile(ctx, o.File)
	if err != nil {
		return nil, err
	}
	s, err := store.New(ctx, d, o.Log)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", o.File, errors.Join(err, d.Close()))
	}
	return s, nil
}

// database implements store.Database.
type database struct {
	write, read *sql.DB
	release     func() error // gives the lock back
}

// Writer implements store.Database.
func (d *database) Writer() *sql.DB { return d.write }

// Reader implements store.Database.
func (d *database) Reader() *sql.DB { return d.read }

// Close implements store.Database.
func (d *database) Close() error {
	return errors.Join(d.write.Close(), d.read.Close(), d.release())
}

func openFile(ctx context.Context, file string) (*database, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return nil, fmt.Errorf("store: cannot make the folder of the database: %w", err)
	}
	// SQLite would lock the file too late, at the first write, and let two workers read the same messages.
	lock := flock.New(file + ".lock")
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("store: cannot write in the folder of the database: %w", err)
	case !locked:
		return nil, fmt.Errorf("store %s: %w: stop the other smppserv first", file, store.ErrHeld)
	}
	d := &database{release: lock.Unlock}
	err := create(file)
	if err == nil {
		err = checkOwner(ctx, file)
	}
	if err == nil {
		err = d.open(ctx, file)
	}
	if err != nil {
		d.release()
		return nil, explain(file, err)
	}
	return d, nil
}

func (d *database) open(ctx context.Context, file string) error {
	var err error
	if d.write, err = sql.Open("sqlite", dsn(file, "journal_mode(wal)", "synchronous(full)", fmt.Sprintf("wal_autocheckpoint(%d)", walPages))); err != nil {
		return err
	}
	d.write.SetMaxOpenConns(1)
	if err = migrate(ctx, d.write); err == nil {
		d.read, err = sql.Open("sqlite", dsn(file, "query_only(true)"))
	}
	if err != nil {
		d.write.Close()
		return err
	}
	d.read.SetMaxOpenConns(4)
	return nil
}

func dsn(file string, pragmas ...string) string {
	q := url.Values{"_pragma": append(pragmas, "busy_timeout(1000)")}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// create makes the file if it is missing, so that nobody but the service's account can read the messages in it.
// SQLite gives its other files the same mode.
func create(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// checkOwner refuses a file that is not ours before anything is written to it.
func checkOwner(ctx context.Context, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 16)
	switch n, err := io.ReadFull(f, head); {
	case n == 0 && errors.Is(err, io.EOF): // a new one
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case !bytes.Equal(head, []byte("SQLite format 3\x00")):
		return errNotADatabase
	}
	id, tables, err := owner(ctx, file, "&mode=ro")
	var se *sqlite.Error
	if errors.As(err, &se) && se.Code() == sqlite3.SQLITE_READONLY_ROLLBACK {
		// Whoever began it was stopped in the middle, perhaps we at the first start: it can be read when that is taken back.
		id, tables, err = owner(ctx, file, "")
	}
	if err != nil {
		return err
	}
	if id != applicationID && (id != 0 || tables > 0) {
		return errNotOurs
	}
	return nil
}

// owner is what a database says about whose it is.
func owner(ctx context.Context, file, mode string) (id, tables int, err error) {
	db, err := sql.Open("sqlite", dsn(file, "query_only(true)")+mode)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	if err = db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err == nil {
		err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables)
	}
	return id, tables, err
}

var (
	errNotADatabase = errors.New("this file is not a SQLite database")
	errNotOurs      = errors.New("this database belongs to another program")
	errNewer        = errors.New("this database was written by a newer version of smppserv")
)

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	var id int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if id != applicationID { // setting it again would write, also to a database that is refused below
		if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithGoMigrations(
		goose.NewGoMigration(3, &goose.GoFunc{RunTx: store.TakeOverWaiting}, nil)))
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > target {
		return errNewer
	}
	_, err = p.Up(ctx)
	return err
}

// explain says in one line what is wrong with the database and what to do about it.
func explain(file string, err error) error {
	var advice string
	var se *sqlite.Error
	var pe *fs.PathError
	switch {
	case errors.Is(err, errNotADatabase), errors.Is(err, errNotOurs):
		advice = "; set store.dsn to another file"
	case errors.Is(err, errNewer):
		advice = "; install that version again, or set store.dsn to another file"
	case errors.As(err, &se) && (se.Code()&0xff == sqlite3.SQLITE_CANTOPEN || se.Code()&0xff == sqlite3.SQLITE_FULL || se.Code()&0xff == sqlite3.SQLITE_READONLY),
		errors.As(err, &pe), errors.Is(err, context.Canceled):
	default:
		advice = "; the database is damaged, it seems: restore it from a backup, or move it away (sqlite3's .recover may save the messages)"
	}
	return fmt.Errorf("store %s: %w%s", file, err, advice)
}

// RefusesRow implements store.Database.
func (*database) RefusesRow(err error) bool {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return false
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return true
	}
	return false
}

// NoTransaction implements store.Database: SQLite rolls back by itself after some errors.
func (*database) NoTransaction(err error) bool {
	return strings.Contains(err.Error(), "no transaction is active")
}
