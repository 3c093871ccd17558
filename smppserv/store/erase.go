package store

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"hnetsmpp/pkg/mention"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/tally"
)

const (
	// scrubTime bounds the wait for readers that keep the database from overwriting what was deleted.
	scrubTime = 20 * time.Second
	// countersSpan is of how many counters one read is, when those of a number are looked for.
	countersSpan = 7 * 24 * time.Hour
	// auditStep is how many entries of the audit are read together.
	auditStep = 500
	// erased stands in the place of a number.
	erased = "(erased)"
)

// EraseMessages deletes messages that are final, with what is kept of them beside them, whenever they ended. It goes in small steps
// with pauses between them, as Purge does; ctx breaks it off. Those that are not final stay.
func (s *Store) EraseMessages(ctx context.Context, ids []sms.ID) error {
	p := purge{store: s, pushed: math.MaxInt, told: time.Now()}
	for len(ids) > 0 {
		n := min(len(ids), purgeStep)
		step := make([]Range, n)
		for i, id := range ids[:n] {
			step[i] = Range{id, id}
		}
		if err := p.step(ctx, op{purge: step}); err != nil {
			return fmt.Errorf("store: erase messages: %w", err)
		}
		p.purged += n
		ids = ids[n:]
	}
	return nil
}

// EraseNumber has nothing but messages hold a number, which is without its +: what is kept of its conversations and groups of parts
// goes; counters that were kept under it, since a client wrote to it as to a campaign, go under a made-up name; in the audit it is
// replaced. It can be repeated.
func (s *Store) EraseNumber(ctx context.Context, number string) error {
	p := purge{store: s, pushed: math.MaxInt, told: time.Now()}
	forms := []string{number, "+" + number}
	err := p.step(ctx, op{fill: func(b *Batch) error { b.Erased = append(b.Erased, forms...); return nil }})
	for _, form := range forms {
		if err == nil {
			err = s.eraseCounters(ctx, &p, form)
		}
	}
	if err == nil {
		err = s.eraseAudit(ctx, &p, mention.Of(number))
	}
	if err != nil {
		return fmt.Errorf("store: erase a number: %w", err)
	}
	return nil
}

func (s *Store) eraseCounters(ctx context.Context, p *purge, campaign string) error {
	oldest, err := s.database.Oldest(ctx)
	if err != nil || oldest.Counters == 0 {
		return err
	}
	to := fmt.Sprintf("erased-%08x", rand.Uint32())
	end := tally.Hour(Milli(time.Now())) + 2*time.Hour.Milliseconds()
	for from := oldest.Counters; from < end; from += countersSpan.Milliseconds() {
		found, until := false, from+countersSpan.Milliseconds()
		if err := s.database.Traffic(ctx, from, until, "", campaign, func(*tally.Row) error { found = true; return nil }); err != nil {
			return err
		}
		if !found {
			continue
		}
		err := p.step(ctx, op{fill: func(b *Batch) error {
			b.Renamed = append(b.Renamed, Renamed{Campaign: campaign, To: to, From: from, Until: until})
			return nil
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) eraseAudit(ctx context.Context, p *purge, number mention.Number) error {
	for below := int64(math.MaxInt64); ; {
		entries, err := s.database.Audit(ctx, below, auditStep)
		if err != nil || len(entries) == 0 {
			return err
		}
		var reworded []AuditEntry
		for _, e := range entries {
			below = e.ID
			if number.In([]byte(e.On)) || number.In([]byte(e.More)) {
				e.On, e.More = number.Without(e.On, erased), number.Without(e.More, erased)
				reworded = append(reworded, e)
			}
		}
		if len(reworded) == 0 {
			continue
		}
		if err := p.step(ctx, op{fill: func(b *Batch) error { b.Reworded = append(b.Reworded, reworded...); return nil }}); err != nil {
			return err
		}
	}
}

// Scrub returns when nothing of what was deleted before is in files of the database that it can overwrite. While others read it for
// long it fails after a while: that comes about later, with what is written then.
func (s *Store) Scrub(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, scrubTime)
	defer cancel()
	if err := s.database.Scrub(ctx); err != nil {
		return fmt.Errorf("store: overwrite what was deleted: %w", err)
	}
	return nil
}

// scrubbed is Scrub after a purge, for which nobody waits.
func (s *Store) scrubbed(ctx context.Context) {
	if err := s.Scrub(ctx); err != nil {
		s.log.Info().Err(err).Msg("what was purged is overwritten later: a program has been reading the database for long")
	}
}
