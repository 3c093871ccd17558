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

	mu      sync.Mutex
	pending []op
	closed  bool
	kick    chan struct{}
	done    chan struct{} // the committer has ended
	abandon chan struct{} // closed: what cannot be written is given up
}

// New makes a store of a database, which Close closes.
func New(ctx context.Context, d Database, log zerolog.Logger) (*Store, error) {
	w, err := newWriter(ctx, d)
	if err != nil {
		return nil, err
	}
	s := &Store{log: log, database: d, db: d.Reader(), writer: w, kick: make(chan struct{}, 1), done: make(chan struct{}),
		abandon: make(chan struct{})}
	go s.commitLoop()
	return s, nil
}

// Close commits what waits and closes the database. Outcomes that cannot be written within ctx are given up:
// their messages are tried again after the next start.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wake()
	var err error
	select {
	case <-s.done:
	case <-ctx.Done():
		close(s.abandon)
		<-s.done
		err = fmt.Errorf("store: closed with outcomes that are not on disk: %w", ctx.Err())
	}
	return errors.Join(err, s.writer.close(), s.database.Close())
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
	add    road.Addition
	change *sms.Message
	move   *road.Transition
	purge  []sms.ID
	write  func(*writer) error
	probe  bool        // writes nothing new
	done   func(error) // of all but additions and outcomes
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

// Finish stores what came of a try. It is never refused: while the disk cannot take it, it waits.
func (s *Store) Finish(v *road.Transition) {
	s.push(op{move: v})
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
