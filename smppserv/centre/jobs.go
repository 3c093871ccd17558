package centre

import (
	"context"
	"time"
)

// sweep looks for receipts and messages that are owed and were put on disk by another hand. New ones go at once.
func (mc *centre) sweep(ctx context.Context) {
	t := time.NewTicker(mc.config().Jobs.StatusReportInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		n, err := mc.queue.Sweep(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			mc.log.Error().Err(err).Msg("the sweep for messages still owed failed")
		case n > 0:
			mc.log.Info().Int("messages", n).Msg("messages still owed were found on disk")
		}
	}
}

// purgeDaily deletes old final messages once a day, at the hour configured.
func (mc *centre) purgeDaily(ctx context.Context) {
	jobs := mc.config().Jobs
	if jobs.PurgeMessagesHour < 0 {
		return
	}
	for {
		t := time.NewTimer(time.Until(nextHour(time.Now(), jobs.PurgeMessagesHour)))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		n, err := mc.store.Purge(ctx, time.Now().Add(-jobs.Retention))
		if err != nil {
			mc.log.Error().Err(err).Int("messages", n).Msg("the purge did not end")
			continue
		}
		mc.log.Info().Int("messages", n).Msg("old messages purged")
	}
}

// nextHour is the next time, after now, at which it strikes hour.
func nextHour(now time.Time, hour int) time.Time {
	t := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, now.Location())
	for !t.After(now) {
		t = t.AddDate(0, 0, 1)
	}
	return t
}
