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
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/numbers"

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

// Options of a store in SQLite.
type Options struct {
	File string      // made when it is missing, as is its folder
	Keys *store.Keys // that texts are sealed with; nil = they are not, and none are
	Log  zerolog.Logger

	marked bool // also one that was moved elsewhere, or is not whole yet
}

// Open opens a store, creates it when it is missing, and brings its schema up to date.
// Its errors name the file and what to do; store.ErrHeld is among them.
func Open(ctx context.Context, o Options) (*store.Store, error) {
	d, err := OpenDatabase(ctx, o)
	if err != nil {
		return nil, err
	}
	s, err := store.New(ctx, d, o.Log)
	if err != nil {
		return nil, explain(o.File, errors.Join(err, d.Close()))
	}
	return s, nil
}

// Files are flushed by fdatasync, where there is that: it leaves out the times of the file, which fsync writes through the journal of
// ext4 and the like; what is committed is as safe.
func init() { _, _ = sqlite.Fdatasync(true) }

// OpenDatabase is Open for whoever makes the store of it by himself.
func OpenDatabase(ctx context.Context, o Options) (store.Database, error) {
	d, err := openFile(ctx, o)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// database implements store.Database.
type database struct {
	file, mark string
	keys       *store.Keys
	log        zerolog.Logger
	gate       *gate
	writer     *writer
	readers    *pool
	release    func() error // gives the lock back
	care       care
	copier     *copier
	present    *present

	numbers atomic.Pointer[numbers.Book] // nil until Start
	noted   atomic.Bool                  // there may be rows of earlier versions in conversations
	own     func(func() error) error     // see store.Database.Start

	tailMessages int // of the index, 0 = as many as it likes
}

// Medium implements store.Database.
func (d *database) Medium() (name, look string) { return "disk", "the disk of the database" }

// MarkFile implements store.Database.
func (d *database) MarkFile() string { return d.mark }

// markFile has a name that does not begin with the database's: whoever moves all of messages.db* away leaves it.
func markFile(file string) string {
	return filepath.Join(filepath.Dir(file), "last_message_id."+filepath.Base(file))
}

// Close implements store.Database.
func (d *database) Close() error {
	if book := d.numbers.Load(); book != nil {
		book.Close()
	}
	err := errors.Join(d.readers.close(), d.copier.close(), d.gate.close())
	if !d.present.overwritten() { // the last one to close copies the log into whatever is there
		err = errors.Join(err, d.present.closeIndex(), d.writer.conn.Close(), d.present.head.Close())
	}
	return errors.Join(err, d.release())
}

func openFile(ctx context.Context, o Options) (*database, error) {
	if err := os.MkdirAll(filepath.Dir(o.File), 0o750); err != nil {
		return nil, fmt.Errorf("store: cannot make the folder of the database: %w", err)
	}
	release, err := lock(o.File)
	if err != nil {
		return nil, err
	}
	d := &database{mark: markFile(o.File), keys: o.Keys, log: o.Log, release: release}
	file := followed(o.File)
	err = checkRestored(file)
	if err == nil {
		err = checkLeftover(file)
	}
	if err == nil {
		err = create(file)
	}
	if err == nil {
		d.file = followed(file)
		d.care = care{log: o.Log, file: d.file + "-wal", limit: walPages, brake: brakePages}
		d.copier = newCopier(d)
		err = checkOwner(ctx, d.file)
	}
	if err == nil {
		err = d.open(ctx, !o.marked)
	}
	if err != nil {
		release()
		return nil, explain(o.File, err)
	}
	return d, nil
}

// followed is where symbolic links lead: SQLite has its other files there.
func followed(file string) string {
	if path, err := filepath.EvalSymlinks(file); err == nil {
		return path
	}
	return file // it is not there yet
}

// lock keeps other workers away, and what must not work beside one. SQLite would lock the file too late, at the first write,
// and let two workers read the same messages.
func lock(file string) (release func() error, err error) {
	lock := flock.New(file + ".lock")
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("store %s: cannot write in the folder of the database: %w", file, err)
	case !locked:
		return nil, fmt.Errorf("store %s: %w: stop the other smppserv first", file, store.ErrHeld)
	}
	return lock.Unlock, nil
}

