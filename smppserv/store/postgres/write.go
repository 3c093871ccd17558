package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"

	"github.com/jackc/pgx/v5"
)

// null stands in arrays for NULL: pgx writes arrays of plain numbers faster.
const null = math.MinInt64

const (
	// fence has the function of that name say what is wrong where something is: it would take twice as long.
	fence = "WITH f AS (UPDATE fences SET commits = $2 WHERE epoch = $1 AND commits < $2 RETURNING 1) SELECT fence($1, $2) WHERE NOT EXISTS (SELECT FROM f)"

	insertMessages = "INSERT INTO messages (id, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, attempts, error, reason, " +
		"attributes, content, holder) SELECT v.*, $16 FROM unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::text[], " +
		"$8::bigint[], $9::bigint[], $10::bigint[], $11::integer[], $12::bigint[], $13::text[], $14::bytea[], $15::bytea[]) v"
	insertMessage = "INSERT INTO messages (id, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, attempts, error, reason, " +
		"attributes, content, holder) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
	insertExternals = "INSERT INTO external_ids (external_id, message_id, received_at) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])"
	insertKnown     = "INSERT INTO submit_multi (message_id, known_by) SELECT * FROM unnest($1::bigint[], $2::bigint[])"
	// handOn leaves handed_by as the first hand-on wrote it: by whose acceptance a message has its place in its conversation.
	handOn         = "UPDATE messages SET holder = $3, handed_by = coalesce(handed_by, holder), arrived = pg_current_xact_id() WHERE id = any($2) AND final_at IS NULL AND holder " + own
	changeMessages = "UPDATE messages m SET due_at = v.due, wait = v.wait, expires_at = v.expires, content = v.content, attributes = v.attributes " +
		"FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[]) v (id, due, wait, expires, content, attributes) " +
		"WHERE m.id = v.id AND m.final_at IS NULL"
	keepTries = "INSERT INTO tries (message_id, number, tried_at, took_ms, through, error, reason, unjudged) " +
		"SELECT m.id, coalesce((SELECT max(t.number) FROM tries t WHERE t.message_id = m.id), 0) + 1, m.tried_at, m.took_ms, m.through, m.error, m.reason, m.unjudged " +
		"FROM unnest($1::bigint[], $2::boolean[], $3::bigint[], $4::text[]) v (id, unjudged, error, reason), messages m " +
		"WHERE m.id = v.id AND m.final_at IS NULL AND m.tried_at IS NOT NULL AND NOT (v.unjudged AND m.unjudged > 0 AND m.error = v.error AND m.reason = v.reason)"
	tryMessages = "UPDATE messages m SET state = v.state, attempts = v.attempts, error = v.error, reason = v.reason, " +
		"due_at = coalesce(nullif(v.due, -9223372036854775808), m.due_at), wait = coalesce(nullif(v.wait, -9223372036854775808), m.wait), " +
		"push_key = coalesce(nullif(v.key, ''), m.push_key), progress = coalesce(nullif(v.progress, ''), m.progress), " +
		"tried_at = nullif(v.tried, -9223372036854775808), took_ms = nullif(v.took, -9223372036854775808), through = CASE WHEN v.tried <> -9223372036854775808 THEN v.through END, " +
		"unjudged = CASE WHEN NOT v.unjudged THEN 0 WHEN m.error = v.error AND m.reason = v.reason THEN m.unjudged + 1 ELSE 1 END " +
		"FROM unnest($1::bigint[], $2::smallint[], $3::integer[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bytea[], $10::bigint[], " +
		"$11::bigint[], $12::text[], $13::boolean[]) v (id, state, attempts, error, reason, due, wait, key, progress, tried, took, through, unjudged) " +
		"WHERE m.id = v.id AND m.final_at IS NULL"
	progressMessages = "UPDATE messages m SET progress = v.progress FROM unnest($1::bigint[], $2::bytea[]) v (id, progress) WHERE m.id = v.id AND m.final_at IS NULL"
	endMessages      = "UPDATE messages m SET state = v.state, final_at = $9, attempts = v.attempts, error = v.error, reason = v.reason, " +
		"tried_at = nullif(v.tried, -9223372036854775808), took_ms = nullif(v.took, -9223372036854775808), " +
		"through = CASE WHEN v.tried <> -9223372036854775808 THEN v.through END, unjudged = 0 " +
		"FROM unnest($1::bigint[], $2::smallint[], $3::integer[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::text[]) " +
		"v (id, state, attempts, error, reason, tried, took, through) WHERE m.id = v.id AND m.final_at IS NULL RETURNING m.id"
	// endLikely fails where not all of so many take their states: the counters have been told that they do.
	endLikely  = "WITH e AS (" + endMessages + ") SELECT 1 / (count(*) = $10)::int FROM e"
	endUnknown = endMessages + ", " + facts
	readdress  = "UPDATE messages SET recipient = $2, progress = NULL WHERE id = any($1) AND final_at IS NULL"
)

