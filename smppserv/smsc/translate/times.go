package translate

import (
	"fmt"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// setTimes puts the times that a submit or replace names in the place of m's own, and judges the two together.
// When it was tried already, DueAt is the time of the next try, and nothing that the client asked for.
func setTimes(m *sms.Message, schedule, validity string) error {
	now, scheduled := m.ReceivedAt, schedule != "" || m.Attempts == 0
	if schedule != "" {
		t, err := smpp.ParseTime(schedule, now)
		if err != nil || t.Before(now.Truncate(100*time.Millisecond)) {
			return fmt.Errorf("schedule_delivery_time: %w", smpp.RINVSCHED)
		}
		m.DueAt = sms.NotBefore(t)
	}
	if validity != "" {
		t, err := smpp.ParseTime(validity, now)
		if err != nil || !t.After(now) || scheduled && t.Before(m.DueAt) {
			return fmt.Errorf("validity_period: %w", smpp.RINVEXPIRY)
		}
		m.ExpiresAt, m.Period = sms.NotBefore(t), smpp.IsRelative(validity)
	}
	if schedule != "" && !m.ExpiresAt.IsZero() && m.ExpiresAt.Before(m.DueAt) {
		return fmt.Errorf("schedule_delivery_time after the end of the validity: %w", smpp.RINVSCHED)
	}
	return nil
}
