package store

import (
	"context"
	"fmt"

	"hnetsmpp/smppserv/sms"
)

// Get returns one message, or sms.ErrUnknown.
func (s *Store) Get(ctx context.Context, id sms.ID) (*sms.Message, error) {
	ms, err := s.database.Load(ctx, []sms.ID{id}, Whole)
	if err != nil {
		return nil, fmt.Errorf("store: read message %d: %w", id, err)
	}
	if len(ms) == 0 {
		return nil, sms.ErrUnknown
	}
	return ms[0], nil
}

// Load reads messages by their IDs, in ascending order; those that are missing are left out.
func (s *Store) Load(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	return s.load(ctx, ids, Whole)
}

// LoadHeads is Load with no more of each Content than its first sms.HeadOctets: enough for the receipt of what ends untried.
func (s *Store) LoadHeads(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	return s.load(ctx, ids, Head)
}

func (s *Store) load(ctx context.Context, ids []sms.ID, part Part) ([]*sms.Message, error) {
	ms, err := s.database.Load(ctx, ids, part)
	if err != nil {
		return nil, fmt.Errorf("store: read messages: %w", err)
	}
	return ms, nil
}

// Waiting calls f for each message that is not final and whose ID is above after, in the order of their IDs,
// without their Content, and stops at f's first error. There is one message for all of them: it is valid until f returns.
func (s *Store) Waiting(ctx context.Context, after sms.ID, f func(*sms.Message) error) error {
	if err := s.database.Waiting(ctx, after, f); err != nil {
		return fmt.Errorf("store: read the waiting messages: %w", err)
	}
	return nil
}

// WaitingIDs lists the messages above after and up to upTo that are not final, in ascending order and at most limit of them.
func (s *Store) WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) ([]sms.ID, error) {
	ids, err := s.database.WaitingIDs(ctx, after, upTo, limit)
	if err != nil {
		return nil, fmt.Errorf("store: read the waiting ids: %w", err)
	}
	return ids, nil
}

// WrittenElsewhere tells whether another program has written to the database since the last call; at the first one, since the
// store was opened. Somebody may have put messages back to ENROUTE.
func (s *Store) WrittenElsewhere(ctx context.Context) (bool, error) {
	var written bool
	done := make(chan error, 1)
	look := func(*Batch) (err error) {
		if written, err = s.database.WrittenElsewhere(); err != nil {
			return fmt.Errorf("store: look whether another program has written: %w", err)
		}
		return nil
	}
	if !s.push(op{fill: look, done: func(err error) { done <- err }}) {
		return false, sms.ErrUnavailable
	}
	select {
	case err := <-done:
		return written, err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// KnownAs lists the messages that the submitter knows by this message_id, in ascending order: the one that has it,
// and the others of its submit_multi. There may be none.
func (s *Store) KnownAs(ctx context.Context, id sms.ID) ([]sms.ID, error) {
	ids, err := s.database.KnownAs(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("store: look up message %d: %w", id, err)
	}
	return ids, nil
}
