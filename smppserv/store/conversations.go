package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"hnetsmpp/smppserv/sms"
)

// LastWriter finds who last wrote from number to campaign; ok is false when nobody did.
func (s *Store) LastWriter(ctx context.Context, number, campaign string) (c sms.Conversation, ok bool, err error) {
	if c, ok, err = s.database.LastWriter(ctx, number, campaign); err != nil {
		err = fmt.Errorf("store: look up a conversation: %w", err)
	}
	return c, ok, err
}

// LastUse finds how the client last wrote number, to whichever campaign.
func (s *Store) LastUse(ctx context.Context, client, number string) (a sms.Address, ok bool, err error) {
	if a, ok, err = s.database.LastUse(ctx, client, number); err != nil {
		err = fmt.Errorf("store: look up a conversation: %w", err)
	}
	return a, ok, err
}

// ByNumber calls f for the messages from or to number that were received from from on and before to, newest first and without
// their Content, until f fails. A zero time is no bound; below, when it is not 0, leaves out that message and all newer ones, so
// that a list goes on where it ended. What came while the clock was wrong may be left out.
func (s *Store) ByNumber(ctx context.Context, number string, from, to time.Time, below sms.ID, f func(*sms.Message) error) error {
	first, last, err := s.received(ctx, from, to)
	if below > 0 {
		last = min(last, below-1)
	}
	if err == nil && first <= last {
		err = s.database.ByNumber(ctx, number, first, last, func(m *sms.Message) error {
			if at := m.FirstReceived(); at.Before(from) || !to.IsZero() && !at.Before(to) {
				return nil
			}
			return f(m)
		})
	}
	if err != nil {
		return fmt.Errorf("store: search by number: %w", err)
	}
	return nil
}

// received finds the first and the last id of the messages that were received from from on and before to.
func (s *Store) received(ctx context.Context, from, to time.Time) (first, last sms.ID, err error) {
	first, last = 1, math.MaxInt64
	if !from.IsZero() {
		if first, err = s.database.Since(ctx, from); err != nil || first == 0 {
			return 1, 0, err
		}
	}
	if !to.IsZero() {
		id, err := s.database.Since(ctx, to)
		if err != nil {
			return 0, 0, err
		}
		if id > 0 {
			last = id - 1
		}
	}
	return first, last, nil
}
