package store

import (
	"context"
	"fmt"

	"hnetsmpp/smppserv/sms"
)

// WaitingOf calls f for each message that is not final and that one of these holders had, whose rows are this worker's now; see Waiting.
func (s *Store) WaitingOf(ctx context.Context, holders []sms.Epoch, f func(*sms.Message) error) error {
	if err := s.database.WaitingOf(ctx, holders, f); err != nil {
		return fmt.Errorf("store: read what waited at another worker: %w", err)
	}
	return nil
}

// HeldElsewhere lists, the oldest first, without their Content and at most limit of them, the messages of like's submitter, recipient and
// two numbers, and of its service_type unless that is "", that wait at other workers on the store.
func (s *Store) HeldElsewhere(ctx context.Context, like *sms.Message, limit int) ([]*sms.Message, error) {
	ms, err := s.database.HeldElsewhere(ctx, like, limit)
	if err != nil {
		return nil, fmt.Errorf("store: look for what waits at other workers: %w", err)
	}
	return ms, nil
}

// Holders tells of those of these messages that are not final at which other worker on the store they wait, 0 = at this one.
func (s *Store) Holders(ctx context.Context, ids []sms.ID) (map[sms.ID]sms.Epoch, error) {
	at, err := s.database.Holders(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("store: look where messages wait: %w", err)
	}
	return at, nil
}

// HandedOn calls f, in ascending order and without Content, for each message that waits for a client at another worker on the store, and that
// what these epochs, which are over, had left must not overtake: one of them handed it on, were it that others did so after it. The message is
// valid until f returns.
func (s *Store) HandedOn(ctx context.Context, by []sms.Epoch, f func(*sms.Message)) error {
	if err := s.database.HandedOn(ctx, by, f); err != nil {
		return fmt.Errorf("store: look for what was handed on: %w", err)
	}
	return nil
}
