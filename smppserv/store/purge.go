package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"hnetsmpp/smppserv/sms"
)

// purgeStep is how many messages one transaction deletes, so that a purge holds up no submit.
const purgeStep = 1000

// lookStep is how many messages one read looks at.
const lookStep = 5000

// Purge deletes the messages that became final before the time given, with what is kept of Hermès' ids for them,
// and returns how many went.
func (s *Store) Purge(ctx context.Context, before time.Time) (purged int, err error) {
	p := purge{limit: milli(before), now: milli(time.Now())}
	p.now = max(p.now, p.limit)
	if err := s.bound(ctx, &p); err != nil {
		return 0, fmt.Errorf("store: purge: %w", err)
	}
	var cursor sms.ID
	for {
		old, next, err := s.old(ctx, cursor, &p)
		if err != nil {
			return purged, fmt.Errorf("store: purge: %w", err)
		}
		if len(old) > 0 {
			done := make(chan error, 1)
			if !s.push(op{purge: old, done: func(err error) { done <- err }}) {
				return purged, sms.ErrUnavailable
			}
			if err := <-done; err != nil {
				return purged, fmt.Errorf("store: purge: %w", err)
			}
			purged += len(old)
		}
		if next == 0 {
			return purged, nil
		}
		cursor = next
	}
}

// purge is what one run goes by. Clocks are wrong at times, before NTP sets them: a time in the future, or before there was this
// program, is no time at all. IDs rise with the time of receipt, whatever the clock said, and nothing ends before it came.
type purge struct {
	limit, now int64  // milliseconds
	end        sms.ID // the first message that came at the limit or later: from there on nothing is old
	horizon    sms.ID // the last message before that which came, by a time that can be, before the limit: all before it is old
}

// epoch is 2020-01-01: no message is older.
const epoch = 1_577_836_800_000

func (p *purge) canBe(t int64) bool { return t >= epoch && t <= p.now }

// old judges a message below end that is final.
func (p *purge) old(id sms.ID, received, final, expires int64) bool {
	switch {
	case !p.canBe(received):
		return id < p.horizon && (!p.canBe(final) || final < p.limit)
	case p.canBe(final) && final >= received:
		return final < p.limit
	default: // it ended while the clock was wrong, at the latest when it expired
		return expires < p.limit || expires > p.now && id < p.horizon
	}
}

// bound finds where what may be old ends. It looks at no more messages than those and the one behind them.
func (s *Store) bound(ctx context.Context, p *purge) error {
	p.end = math.MaxInt64
	for cursor := sms.ID(0); p.end == math.MaxInt64; {
		last := cursor
		err := s.database.Ages(ctx, cursor, lookStep, func(a Age) {
			switch last = a.ID; {
			case p.end != math.MaxInt64:
			case a.Received >= p.limit && a.Received <= p.now:
				p.end = a.ID
			case a.Received >= epoch && a.Received < p.limit:
				p.horizon = a.ID
			}
		})
		if err != nil {
			return err
		}
		if last == cursor {
			break
		}
		cursor = last
	}
	return nil
}

// old looks at the purgeStep messages behind cursor; next is 0 when there are no more.
func (s *Store) old(ctx context.Context, cursor sms.ID, p *purge) (old []sms.ID, next sms.ID, err error) {
	err = s.database.Ages(ctx, cursor, purgeStep, func(a Age) {
		if a.ID >= p.end {
			return
		}
		if a.Ended && p.old(a.ID, a.Received, a.Final, a.Expires) {
			old = append(old, a.ID)
		}
		next = a.ID
	})
	return old, next, err
}
