package store

import (
	"context"
	"fmt"

	"hnetsmpp/smppserv/sms"
)

// HeldElsewhere lists, the oldest first, without their Content and at most limit of them, the messages of like's submitter, recipient and
// two numbers, and of its service_type unless that is "", that wait at other workers on the store.
func (s *Store) HeldElsewhere(ctx context.Context, like *sms.Message, limit int) ([]*sms.Message, error) {
	ms, err := s.database.HeldElsewhere(ctx, like, limit)
	if err != nil {
		return nil, fmt.Errorf("store: look for what waits at other workers: %w", err)
	}
	return ms, nil
}
