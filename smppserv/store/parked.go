package store

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

const (
	// maxRefusals is how often the row of an outcome is refused before the outcome is parked.
	maxRefusals = 3
	// maxParked bounds the outcomes that are parked: with one more the store counts as unable to write.
	maxParked = 1000
	// parkedRetry is the time between two tries of a parked outcome.
	parkedRetry = time.Minute
	// askedStep is how many are tried before their time when somebody asks how the store is, none of them within justNow.
	askedStep = 16
	justNow   = time.Second
	// retryStep is how many refused outcomes are tried before the committer looks for what else waits.
	retryStep = 64
)

// parking is where outcomes are whose rows the database refuses. They are tried apart from all else, so that they hold
// nobody up: soon at first, and from the third refusal on, when they are parked and nobody waits for them, once a minute.
type parking struct {
	aside    atomic.Int32 // all of them
	parked   atomic.Int32
	overfull atomic.Bool // one has no place among the parked

	// The committer's own.
	refusals    []*refusal
	mended      bool // one of them was written
	retryTimer  *time.Timer
	rowsRefused rate.Sometimes // for the log
	refused     namedFirst     // likewise
	takenAfter  namedFirst
}

// namedFirst is for log lines of which a thousand may come at once: the first are written, the others counted.
type namedFirst struct {
	named, more int
	told        time.Time
}

const (
	// firstNamed are so many of a kind, until none is parked any more.
	firstNamed = 10
	// moreTime is the time between two lines that tell how many more there were.
	moreTime = time.Minute
)

// next is whether this one is named.
func (n *namedFirst) next() bool {
	if n.named >= firstNamed {
		n.more++
		return false
	}
	n.named++
	n.told = time.Now()
	return true
}

// rest is how many are to be told of as a number now, at the end or when it is time.
func (n *namedFirst) rest(end bool) (more int) {
	if n.more == 0 || !end && time.Since(n.told) < moreTime {
		return 0
	}
	more, n.more, n.told = n.more, 0, time.Now()
	return more
}

// tellMore tells of what was not named. At the end, and when nothing is parked any more, it does not wait for its time.
func (s *Store) tellMore(end bool) {
	end = end || s.parked.Load() == 0
	if n := s.refused.rest(end); n > 0 {
		s.log.Error().Int("messages", n).Int32("parked", s.parked.Load()).
			Msg("the store refuses for good the final states of more messages than the log names: it is as with those")
	}
	if n := s.takenAfter.rest(end); n > 0 {
		s.log.Info().Int("messages", n).Int32("parked", s.parked.Load()).
			Msg("the store has taken the final states of more messages that it refused")
	}
	if s.parked.Load() == 0 {
		s.refused, s.takenAfter = namedFirst{}, namedFirst{}
	}
}

// refusal is an outcome whose row was refused.
type refusal struct {
	transition *road.Transition
	times      int
	parked     bool
	last       time.Time // it was tried
	next       time.Time // it is to be
}

// retry says which refused outcomes are tried.
type retry uint8

const (
	retryNone retry = iota
	retryDue
	retrySome // and a few that are not due
)

var errOverfull = fmt.Errorf("%w: the database refuses the outcomes of more than %d messages; the log names the first ones and the reason", sms.ErrUnavailable, maxParked)

// Parked is how many outcomes the database has refused time and again.
func (s *Store) Parked() int { return int(s.parked.Load()) }

// admit answers what cannot be taken while there are too many refused outcomes, and returns the others.
func (s *Store) admit(batch []op) []op {
	if !s.overfull.Load() {
		return batch
	}
	s.reports.settle()
	kept := make([]op, 0, len(batch))
	for i := range batch {
		if batch[i].waits() {
			kept = append(kept, batch[i])
		} else {
			batch[i].report(false, errOverfull)
		}
	}
	return kept
}

// refuseRow is for an operation that the database refuses while it takes others. The error says that nothing can be written now.
func (s *Store) refuseRow(o *op, refused error) (down error) {
	switch {
	case o.transition != nil:
		s.setAside(o, refused)
		return nil
	case len(o.purge) > 1 || len(o.purge) == 1 && o.purge[0].From < o.purge[0].To:
		return s.purgeHalves(o)
	}
	s.rowsRefused.Do(func() {
		event := s.log.Error().Err(refused)
		if len(o.purge) == 1 {
			event = event.Stringer("message_id", o.purge[0].From)
		}
		if o.change != nil {
			event = event.Stringer("message_id", o.change.ID)
		}
		event.Msg("the store refuses one row")
	})
	if o.purge != nil { // it stays; a purge that ends here would never come past it
		o.report(false, nil)
		return nil
	}
	o.report(false, fmt.Errorf("%w: %w", sms.ErrUnavailable, refused))
	return nil
}

// purgeHalves purges what of a step can be purged.
func (s *Store) purgeHalves(o *op) (down error) {
	var failed error
	half := len(o.purge) / 2
	halves := [...][]Range{o.purge[:half], o.purge[half:]}
	if one := o.purge[0]; len(o.purge) == 1 {
		middle := one.From + (one.To-one.From)/2
		halves = [...][]Range{{{one.From, middle}}, {{middle + 1, one.To}}}
	}
	for _, part := range halves {
		if _, err := s.commit([]op{{purge: part, done: func(err error) { failed = errors.Join(failed, err) }}}); err != nil {
			down = err
		}
	}
	o.report(false, failed)
	return down
}

