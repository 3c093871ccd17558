package store

import (
	"context"
	"fmt"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// MaxClockSteps bounds what is kept of a clock that is set again and again while messages wait: the newest steps.
const MaxClockSteps = 1000

// NoteClockStep keeps a step for those who read messages from before it. What no waiting message needs any more goes.
// It returns at once; done tells when it is on disk.
func (s *Store) NoteClockStep(step road.ClockStep, done func(error)) {
	if !s.push(op{fill: func(b *Batch) error { b.Steps = append(b.Steps, step); return nil }, done: done}) {
		done(sms.ErrUnavailable)
	}
}

// ClockSteps lists the steps that waiting messages may need, in their order, those of other workers on the store among them.
func (s *Store) ClockSteps(ctx context.Context) ([]road.ClockStep, error) {
	steps, err := s.database.ClockSteps(ctx)
	if err != nil {
		return nil, fmt.Errorf("store: read the steps of the clock: %w", err)
	}
	return steps, nil
}

// LastPurge is when NotePurge was called last, zero = never.
func (s *Store) LastPurge(ctx context.Context) (time.Time, error) {
	at, err := s.database.LastPurge(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("store: read when the last purge was: %w", err)
	}
	return at, nil
}

// NotePurge keeps when the purge of the day was. It waits until that is on disk.
func (s *Store) NotePurge(at time.Time) error {
	done := make(chan error, 1)
	if !s.push(op{fill: func(b *Batch) error { b.PurgedAt = at; return nil }, done: func(err error) { done <- err }}) {
		return sms.ErrUnavailable
	}
	if err := <-done; err != nil {
		return fmt.Errorf("store: note the purge: %w", err)
	}
	return nil
}
