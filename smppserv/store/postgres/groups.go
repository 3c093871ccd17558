package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
)

const (
	databaseNow = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
	keysOfTexts = "unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::smallint[], $6::smallint[], "
	intoGroups  = "INSERT INTO groups (submitter, source, destination, ref, form, total, given, epoch, until, known) SELECT v.*, $8, " + databaseNow + " + $9, " + thisOne + " FROM "
	joining     = keysOfTexts + "$7::bytea[]) v ON CONFLICT (submitter, source, destination, ref, form, total) DO UPDATE SET " +
		"epoch = CASE WHEN " + isOver + " THEN excluded.epoch ELSE groups.epoch END, " +
		"until = CASE WHEN " + isOver + " THEN excluded.until ELSE groups.until END, " +
		"came = CASE WHEN " + isOver + " THEN 0 ELSE groups.came END, " +
		"given = CASE WHEN " + isOver + " THEN excluded.given WHEN groups.known = groups.xmin AND length(groups.given) <= groups.total " +
		"THEN groups.given || excluded.given ELSE " + unknown + " END, known = excluded.known " +
		"RETURNING submitter, source, destination, ref, form, total, epoch, until"
	isOver  = "groups.until + $9 < excluded.until"
	thisOne = "pg_current_xact_id()::xid"
	// unknown is more than a text has: its group goes by its time alone, for a program of before, too.
	unknown    = "decode(repeat('00', groups.total + 1), 'hex')"
	copyGroups = intoGroups + joining
	// joinGroups writes nothing for an epoch that is over; who takes over waits for it, as for fence().
	joinGroups = intoGroups + "(SELECT FROM fences WHERE epoch = $8 FOR KEY SHARE) f, " + joining
	oldGroups  = "DELETE FROM groups WHERE ctid = ANY (ARRAY(SELECT ctid FROM groups WHERE until < " + databaseNow + " ORDER BY until LIMIT 1000))"
	// groupsTold is how seldom old groups are deleted.
	groupsTold = time.Minute

	ofTexts = "v (submitter, source, destination, ref, form, total, until, n) WHERE g.submitter = v.submitter AND g.source = v.source AND g.destination = v.destination AND g.ref = v.ref " +
		"AND g.form = v.form AND g.total = v.total AND g.until = v.until AND g.known = g.xmin"
	timesOf    = keysOfTexts + "$7::bigint[], $8::integer[]) " + ofTexts
	countParts = "UPDATE groups g SET came = g.came + v.n, known = " + thisOne + " FROM " + timesOf
	// endGroups has those go of which the epoch has all that it was given: each part once. One that came again may be the next text's.
	endGroups = "DELETE FROM groups g USING " + timesOf + " AND g.came = g.total AND length(g.given) = g.total " +
		"AND (SELECT count(DISTINCT get_byte(g.given, i)) FROM generate_series(0, length(g.given) - 1) i) = g.total"
	// takeParts leaves a row that has more than all: whether these are in it is not known.
	takeParts = "UPDATE groups g SET given = overlay(g.given PLACING ''::bytea FROM position(v.n IN g.given) FOR length(v.n)), known = " + thisOne +
		" FROM " + keysOfTexts + "$7::bigint[], $8::bytea[]) " + ofTexts + " AND length(g.given) <= g.total AND position(v.n IN g.given) > 0"
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

// textKeys are the arguments that identify texts.
func textKeys(texts []longText) []any {
	var submitters, sources, destinations []string
	var refs []int32
	var forms, totals []int16
	for _, t := range texts {
		submitters, sources, destinations = append(submitters, t.submitter), append(sources, t.source), append(destinations, t.destination)
		refs, forms, totals = append(refs, t.ref), append(forms, t.form), append(totals, t.total)
	}
	return []any{submitters, sources, destinations, refs, forms, totals}
}

// joiners are the arguments of joinGroups and copyGroups: texts, and the numbers of their parts.
func joiners(given map[longText][]byte, e sms.Epoch, time time.Duration) []any {
	texts := slices.SortedFunc(maps.Keys(given), longText.compare) // others take theirs in this order, too
	numbers := make([][]byte, len(texts))
	for i, t := range texts {
		numbers[i] = notNil(given[t])
	}
	return append(textKeys(texts), numbers, int64(e), time.Milliseconds())
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
	found := map[longText][]byte{}
	for rows.Next() {
		m := &sms.Message{}
		if r.read(rows, m) != nil { // a row that is damaged: who takes it up says so
			continue
		}
		if t, ok := longTextOf(m); ok {
			found[t] = make([]byte, t.total+1) // as unknown: nobody noted its parts
		}
	}
	if err := rows.Err(); err != nil || len(found) == 0 {
		return err
	}
	_, err = e.conn.Exec(ctx, copyGroups, joiners(found, r.epoch, e.groupTime)...)
	return err
}

// Gather sets Options.GroupTime for the texts that begin from now on.
func (d *Database) Gather(groupTime time.Duration) { d.gather.Store(int64(groupTime)) }

func (d *Database) groupTime() time.Duration { return time.Duration(d.gather.Load()) }

// begun is a long text that has its row in groups until then: the next one under its reference has another time.
type begun struct {
	longText
	until int64
}

// parted are the parts of long texts that a writer has to do with.
type parted struct {
	here    map[begun]int32 // how many of those that it adds stay here
	leaving map[sms.ID]begun
	noted   map[begun][]byte // the numbers that groups has of it, as long as it is not on disk
	through *pgx.Conn        // that they were noted through

	mu   sync.Mutex
	away map[sms.ID]begun // parts that are here, and go to the workers that have the others
}

// group gives parts of a long text the holder that has its first one, and is the holder of those that nobody has. It does not wait
// for the disk: a part that is stored is there only if its group is, too.
func (w *writer) group(ctx context.Context, b *store.Batch) error {
	w.parted.here, w.parted.leaving, w.parted.noted = nil, nil, nil
	groupTime := w.d.groupTime()
	if groupTime <= 0 {
		return nil
	}
	var parts map[longText][]*sms.Message
	given := map[longText][]byte{}
	for _, m := range b.Added {
		t, ok := longTextOf(m)
		if !ok {
			continue
		}
		if parts == nil {
			parts = map[longText][]*sms.Message{}
		}
		parts[t], given[t] = append(parts[t], m), append(given[t], m.Part.Seq)
	}
	if len(parts) == 0 {
		return nil
	}
	w.parted.here, w.parted.leaving = map[begun]int32{}, map[sms.ID]begun{}
	noted := map[begun][]byte{}
	q := &pgx.Batch{}
	q.Queue("BEGIN")
	q.Queue("SET LOCAL synchronous_commit = off")
	q.Queue(joinGroups, joiners(given, w.epoch, groupTime)...).Query(func(rows pgx.Rows) error {
		var t begun
		var epoch int64
		joined, err := pgx.ForEachRow(rows, []any{&t.submitter, &t.source, &t.destination, &t.ref, &t.form, &t.total, &epoch, &t.until}, func() error {
			noted[t] = given[t.longText]
			for _, m := range parts[t.longText] {
				if w.d.holds(sms.Epoch(epoch)) {
					m.Holder = 0
					w.parted.here[t]++
				} else {
					m.Holder, w.parted.leaving[m.ID] = sms.Epoch(epoch), t
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
	err := w.run(ctx, q)
	if err == nil {
		w.parted.noted, w.parted.through = noted, w.conn
	}
	return err
}

// ungroup takes back what group noted of a batch of which nothing is on disk: its parts come again, here or elsewhere, or never. Through
// another connection it does not: a server that went down may have forgotten the note, and would take another's of the same numbers. Then the
// group goes by its time.
func (w *writer) ungroup(ctx context.Context) {
	noted := w.parted.noted
	w.parted.noted = nil
	if len(noted) == 0 || w.conn == nil || w.conn != w.parted.through {
		return
	}
	texts, until := keysOfBegun(noted)
	var numbers [][]byte
	for i, t := range texts {
		numbers = append(numbers, noted[begun{t, until[i]}])
	}
	q := &pgx.Batch{}
	q.Queue("BEGIN")
	q.Queue("SET LOCAL synchronous_commit = off")
	q.Queue(takeParts, append(textKeys(texts), until, numbers)...)
	q.Queue("COMMIT")
	if err := w.run(ctx, q); err != nil {
		w.abort(ctx)
	}
}

// keysOfBegun are texts in the order in which others take theirs, and their times.
func keysOfBegun[V any](of map[begun]V) (texts []longText, until []int64) {
	for _, t := range slices.SortedFunc(maps.Keys(of), func(a, b begun) int { return cmp.Or(a.compare(b.longText), cmp.Compare(a.until, b.until)) }) {
		texts, until = append(texts, t.longText), append(until, t.until)
	}
	return texts, until
}

// endGroups counts the parts that have come to the workers which have the others, here or by being handed on, and ends the groups that are
// whole by that.
func (w *writer) endGroups(q *pgx.Batch, b *store.Batch) {
	come := w.parted.here
	w.parted.mu.Lock()
	for _, h := range b.HandedOn {
		for _, id := range h.IDs {
			if t, ok := w.parted.away[id]; ok {
				if come == nil {
					come = map[begun]int32{}
				}
				come[t]++
			}
		}
	}
	w.parted.mu.Unlock()
	if len(come) == 0 {
		return
	}
	texts, until := keysOfBegun(come)
	var n []int32
	for i, t := range texts {
		n = append(n, come[begun{t, until[i]}])
	}
	args := append(textKeys(texts), until, n)
	q.Queue(countParts, args...)
	q.Queue(endGroups, args...)
}

// wrote notes which parts of a batch that is on disk, the one that was grouped last, are here and to go, and which have gone, or have ended
// before they did.
func (p *parted) wrote(b *store.Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(p.away, p.leaving)
	if len(p.away) == 0 {
		return
	}
	for _, v := range b.Ended {
		for _, id := range v.IDs {
			delete(p.away, id)
		}
	}
	for _, h := range b.HandedOn {
		for _, id := range h.IDs {
			delete(p.away, id)
		}
	}
}

// leaves notes that a part is to go.
func (p *parted) leaves(id sms.ID, t begun) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away[id] = t
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