// setAside keeps an outcome that was refused for its next try, and parks it when it was refused often enough.
func (s *Store) setAside(o *op, refused error) {
	r := o.refused
	if r == nil {
		r = &refusal{transition: o.transition}
	}
	r.times++
	r.last = time.Now()
	if r.times < maxRefusals {
		r.next = r.last.Add(time.Duration(r.times) * firstRetry)
		s.keep(r)
		return
	}
	r.next = r.last.Add(parkedRetry)
	switch {
	case r.parked:
	case !r.transition.State.Final():
		s.rowsRefused.Do(func() {
			s.outcome(s.log.Error(), r).Err(refused).
				Msg("the store refuses one row, that of a message's next try: the message is tried as it should be, but after a restart as if it had not been tried now")
		})
		s.park(r, refused)
		return
	case s.parked.Load() < maxParked:
		if s.refused.next() {
			s.outcome(s.log.Error(), r).Err(refused).
				Msg("the store refuses one row, that of a message's final state, for good: on disk the message still waits. It is not tried again now, for what came of it is known, but after the next start; mend what the error names before that, and the state is written within a minute")
		}
		r.parked = true
		s.parked.Add(1)
		s.park(r, refused)
	case !s.overfull.Swap(true):
		s.log.Error().Err(refused).Int("parked", maxParked).
			Msg("the store refuses too many rows: submits are answered RSYSERR until it takes the outcomes that wait")
	}
	s.keep(r)
}

func (s *Store) keep(r *refusal) {
	s.refusals = append(s.refusals, r)
	s.aside.Store(int32(len(s.refusals)))
}

// park tells whoever waits for an outcome not to.
func (s *Store) park(r *refusal, refused error) {
	r.transition.Refused = refused
	if r.transition.Parked != nil {
		r.transition.Parked()
	}
}

// taken is for a refused outcome that is on disk now.
func (s *Store) taken(r *refusal) {
	s.mended = true
	if !r.parked {
		return
	}
	s.parked.Add(-1)
	if s.takenAfter.next() {
		s.outcome(s.log.Info(), r).Msg("the store has taken the final state that it refused")
	}
}

// tryRefused tries outcomes that were refused, if an operation of the batch asks for it.
func (s *Store) tryRefused(batch []op) {
	which := retryNone
	for i := range batch {
		which = max(which, batch[i].retry)
	}
	if which == retryNone {
		return
	}
	now := time.Now()
	if which == retrySome { // those at the front were tried longest ago
		for _, r := range s.refusals[:min(len(s.refusals), askedStep)] {
			if now.Sub(r.last) >= justNow {
				r.next = now
			}
		}
	}
	_ = s.tryThose(func(r *refusal) bool { return !r.next.After(now) }) // the batch meets the same fault
}

// tryThose tries up to retryStep refused outcomes for which due is true. The error says that nothing can be written now.
func (s *Store) tryThose(due func(*refusal) bool) error {
	var ops []op
	s.refusals = slices.DeleteFunc(s.refusals, func(r *refusal) bool {
		if len(ops) == retryStep || !due(r) {
			return false
		}
		ops = append(ops, op{transition: r.transition, refused: r})
		return true
	})
	left, down := s.commit(ops)
	for _, o := range left {
		o.refused.next = time.Now().Add(lastRetry)
		s.refusals = append(s.refusals, o.refused)
	}
	if s.mended { // the others may share the cause
		s.mended = false
		now := time.Now()
		for _, r := range s.refusals {
			r.next = now
		}
	}
	s.aside.Store(int32(len(s.refusals)))
	s.tellMore(false)
	if s.overfull.Load() && !slices.ContainsFunc(s.refusals, func(r *refusal) bool { return r.times >= maxRefusals && !r.parked }) {
		s.overfull.Store(false)
		s.log.Info().Msg("the store takes submits again")
	}
	return down
}

// arrangeRetry has the next refused outcome tried at its time.
func (s *Store) arrangeRetry() {
	if len(s.refusals) == 0 {
		return
	}
	first := slices.MinFunc(s.refusals, func(a, b *refusal) int { return a.next.Compare(b.next) })
	wait := time.Until(first.next)
	if s.retryTimer == nil {
		s.retryTimer = time.AfterFunc(wait, func() { s.push(op{retry: retryDue}) })
		return
	}
	s.retryTimer.Reset(wait)
}

// lastTry is for the end of the committer: what the database refuses once more is given up.
func (s *Store) lastTry() {
	begun := time.Now()
	before := func(r *refusal) bool { return r.last.Before(begun) }
	for _, r := range s.refusals {
		r.times = max(r.times, maxRefusals-1) // so that the log names it
	}
	var down error
	for down == nil && slices.ContainsFunc(s.refusals, before) {
		down = s.tryThose(before)
	}
	s.tellMore(true)
	s.giveUp(down)
}

// giveUp notes why outcomes are not on disk, if there are any.
func (s *Store) giveUp(why error) {
	if s.retryTimer != nil {
		s.retryTimer.Stop()
	}
	if n := len(s.refusals); n > 0 {
		why = errors.Join(why, fmt.Errorf("the database refuses the rows of %d", n))
	}
	s.lost = why
}

// outcome names an outcome in the log.
func (*Store) outcome(event *zerolog.Event, r *refusal) *zerolog.Event {
	event = event.Stringer("message_id", r.transition.IDs[0]).Stringer("state", r.transition.State)
	if n := len(r.transition.IDs); n > 1 {
		event = event.Int("messages", n)
	}
	return event
}
