package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
)

const (
	// own is that an epoch is that of the parameter $1, or one that it has taken over.
	own = "= ANY (ARRAY(SELECT $1::bigint UNION ALL SELECT epoch FROM estates WHERE owner = $1::bigint))"

	addStep = "INSERT INTO clock_steps (epoch, message_id, on_their_way, set_from, set_to) VALUES ($1, $2, $3, $4, $5)"
	// forgetSteps leaves what is needed for messages that any life of a worker accepted whose steps may go, wherever they wait.
	forgetSteps = "WITH mine AS (SELECT $1::bigint AS epoch UNION SELECT epoch FROM estates WHERE owner = $1::bigint), lives AS MATERIALIZED (SELECT epoch FROM mine UNION " +
		"SELECT o.epoch FROM mine JOIN (" + named + ") l ON l.epoch = mine.epoch JOIN (" + named + ") o ON o.node = l.node) " +
		"DELETE FROM clock_steps WHERE epoch IN (SELECT epoch FROM mine) AND (greatest(message_id, on_their_way) < coalesce((SELECT min(id) FROM messages WHERE final_at IS NULL " +
		"AND (holder IN (SELECT epoch FROM lives) OR handed_by IN (SELECT epoch FROM lives))), $2) " +
		"OR id <= (SELECT id FROM clock_steps WHERE epoch IN (SELECT epoch FROM mine) ORDER BY id DESC OFFSET $3 LIMIT 1))"
	purgeJob   = "purge"
	notePurge  = "INSERT INTO jobs (name, ran_at) VALUES ('" + purgeJob + "', $1) ON CONFLICT (name) DO UPDATE SET ran_at = excluded.ran_at"
	keepLast   = "UPDATE last_message_id SET id = $1 WHERE id < $1"
	notWaiting = " x WHERE x.message_id BETWEEN $1 AND $2 AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = x.message_id AND m.final_at IS NULL)"

	sampleColumns = "submitted, pushed, delivered, failed, receipts, waiting, oldest_ms, push"
	addSample     = "INSERT INTO minutes (minute, node, " + sampleColumns + ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (minute, node) DO UPDATE SET " +
		"submitted = excluded.submitted, pushed = excluded.pushed, delivered = excluded.delivered, failed = excluded.failed, receipts = excluded.receipts, " +
		"waiting = excluded.waiting, oldest_ms = excluded.oldest_ms, push = excluded.push"
	addAudit = "INSERT INTO audit (done_at, who, from_where, what, on_what, more) VALUES ($1, $2, $3, $4, $5, $6)"
	addPause = "INSERT INTO clients (system_id, paused_at, paused_by) VALUES ($1, $2, $3) ON CONFLICT (system_id) DO UPDATE SET " +
		"paused_at = excluded.paused_at, paused_by = excluded.paused_by"

	oldCounters = "DELETE FROM hourly WHERE ctid = ANY (ARRAY(SELECT ctid FROM hourly WHERE hour < $1 ORDER BY hour LIMIT $2))"
	oldSamples  = "DELETE FROM minutes WHERE ctid = ANY (ARRAY(SELECT ctid FROM minutes WHERE minute < $1 ORDER BY minute LIMIT $2))"
	oldAudit    = "DELETE FROM audit WHERE id <= (SELECT max(id) FROM (SELECT id, done_at FROM audit ORDER BY id LIMIT $2) a WHERE done_at < $1)"
)

var (
	eventColumns = []string{"bound_at", "bound_from", "bound_why", "unbound_at", "unbound_from", "unbound_why", "refused_at", "refused_from", "refused_why"}
	// addEvents leaves what is NULL as it was.
	addEvents = func() string {
		var sets []string
		for _, c := range eventColumns {
			sets = append(sets, c+" = coalesce(excluded."+c+", clients."+c+")")
		}
		return "INSERT INTO clients (system_id, " + strings.Join(eventColumns, ", ") + ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) " +
			"ON CONFLICT (system_id) DO UPDATE SET " + strings.Join(sets, ", ")
	}()
)