func (d *database) open(ctx context.Context, whole bool) error {
	var err error
	if d.present, err = newPresent(d.file); err != nil {
		return err
	}
	if d.writer, err = openWriter(d.file); err == nil {
		d.writer.keys = d.keys
		if whole {
			err = d.checkMarks()
		}
		if err == nil {
			err = d.migrate(ctx)
		}
		if err == nil && whole {
			err = d.writer.checkKeys()
		}
		if err == nil {
			err = d.writer.prepare()
		}
		if err == nil {
			err = d.present.begin(d.file, d.file+"-wal")
		}
		if err != nil {
			d.present.closeIndex()
			d.writer.conn.Close()
		}
	}
	if err != nil {
		d.present.head.Close()
		return err
	}
	d.gate = newGate(d.file)
	d.readers = newPool(d.file, d.gate, d.keys)
	d.readers.gone = d.present.now
	return nil
}

// writing is what a connection that writes is told: it copies the log into the database when Tend says so, and at no commit.
// What is deleted is overwritten with zeros.
var writing = []string{"journal_mode(wal)", "synchronous(full)", "wal_autocheckpoint(0)", "secure_delete(on)"}

// openSQL opens a connection that writes, for whoever writes seldom.
func openSQL(file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(file, writing...))
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func dsn(file string, pragmas ...string) string {
	q := url.Values{"_pragma": append(pragmas, fmt.Sprintf("busy_timeout(%d)", busyTime.Milliseconds()))}
	return uri(file) + "?" + q.Encode()
}

// uri names a file for SQLite, whatever is in its name.
func uri(file string) string {
	path := (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath()
	if strings.HasPrefix(path, "//") { // else the first name would be an authority: \\server\share\messages.db
		path = "//" + path
	}
	return (&url.URL{Scheme: "file", Opaque: path}).String()
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
	head := make([]byte, len(sqliteMagic))
	switch n, err := readHead(file, head); {
	case err != nil:
		return err
	case n == 0: // a new one
		return nil
	case !bytes.Equal(head, sqliteMagic):
		return errNotADatabase
	}
	id, tables, err := owner(ctx, file, "&mode=ro")
	if se, ok := errors.AsType[*sqlite.Error](err); ok && se.Code() == sqlite3.SQLITE_READONLY_ROLLBACK {
		// Whoever began it was stopped in the middle, perhaps we at the first start: it can be read when that is taken back.
		id, tables, err = owner(ctx, file, "")
	}
	if err != nil {
		return err
	}
	if id != applicationID && (id != 0 || tables > 0) {
		return store.ErrForeign
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

// migrate brings the schema up to date.
func (d *database) migrate(ctx context.Context) (err error) {
	id, err := ask(d.writer.conn, "PRAGMA application_id")
	if err != nil {
		return err
	}
	if id[0] != applicationID { // setting it again would write, also to a database that is refused below
		if err := exec(d.writer.conn, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
	}
	db, err := openSQL(d.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// goose would take a table that cannot be read for one that is missing.
	if _, err := version(ctx, db); err != nil && code(err) != sqlite3.SQLITE_ERROR {
		return err
	}
	p, err := migrator(db, d.log)
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
	if err := d.foldAtStart(); err != nil {
		return err
	}
	if current > 0 && current < target {
		if err := d.keepEarlier(ctx, db, current, target); err != nil {
			return err
		}
	}
	_, err = p.Up(ctx)
	return err
}

// version is that of the schema; the error is an SQLITE_ERROR where there is none yet.
func version(ctx context.Context, db *sql.DB) (v int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version").Scan(&v)
	return v, err
}

func (d *database) foldAtStart() (err error) {
	d.present.index, err = os.Open(d.file + "-shm")
	if errors.Is(err, fs.ErrNotExist) {
		err = errNoLog
	}
	if err == nil {
		err = d.name()
	}
	if err == nil {
		_, err = d.fold()
	}
	return err
}

func migrator(db *sql.DB, log zerolog.Logger) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithGoMigrations(
		goose.NewGoMigration(3, &goose.GoFunc{RunTx: takeOver{log}.waiting}, nil),
		goose.NewGoMigration(8, &goose.GoFunc{RunTx: addTryColumns}, nil)))
}
