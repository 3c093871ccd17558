package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	zombiezen "zombiezen.com/go/sqlite"
)

// where is a condition and what is bound to it: int64 or string.
type where struct {
	strings.Builder
	args []any
}

func (w *where) and(condition string, args ...any) {
	w.WriteString(" AND " + condition)
	w.args = append(w.args, args...)
}

func (w *where) bind(s *zombiezen.Stmt) {
	for i, arg := range w.args {
		switch v := arg.(type) {
		case int64:
			s.BindInt64(1+i, v)
		case string:
			s.BindText(1+i, v)
		}
	}
}

// among is a condition that a column has one of some values.
func among[T sms.State | sms.Kind](w *where, column string, values []T) {
	var args []any
	for _, v := range values {
		args = append(args, int64(v))
	}
	w.and(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

// filter is what SQL can say of a search.
func (w *where) filter(q *store.Search) {
	if q.Client != "" {
		w.and("(m.submitter = ? OR m.recipient = ?)", q.Client, q.Client)
	}
	switch {
	case q.Number != "" && q.Beginning:
		end := q.Number + "\U0010FFFF" // texts are compared by their octets
		w.and("(m.source >= ? AND m.source < ? OR m.destination >= ? AND m.destination < ?)", q.Number, end, q.Number, end)
	case q.Number != "":
		w.and("(m.source = ? OR m.destination = ?)", q.Number, q.Number)
	}
	if q.Campaign != "" {
		w.and("CASE WHEN m.recipient = '' THEN m.destination = ? ELSE m.submitter = '' AND m.source = ? END", q.Campaign, q.Campaign)
	}
	switch q.Direction {
	case store.In:
		w.and("(m.submitter <> '' OR m.recipient = '')")
	case store.Out:
		w.and("m.submitter = '' AND m.recipient <> ''")
	}
	if len(q.Kinds) > 0 {
		among(w, "m.kind", q.Kinds)
	}
	if states := q.Stored(); len(states) > 0 {
		among(w, "m.state", states)
	}
}

var scanned = func() string {
	names := strings.Split(fmt.Sprintf(read, "NULL"), ", ")
	for i, name := range names {
		if name != "NULL" {
			names[i] = "m." + name
		}
	}
	return strings.Join(names, ", ")
}()

// Scan implements store.Database.
func (d *database) Scan(ctx context.Context, q *store.Search, along store.Along, from, to sms.ID, limit int, f func(*sms.Message)) error {
	var w where
	w.WriteString("SELECT " + scanned + " FROM ")
	order := " ORDER BY m.id DESC LIMIT ?"
	switch along {
	case store.AlongWaiting:
		w.WriteString("messages m INDEXED BY messages_waiting WHERE m.final_at IS NULL AND m.id >= ? AND m.id <= ?")
	case store.AlongFailed: // CROSS JOIN: in this order
		w.WriteString("failed CROSS JOIN messages m WHERE m.id = failed.message_id AND failed.message_id >= ? AND failed.message_id <= ?")
		order = " ORDER BY failed.message_id DESC LIMIT ?"
	default:
		w.WriteString("messages m WHERE m.id >= ? AND m.id <= ?")
	}
	w.args = []any{int64(from), int64(to)}
	w.filter(q)
	w.WriteString(order)
	w.args = append(w.args, int64(limit))
	return d.readers.read(ctx, func(r *reader) error {
		s, err := r.conn.Prepare(w.String())
		if err != nil {
			return err
		}
		w.bind(s)
		return rows(s, func(s *zombiezen.Stmt) error {
			m := &sms.Message{}
			if err := r.message(s, m); err != nil {
				return err
			}
			f(m)
			return nil
		})
	})
}

// ReceivedAt implements store.Database.
func (d *database) ReceivedAt(ctx context.Context, id sms.ID) (at time.Time, err error) {
	err = d.each(ctx, "SELECT received_at FROM messages WHERE id <= ? ORDER BY id DESC LIMIT 1", func(s *zombiezen.Stmt) {
		at = time.UnixMilli(s.ColumnInt64(0))
	}, int64(id))
	return at, err
}

// Hours implements store.Database. It looks into each hour by its key, and never at all of its counters where a client is asked for.
func (d *database) Hours(ctx context.Context, q *store.Search, before int64, limit int) (hours []int64, err error) {
	var w where
	w.WriteString("SELECT 1 FROM hourly WHERE hour = ?")
	w.args = []any{int64(0)}
	if q.Campaign != "" { // or one that had no place among those with a name
		w.and("campaign IN (?, '')", q.Campaign)
	}
	w.and("state = ?", int64(sms.Enroute))
	switch q.Direction {
	case store.In:
		w.and("out = 0")
	case store.Out:
		w.and("out = 1")
	}
	if len(q.Kinds) > 0 {
		among(&w, "kind", q.Kinds)
	}
	some := []where{w}
	if q.Client != "" {
		own, others := w, w
		own.Builder, others.Builder = strings.Builder{}, strings.Builder{}
		own.WriteString(w.String())
		others.WriteString(w.String())
		own.and("client = ?", q.Client)
		others.and("peer = ?", q.Client)
		some = []where{own, others}
	}
	err = d.readers.read(ctx, func(r *reader) error {
		for len(hours) < limit {
			hour, there := int64(0), false
			err := r.each("SELECT hour FROM hourly WHERE hour < ? ORDER BY hour DESC LIMIT 1", func(s *zombiezen.Stmt) error {
				hour, there = s.ColumnInt64(0), true
				return nil
			}, before)
			if err != nil || !there {
				return err
			}
			found := false
			for i := range some {
				if found {
					break
				}
				some[i].args[0] = hour
				s, err := r.conn.Prepare(some[i].String() + " LIMIT 1")
				if err == nil {
					some[i].bind(s)
					err = rows(s, func(*zombiezen.Stmt) error { found = true; return nil })
				}
				if err != nil {
					return err
				}
			}
			if found {
				hours = append(hours, hour)
			}
			before = hour
		}
		return nil
	})
	return hours, err
}