// singly is up to how many rows cost less as statements of their own than as the arrays of one.
const singly = 3

// args are the arrays of a statement, used again.
type args struct {
	added
	attributes []byte
	copied     copied
}

type added struct {
	ids, received, due, expires, errors                    []int64
	kinds, states                                          []int16
	attempts                                               []int32
	submitters, recipients, sources, destinations, reasons []string
	attributes, contents                                   [][]byte
}

func (a *added) reset() {
	clear(a.submitters)
	clear(a.recipients)
	clear(a.sources)
	clear(a.destinations)
	clear(a.reasons)
	clear(a.attributes)
	clear(a.contents)
	*a = added{ids: a.ids[:0], received: a.received[:0], due: a.due[:0], expires: a.expires[:0], errors: a.errors[:0], kinds: a.kinds[:0], states: a.states[:0],
		attempts: a.attempts[:0], submitters: a.submitters[:0], recipients: a.recipients[:0], sources: a.sources[:0], destinations: a.destinations[:0],
		reasons: a.reasons[:0], attributes: a.attributes[:0], contents: a.contents[:0]}
}

// write writes a batch; sent tells whether its COMMIT may have reached the server.
func (w *writer) write(ctx context.Context, b *store.Batch) (sent bool, err error) {
	q := &pgx.Batch{}
	q.Queue("BEGIN")
	q.Queue(fence, int64(w.epoch), w.commits+1)
	checkAsks(q, b.Asked)
	w.purge(q, b)
	ends := w.ends(b)
	likely := ends.likely && !w.careful
	w.add(q, b.Added, len(b.Added) >= copyLeast && (likely || len(b.Ended) == 0))
	w.try(q, b.Tried, b.Tally)
	w.change(q, b.Changed)
	if likely {
		ends.queueLikely(q, b)
		if err := ends.count(ctx, w, b); err != nil {
			return false, err
		}
	} else if len(b.Ended) > 0 {
		ends.queue(q, b)
		if err := w.run(ctx, q); err != nil {
			return false, err
		}
		if err := ends.count(ctx, w, b); err != nil {
			return false, err
		}
		q = &pgx.Batch{}
	}
	w.readdress(q, b)
	for _, h := range b.HandedOn {
		q.Queue(handOn, int64(w.epoch), numbersOf(h.IDs), int64(h.To))
	}
	w.endGroups(q, b)
	w.jobs(q, b)
	w.records(q, b)
	if err := w.counters(q, b.Tally); err != nil {
		return false, fmt.Errorf("write the counters: %w", err)
	}
	w.erase(q, b)
	answer(q, b.Asked)
	q.Queue("COMMIT")
	w.careful = false
	run := w.run
	if slices.ContainsFunc(q.QueuedQueries, func(s *pgx.QueuedQuery) bool { return s.SQL == copyMessages }) {
		run = w.runCopying
	}
	if err = run(ctx, q); code(err) == codeNotAll {
		w.careful = true
		err = fmt.Errorf("%w: %w", store.ErrTaken, err)
	}
	return true, err
}

func numbersOf(ids []sms.ID) []int64 {
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		numbers[i] = int64(id)
	}
	return numbers
}

