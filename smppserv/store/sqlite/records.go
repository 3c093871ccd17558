package sqlite

import (
	"context"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"

	zombiezen "zombiezen.com/go/sqlite"
)

const sample = "minute, submitted, pushed, delivered, failed, receipts, waiting, oldest_ms, push"

var (
	eventColumns = []string{"bound_at", "bound_from", "bound_why", "unbound_at", "unbound_from", "unbound_why", "refused_at", "refused_from", "refused_why"}
	// events leaves what is NULL as it was.
	events = func() string {
		var sets []string
		for _, c := range eventColumns {
			sets = append(sets, c+" = coalesce(?, "+c+")")
		}
		return strings.Join(sets, ", ")
	}()
)

// records writes what is no message.
func (w *writer) records(b *store.Batch) error {
	for i := range b.Samples {
		if err := w.sampled(&b.Samples[i]); err != nil {
			return err
		}
	}
	for _, e := range b.Audit {
		w.audit.BindInt64(1, store.Milli(e.At))
		for i, text := range []string{e.Who, e.From, e.What, e.On, e.More} {
			w.audit.BindText(2+i, text)
		}
		if err := run(w.audit); err != nil {
			return err
		}
	}
	for i := range b.Noted {
		if err := w.noted(&b.Noted[i]); err != nil {
			return err
		}
	}
	for _, n := range b.Paused {
		if err := w.paused(n); err != nil {
			return err
		}
	}
	return w.outdated(b.Outdated)
}

func (w *writer) sampled(s *store.Sample) error {
	for i, n := range []int64{store.Milli(s.At), s.Submitted, s.Pushed, s.Delivered, s.Failed, s.Receipts, s.Waiting, s.Oldest.Milliseconds()} {
		w.sample.BindInt64(1+i, n)
	}
	w.sample.BindBytes(9, s.Push.Append(nil))
	return run(w.sample)
}

func (w *writer) noted(n *store.ClientNote) error {
	if err := w.mentioned(n.Client); err != nil {
		return err
	}
	for i, e := range []store.ClientEvent{n.Bound, n.Unbound, n.Refused} {
		at := 1 + 3*i
		if e.At.IsZero() {
			for k := range 3 {
				w.event.BindNull(at + k)
			}
			continue
		}
		w.event.BindInt64(at, store.Milli(e.At))
		w.event.BindText(at+1, e.Remote)
		w.event.BindText(at+2, e.Why)
	}
	w.event.BindText(1+len(eventColumns), n.Client)
	return run(w.event)
}

func (w *writer) paused(n store.ClientNote) error {
	if err := w.mentioned(n.Client); err != nil {
		return err
	}
	if n.Paused.Since.IsZero() {
		w.pause.BindNull(1)
		w.pause.BindNull(2)
	} else {
		w.pause.BindInt64(1, store.Milli(n.Paused.Since))
		w.pause.BindText(2, n.Paused.By)
	}
	w.pause.BindText(3, n.Client)
	return run(w.pause)
}

// mentioned has a row for a client.
func (w *writer) mentioned(client string) error {
	w.client.BindText(1, client)
	return run(w.client)
}

