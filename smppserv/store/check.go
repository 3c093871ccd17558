package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

const (
	// hangTime is how long the disk or the database's server may be at one thing before it counts as hung.
	hangTime = 5 * time.Second
	// checkTime is how long Check waits for the disk.
	checkTime = time.Second
)

// stopwatch tells how long the committer has been at one thing, and says so once when it hangs.
type stopwatch struct {
	log   zerolog.Logger
	of    Database
	alarm *time.Timer

	mu    sync.Mutex
	began time.Time // zero = it is at nothing
	told  time.Time // when the thing began that was said to hang; zero = none
	armed bool      // the alarm is set: it looks by itself at what has begun since
}

func (w *stopwatch) init(log zerolog.Logger, of Database) {
	w.log, w.of = log, of
	w.alarm = time.AfterFunc(hangTime, w.tell)
	w.alarm.Stop()
}

func (w *stopwatch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = time.Now()
	if !w.armed { // to set a timer at each commit costs more than all the rest of it here
		w.armed = true
		w.alarm.Reset(hangTime)
	}
}

func (w *stopwatch) stop() {
	w.mu.Lock()
	told := w.told
	w.began, w.told = time.Time{}, time.Time{}
	w.mu.Unlock()
	if !told.IsZero() {
		w.log.Info().Stringer("after", time.Since(told).Truncate(time.Millisecond)).Msg("the store hangs no more")
	}
}

// end is for the end of the committer.
func (w *stopwatch) end() {
	w.stop()
	w.alarm.Stop()
}

func (w *stopwatch) running() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began.IsZero() {
		return 0
	}
	return time.Since(w.began)
}

// tell logs outside the lock: where the log hangs too, Check must not.
func (w *stopwatch) tell() {
	w.mu.Lock()
	since := time.Since(w.began)
	hangs := !w.began.IsZero() && since >= hangTime && w.told.IsZero()
	if hangs {
		w.told = w.began
	}
	if w.armed = !w.began.IsZero(); w.armed { // after a hang, too: the next thing may hang as well
		w.alarm.Reset(max(hangTime-since, hangTime/10))
	}
	w.mu.Unlock()
	if hangs {
		medium, look := w.of.Medium()
		w.log.Error().Stringer("for", hangTime).Msg("the store hangs: the " + medium + " does not end what it was given. Submits wait for their answers until it does; look at " + look)
	}
}

// look is a look at the database, which may hang: there is one at a time, and all who ask meanwhile share it.
type look struct {
	mu      sync.Mutex
	current *sight
}

type sight struct {
	began time.Time
	done  chan struct{} // closed when there is an answer
	err   error
}

func (l *look) at(f func() error) *sight {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil {
		now := &sight{began: time.Now(), done: make(chan struct{})}
		l.current = now
		go func() {
			now.err = f()
			l.mu.Lock()
			l.current = nil
			l.mu.Unlock()
			close(now.done)
		}()
	}
	return l.current
}

// Check tells whether the database answers and took what was last written to it. It returns within two seconds, also
// when the disk hangs; that is an error from the fifth second on.
func (s *Store) Check() error {
	if err := s.hang("a commit", s.watch.running()); err != nil {
		return err
	}
	limit := time.NewTimer(checkTime)
	defer limit.Stop()
	seen := s.look.at(s.answers)
	select {
	case <-seen.done:
		return seen.err
	case <-limit.C:
	}
	if err := s.unwritable(); err != nil {
		return err
	}
	return s.hang("a look at the database", time.Since(seen.began))
}

// Trouble is what is known to be wrong, without a look that the disk would have to answer; nil = nothing is known.
func (s *Store) Trouble() error {
	if err := s.hang("a commit", s.watch.running()); err != nil {
		return err
	}
	return s.unwritable()
}

// hang is an error when what has been under way for so long hangs.
func (s *Store) hang(what string, since time.Duration) error {
	if since < hangTime {
		return nil
	}
	medium, look := s.database.Medium()
	return fmt.Errorf("%w: the %s hangs: %s has been under way for %v; look at %s", sms.ErrUnavailable, medium, what, since.Truncate(time.Second), look)
}

// unwritable is why nothing new can be written, as far as is known; nil = it can.
func (s *Store) unwritable() error {
	if err := s.failing.Load(); err != nil {
		return *err
	}
	if s.overfull.Load() {
		return errOverfull
	}
	return nil
}

// answers reads, and writes too if the last write failed: else the store would look down until a message comes.
// It takes as long as the disk does.
func (s *Store) answers() error {
	if err := s.database.Present(); err != nil {
		return err
	}
	failing := s.failing.Load()
	if failing != nil || s.aside.Load() > 0 {
		tried := make(chan error, 1)
		if !s.push(op{probe: failing != nil, retry: retrySome, done: func(err error) { tried <- err }}) {
			if failing != nil {
				return *failing
			}
			return sms.ErrUnavailable
		}
		select {
		case err := <-tried:
			if err != nil {
				return err
			}
		case <-s.done: // the store was closed, and gave it up
			return sms.ErrUnavailable
		}
	}
	if s.overfull.Load() {
		return errOverfull
	}
	if err := s.database.Answer(context.Background()); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}