// add queues the messages, as rows to copy or to insert.
func (w *writer) add(q *pgx.Batch, ms []*sms.Message, copying bool) {
	if len(ms) == 0 {
		return
	}
	var withExternal []*sms.Message
	var known, knownBy []int64
	for _, m := range ms {
		if m.ExternalID != "" {
			withExternal = append(withExternal, m)
		}
		if m.KnownBy != 0 {
			known, knownBy = append(known, int64(m.ID)), append(knownBy, int64(m.KnownBy))
		}
	}
	if len(withExternal) > 0 {
		var externals []string
		var ids, at []int64
		// Others take theirs in this order, too: Hermès may repeat its lines to another worker in any.
		slices.SortStableFunc(withExternal, func(a, b *sms.Message) int { return cmp.Compare(a.ExternalID, b.ExternalID) })
		for _, m := range withExternal {
			externals, ids, at = append(externals, escape(m.ExternalID)), append(ids, int64(m.ID)), append(at, store.Milli(m.ReceivedAt))
		}
		q.Queue(insertExternals, externals, ids, at)
	}
	if len(known) > 0 {
		q.Queue(insertKnown, known, knownBy)
	}
	if copying {
		rows := append(w.args.copied[:0], copyHead...)
		for _, m := range ms {
			rows = rows.message(m, w.epoch, w.d.o.Keys)
		}
		w.args.copied = append(rows, copyEnd...)
		q.Queue(copyMessages, w.args.copied)
		return
	}
	a := &w.args.added
	a.reset()
	buf := w.args.attributes[:0]
	if len(ms) <= singly {
		for _, m := range ms {
			from := len(buf)
			var content []byte
			buf, content = w.d.o.Keys.AppendColumns(buf, m)
			q.Queue(insertMessage, int64(m.ID), int16(m.Kind), int16(m.State), escape(m.Submitter), escape(m.Recipient), escape(m.Source.Number), escape(m.Dest.Number),
				store.Milli(m.FirstReceived()), store.Milli(m.DueAt), store.Milli(m.ExpiresAt), int32(m.Attempts), int64(m.Error), escape(m.Reason),
				buf[from:len(buf):len(buf)], notNil(content), int64(w.epoch))
		}
		w.args.attributes = buf
		return
	}
	for _, m := range ms {
		a.ids = append(a.ids, int64(m.ID))
		a.kinds = append(a.kinds, int16(m.Kind))
		a.states = append(a.states, int16(m.State))
		a.submitters = append(a.submitters, escape(m.Submitter))
		a.recipients = append(a.recipients, escape(m.Recipient))
		a.sources = append(a.sources, escape(m.Source.Number))
		a.destinations = append(a.destinations, escape(m.Dest.Number))
		a.received = append(a.received, store.Milli(m.FirstReceived()))
		a.due = append(a.due, store.Milli(m.DueAt))
		a.expires = append(a.expires, store.Milli(m.ExpiresAt))
		a.attempts = append(a.attempts, int32(m.Attempts))
		a.errors = append(a.errors, int64(m.Error))
		a.reasons = append(a.reasons, escape(m.Reason))
		from := len(buf)
		var content []byte
		buf, content = w.d.o.Keys.AppendColumns(buf, m)
		a.attributes = append(a.attributes, buf[from:len(buf):len(buf)])
		a.contents = append(a.contents, notNil(content))
	}
	w.args.attributes = buf
	q.Queue(insertMessages, a.ids, a.kinds, a.states, a.submitters, a.recipients, a.sources, a.destinations, a.received, a.due, a.expires, a.attempts, a.errors,
		a.reasons, a.attributes, a.contents, int64(w.epoch))
}

// notNil is for a column that is not NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (w *writer) change(q *pgx.Batch, ms []*sms.Message) {
	for len(ms) > 0 { // the last one of a message counts
		var ids, due, wait, expires []int64
		var contents, attributes [][]byte
		n := 0
		for _, m := range ms {
			if slices.Contains(ids, int64(m.ID)) {
				break
			}
			n++
			ids, due, wait, expires = append(ids, int64(m.ID)), append(due, store.Milli(m.DueAt)), append(wait, m.Wait.Milliseconds()), append(expires, store.Milli(m.ExpiresAt))
			packed, content := w.d.o.Keys.AppendColumns(nil, m)
			contents, attributes = append(contents, notNil(content)), append(attributes, packed)
		}
		q.Queue(changeMessages, ids, due, wait, expires, contents, attributes)
		ms = ms[n:]
	}
}

