package postgres

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// where is a condition and its parameters.
type where struct {
	strings.Builder
	args []any
}

// parameter adds a value and returns what stands for it.
func (w *where) parameter(value any) string {
	w.args = append(w.args, value)
	return parameter(len(w.args))
}

func numbersFrom[T sms.State | sms.Kind](values []T) []int16 {
	numbers := make([]int16, len(values))
	for i, v := range values {
		numbers[i] = int16(v)
	}
	return numbers
}

// filter is what SQL can say of a search.
func (w *where) filter(q *store.Search) {
	and := func(format string, args ...any) { fmt.Fprintf(w, " AND "+format, args...) }
	if q.Client != "" {
		client := w.parameter(escape(q.Client))
		and("(m.submitter = %[1]s OR m.recipient = %[1]s)", client)
	}
	switch {
	case q.Number != "" && q.Beginning:
		from, to := w.parameter(escape(q.Number)), w.parameter(escape(q.Number)+"\U0010FFFF") // texts are compared by their octets
		and("(m.source >= %[1]s AND m.source < %[2]s OR m.destination >= %[1]s AND m.destination < %[2]s)", from, to)
	case q.Number != "":
		number := w.parameter(escape(q.Number))
		and("(m.source = %[1]s OR m.destination = %[1]s)", number)
	}
	if q.Campaign != "" {
		campaign := w.parameter(escape(q.Campaign))
		and("CASE WHEN m.recipient = '' THEN m.destination = %[1]s ELSE m.submitter = '' AND m.source = %[1]s END", campaign)
	}
	switch q.Direction {
	case store.In:
		and("(m.submitter <> '' OR m.recipient = '')")
	case store.Out:
		and("m.submitter = '' AND m.recipient <> ''")
	}
	if len(q.Kinds) > 0 {
		and("m.kind = any(%s)", w.parameter(numbersFrom(q.Kinds)))
	}
	if states := q.Stored(); len(states) > 0 {
		and("m.state = any(%s)", w.parameter(numbersFrom(states)))
	}
}

// Scan implements store.Database.
func (d *Database) Scan(ctx context.Context, q *store.Search, along store.Along, from, to sms.ID, limit int, f func(*sms.Message)) error {
	var w where
	fmt.Fprintf(&w, "SELECT %s FROM messages m WHERE m.id >= %s AND m.id <= %s", fmt.Sprintf(columns, noContent),
		w.parameter(int64(from)), w.parameter(idNumber(to)))
	switch along {
	case store.AlongWaiting:
		w.WriteString(" AND m.final_at IS NULL")
	case store.AlongFailed:
		w.WriteString(" AND m.state IN (3, 5, 8)")
	}
	w.filter(q)
	fmt.Fprintf(&w, " ORDER BY m.id DESC LIMIT %s", w.parameter(limit))
	return d.messages(ctx, w.String(), func(m *sms.Message) error { f(m); return nil }, w.args...)
}

// idNumber is an ID as PostgreSQL has it, which may be a bound above all.
func idNumber(id sms.ID) int64 { return int64(min(id, math.MaxInt64)) }

// numberStep is how many messages of a number are read together.
const numberStep = 256

// Rows are compared in byNumber and written, so that only the index of the number has their order. With m.destination = $1 a plan for any
// number may go down the ids: where nearly all messages are to one number, it takes another one for as frequent, and reads them all.
var byNumber = func() string {
	one := "(SELECT " + fmt.Sprintf(columns, noContent) + " FROM messages m WHERE (m.%[1]s, m.id) >= ($1, $2) AND (m.%[1]s, m.id) <= ($1, $3) " +
		"ORDER BY m.%[1]s DESC, m.id DESC LIMIT $4)"
	return fmt.Sprintf(one, "source") + " UNION ALL " + strings.Replace(fmt.Sprintf(one, "destination"), "WHERE", "WHERE m.source <> $1 AND", 1) + " ORDER BY 1 DESC LIMIT $4"
}()

// ByNumber implements store.Database.
func (d *Database) ByNumber(ctx context.Context, number string, from, to sms.ID, f func(*sms.Message) error) error {
	var ms []*sms.Message
	for step := 16; from <= to; step = min(2*step, numberStep) {
		ms = ms[:0]
		err := d.messages(ctx, byNumber, func(m *sms.Message) error { ms = append(ms, m); return nil }, escape(number), int64(from), idNumber(to), step)
		if err != nil {
			return err
		}
		for _, m := range ms {
			if err := f(m); err != nil {
				return err
			}
		}
		if len(ms) < step {
			return nil
		}
		to = ms[len(ms)-1].ID - 1
	}
	return nil
}

// written is a message of a client, as conversations go by them.
const written = "SELECT " + "%s FROM messages m WHERE (m.source, m.id) >= ($1, 0) AND (m.source, m.id) <= ($1, 9223372036854775807) AND m.%s = $2 " +
	"AND m.submitter <> '' AND m.kind = 0 ORDER BY m.source DESC, m.id DESC LIMIT 1"