func (w *writer) outdated(h store.Horizon) error {
	for _, old := range []struct {
		stmt   *zombiezen.Stmt
		before int64
	}{{w.oldCounters, h.Counters}, {w.oldSamples, h.Samples}, {w.oldAudit, h.Audit}} {
		if old.before == 0 {
			continue
		}
		if err := integers(old.stmt, old.before, store.OutdatedStep); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) readdressed(r store.Readdressed, t *tally.Sheet) error {
	w.readdress.BindText(1, r.Recipient)
	for _, id := range r.IDs {
		w.readdress.BindInt64(2, int64(id))
		if err := run(w.readdress); err != nil {
			return err
		}
		t.Forget(id)
	}
	return nil
}

// Tries implements store.Database.
func (d *database) Tries(ctx context.Context, id sms.ID) (tries []sms.Try, err error) {
	const columns = "tried_at, took_ms, through, error, reason, unjudged FROM "
	query := "SELECT " + columns + "tries WHERE message_id = ?1 UNION ALL SELECT " + columns + "messages WHERE id = ?1 AND tried_at IS NOT NULL"
	err = d.readers.read(ctx, func(r *reader) error {
		return r.each(query, func(s *zombiezen.Stmt) error {
			tries = append(tries, sms.Try{
				At: time.UnixMilli(s.ColumnInt64(0)), Took: time.Duration(s.ColumnInt64(1)) * time.Millisecond, Through: r.names.Of(r.bytes(s, 2)),
				Error: s.ColumnInt(3), Reason: s.ColumnText(4), Unjudged: s.ColumnInt(5),
			})
			return nil
		}, int64(id))
	})
	return tries, err
}

// Samples implements store.Database.
func (d *database) Samples(ctx context.Context, from, to int64, _ bool) (samples []store.Sample, err error) {
	err = d.readers.read(ctx, func(r *reader) error {
		return r.each("SELECT "+sample+" FROM minutes WHERE minute >= ? AND minute < ? ORDER BY minute", func(s *zombiezen.Stmt) error {
			samples = append(samples, store.Sample{
				At: time.UnixMilli(s.ColumnInt64(0)), Submitted: s.ColumnInt64(1), Pushed: s.ColumnInt64(2), Delivered: s.ColumnInt64(3),
				Failed: s.ColumnInt64(4), Receipts: s.ColumnInt64(5), Waiting: s.ColumnInt64(6), Oldest: time.Duration(s.ColumnInt64(7)) * time.Millisecond,
			})
			return samples[len(samples)-1].Push.Decode(r.bytes(s, 8))
		}, from, to)
	})
	return samples, err
}

// Audit implements store.Database.
func (d *database) Audit(ctx context.Context, below int64, limit int) (entries []store.AuditEntry, err error) {
	err = d.each(ctx, "SELECT id, done_at, who, from_where, what, on_what, more FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?", func(s *zombiezen.Stmt) {
		entries = append(entries, store.AuditEntry{ID: s.ColumnInt64(0), At: time.UnixMilli(s.ColumnInt64(1)), Who: s.ColumnText(2),
			From: s.ColumnText(3), What: s.ColumnText(4), On: s.ColumnText(5), More: s.ColumnText(6)})
	}, below, int64(limit))
	return entries, err
}

// ClientNotes implements store.Database.
func (d *database) ClientNotes(ctx context.Context) (notes []store.ClientNote, err error) {
	query := "SELECT system_id, " + strings.Join(eventColumns, ", ") + ", paused_at, paused_by FROM clients ORDER BY system_id"
	err = d.each(ctx, query, func(s *zombiezen.Stmt) {
		event := func(at int) store.ClientEvent {
			if s.ColumnIsNull(at) {
				return store.ClientEvent{}
			}
			return store.ClientEvent{At: time.UnixMilli(s.ColumnInt64(at)), Remote: s.ColumnText(at + 1), Why: s.ColumnText(at + 2)}
		}
		n := store.ClientNote{Client: s.ColumnText(0), Bound: event(1), Unbound: event(4), Refused: event(7)}
		if !s.ColumnIsNull(10) {
			n.Paused = store.Pause{Since: time.UnixMilli(s.ColumnInt64(10)), By: s.ColumnText(11)}
		}
		notes = append(notes, n)
	})
	return notes, err
}

// Oldest implements store.Database.
func (d *database) Oldest(ctx context.Context) (h store.Horizon, err error) {
	err = d.each(ctx, "SELECT coalesce((SELECT min(hour) FROM hourly), 0), coalesce((SELECT min(minute) FROM minutes), 0), "+
		"coalesce((SELECT done_at FROM audit ORDER BY id LIMIT 1), 0)", func(s *zombiezen.Stmt) {
		h = store.Horizon{Counters: s.ColumnInt64(0), Samples: s.ColumnInt64(1), Audit: s.ColumnInt64(2)}
	})
	return h, err
}
