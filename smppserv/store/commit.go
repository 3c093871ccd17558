package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
)

const (
	// maxBatch bounds a transaction: larger ones are no faster, and hold up the answers of those within.
	maxBatch = 1024
	// While the disk refuses, outcomes are offered to it again after these waits.
	firstRetry, lastRetry = 100 * time.Millisecond, time.Second
)

// commitLoop is the only writer. It ends when the store is closed and all is written, or given up.
func (s *Store) commitLoop() {
	defer close(s.done)
	defer s.watch.end()
	defer s.reports.end()
	var batch []op
	wait := firstRetry
	for {
		s.gather()
		batch = s.take(batch)
		if len(batch) == 0 {
			s.lastTry()
			return
		}
		began := time.Now()
		s.watch.start()
		s.tryRefused(batch)
		admitted := s.admit(s.ifPresent(batch))
		err := s.write(admitted)
		var left []op
		switch {
		case err == nil && len(admitted) == len(batch) && s.waiting() >= besidePending:
			batch = s.tellBeside(batch)
			s.gathering.last = 0 // nobody is answered so far
		case err == nil:
			s.tell(admitted)
			clear(batch)
			s.gathering.last, s.gathering.took = len(batch), time.Since(began)
		default:
			left, err = s.unwritten(admitted, err)
			clear(batch)
			s.gathering.last, s.gathering.took = len(batch), time.Since(began)
		}
		if err != nil {
			// Outcomes may fill the next batches too: nobody is to wait behind them for an answer.
			s.refuse(err, (*op).waits)
		}
		if err == nil {
			s.database.Tend()
		}
		s.watch.stop()
		s.arrangeRetry()
		if len(left) == 0 {
			wait = firstRetry
			continue
		}
		s.putBack(left)
		select {
		case <-time.After(wait):
			wait = min(2*wait, lastRetry)
		case <-s.abandon:
			s.refuse(err, func(o *op) bool { return o.transition != nil })
			s.giveUp(err)
			return
		}
	}
}

// take waits for operations and returns at most maxBatch of them, none once the store is closed.
// It keeps used, an empty slice, for those that come next.
func (s *Store) take(used []op) []op {
	for {
		s.mu.Lock()
		n := len(s.pending)
		if n > 0 {
			batch := s.pending
			s.pending = used[:0]
			if n > maxBatch {
				s.pending = append(s.pending, batch[maxBatch:]...)
				clear(batch[maxBatch:])
				batch = batch[:maxBatch]
			}
			s.mu.Unlock()
			return batch
		}
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return nil
		}
		<-s.kick
	}
}

// refuse reports err to all that waits, but to what stays.
func (s *Store) refuse(err error, stays func(*op) bool) {
	var refused []op
	s.mu.Lock()
	kept := make([]op, 0, len(s.pending))
	for _, o := range s.pending {
		if stays(&o) {
			kept = append(kept, o)
		} else {
			refused = append(refused, o)
		}
	}
	s.pending = kept
	s.mu.Unlock()
	for i := range refused {
		refused[i].report(false, err)
	}
}

// waits tells whether it is not to be refused while nothing can be written: outcomes are kept, probes are to find out, and what is the last is
// to be tried once.
func (o *op) waits() bool { return o.transition != nil || o.probe || o.retry != retryNone || o.last }

func (s *Store) putBack(ops []op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(append(make([]op, 0, len(ops)+len(s.pending)), ops...), s.pending...)
}

// commit writes the batch in one transaction, or in several if a row is refused, and reports to everybody in it.
// It returns the outcomes that could not be written, and an error if nothing can be written now.
func (s *Store) commit(batch []op) (left []op, down error) {
	if err := s.write(batch); err != nil {
		return s.unwritten(batch, err)
	}
	s.tell(batch)
	return nil, nil
}

// write writes the batch in one transaction. Nobody hears of it yet.
func (s *Store) write(batch []op) error {
	if len(batch) == 0 {
		return nil
	}
	s.watch.start()
	began := time.Now()
	wrote, err := s.writeSurely(batch)
	s.watch.start() // before anybody hears of it
	if err != nil || !wrote {
		return err
	}
	if o := s.observer.Load(); o != nil {
		(*o).Committed(time.Since(began))
	}
	if s.failing.Load() != nil {
		s.failing.Store(nil)
		s.log.Info().Msg("the store writes again")
	}
	return nil
}

// tell reports to everybody in a batch that was written.
func (s *Store) tell(batch []op) {
	s.reports.settle()
	for i := range batch {
		if r := batch[i].refused; r != nil {
			s.taken(r)
		}
		batch[i].report(s.writer.duplicate[i], nil)
	}
}

// tellBeside has a batch that was written reported while the next one is. It returns an empty slice in the place of batch.
func (s *Store) tellBeside(batch []op) []op {
	b := reported{batch, s.writer.duplicate}
	batch, s.writer.duplicate = s.reports.beside(b)
	return batch
}

// unwritten is for a batch that could not be written in one transaction: see commit.
func (s *Store) unwritten(batch []op, err error) (left []op, down error) {
	s.reports.settle()
	if void, ok := errors.AsType[*VoidError](err); ok {
		return s.writeWithout(batch, void.Asks)
	}
	if s.database.RefusesRow(err) {
		if len(batch) == 1 { // the others are written: the store is well
			return nil, s.refuseRow(&batch[0], err)
		}
		// One bad row must not take the others with it. Halves find it among 1024 with 20 commits.
		half := len(batch) / 2
		left, down = s.commit(batch[:half])
		if down == nil {
			return s.commit(batch[half:])
		}
		return append(left, stillLeft(batch[half:], down)...), down // an end is not to be on disk before the tries that it follows
	}
	down = fmt.Errorf("%w: %w", sms.ErrUnavailable, err)
	if s.failing.Swap(&down) == nil { // said once: the log may be on the same full disk
		s.log.Error().Err(err).Msg("the store cannot write: submits are answered RSYSERR and outcomes wait until it can")
	}
	return stillLeft(batch, down), down
}

// stillLeft reports down to all of a batch but the outcomes, which it returns.
func stillLeft(batch []op, down error) (left []op) {
	for i := range batch {
		if batch[i].transition != nil {
			left = append(left, batch[i])
			continue
		}
		batch[i].report(false, down)
	}
	return left
}

// writeWithout writes a batch without what is for these asks; and without what is for any, if others of them are void by then, so that the
// rest is written with the second transaction at the latest.
func (s *Store) writeWithout(batch []op, void []int64) (left []op, down error) {
	rest := withoutAsked(batch, func(ask int64) bool { return slices.Contains(void, ask) })
	err := s.write(rest)
	if errors.Is(err, ErrVoid) {
		rest = withoutAsked(rest, func(int64) bool { return true })
		err = s.write(rest)
	}
	if err != nil {
		return s.unwritten(rest, err)
	}
	s.tell(rest)
	return nil, nil
}

// withoutAsked reports ErrVoid to what is for a void ask, and returns the others.
func withoutAsked(batch []op, void func(ask int64) bool) []op {
	rest := make([]op, 0, len(batch))
	for i := range batch {
		if o := &batch[i]; o.ask != nil && void(o.ask.ID) {
			o.report(false, ErrVoid)
		} else {
			rest = append(rest, *o)
		}
	}
	return rest
}

func (o *op) report(duplicate bool, err error) {
	switch {
	case o.add != nil:
		o.add.Added(duplicate, err)
	case o.transition == nil:
		if o.done != nil {
			o.done(err)
		}
	case o.transition.Done != nil:
		o.transition.Done()
	}
}