var (
	lastWriter = fmt.Sprintf(written, fmt.Sprintf(columns, noContent), "destination")
	lastUse    = fmt.Sprintf(written, fmt.Sprintf(columns, noContent), "submitter")
)

func (d *Database) lastWritten(ctx context.Context, query, number, other string) (last *sms.Message, err error) {
	err = d.messages(ctx, query, func(m *sms.Message) error { last = m; return nil }, escape(number), escape(other))
	return last, err
}

// LastWriter implements store.Database.
func (d *Database) LastWriter(ctx context.Context, number, campaign string) (c sms.Conversation, ok bool, err error) {
	m, err := d.lastWritten(ctx, lastWriter, number, campaign)
	if err != nil || m == nil {
		return c, false, err
	}
	return sms.Conversation{Client: m.Submitter, Number: m.Source, Campaign: m.Dest}, true, nil
}

// LastUse implements store.Database.
func (d *Database) LastUse(ctx context.Context, client, number string) (a sms.Address, ok bool, err error) {
	if client == sms.Hermes {
		return a, false, nil
	}
	m, err := d.lastWritten(ctx, lastUse, number, client)
	if err != nil || m == nil {
		return a, false, err
	}
	return m.Source, true, nil
}

// disorder is how many messages before one may have come later: several workers give out blocks of ids at a time, for two seconds.
const disorder = 10_000

// Since implements store.Database. It halves the ids, each time with the first message behind the middle, and looks through those
// before what it finds.
func (d *Database) Since(ctx context.Context, at time.Time) (found sms.ID, err error) {
	var first, last int64
	err = d.each(ctx, "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM messages", []any{&first, &last}, func() error { return nil })
	if err != nil || last == 0 {
		return 0, err
	}
	var id, received int64
	to := []any{&id, &received}
	for low, high := first, last; low <= high; { // what is before low came earlier, and found is the first message behind high
		middle := low + (high-low)/2
		id = 0
		err := d.each(ctx, "SELECT id, received_at FROM messages WHERE id >= $1 ORDER BY id LIMIT 1", to, func() error { return nil }, middle)
		switch {
		case err != nil:
			return 0, err
		case id == 0:
			high = middle - 1
		case received >= at.UnixMilli():
			found, high = sms.ID(id), middle-1
		default:
			low = id + 1
		}
	}
	if found == 0 || int64(found) == first {
		return found, nil
	}
	var earlier *int64
	err = d.each(ctx, "SELECT min(id) FROM (SELECT id, received_at FROM messages WHERE id < $1 ORDER BY id DESC LIMIT $2) m WHERE received_at >= $3", []any{&earlier},
		func() error { return nil }, int64(found), disorder, at.UnixMilli())
	if earlier != nil {
		found = sms.ID(*earlier)
	}
	return found, err
}

// ReceivedAt implements store.Database.
func (d *Database) ReceivedAt(ctx context.Context, id sms.ID) (at time.Time, err error) {
	var ms int64
	err = d.each(ctx, "SELECT received_at FROM messages WHERE id <= $1 ORDER BY id DESC LIMIT 1", []any{&ms}, func() error { at = time.UnixMilli(ms); return nil }, idNumber(id))
	return at, err
}

// Hours implements store.Database. It looks into each hour by its key, and never at all of its counters where a client is asked for.
func (d *Database) Hours(ctx context.Context, q *store.Search, before int64, limit int) (hours []int64, err error) {
	var w where
	before64, count := w.parameter(before), w.parameter(limit)
	conditions := " AND c.state = " + w.parameter(int16(sms.Enroute))
	if q.Campaign != "" { // or one that had no place among those with a name
		conditions += " AND c.campaign IN (" + w.parameter(escape(q.Campaign)) + ", '')"
	}
	switch q.Direction {
	case store.In:
		conditions += " AND NOT c.out"
	case store.Out:
		conditions += " AND c.out"
	}
	if len(q.Kinds) > 0 {
		conditions += " AND c.kind = any(" + w.parameter(numbersFrom(q.Kinds)) + ")"
	}
	some := "EXISTS (SELECT 1 FROM hourly c WHERE c.hour = h.hour" + conditions + "%s)"
	found := fmt.Sprintf(some, "")
	if q.Client != "" {
		client := w.parameter(escape(q.Client))
		found = fmt.Sprintf(some, " AND c.client = "+client) + " OR " + fmt.Sprintf(some, " AND c.peer = "+client)
	}
	var hour int64
	err = d.each(ctx, "WITH RECURSIVE h AS (SELECT max(hour) AS hour FROM hourly WHERE hour < "+before64+
		" UNION ALL SELECT (SELECT max(hour) FROM hourly WHERE hour < h.hour) FROM h WHERE h.hour IS NOT NULL) "+
		"SELECT hour FROM h WHERE hour IS NOT NULL AND ("+found+") LIMIT "+count, []any{&hour}, func() error { hours = append(hours, hour); return nil }, w.args...)
	return hours, err
}
