package store

import (
	"context"
	"database/sql"
	"errors"
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
	write := func(w *writer) error {
		if err := w.exec("INSERT INTO clock_steps (message_id, set_from, set_to) VALUES (?, ?, ?)",
			int64(step.LastID), milli(step.From), milli(step.To)); err != nil {
			return fmt.Errorf("note a step of the clock: %w", err)
		}
		if err := w.exec("DELETE FROM clock_steps WHERE message_id < (SELECT coalesce(min(id), ?) FROM messages INDEXED BY messages_waiting "+
			"WHERE final_at IS NULL) OR rowid <= (SELECT max(rowid) FROM clock_steps) - ?", int64(step.LastID), MaxClockSteps); err != nil {
			return fmt.Errorf("forget old steps of the clock: %w", err)
		}
		return nil
	}
	if !s.push(op{write: write, done: done}) {
		done(sms.ErrUnavailable)
	}
}

// ClockSteps lists the steps that waiting messages may need, in their order.
func (s *Store) ClockSteps(ctx context.Context) (steps []road.ClockStep, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT message_id, set_from, set_to FROM clock_steps ORDER BY rowid")
	if err != nil {
		return nil, fmt.Errorf("store: read the steps of the clock: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var step road.ClockStep
		var from, to int64
		if err := rows.Scan(&step.LastID, &from, &to); err != nil {
			return nil, fmt.Errorf("store: read the steps of the clock: %w", err)
		}
		step.From, step.To = time.UnixMilli(from), time.UnixMilli(to)
		steps = append(steps, step)
	}
	return steps, rows.Err()
}

const purgeJob = "purge"

// LastPurge is when NotePurge was called last, zero = never.
func (s *Store) LastPurge(ctx context.Context) (time.Time, error) {
	var at int64
	err := s.db.QueryRowContext(ctx, "SELECT ran_at FROM jobs WHERE name = ?", purgeJob).Scan(&at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("store: read when the last purge was: %w", err)
	}
	return time.UnixMilli(at), nil
}

// NotePurge keeps when the purge of the day was. It waits until that is on disk.
func (s *Store) NotePurge(at time.Time) error {
	done := make(chan error, 1)
	write := func(w *writer) error {
		return w.exec("INSERT INTO jobs (name, ran_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET ran_at = excluded.ran_at", purgeJob, milli(at))
	}
	if !s.push(op{write: write, done: func(err error) { done <- err }}) {
		return sms.ErrUnavailable
	}
	if err := <-done; err != nil {
		return fmt.Errorf("store: note the purge: %w", err)
	}
	return nil
}
