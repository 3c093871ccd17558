// Package store keeps messages on disk.
//
// Everything is written by one goroutine, which takes all the additions, changes and outcomes that wait
// and commits them in one transaction (group commit): while one commit reaches the disk the next one fills up, and, where many
// operations come, a second goroutine reports what is on disk already.
// Nothing is reported as done before it is on disk.
// Reads go past it on connections of their own.
package store

import (
	"context"
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
	// ErrForeign means that the database is not ours.
	ErrForeign = errors.New("this database belongs to another program")
	// ErrInDoubt means that it is not known whether a transaction has come to its end: the answer to its COMMIT was lost.
	ErrInDoubt = errors.New("the answer to a commit was lost")
	// ErrTaken means that another worker has taken up an external id since it was looked for.
	ErrTaken = errors.New("another worker has taken up an external id meanwhile")
	// ErrVoid means that another worker does not wait any more for what was to be done for it.
	ErrVoid = errors.New("another worker has asked for it, and does not wait any more")
	// ErrFenced means that this worker's part of the store is another one's now: nothing is written any more.
	ErrFenced = errors.New("another worker has taken over from this one")
)

// VoidError names asks of a batch for which nobody waits any more: it is ErrVoid.
type VoidError struct {
	Asks []int64 // their ids; there may be others
	Err  error
}

func (e *VoidError) Error() string   { return ErrVoid.Error() + ": " + e.Err.Error() }
func (e *VoidError) Unwrap() []error { return []error{ErrVoid, e.Err} }

// Store is a durable set of messages. Its methods may be called from any goroutine.
type Store struct {
	log      zerolog.Logger
	earlier  sms.ID // see EarlierID
	database Database
	writer   *writer

	failing   atomic.Pointer[error] // why the last commit failed, nil = it did not
	observer  atomic.Pointer[Observer]
	watch     stopwatch // of the committer
	gathering gathering // the committer's
	reports   reports
	look      look
	parking
	notes      notes
	searchTime time.Duration // of one look
	gone       bool          // the database is not present, as was said; the committer's

	mu      sync.Mutex
	pending []op
	pushed  int // operations so far, but for the database's own
	closed  bool
	kick    chan struct{}
	done    chan struct{} // the committer has ended
	abandon chan struct{} // closed: what cannot be written is given up
	giveIn  sync.Once     // closes abandon
	lost    error         // why outcomes are not on disk at the end; read when done is closed

	closeOnce sync.Once
	ended     chan struct{} // the database is closed
	closeErr  error         // read when ended is closed
}

// Observer hears of each transaction that is on disk. It is called by the goroutine that commits and must return at once.
type Observer interface {
	Committed(took time.Duration)
}

// Observe has o hear of the transactions from now on.
func (s *Store) Observe(o Observer) { s.observer.Store(&o) }

// New makes a store of a database, which Close closes.
func New(ctx context.Context, d Database, log zerolog.Logger) (*Store, error) {
	w, err := newWriter(ctx, d, log)
	if err != nil {
		return nil, err
	}
	s := &Store{log: log, database: d, writer: w, kick: make(chan struct{}, 1), done: make(chan struct{}),
		abandon: make(chan struct{}), ended: make(chan struct{}), searchTime: searchTime, reports: newReports(), earlier: w.lastID}
	s.watch.init(log, d)
	s.rowsRefused = rate.Sometimes{First: 10, Interval: time.Minute}
	d.OnDue(func() { s.push(op{}) })
	go s.commitLoop()
	if err := d.Start(ctx, s.own); err != nil {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.wake()
		<-s.done
		return nil, err
	}
	return s, nil
}

// EarlierID is below the message_id of whatever this store was and will be given, and not below that of what the same worker had stored
// before it was opened.
func (s *Store) EarlierID() sms.ID { return s.earlier }

// own has the committer write what the database hands in by itself, and waits for that.
func (s *Store) own(write func() error) error {
	done := make(chan error, 1)
	if !s.push(op{own: write, done: func(err error) { done <- err }}) {
		return sms.ErrUnavailable
	}
	select {
	case err := <-done:
		return err
	case <-s.done:
		return sms.ErrUnavailable
	}
}

