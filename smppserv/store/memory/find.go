package memory

import (
	"context"
	"slices"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"
)

// Since implements store.Database.
func (d *database) Since(ctx context.Context, at time.Time) (id sms.ID, err error) {
	err = d.read(ctx, func() {
		i, _ := slices.BinarySearchFunc(d.disk.ids, at, func(id sms.ID, at time.Time) int {
			return d.disk.messages[id].FirstReceived().Compare(at)
		})
		if i < len(d.disk.ids) {
			id = d.disk.ids[i]
		}
	})
	return id, err
}

// Ages implements store.Database.
func (d *database) Ages(ctx context.Context, after sms.ID, limit int, f func(store.Age)) error {
	var ages []store.Age
	err := d.read(ctx, func() {
		for id := range d.disk.inRange(after+1, 1<<62) {
			if len(ages) == limit {
				break
			}
			m := d.disk.messages[id]
			ages = append(ages, store.Age{ID: id, Received: store.Milli(m.FirstReceived()), Final: store.Milli(m.FinalAt), Expires: store.Milli(m.ExpiresAt),
				Ended: m.State.Final()})
		}
	})
	for _, age := range ages {
		f(age)
	}
	return err
}

// Tries implements store.Database.
func (d *database) Tries(ctx context.Context, id sms.ID) (tries []sms.Try, err error) {
	err = d.read(ctx, func() {
		tries = slices.Clone(d.disk.tries[id])
		if m := d.disk.messages[id]; m != nil {
			if try, ok := lastTry(m); ok {
				tries = append(tries, try)
			}
		}
	})
	return tries, err
}

// lets tells whether a search lets a message through, but for its times and Below.
func lets(q *store.Search, m *sms.Message) bool {
	number := func(n string) bool { return n == q.Number || q.Beginning && strings.HasPrefix(n, q.Number) }
	of := tally.Of(m)
	states := q.Stored()
	switch {
	case q.Client != "" && m.Submitter != q.Client && m.Recipient != q.Client,
		q.Number != "" && !number(m.Source.Number) && !number(m.Dest.Number),
		q.Campaign != "" && of.Campaign != q.Campaign,
		q.Direction == store.In && of.Out, q.Direction == store.Out && !of.Out,
		len(q.Kinds) > 0 && !slices.Contains(q.Kinds, m.Kind),
		len(states) > 0 && !slices.Contains(states, m.State):
		return false
	}
	return true
}

// Scan implements store.Database.
func (d *database) Scan(ctx context.Context, q *store.Search, along store.Along, from, to sms.ID, limit int, f func(*sms.Message)) error {
	var ms []*sms.Message
	err := d.read(ctx, func() {
		d.disk.newest(from, to, func(m *sms.Message) bool {
			if len(ms) == limit {
				return false
			}
			if (along != store.AlongWaiting || !m.State.Final()) && (along != store.AlongFailed || d.disk.failed[m.ID]) && lets(q, m) {
				ms = append(ms, d.seen(m, store.Bare))
			}
			return true
		})
	})
	for _, m := range ms {
		f(m)
	}
	return err
}

// ReceivedAt implements store.Database.
func (d *database) ReceivedAt(ctx context.Context, id sms.ID) (at time.Time, err error) {
	err = d.read(ctx, func() {
		d.disk.newest(0, id, func(m *sms.Message) bool { at = m.FirstReceived(); return false })
	})
	return at, err
}

// Hours implements store.Database.
func (d *database) Hours(ctx context.Context, q *store.Search, before int64, limit int) (hours []int64, err error) {
	err = d.read(ctx, func() {
		for k := range d.disk.counters {
			if k.State != tally.Accepted || k.Hour >= before || q.Campaign != "" && k.Campaign != "" && k.Campaign != q.Campaign ||
				q.Client != "" && k.Client != q.Client && k.Peer != q.Client ||
				q.Direction == store.In && k.Out || q.Direction == store.Out && !k.Out || len(q.Kinds) > 0 && !slices.Contains(q.Kinds, k.Kind) {
				continue
			}
			hours = append(hours, k.Hour)
		}
	})
	slices.Sort(hours)
	hours = slices.Compact(hours)
	slices.Reverse(hours)
	return hours[:min(len(hours), limit)], err
}

// Counted implements store.Database.
func (d *database) Counted(context.Context) (since time.Time, last sms.ID, err error) {
	return d.disk.since, 0, nil
}

// Traffic implements store.Database.
func (d *database) Traffic(ctx context.Context, from, to int64, client, campaign string, f func(*tally.Row) error) error {
	var rows []tally.Row
	err := d.read(ctx, func() {
		for k, count := range d.disk.counters {
			if k.Hour >= from && k.Hour < to && (client == "" || k.Client == client || k.Peer == client) && (campaign == "" || k.Campaign == campaign) {
				rows = append(rows, tally.Row{Key: k, Count: count})
			}
		}
	})
	slices.SortFunc(rows, func(a, b tally.Row) int { return a.Key.Compare(&b.Key) })
	for i := 0; err == nil && i < len(rows); i++ {
		err = f(&rows[i])
	}
	return err
}

// Samples implements store.Database.
func (d *database) Samples(ctx context.Context, from, to int64, _ bool) (samples []store.Sample, err error) {
	err = d.read(ctx, func() {
		for minute, s := range d.disk.samples {
			if minute >= from && minute < to {
				samples = append(samples, s)
			}
		}
	})
	slices.SortFunc(samples, func(a, b store.Sample) int { return a.At.Compare(b.At) })
	return samples, err
}

// Audit implements store.Database.
func (d *database) Audit(ctx context.Context, below int64, limit int) (entries []store.AuditEntry, err error) {
	err = d.read(ctx, func() {
		for _, e := range slices.Backward(d.disk.audit) {
			if e.ID < below && len(entries) < limit {
				entries = append(entries, e)
			}
		}
	})
	return entries, err
}

// ClientNotes implements store.Database.
func (d *database) ClientNotes(ctx context.Context) (notes []store.ClientNote, err error) {
	err = d.read(ctx, func() {
		for _, n := range d.disk.clients {
			notes = append(notes, n)
		}
	})
	slices.SortFunc(notes, func(a, b store.ClientNote) int { return strings.Compare(a.Client, b.Client) })
	return notes, err
}

// Oldest implements store.Database.
func (d *database) Oldest(ctx context.Context) (h store.Horizon, err error) {
	earlier := func(to *int64, at int64) {
		if *to == 0 || at < *to {
			*to = at
		}
	}
	err = d.read(ctx, func() {
		for k := range d.disk.counters {
			earlier(&h.Counters, k.Hour)
		}
		for minute := range d.disk.samples {
			earlier(&h.Samples, minute)
		}
		if len(d.disk.audit) > 0 {
			h.Audit = store.Milli(d.disk.audit[0].At)
		}
	})
	return h, err
}

// Conversations implements store.Database: no earlier version wrote here.
func (d *database) Conversations(context.Context, int64, int, func(row, writtenAt int64)) error {
	return nil
}
