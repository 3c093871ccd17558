// Package store keeps messages on disk.
//
// Everything is written by one goroutine, which takes all the additions, changes and outcomes that wait
// and commits them in one transaction (group commit): while one commit reaches the disk the next one fills up.
// Nothing is reported as done before it is on disk.
// Reads go past it on connections of their own.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

var (
	// ErrHeld means that another process has the store open.
	ErrHeld = errors.New("the store is held by another process")
)

// Database is what a store asks of the database that it is in: opened, ours alone, its schema up to date.
type Database interface {
	// Writer is the pool whose one connection writes; what it has committed is on disk.
	Writer() *sql.DB
	// Reader is the pool for all else.
	Reader() *sql.DB
	// RefusesRow tells a fault of one row from one of the database, which meets them all.
	RefusesRow(err error) bool
	// NoTransaction recognises the answer to a ROLLBACK that has nothing to roll back.
	NoTransaction(err error) bool
	// MarkFile is where the high-water mark of the message_ids is kept. It is no part of the database.
	MarkFile() string
	// Tend is called between two transactions, when all of the first one have their answers: the time for the database's care.
	Tend(ctx context.Context, writer *sql.Conn)
	// Present tells whether what is written still goes to where the next start finds it: an error says what happened to
	// the database under the running server, and what to do.
	Present() error
	// Close closes both pools and lets others open the database.
	Close() error
}

// Store is a durable set of messages. Its methods may be called from any goroutine.
type Store struct {
	log      zerolog.Logger
	database Database
	db       *sql.DB // reads
	writer   *writer

	failing atomic.Pointer[error] // why the last commit failed, nil = it did not
	watch   stopwatch             // of the committer
	look    look
	parking
	gone bool // the database is not present, as was said; the committer's

	mu      sync.Mutex
	pending []op
	closed  bool
	kick    chan struct{}
	done    chan struct{} // the committer has ended
	abandon chan struct{} // closed: what cannot be written is given up
	giveIn  sync.Once     // closes abandon
	lost    error         // why outcomes are not on disk at the end; read when done is closed
}

// New makes a store of a database, which Close closes.
func New(ctx context.Context, d Database, log zerolog.Logger) (*Store, error) {
	w, err := newWriter(ctx, d, log)
	if err != nil {
		return nil, err
	}
	s := &Store{log: log, database: d, db: d.Reader(), writer: w, kick: make(chan struct{}, 1), done: make(chan struct{}),
		abandon: make(chan struct{})}
	s.watch.init(log)
	s.rowsRefused = rate.Sometimes{First: 10, Interval: time.Minute}
	go s.commitLoop()
	return s, nil
}

// closeGrace is how long Close, when its time is over, waits for the disk to end what it is at.
const closeGrace = 250 * time.Millisecond

// Close commits what waits and closes the database. Outcomes that cannot be written within ctx are given up:
// their messages are tried again after the next start. So are those whose rows are refused.
// While the disk hangs it returns closeGrace after the end of ctx, and the database is closed when the disk goes on.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wake()
	closed := make(chan error, 1)
	go func() {
		<-s.done
		if err := s.writer.mark.close(s.writer.lastID); err != nil { // it stays too high, which harms nobody
			s.log.Warn().Err(err).Msg("the next start skips message ids")
		}
		closed <- errors.Join(s.writer.close(), s.database.Close())
	}()
	var err error
	select {
	case err = <-closed:
	case <-ctx.Done():
		s.giveIn.Do(func() { close(s.abandon) })
		grace := time.NewTimer(closeGrace)
		defer grace.Stop()
		select {
		case err = <-closed:
		case <-grace.C:
			return fmt.Errorf("store: the disk hangs, and what it was given last may not be on it: %w", ctx.Err())
		}
	}
	if s.lost != nil {
		err = errors.Join(fmt.Errorf("store: closed with outcomes that are not on disk: %w", errors.Join(ctx.Err(), s.lost)), err)
	}
	return err
}

func (s *Store) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// op is one of: an addition, a change, an outcome, ids to purge, something else to write; with done alone it writes nothing.
type op struct {
	add        road.Addition
	change     *sms.Message
	transition *road.Transition
	purge      []sms.ID
	write      func(*writer) error
	probe      bool        // writes nothing new
	retry      retry       // writes nothing; before it, outcomes that were refused are tried
	done       func(error) // of all but additions and outcomes; may be nil for a retry

	refused *refusal // of an outcome that is tried again
}

// Add stores a message. It returns at once; a.Added tells when it is on disk.
func (s *Store) Add(a road.Addition) {
	if !s.push(op{add: a}) {
		a.Added(false, sms.ErrUnavailable)
	}
}

// Change rewrites a message that is not final: its content, times and flags (replace_sm).
func (s *Store) Change(m *sms.Message, changed func(error)) {
	if !s.push(op{change: m, done: changed}) {
		changed(sms.ErrUnavailable)
	}
}

// After calls through when all that was handed in before is on disk, or was refused.
func (s *Store) After(through func()) {
	if !s.push(op{done: func(error) { through() }}) {
		through()
	}
}

// Finish stores what came of a try. While the disk cannot take it, it waits; if its row is refused for good, it is parked.
func (s *Store) Finish(v *road.Transition) {
	s.push(op{transition: v})
}

func (s *Store) push(o op) bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.pending = append(s.pending, o)
	s.mu.Unlock()
	s.wake()
	return true
}
