package operators

import (
	"context"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/sms"
)

const (
	// A walk over what waits is kept for walkShare times as long as it took, within these bounds.
	walkShare        = 100
	minWalk, maxWalk = 500 * time.Millisecond, 5 * time.Second
	maxOldestReads   = 1000 // messages of which it is read when they were accepted, at once
	// unreadPatience is how long it is not tried to read that when it could not be.
	unreadPatience = 5 * time.Second
)

// waitingHere lists what waits at this node.
func (ops *Operators) waitingHere(ctx context.Context) ([]adminapi.Waiting, error) {
	return ops.waiting.get(func() ([]adminapi.Waiting, time.Duration, error) {
		began := time.Now()
		backlogs, err := ops.parts.Queue.Backlogs(ctx)
		if err != nil {
			return nil, 0, failed(err)
		}
		took := time.Since(began)
		accepted := ops.acceptedAt(ctx, backlogs)
		cfg := ops.o.Config()
		all := []adminapi.Waiting{}
		for i := range backlogs {
			b := &backlogs[i]
			if b.Count == 0 {
				continue
			}
			w := adminapi.Waiting{Recipient: named(b.Recipient), Count: b.Count, Texts: b.Texts, Receipts: b.Receipts(), InFlight: b.InFlight,
				Scheduled: b.Scheduled, Oldest: accepted[b.Oldest], Next: b.Next, Why: ops.whyWaiting(&cfg, b)}
			if b.Oldest != 0 {
				w.OldestID = b.Oldest.String()
			}
			if !b.Until.IsZero() && b.Resting == b.Outlets {
				w.Next = b.Until
			}
			all = append(all, w)
		}
		return all, min(max(walkShare*took, minWalk), maxWalk), nil
	})
}

// acceptedAt is when the oldest messages were accepted. What cannot be read now is left out. It is called by one at a time.
func (ops *Operators) acceptedAt(ctx context.Context, backlogs []sms.Backlog) map[sms.ID]time.Time {
	var missing []sms.ID
	known := map[sms.ID]time.Time{}
	ops.mu.Lock()
	for _, b := range backlogs {
		if at, ok := ops.oldest[b.Oldest]; ok {
			known[b.Oldest] = at
		} else if b.Oldest != 0 && len(missing) < maxOldestReads {
			missing = append(missing, b.Oldest)
		}
	}
	ops.mu.Unlock()
	if len(missing) > 0 && time.Since(ops.unread) > unreadPatience {
		ms, err := ops.parts.Store.LoadHeads(ctx, missing)
		if err != nil {
			ops.unread = time.Now()
			ops.o.Log.Debug().Err(err).Msg("it cannot be read since when messages wait")
		}
		for _, m := range ms {
			known[m.ID] = m.FirstReceived()
		}
	}
	ops.mu.Lock()
	defer ops.mu.Unlock()
	ops.oldest = known
	return known
}

// whyWaiting tells why what waits for a recipient does.
func (ops *Operators) whyWaiting(cfg *Config, b *sms.Backlog) adminapi.Text {
	if ops.Lease() != nil {
		return adminapi.Say("nothing is tried while the lease is not held")
	}
	if err := ops.check(); err != nil {
		return adminapi.Say("nothing is tried while the outcome cannot be written: %s", err.Error())
	}
	var why adminapi.Text
	if b.Recipient == sms.Hermes {
		why = ops.whyHermes(cfg)
	} else {
		why = ops.whyClient(cfg, b)
	}
	switch {
	case !why.IsZero():
		return why
	case b.Scheduled == b.Count && !b.Next.IsZero():
		return adminapi.Say("for later, as their senders wish; the first one at %s", b.Next)
	case b.InFlight == b.Count:
		return adminapi.Say("on their way")
	case !b.Next.IsZero() && b.InFlight == 0:
		return adminapi.Say("they are tried again, or for the first time, from %s on", b.Next)
	}
	return adminapi.Say("they take their turns; %d are on their way", b.InFlight)
}

// whyRecipient tells why a recipient takes nothing; zero = it does.
func (ops *Operators) whyRecipient(recipient string) adminapi.Text {
	cfg := ops.o.Config()
	if recipient == sms.Hermes {
		return ops.whyHermes(&cfg)
	}
	b := ops.parts.Queue.Backlog(recipient)
	return ops.whyClient(&cfg, &b)
}

// whyHermes tells why nothing, or less, is pushed; zero = it is.
func (ops *Operators) whyHermes(cfg *Config) adminapi.Text {
	if cfg.HermesURL == "" {
		return adminapi.Say("config.toml has no hermes.url: nothing is pushed")
	}
	f := ops.parts.Push.Facts()
	switch f.State {
	case hermes.Dead:
		if f.Next.IsZero() {
			return adminapi.Say("Hermès does not take messages since %s: %s. It is being probed now", f.Since, f.Why)
		}
		return adminapi.Say("Hermès does not take messages since %s: %s. It is probed again at %s", f.Since, f.Why, f.Next)
	case hermes.Silent:
		return adminapi.Say("Hermès did not take the last messages: %s", f.Why)
	case hermes.Pausing:
		return adminapi.Say("Hermès wants fewer messages at a time (%s): they go on at %s", f.Why, f.Next)
	}
	return adminapi.Text{}
}

// whyClient tells why nothing is sent to a client; zero = it is.
func (ops *Operators) whyClient(cfg *Config, b *sms.Backlog) adminapi.Text {
	c, known := cfg.client(b.Recipient)
	pause, paused := ops.paused(b.Recipient)
	switch {
	case !known:
		return adminapi.Say("config.toml has no such client: hand over what waits for it, or add the client")
	case c.Disabled:
		return adminapi.Say("the client is disabled in config.toml")
	case paused:
		return adminapi.Say("paused by %s since %s", pause.By, pause.Since)
	case b.Outlets == 0:
		return ops.whyUnbound(ops.standingHere(b.Recipient))
	case b.Resting == b.Outlets:
		return adminapi.Say("the client takes nothing at the moment; it goes on at %s", b.Until)
	}
	return adminapi.Text{}
}

func (ops *Operators) paused(systemID string) (adminapi.Pause, bool) {
	ops.mu.Lock()
	defer ops.mu.Unlock()
	p, ok := ops.pauses[systemID]
	return p, ok
}
