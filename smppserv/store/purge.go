package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/tally"
)

const (
	// CountersKept is how long counters and the audit are kept, whatever becomes of the messages: so that a report may look back to
	// the same month of last year.
	CountersKept = 400 * 24 * time.Hour
	// SamplesKept is how long samples are: for the same hour a week ago.
	SamplesKept = 9 * 24 * time.Hour
	// purgeStep is how many messages one transaction deletes, so that a purge holds up no submit.
	purgeStep = 200
	// lookStep is how many messages one read looks at.
	lookStep = 1000
	// After a step comes a pause of so many times what the step took, with the commits that it waited for, and of busyPause while
	// others write: a million goes in less than six minutes, whatever goes on.
	purgePause = 3
	busyPause  = 60 * time.Millisecond
	// purgeTold is how often the log is told of a purge that goes on.
	purgeTold = time.Minute
)

// Purge deletes the messages that became final before the time given, with what is kept of Hermès' ids for them, and forgets the
// conversations in which nobody wrote since. Counters and the audit go when they are older than that and than CountersKept, samples
// when they are older than SamplesKept. It returns how many messages went. It goes on in small steps with pauses between
// them and holds up nobody; ctx breaks it off.
func (s *Store) Purge(ctx context.Context, before time.Time) (purged int, err error) {
	p := purge{store: s, pushed: math.MaxInt, limit: Milli(before), now: Milli(time.Now()), told: time.Now()}
	p.now = max(p.now, p.limit)
	if err = p.messages(ctx); err == nil {
		err = p.conversations(ctx)
	}
	if err == nil {
		err = p.records(ctx)
	}
	if err == nil && p.purged > 0 {
		s.scrubbed(ctx)
	}
	if err != nil {
		err = fmt.Errorf("store: purge: %w", err)
	}
	return p.purged, err
}

// purge is what one run goes by. Clocks are wrong at times, before NTP sets them: a time in the future, or before there was this
// program, is no time at all. IDs rise with the time of receipt, whatever the clock said, and nothing ends before it came. So
// what came before a message that is old by a time that can be is old, too; and from the first message that came at the limit or
// later on nothing is.
type purge struct {
	store  *Store
	purged int
	told   time.Time
	pushed int // operations of the store, at the last pause

	limit, now int64  // milliseconds
	previous   sms.ID // the message seen last
	found      []run
	undecided  []run // they go if an old message comes after them
	end        bool  // a message was seen that came at the limit or later
}

// run is messages that follow each other, purgeStep of them at most, and go.
type run struct {
	Range
	messages int
}

// notedOnce is how seldom earlier versions noted the time of a conversation that went on.
const notedOnce = 24 * time.Hour

// maxUndecided bounds the runs whose messages have no times to go by; what is more goes in a later purge.
const maxUndecided = 10_000

func (p *purge) add(runs []run, id sms.ID) []run {
	if n := len(runs); n > 0 && runs[n-1].To == p.previous && runs[n-1].messages < purgeStep {
		runs[n-1].To = id
		runs[n-1].messages++
		return runs
	}
	return append(runs, run{Range{id, id}, 1})
}

// epoch is 2020-01-01: no message is older.
const epoch = 1_577_836_800_000

func (p *purge) canBe(t int64) bool { return t >= epoch && t <= p.now }

type judgement uint8

const (
	stays judgement = iota
	goes
	goesBeforeOld // if a message that is old by its time of receipt comes after it
)

// judge judges a message before the end that is final.
func (p *purge) judge(a Age) judgement {
	old := func(yes bool, j judgement) judgement {
		if yes {
			return j
		}
		return stays
	}
	switch {
	case !p.canBe(a.Received):
		return old(!p.canBe(a.Final) || a.Final < p.limit, goesBeforeOld)
	case p.canBe(a.Final) && a.Final >= a.Received:
		return old(a.Final < p.limit, goes)
	case a.Expires < p.limit: // it ended while the clock was wrong, at the latest when it expired
		return goes
	default:
		return old(a.Expires > p.now, goesBeforeOld)
	}
}

