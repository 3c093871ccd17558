package postgres

import (
	"context"
	"fmt"
	"slices"

	"hnetsmpp/smppserv/sms"
)

// Estates tells how to learn which epochs that are over are this one's now; f returns at once.
func (d *Database) Estates(f func() []sms.Epoch) { d.estates.Store(&f) }

// holds tells whether what an epoch holds is this one's.
func (d *Database) holds(e sms.Epoch) bool {
	if int64(e) == d.epoch.Load() {
		return true
	}
	f := d.estates.Load()
	return f != nil && slices.Contains((*f)(), e)
}

// handedOnBy finds by whose acceptance each waiting message has its place, also where it was handed on more than once since: what these
// epochs had accepted, and what stands before messages that others had handed to them.
var handedOnBy = "SELECT " + fmt.Sprintf(columns, noContent) + " FROM messages m WHERE m.final_at IS NULL AND m.arrived IS NOT NULL AND m.recipient <> '' " +
	"AND (m.handed_by = any($2) OR (m.handed_by, m.recipient, m.source, m.destination) IN " +
	"(SELECT r.handed_by, r.recipient, r.source, r.destination FROM messages r WHERE r.final_at IS NULL AND r.arrived IS NOT NULL AND r.holder = any($2))) " +
	"AND NOT (m.holder " + own + ") ORDER BY m.id"

// HandedOn implements store.Database.
func (d *Database) HandedOn(ctx context.Context, by []sms.Epoch, f func(*sms.Message)) error {
	of := make([]int64, len(by))
	for i, e := range by {
		of[i] = int64(e)
	}
	return d.passing(ctx, handedOnBy, d.passes, func(m *sms.Message) error { f(m); return nil }, d.epoch.Load(), of)
}

// What an epoch that is over had is at its owner as soon as that has taken it up.
const holders = "SELECT m.id, CASE WHEN m.holder " + own + " THEN 0 ELSE coalesce(e.owner, m.holder) END " +
	"FROM messages m LEFT JOIN estates e ON e.epoch = m.holder AND e.owner <> 0 AND e.settled WHERE m.id = any($2) AND m.final_at IS NULL"

// Holders implements store.Database.
func (d *Database) Holders(ctx context.Context, ids []sms.ID) (map[sms.ID]sms.Epoch, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	at := make(map[sms.ID]sms.Epoch, len(ids))
	var id, holder int64
	err := d.each(ctx, holders, []any{&id, &holder}, func() error {
		at[sms.ID(id)] = sms.Epoch(holder)
		return nil
	}, d.epoch.Load(), numbersOf(ids))
	return at, err
}

const groupOf = "SELECT epoch, until FROM groups WHERE submitter = $1 AND source = $2 AND destination = $3 AND ref = $4 AND form = $5 AND total = $6 AND until >= " + databaseNow

// place says of a part that waits where the others of its text are, if that is elsewhere.
func (d *Database) place(ctx context.Context, m *sms.Message) error {
	if d.groupTime() <= 0 || m.PushKey != "" {
		return nil
	}
	t, ok := longTextOf(m)
	if !ok {
		return nil
	}
	var e, until int64
	return d.each(ctx, groupOf, []any{&e, &until}, func() error {
		if !d.holds(sms.Epoch(e)) {
			m.Holder = sms.Epoch(e)
			d.writer.parted.leaves(m.ID, begun{t, until})
		}
		return nil
	}, t.submitter, t.source, t.destination, t.ref, t.form, t.total)
}