// purge has what is old deleted.
func (w *writer) purge(q *pgx.Batch, b *store.Batch) {
	if len(b.Purged) > 0 {
		q.Queue(keepLast, int64(b.LastID))
	}
	for _, r := range b.Purged {
		for _, table := range []string{"external_ids", "submit_multi", "tries"} {
			q.Queue("DELETE FROM "+table+notWaiting, int64(r.From), int64(r.To))
		}
		q.Queue("DELETE FROM messages WHERE id BETWEEN $1 AND $2 AND final_at IS NOT NULL", int64(r.From), int64(r.To))
	}
}

func (w *writer) jobs(q *pgx.Batch, b *store.Batch) {
	for _, step := range b.Steps {
		q.Queue(addStep, int64(w.epoch), int64(step.LastID), int64(b.LastID), store.Milli(step.From), store.Milli(step.To))
		q.Queue(forgetSteps, int64(w.epoch), int64(max(step.LastID, b.LastID)), store.MaxClockSteps)
	}
	if !b.PurgedAt.IsZero() {
		q.Queue(notePurge, store.Milli(b.PurgedAt))
	}
}

// records writes what is no message. Rows that other workers write too are taken in the order of their keys.
func (w *writer) records(q *pgx.Batch, b *store.Batch) {
	for i := range b.Samples {
		s := &b.Samples[i]
		q.Queue(addSample, store.Milli(s.At), escape(w.d.o.Node), s.Submitted, s.Pushed, s.Delivered, s.Failed, s.Receipts, s.Waiting, s.Oldest.Milliseconds(),
			notNil(s.Push.Append(nil)))
	}
	for _, e := range b.Audit {
		q.Queue(addAudit, store.Milli(e.At), escape(e.Who), escape(e.From), escape(e.What), escape(e.On), escape(e.More))
	}
	byClient := func(a, b store.ClientNote) int { return cmp.Compare(a.Client, b.Client) }
	for _, n := range slices.SortedStableFunc(slices.Values(b.Noted), byClient) {
		q.Queue(addEvents, append(append(append([]any{escape(n.Client)}, event(n.Bound)...), event(n.Unbound)...), event(n.Refused)...)...)
	}
	for _, n := range slices.SortedStableFunc(slices.Values(b.Paused), byClient) {
		if n.Paused.Since.IsZero() {
			q.Queue(addPause, escape(n.Client), nil, nil)
		} else {
			q.Queue(addPause, escape(n.Client), store.Milli(n.Paused.Since), escape(n.Paused.By))
		}
	}
	for _, old := range []struct {
		query  string
		before int64
	}{{oldCounters, b.Outdated.Counters}, {oldSamples, b.Outdated.Samples}, {oldAudit, b.Outdated.Audit}} {
		if old.before != 0 {
			q.Queue(old.query, old.before, store.OutdatedStep)
		}
	}
}

func event(e store.ClientEvent) []any {
	if e.At.IsZero() {
		return []any{nil, nil, nil}
	}
	return []any{store.Milli(e.At), escape(e.Remote), escape(e.Why)}
}

// Tries implements store.Database.
func (d *Database) Tries(ctx context.Context, id sms.ID) (tries []sms.Try, err error) {
	var at, took, code int64
	var through, reason string
	var unjudged int32
	err = d.each(ctx, "SELECT tried_at, took_ms, through, error, reason, unjudged FROM (SELECT number, tried_at, took_ms, through, error, reason, unjudged FROM tries "+
		"WHERE message_id = $1 UNION ALL SELECT 2147483647, tried_at, took_ms, through, error, reason, unjudged FROM messages WHERE id = $1 AND tried_at IS NOT NULL) t "+
		"ORDER BY number", []any{&at, &took, &through, &code, &reason, &unjudged}, func() error {
		tries = append(tries, sms.Try{At: time.UnixMilli(at), Took: time.Duration(took) * time.Millisecond, Through: unescape(through),
			Error: int(code), Reason: unescape(reason), Unjudged: int(unjudged)})
		return nil
	}, int64(id))
	return tries, err
}

