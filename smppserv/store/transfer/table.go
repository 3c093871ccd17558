package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// Type is what a column holds.
type Type uint8

const (
	Number Type = iota
	Flag        // a Number, 0 or 1, that PostgreSQL has as boolean
	Text        // any octets, which PostgreSQL has escaped
	Octets
)

// Column is one of a Table.
type Column struct {
	Name string
	Type Type
}

// Table is one that both databases have, but for what is theirs alone: who holds a message, which worker counted, indexes.
type Table struct {
	Name    string
	Columns []Column
	// Keys are how many of the first columns, all of them Number, the rows are ordered by: a copy goes on behind the highest one. 0 = the
	// table is copied as a whole.
	Keys int
	// Counted are the columns, all of them at the end, that are sums over the workers of those before; 0 = there are none.
	Counted int
	// Made has rows in a new database already.
	Made bool
}

// Value is that of a column. Text has the octets of Text and Octets.
type Value struct {
	Null   bool
	Number int64
	Text   string
}

// Row has a Value for each column.
type Row []Value

// Key are the values of the first Keys columns of a row, 0 where there are fewer.
type Key [2]int64

// KeyOf is that of a row.
func (t *Table) KeyOf(r Row) (k Key) {
	for i := range t.Keys {
		k[i] = r[i].Number
	}
	return k
}

// Above tells whether k comes behind o.
func (k Key) Above(o Key) bool { return k[0] > o[0] || k[0] == o[0] && k[1] > o[1] }

func columns(t Type, names ...string) (cs []Column) {
	for _, n := range names {
		cs = append(cs, Column{n, t})
	}
	return cs
}

func join(all ...[]Column) (cs []Column) {
	for _, some := range all {
		cs = append(cs, some...)
	}
	return cs
}

// Names of tables that the databases treat in their own way.
const (
	Messages   = "messages"
	Jobs       = "jobs"
	Hourly     = "hourly"
	Minutes    = "minutes"
	ClockSteps = "clock_steps"
)

// Tables are all of them, the largest first.
var Tables = []*Table{
	{Name: Messages, Keys: 1, Columns: join(
		columns(Number, "id", "received_at", "due_at", "expires_at", "final_at", "tried_at", "wait", "error", "took_ms", "attempts", "unjudged", "kind", "state"),
		columns(Text, "submitter", "recipient", "source", "destination", "reason", "push_key", "through"),
		columns(Octets, "content", "attributes", "progress"))},
	{Name: "tries", Keys: 2, Columns: join(columns(Number, "message_id", "number", "tried_at", "took_ms", "error", "unjudged"), columns(Text, "through", "reason"))},
	{Name: "external_ids", Keys: 1, Columns: join(columns(Number, "message_id", "received_at"), columns(Text, "external_id"))},
	{Name: "submit_multi", Keys: 1, Columns: columns(Number, "message_id", "known_by")},
	{Name: "audit", Keys: 1, Columns: join(columns(Number, "id", "done_at"), columns(Text, "who", "from_where", "what", "on_what", "more"))},
	{Name: Minutes, Keys: 1, Counted: 8, Columns: join(
		columns(Number, "minute", "submitted", "pushed", "delivered", "failed", "receipts", "waiting", "oldest_ms"), columns(Octets, "push"))},
	{Name: Hourly, Counted: 3, Columns: join(columns(Number, "hour"), columns(Text, "client", "campaign", "peer"), columns(Number, "kind"), columns(Flag, "out"),
		columns(Number, "state"), columns(Text, "reason"), columns(Number, "n", "parts"), columns(Octets, "times"))},
	{Name: "clients", Columns: join(columns(Text, "system_id"),
		columns(Number, "bound_at"), columns(Text, "bound_from", "bound_why"), columns(Number, "unbound_at"), columns(Text, "unbound_from", "unbound_why"),
		columns(Number, "refused_at"), columns(Text, "refused_from", "refused_why"), columns(Number, "paused_at"), columns(Text, "paused_by"))},
	{Name: "content_keys", Columns: join(columns(Text, "id"), columns(Octets, "proof"), columns(Number, "up_to"))},
	{Name: ClockSteps, Columns: columns(Number, "message_id", "set_from", "set_to", "on_their_way")},
	{Name: Jobs, Made: true, Columns: join(columns(Text, "name"), columns(Number, "ran_at"))},
	{Name: "counted", Made: true, Columns: columns(Number, "since", "message_id")},
}

// Sum is a checksum of rows, in whichever order.
type Sum struct {
	Rows      int64
	high, low uint64
	buf       []byte
}

// Add adds a row.
func (s *Sum) Add(r Row) {
	b := s.buf[:0]
	for i := range r {
		v := &r[i]
		if v.Null {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = binary.AppendVarint(b, v.Number)
		b = binary.AppendUvarint(b, uint64(len(v.Text)))
		b = append(b, v.Text...)
	}
	s.buf = b
	h := sha256.Sum256(b)
	var carry uint64
	s.low, carry = bits.Add64(s.low, binary.BigEndian.Uint64(h[8:]), 0)
	s.high, _ = bits.Add64(s.high, binary.BigEndian.Uint64(h[:]), carry)
	s.Rows++
}

// Is tells whether another one is of the same rows.
func (s *Sum) Is(o *Sum) bool { return s.Rows == o.Rows && s.high == o.high && s.low == o.low }