// tries are the arrays of one wave: tries of different messages.
type tries struct {
	seen                                map[sms.ID]struct{}
	ids, errors, due, wait, tried, took []int64
	states                              []int16
	attempts                            []int32
	reasons, keys, through              []string
	progress                            [][]byte
	unjudged                            []bool
	keptIDs, keptErrors                 []int64
	keptUnjudged                        []bool
	keptReasons                         []string
	underway                            []int64
	underwayProgress                    [][]byte
}

// try writes tries in waves: within one, none has to be seen by another.
func (w *writer) try(q *pgx.Batch, vs []*road.Transition, t *tally.Sheet) {
	if len(vs) == 0 {
		return
	}
	wave := tries{seen: map[sms.ID]struct{}{}}
	for _, v := range vs {
		for _, id := range v.IDs {
			if _, again := wave.seen[id]; again {
				wave.queue(q)
				wave = tries{seen: map[sms.ID]struct{}{}}
			}
			wave.seen[id] = struct{}{}
			if v.Underway {
				wave.underway, wave.underwayProgress = append(wave.underway, int64(id)), append(wave.underwayProgress, []byte(v.Progress))
				continue
			}
			unjudged := v.Unjudged && !v.At.IsZero()
			if !t.Untried(id) {
				wave.keep(int64(id), unjudged, int64(v.Error), escape(v.Reason))
			}
			t.Tried(id)
			wave.add(id, v, unjudged)
		}
	}
	wave.queue(q)
}

// keep has what the row has of a try before kept beside it. What follows is of the try that takes its place.
func (w *tries) keep(id int64, unjudged bool, code int64, reason string) {
	w.keptIDs, w.keptUnjudged = append(w.keptIDs, id), append(w.keptUnjudged, unjudged)
	w.keptErrors, w.keptReasons = append(w.keptErrors, code), append(w.keptReasons, reason)
}

func (w *tries) add(id sms.ID, v *road.Transition, unjudged bool) {
	due, wait := int64(null), int64(null)
	if !v.DueAt.IsZero() {
		due, wait = store.Milli(v.DueAt), v.Wait.Milliseconds()
	}
	tried, took := triedAt(v)
	w.ids, w.states, w.attempts, w.errors = append(w.ids, int64(id)), append(w.states, int16(v.State)), append(w.attempts, int32(v.Attempts)), append(w.errors, int64(v.Error))
	w.reasons, w.due, w.wait, w.keys = append(w.reasons, escape(v.Reason)), append(w.due, due), append(w.wait, wait), append(w.keys, escape(v.PushKey))
	w.progress, w.tried, w.took = append(w.progress, []byte(v.Progress)), append(w.tried, tried), append(w.took, took)
	w.through, w.unjudged = append(w.through, escape(v.Through)), append(w.unjudged, unjudged)
}

// triedAt is what the row has of a try.
func triedAt(v *road.Transition) (tried, took int64) {
	if v.At.IsZero() {
		return null, null
	}
	return store.Milli(v.At), v.Took.Milliseconds()
}

func (w *tries) queue(q *pgx.Batch) {
	if len(w.keptIDs) > 0 {
		q.Queue(keepTries, w.keptIDs, w.keptUnjudged, w.keptErrors, w.keptReasons)
	}
	if len(w.ids) > 0 {
		q.Queue(tryMessages, w.ids, w.states, w.attempts, w.errors, w.reasons, w.due, w.wait, w.keys, w.progress, w.tried, w.took, w.through, w.unjudged)
	}
	if len(w.underway) > 0 {
		q.Queue(progressMessages, w.underway, w.underwayProgress)
	}
}

func (w *writer) readdress(q *pgx.Batch, b *store.Batch) {
	for _, r := range b.Readdressed {
		q.Queue(readdress, numbersOf(r.IDs), escape(r.Recipient))
		for _, id := range r.IDs {
			b.Tally.Forget(id)
		}
	}
}