// Samples implements store.Database. Those of a minute that several nodes have are one.
func (d *Database) Samples(ctx context.Context, from, to int64, own bool) (samples []store.Sample, err error) {
	var at, oldest int64
	var push []byte
	var s store.Sample
	err = d.each(ctx, "SELECT minute, "+sampleColumns+" FROM minutes WHERE minute >= $1 AND minute < $2 AND (node = $4 OR NOT $3) ORDER BY minute, node",
		[]any{&at, &s.Submitted, &s.Pushed, &s.Delivered, &s.Failed, &s.Receipts, &s.Waiting, &oldest, &push}, func() error {
			one := s
			one.At, one.Oldest = time.UnixMilli(at), time.Duration(oldest)*time.Millisecond
			if err := one.Push.Decode(push); err != nil {
				return err
			}
			n := len(samples)
			if n == 0 || !samples[n-1].At.Equal(one.At) {
				samples = append(samples, one)
				return nil
			}
			all := &samples[n-1]
			all.Submitted += one.Submitted
			all.Pushed += one.Pushed
			all.Delivered += one.Delivered
			all.Failed += one.Failed
			all.Receipts += one.Receipts
			all.Waiting += one.Waiting
			all.Oldest = max(all.Oldest, one.Oldest)
			all.Push.Merge(&one.Push)
			return nil
		}, from, to, own, escape(d.o.Node))
	return samples, err
}

// Audit implements store.Database.
func (d *Database) Audit(ctx context.Context, below int64, limit int) (entries []store.AuditEntry, err error) {
	var id, at int64
	var who, from, what, on, more string
	err = d.each(ctx, "SELECT id, done_at, who, from_where, what, on_what, more FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2",
		[]any{&id, &at, &who, &from, &what, &on, &more}, func() error {
			entries = append(entries, store.AuditEntry{ID: id, At: time.UnixMilli(at), Who: unescape(who), From: unescape(from), What: unescape(what),
				On: unescape(on), More: unescape(more)})
			return nil
		}, below, limit)
	return entries, err
}

// ClientNotes implements store.Database.
func (d *Database) ClientNotes(ctx context.Context) (notes []store.ClientNote, err error) {
	var client string
	var events [3]struct {
		at        *int64
		from, why *string
	}
	var pausedAt *int64
	var pausedBy *string
	to := []any{&client}
	for i := range events {
		to = append(to, &events[i].at, &events[i].from, &events[i].why)
	}
	query := "SELECT system_id, " + strings.Join(eventColumns, ", ") + ", paused_at, paused_by FROM clients ORDER BY system_id"
	err = d.each(ctx, query, append(to, &pausedAt, &pausedBy), func() error {
		n := store.ClientNote{Client: unescape(client)}
		for i, e := range []*store.ClientEvent{&n.Bound, &n.Unbound, &n.Refused} {
			if events[i].at != nil {
				*e = store.ClientEvent{At: time.UnixMilli(*events[i].at), Remote: text(events[i].from), Why: text(events[i].why)}
			}
		}
		if pausedAt != nil {
			n.Paused = store.Pause{Since: time.UnixMilli(*pausedAt), By: text(pausedBy)}
		}
		notes = append(notes, n)
		return nil
	})
	return notes, err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return unescape(*s)
}

// Oldest implements store.Database.
func (d *Database) Oldest(ctx context.Context) (h store.Horizon, err error) {
	err = d.each(ctx, "SELECT coalesce((SELECT min(hour) FROM hourly), 0), coalesce((SELECT min(minute) FROM minutes), 0), "+
		"coalesce((SELECT done_at FROM audit ORDER BY id LIMIT 1), 0)", []any{&h.Counters, &h.Samples, &h.Audit}, func() error { return nil })
	return h, err
}