// see takes a message, in the order of their IDs.
func (p *purge) see(a Age) {
	switch {
	case p.end:
		return
	case a.Received >= p.limit && a.Received <= p.now:
		p.end = true
		return
	case a.Received >= epoch && a.Received < p.limit:
		p.found = append(p.found, p.undecided...)
		p.undecided = p.undecided[:0]
	}
	j := stays
	if a.Ended {
		j = p.judge(a)
	}
	switch j {
	case goes:
		p.found = p.add(p.found, a.ID)
	case goesBeforeOld:
		if len(p.undecided) < maxUndecided {
			p.undecided = p.add(p.undecided, a.ID)
		}
	}
	p.previous = a.ID
}

// messages looks at the messages in turn and deletes those that go.
func (p *purge) messages(ctx context.Context) error {
	for !p.end {
		cursor, began := p.previous, time.Now()
		if err := p.store.database.Ages(ctx, cursor, lookStep, p.see); err != nil {
			return err
		}
		if p.previous == cursor {
			return nil
		}
		if err := p.pause(ctx, time.Since(began)); err != nil {
			return err
		}
		if err := p.deleteFound(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *purge) deleteFound(ctx context.Context) error {
	for runs := p.found; len(runs) > 0; {
		var step []Range
		messages := 0
		for len(runs) > 0 && (messages == 0 || messages+runs[0].messages <= purgeStep) {
			step = append(step, runs[0].Range)
			messages += runs[0].messages
			runs = runs[1:]
		}
		if err := p.step(ctx, op{purge: step}); err != nil {
			return err
		}
		p.purged += messages
	}
	p.found = p.found[:0]
	return nil
}

// conversations forgets those that earlier versions noted so long ago. What went on they noted once a day.
func (p *purge) conversations(ctx context.Context) error {
	before := min(p.limit, Milli(time.Now())) - notedOnce.Milliseconds()
	for cursor := int64(0); ; {
		last, old, began := cursor, false, time.Now()
		err := p.store.database.Conversations(ctx, cursor, purgeStep, func(row, writtenAt int64) {
			last = row
			old = old || writtenAt < before
		})
		if err != nil || last == cursor {
			return err
		}
		if !old {
			err = p.pause(ctx, time.Since(began))
		} else {
			forgotten := Forgotten{After: cursor, UpTo: last, Before: before}
			err = p.step(ctx, op{fill: func(b *Batch) error { b.Forgotten = forgotten; return nil }})
		}
		if err != nil {
			return err
		}
		cursor = last
	}
}

// records deletes counters, samples and entries of the audit that are old by both clocks: that of their time and that of now.
func (p *purge) records(ctx context.Context) error {
	now := time.Now()
	kept := min(p.limit, Milli(now.Add(-CountersKept)))
	before := Horizon{Counters: tally.Hour(kept), Samples: Milli(now.Add(-SamplesKept)), Audit: kept}
	for {
		oldest, err := p.store.database.Oldest(ctx)
		if err != nil {
			return err
		}
		var due Horizon
		for _, kind := range []struct {
			oldest, before int64
			due            *int64
		}{{oldest.Counters, before.Counters, &due.Counters}, {oldest.Samples, before.Samples, &due.Samples}, {oldest.Audit, before.Audit, &due.Audit}} {
			if kind.oldest > 0 && kind.oldest < kind.before {
				*kind.due = kind.before
			}
		}
		if due == (Horizon{}) {
			return nil
		}
		if err := p.step(ctx, op{fill: func(b *Batch) error { b.Outdated = due; return nil }}); err != nil {
			return err
		}
	}
}

// step has an operation of the purge written, and pauses.
func (p *purge) step(ctx context.Context, o op) error {
	began, done := time.Now(), make(chan error, 1)
	o.done = func(err error) { done <- err }
	if !p.store.push(o) {
		return sms.ErrUnavailable
	}
	select {
	case err := <-done:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return p.pause(ctx, time.Since(began))
}

// pause lets others go first, after a step that took so long.
func (p *purge) pause(ctx context.Context, took time.Duration) error {
	s := p.store
	if now := time.Now(); now.Sub(p.told) >= purgeTold {
		p.told = now
		s.log.Info().Int("messages", p.purged).Msg("old messages are being purged")
	}
	s.mu.Lock()
	others := s.pushed - p.pushed
	p.pushed = s.pushed
	s.mu.Unlock()
	pause := min(purgePause*took, busyPause)
	if others > 1 { // one is the step
		pause = busyPause
	}
	rest := time.NewTimer(pause)
	defer rest.Stop()
	select {
	case <-rest.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return sms.ErrUnavailable
	}
}