// closeGrace is how long Close, when its time is over, waits for the disk to end what it is at.
const closeGrace = 250 * time.Millisecond

// Close commits what waits and closes the database. Outcomes that cannot be written within ctx are given up:
// their messages are tried again after the next start. So are those whose rows are refused.
// While the disk hangs it returns closeGrace after the end of ctx, and the database is closed when the disk goes on.
func (s *Store) Close(ctx context.Context) error {
	s.lastNotes()
	s.wake()
	s.closeOnce.Do(func() { go s.closeDatabase() })
	select {
	case <-s.ended:
	case <-ctx.Done():
		s.giveIn.Do(func() { close(s.abandon) })
		grace := time.NewTimer(closeGrace)
		defer grace.Stop()
		select {
		case <-s.ended:
		case <-grace.C:
			if err := s.unwritable(); err != nil { // it is not the disk that hangs
				return fmt.Errorf("store: what it was given last may not be on disk: %w: %w", ctx.Err(), err)
			}
			medium, _ := s.database.Medium()
			return fmt.Errorf("store: the %s hangs, and what it was given last may not be there: %w", medium, ctx.Err())
		}
	}
	err := s.closeErr
	if s.lost != nil {
		err = errors.Join(fmt.Errorf("store: closed with outcomes that are not on disk: %w", errors.Join(ctx.Err(), s.lost)), err)
	}
	return err
}

func (s *Store) closeDatabase() {
	defer close(s.ended)
	<-s.done
	if err := s.writer.mark.close(s.writer.lastID); err != nil { // it stays too high, which harms nobody
		s.log.Warn().Err(err).Msg("the next start skips message ids")
	}
	s.closeErr = s.database.Close()
}

func (s *Store) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Milli is how times are kept: in milliseconds since 1970, 0 = zero.
func Milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// op is one of: an addition, a change, an outcome, ends, messages to purge, something else for the batch, something that the database
// itself writes; with done alone it writes nothing.
type op struct {
	add        road.Addition
	change     *sms.Message
	transition *road.Transition
	ends       []*road.Transition // all of them, or none
	ask        *road.Ask          // for which the change or the ends are, nil = for none
	purge      []Range
	fill       func(*Batch) error
	known      *known
	own        func() error // the database's own
	probe      bool         // writes nothing new
	last       bool         // there is no more
	retry      retry        // writes nothing; before it, outcomes that were refused are tried
	done       func(error)  // of all but additions and outcomes; may be nil for a retry

	refused *refusal // of an outcome that is tried again

	replaces bool // add has another message's end with it
}

// Add stores a message. It returns at once; a.Added tells when it is on disk.
func (s *Store) Add(a road.Addition) {
	if !s.push(op{add: a}) {
		a.Added(false, sms.ErrUnavailable)
	}
}

// known asks which message has an external id.
type known struct {
	externalID string
	id         sms.ID // 0 = none
}

// Known calls found with the message that has this external id, 0 = there is none; what was handed in before counts.
func (s *Store) Known(externalID string, found func(sms.ID, error)) {
	k := &known{externalID: externalID}
	if !s.push(op{known: k, done: func(err error) { found(k.id, err) }}) {
		found(0, sms.ErrUnavailable)
	}
}

// Change rewrites a message that is not final: its content, times and flags (replace_sm). With an ask, which may be nil, only as long as
// the other worker waits; else changed is told ErrVoid.
func (s *Store) Change(m *sms.Message, ask *road.Ask, changed func(error)) {
	if !s.push(op{change: m, ask: ask, done: changed}) {
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

// End stores ends that somebody asked for, in one transaction: all of them, or, where the disk cannot take them now or the
// database refuses a row, none; ended is told. Their Done and Parked are not called. With an ask it is as with Change.
func (s *Store) End(vs []*road.Transition, ask *road.Ask, ended func(error)) {
	if !s.push(op{ends: vs, ask: ask, done: ended}) {
		ended(sms.ErrUnavailable)
	}
}

func (s *Store) push(o op) bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.pending = append(s.pending, o)
	if o.own == nil {
		s.pushed++
	}
	s.mu.Unlock()
	s.wake()
	return true
}
