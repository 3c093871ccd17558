package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
)

const (
	databaseNow = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
	intoGroups  = "INSERT INTO groups (submitter, source, destination, ref, form, total, epoch, until) SELECT v.*, $7, " + databaseNow + " + $8 FROM "
	joining     = "unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::smallint[], $6::smallint[]) v " +
		"ON CONFLICT (submitter, source, destination, ref, form, total) DO UPDATE SET " +
		"epoch = CASE WHEN groups.until < " + databaseNow + " THEN excluded.epoch ELSE groups.epoch END, " +
		"until = CASE WHEN groups.until < " + databaseNow + " THEN excluded.until ELSE groups.until END " +
		"RETURNING submitter, source, destination, ref, form, total, epoch"
	copyGroups = intoGroups + joining
	// joinGroups writes nothing for an epoch that is over; who takes over waits for it, as for fence().
	joinGroups = intoGroups + "(SELECT FROM fences WHERE epoch = $7 FOR KEY SHARE) f, " + joining
	oldGroups  = "DELETE FROM groups WHERE ctid = ANY (ARRAY(SELECT ctid FROM groups WHERE until < " + databaseNow + " ORDER BY until LIMIT 1000))"
	// groupsTold is how seldom old groups are deleted.
	groupsTold = time.Minute
)

// longText identifies a long text whose parts come in several messages.
type longText struct {
	submitter, source, destination string
	ref                            int32
	form, total                    int16
}

func (a longText) compare(b longText) int {
	return cmp.Or(cmp.Compare(a.submitter, b.submitter), cmp.Compare(a.source, b.source), cmp.Compare(a.destination, b.destination),
		cmp.Compare(a.ref, b.ref), cmp.Compare(a.form, b.form), cmp.Compare(a.total, b.total))
}

// longTextOf is the one that a message is a part of, if it is one.
func longTextOf(m *sms.Message) (t longText, ok bool) {
	if !m.Gathers() {
		return t, false
	}
	return longText{escape(m.Submitter), escape(m.Source.Number), escape(m.Dest.Number), int32(m.Part.Ref), int16(m.PartForm), int16(m.Part.Total)}, true
}

// joiners are the arguments of joinGroups and copyGroups.
func joiners(texts []longText, e sms.Epoch, time time.Duration) []any {
	slices.SortFunc(texts, longText.compare) // others take theirs in this order, too
	var submitters, sources, destinations []string
	var refs []int32
	var forms, totals []int16
	for _, t := range texts {
		submitters, sources, destinations = append(submitters, t.submitter), append(sources, t.source), append(destinations, t.destination)
		refs, forms, totals = append(refs, t.ref), append(forms, t.form), append(totals, t.total)
	}
	return []any{submitters, sources, destinations, refs, forms, totals, int64(e), time.Milliseconds()}
}

var waitingParts = "SELECT " + fmt.Sprintf(columns, noContent) + " FROM messages m WHERE m.final_at IS NULL AND m.recipient = '' AND m.kind = 0 AND m.push_key IS NULL"

// groupWaiting has the parts that wait go on as those of a text of which the others may come in at any worker.
func (e *end) groupWaiting(ctx context.Context) error {
	holder, err := e.epoch(ctx)
	if err != nil || e.groupTime <= 0 {
		return err
	}
	rows, err := e.conn.Query(ctx, waitingParts)
	if err != nil {
		return err
	}
	defer rows.Close()
	r := reader{epoch: sms.Epoch(holder), keys: store.Blind()}
	found := map[longText]bool{}
	for rows.Next() {
		m := &sms.Message{}
		if r.read(rows, m) != nil { // a row that is damaged: who takes it up says so
			continue
		}
		if t, ok := longTextOf(m); ok {
			found[t] = true
		}
	}
	if err := rows.Err(); err != nil || len(found) == 0 {
		return err
	}
	_, err = e.conn.Exec(ctx, copyGroups, joiners(slices.Collect(maps.Keys(found)), r.epoch, e.groupTime)...)
	return err
}

// Gather sets Options.GroupTime for the texts that begin from now on.
func (d *Database) Gather(groupTime time.Duration) { d.gather.Store(int64(groupTime)) }

func (d *Database) groupTime() time.Duration { return time.Duration(d.gather.Load()) }

// group gives parts of a long text the holder that has its first one, and is the holder of those that nobody has. It does not wait
// for the disk: a part that is stored is there only if its group is, too.
func (w *writer) group(ctx context.Context, b *store.Batch) error {
	groupTime := w.d.groupTime()
	if groupTime <= 0 {
		return nil
	}
	var parts map[longText][]*sms.Message
	for _, m := range b.Added {
		t, ok := longTextOf(m)
		if !ok {
			continue
		}
		if parts == nil {
			parts = map[longText][]*sms.Message{}
		}
		parts[t] = append(parts[t], m)
	}
	if len(parts) == 0 {
		return nil
	}
	q := &pgx.Batch{}
	q.Queue("BEGIN")
	q.Queue("SET LOCAL synchronous_commit = off")
	q.Queue(joinGroups, joiners(slices.Collect(maps.Keys(parts)), w.epoch, groupTime)...).Query(func(rows pgx.Rows) error {
		var t longText
		var epoch int64
		joined, err := pgx.ForEachRow(rows, []any{&t.submitter, &t.source, &t.destination, &t.ref, &t.form, &t.total, &epoch}, func() error {
			if !w.d.holds(sms.Epoch(epoch)) {
				for _, m := range parts[t] {
					m.Holder = sms.Epoch(epoch)
				}
			}
			return nil
		})
		if err == nil && joined.RowsAffected() == 0 {
			return store.ErrFenced
		}
		return err
	})
	q.Queue("COMMIT")
	return w.run(ctx, q)
}

// forgetGroups deletes groups that are over, now and then.
func (w *writer) forgetGroups() {
	now := time.Now()
	if w.d.groupTime() <= 0 || w.conn == nil || now.Sub(w.swept) < groupsTold {
		return
	}
	w.swept = now
	ctx, cancel := context.WithTimeout(context.Background(), w.writeTime())
	defer cancel()
	if _, err := w.conn.Exec(ctx, oldGroups); err != nil {
		w.abort(ctx) // the next time
	}
}
