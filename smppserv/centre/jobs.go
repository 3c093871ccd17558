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

// purgeDaily deletes old final messages once a day, at the hour configured, or soon after it where that was missed.
// It looks at the clock every so often.
func (mc *centre) purgeDaily(ctx context.Context, every time.Duration) {
	jobs := mc.config().Jobs
	if jobs.PurgeMessagesHour < 0 {
		return
	}
	d := daily{hour: jobs.PurgeMessagesHour}
	look := time.NewTicker(every)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now, elapsed := mc.clock()
		if !d.due(now, elapsed) || !mc.leads() {
			continue
		}
		last, unknown := mc.store.LastPurge(ctx) // another worker may have made it
		if !last.IsZero() {
			if d.last = last; !d.missed(now) {
				continue
			}
		}
		n, err := mc.store.Purge(ctx, now.Add(-jobs.Retention))
		first := n == 0 && d.last.IsZero() // of a new store, it seems: what is put into it before a restart shall not have missed its purge
		if err == nil && !first {
			err = mc.store.NotePurge(now)
		}
		d.ran(now, elapsed, err == nil)
		if err == nil && unknown != nil {
			mc.log.Error().Err(unknown).Msg("it was not known when the last purge was; there was one now")
		}
		switch {
		case err == nil && first:
		case err == nil:
			mc.log.Info().Int("messages", n).Msg("old messages purged")
		case ctx.Err() == nil:
			mc.log.Error().Err(err).Int("messages", n).Stringer("next_try_in", dailyRetry).Msg("the purge did not end")
		}
	}
}

const (
	// dailyLook is how often the clock is looked at, which may be set, and stand still while the machine sleeps.
	dailyLook = 5 * time.Second
	// dailyRetry is the wait after a job that failed.
	dailyRetry = 10 * time.Minute
)

// daily is a job that runs once a day.
type daily struct {
	hour  int           // of local time
	last  time.Time     // when it ran, zero = it is not known to
	seen  bool          // it was due at the last look: a clock that is wrong for a moment is not to start it
	after time.Duration // elapsed; not before
}

// missed tells that its hour has struck since the job ran last, or that it ran last in the future, as the clock was set then.
func (d *daily) missed(now time.Time) bool {
	return d.last.After(now) || d.last.Before(lastStrike(now, d.hour))
}

// due tells whether the job is to run: two looks have found it missed.
func (d *daily) due(now time.Time, elapsed time.Duration) bool {
	missed := d.missed(now)
	seen := d.seen
	d.seen = missed
	return missed && seen && elapsed >= d.after
}

// ran notes that the job ran.
func (d *daily) ran(now time.Time, elapsed time.Duration, well bool) {
	if d.seen = false; well {
		d.last = now
		return
	}
	d.after = elapsed + dailyRetry
}

// lastStrike is the last time, not after now, at which it struck hour, once a day also where the clocks are put back.
func lastStrike(now time.Time, hour int) time.Time {
	t := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, now.Location())
	if t.After(now) {
		t = time.Date(now.Year(), now.Month(), now.Day()-1, hour, 0, 0, 0, now.Location())
	}
	return t
}
