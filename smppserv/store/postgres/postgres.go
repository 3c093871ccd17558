// Package postgres is the PostgreSQL database of a store: how it is opened, kept up to date and cared for, and what its errors mean.
//
// Several workers share it. Each has an epoch, and proves in every transaction that it is still its own:
//
//	BEGIN ─ fence(epoch, n) ─ what the batch adds, changes and ends ─┬─ counters ─ COMMIT
//	        └── one round trip ──────────────────────────────────────┘ └── one more ───┘
//
// n counts the epoch's transactions. Where the answer to a COMMIT is lost, the table fences tells whether the n-th one is on disk.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options of a store in PostgreSQL.
type Options struct {
	// DSN is a postgres:// URL or key=value words, as libpq has them. It is in no error and no line of the log.
	DSN string
	// Beside is the folder from which relative paths of certificates in the DSN start.
	Beside string
	// Folder is where the high-water mark of the message_ids is kept; it is made when it is missing.
	Folder string
	// Node is the name of this worker, by which its counters are kept.
	Node string
	// Lease bounds how long a statement of the writer takes or waits for a lock.
	Lease time.Duration
	// GroupTime is how long parts of a long text that come in at other workers go to the one that has the first one; 0 = they stay where
	// they come in.
	GroupTime time.Duration
	// Keys are what texts are sealed with; nil = they are not, and none are.
	Keys *store.Keys
	Log  zerolog.Logger

	marked bool // also one that was moved elsewhere, or is not whole yet
}

const defaultLease = 10 * time.Second

// Database is a PostgreSQL database of ours, its schema up to date. Begin makes a store of it.
type Database struct {
	o        Options
	config   *pgx.ConnConfig
	reads    *pgxpool.Pool
	pool     *pgxpool.Pool
	epoch    atomic.Int64
	gather   atomic.Int64 // Options.GroupTime
	estates  atomic.Pointer[func() []sms.Epoch]
	lives    atomic.Pointer[[]sms.Epoch] // that this worker had before
	alone    bool                        // no other one shares the database
	risks    []string
	keepPool bool
	writer   writer

	unreadable sms.Unreadable
}

// OpenDatabase opens a database, makes its tables where it is empty, and brings its schema up to date. Its errors say what to do,
// and nothing of the DSN but where the server is; see IsAway and IsBadDSN. store.ErrHeld is among them.
func OpenDatabase(ctx context.Context, o Options) (*Database, error) {
	d, err := newDatabase(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := d.openPools(ctx); err != nil {
		d.closePools()
		return nil, explain(d.where(), err)
	}
	return d, nil
}

// Risks tells because of which settings of the server, as they were when the database was opened, messages that were acknowledged can be
// lost, and what to do.
func (d *Database) Risks() []string { return d.risks }

// newDatabase is OpenDatabase without connections.
func newDatabase(ctx context.Context, o Options) (*Database, error) {
	if o.Lease <= 0 {
		o.Lease = defaultLease
	}
	config, err := parse(o.DSN, o.Beside)
	if err != nil {
		return nil, err
	}
	d := &Database{o: o, config: config}
	d.lives.Store(&[]sms.Epoch{})
	d.Gather(o.GroupTime)
	if err := os.MkdirAll(o.Folder, 0o750); err != nil {
		return nil, fmt.Errorf("store: cannot make the folder of the high-water mark: %w", err)
	}
	if err := d.prepare(ctx); err != nil {
		return nil, explain(d.where(), err)
	}
	return d, nil
}

const (
	// readTime bounds a statement that reads.
	readTime = 5 * time.Second
	// readers are the connections for reading, sharers those of whoever shares the database with other workers.
	readers, sharers = 8, 4
)

func (d *Database) openPools(ctx context.Context) (err error) {
	if d.reads, err = d.newPool(ctx, readers, readTime); err != nil {
		return err
	}
	d.pool, err = d.newPool(ctx, sharers, d.o.Lease/2)
	return err
}

func (d *Database) newPool(ctx context.Context, size int32, statement time.Duration) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	config.ConnConfig = d.config.Copy()
	setTimes(config.ConnConfig, statement, d.o.Lease)
	config.MaxConns, config.MinConns = size, 0
	config.MaxConnIdleTime = 5 * time.Minute
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		c.RuntimeParams["application_name"] = ApplicationName(sms.Epoch(d.epoch.Load()))
		return nil
	}
	return pgxpool.NewWithConfig(ctx, config)
}

func (d *Database) closePools() {
	for _, p := range []*pgxpool.Pool{d.reads, d.pool} {
		if p != nil {
			p.Close()
		}
	}
}

// ApplicationName is what the connections of an epoch call themselves; whoever takes over from it ends them by that.
func ApplicationName(e sms.Epoch) string {
	if e == 0 {
		return "hnetsmpp"
	}
	return fmt.Sprintf("hnetsmpp %d", e)
}

// Pool has connections for whoever shares the database with other workers. Nothing else waits for them.
func (d *Database) Pool() *pgxpool.Pool { return d.pool }

// Epoch is the one that Begin was given, 0 = none yet.
func (d *Database) Epoch() sms.Epoch { return sms.Epoch(d.epoch.Load()) }

// Begin makes a store of the database under an epoch that has its row in fences. Closing the store closes the database, but for its Pool,
// through which what is left is given away; ClosePool closes that.
func (d *Database) Begin(ctx context.Context, epoch sms.Epoch) (*store.Store, error) {
	d.keepPool = true
	return d.begin(ctx, epoch, d)
}

// ClosePool closes the connections of Pool.
func (d *Database) ClosePool() { d.pool.Close() }

// begin has the store close what as is, which is d or has it.
func (d *Database) begin(ctx context.Context, epoch sms.Epoch, as store.Database) (*store.Store, error) {
	d.epoch.Store(int64(epoch))
	d.pool.Reset()
	if err := d.writer.open(ctx, d, epoch); err != nil {
		return nil, explain(d.where(), errors.Join(err, as.Close()))
	}
	if err := d.readLives(ctx); err != nil {
		return nil, errors.Join(err, as.Close())
	}
	s, err := store.New(ctx, as, d.o.Log)
	if err != nil {
		return nil, explain(d.where(), errors.Join(err, as.Close()))
	}
	return s, nil
}

// Medium implements store.Database.
func (d *Database) Medium() (name, look string) {
	return "database", "the PostgreSQL server " + d.where() + ", its disk, and this machine's way to it"
}

// MarkFile implements store.Database.
func (d *Database) MarkFile() string {
	return filepath.Join(d.o.Folder, "last_message_id."+d.o.Node+".postgres")
}

// where names the server and the database.
func (d *Database) where() string {
	return fmt.Sprintf("%s:%d/%s", d.config.Host, d.config.Port, d.config.Database)
}

// Close implements store.Database.
func (d *Database) Close() error {
	err := d.writer.close()
	if d.keepPool {
		d.reads.Close()
		return err
	}
	d.closePools()
	return err
}
