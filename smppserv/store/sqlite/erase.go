package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hnetsmpp/smppserv/store"

	zombiezen "zombiezen.com/go/sqlite"
)

// erased writes what an erasure changes besides messages.
func (w *writer) erased(b *store.Batch) error {
	for _, number := range b.Erased {
		for _, s := range [...]*zombiezen.Stmt{w.notedNumber, w.notedCampaign} {
			s.BindText(1, number)
			if err := run(s); err != nil {
				return err
			}
		}
	}
	for _, r := range b.Renamed {
		w.rename.BindText(1, r.To)
		w.rename.BindText(2, r.Campaign)
		w.rename.BindInt64(3, r.From)
		w.rename.BindInt64(4, r.Until)
		if err := run(w.rename); err != nil {
			return err
		}
	}
	for _, e := range b.Reworded {
		w.reword.BindText(1, e.On)
		w.reword.BindText(2, e.More)
		w.reword.BindInt64(3, e.ID)
		if err := run(w.reword); err != nil {
			return err
		}
	}
	return nil
}

// scrubs are those who wait for the log to be begun anew with nothing in it: pages of the database are overwritten when what is on
// them is deleted (secure_delete), and pages of the log when they are copied into the database and its file is cut.
type scrubs struct {
	mu   sync.Mutex
	wait []chan struct{}
}

func (s *scrubs) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.wait) > 0
}

// done tells all who waited when it was begun.
func (s *scrubs) done(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.wait[:n] {
		close(w)
	}
	s.wait = append([]chan struct{}(nil), s.wait[n:]...)
}

func (s *scrubs) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.wait)
}

func (s *scrubs) leave(w chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.wait {
		if other == w {
			s.wait = append(s.wait[:i:i], s.wait[i+1:]...)
			return
		}
	}
}

var errRead = errors.New("a program has been reading the database for long")

// Scrub implements store.Database.
func (d *database) Scrub(ctx context.Context) error {
	done := make(chan struct{})
	s := &d.care.scrubs
	s.mu.Lock()
	s.wait = append(s.wait, done)
	s.mu.Unlock()
	d.copier.due()
	select {
	case <-done:
		return nil
	case <-d.readers.closed:
		return errClosed
	case <-ctx.Done():
		s.leave(done)
		return fmt.Errorf("%w: %w", errRead, ctx.Err())
	}
}
