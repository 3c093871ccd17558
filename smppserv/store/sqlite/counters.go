package sqlite

import (
	"context"
	"fmt"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"

	zombiezen "zombiezen.com/go/sqlite"
)

const (
	counterKey = "hour, client, campaign, peer, kind, out, state, reason, node"
	counter    = "hour, client, campaign, peer, kind, out, state, reason, n, parts, times"
	facts      = "SELECT kind, submitter, recipient, source, destination, received_at FROM messages WHERE id = ?"
)

// countEnd counts a message that has just got its final state.
func (w *writer) countEnd(id sms.ID, v *road.Transition, t *tally.Sheet, now int64) error {
	if v.State != sms.Delivered && v.State != sms.Deleted {
		if err := integers(w.failed, int64(id)); err != nil {
			return err
		}
	}
	if !t.Known(id) {
		if err := rowsOf(w.facts, func(s *zombiezen.Stmt) error {
			t.Learn(&sms.Message{
				ID: id, Kind: sms.Kind(s.ColumnInt64(0)), Submitter: s.ColumnText(1), Recipient: s.ColumnText(2),
				Source: sms.Address{Number: s.ColumnText(3)}, Dest: sms.Address{Number: s.ColumnText(4)}, ReceivedAt: time.UnixMilli(s.ColumnInt64(5)),
			})
			return nil
		}, int64(id)); err != nil {
			return err
		}
	}
	return t.End(id, v.State, v.Error, now)
}

// counted writes the counters that the batch has changed.
func (w *writer) counted(t *tally.Sheet) error {
	var times []byte
	err := t.Rows(func(r *tally.Row) error {
		times = r.Times.Append(times[:0])
		bindCounter(w.count, r, times)
		return run(w.count)
	})
	if err != nil {
		return fmt.Errorf("write the counters: %w", err)
	}
	return nil
}

func bindCounter(s *zombiezen.Stmt, r *tally.Row, times []byte) {
	s.BindInt64(1, r.Hour)
	s.BindText(2, r.Client)
	s.BindText(3, r.Campaign)
	s.BindText(4, r.Peer)
	s.BindInt64(5, int64(r.Kind))
	s.BindBool(6, r.Out)
	s.BindInt64(7, int64(r.State))
	s.BindText(8, r.Reason)
	s.BindInt64(9, r.N)
	s.BindInt64(10, r.Parts)
	s.BindBytes(11, times)
}

// Counters implements store.Database.
func (d *database) Counters(hour int64, f func(*tally.Row) error) error {
	d.gate.wait()
	var row tally.Row
	var names store.Names
	buf := make([]byte, 512)
	return rowsOf(d.writer.counters, func(s *zombiezen.Stmt) error {
		if err := readCounter(s, &row, &names, &buf); err != nil {
			return err
		}
		return f(&row)
	}, hour)
}

// readCounter reads the row of s, of the columns in counter.
func readCounter(s *zombiezen.Stmt, r *tally.Row, names *store.Names, buf *[]byte) error {
	*r = tally.Row{
		Key: tally.Key{
			Hour: s.ColumnInt64(0), State: sms.State(s.ColumnInt64(6)), Reason: names.Of(octets(s, 7, buf)),
			Subject: tally.Subject{Client: names.Of(octets(s, 1, buf)), Campaign: names.Of(octets(s, 2, buf)), Peer: names.Of(octets(s, 3, buf)),
				Kind: sms.Kind(s.ColumnInt64(4)), Out: s.ColumnBool(5)},
		},
		Count: tally.Count{N: s.ColumnInt64(8), Parts: s.ColumnInt64(9)},
	}
	return r.Times.Decode(octets(s, 10, buf))
}

// Traffic implements store.Database.
func (d *database) Traffic(ctx context.Context, from, to int64, client, campaign string, f func(*tally.Row) error) error {
	query := "SELECT " + counter + " FROM hourly WHERE hour >= ? AND hour < ?"
	var texts []string
	if client != "" {
		query += " AND (client = ? OR peer = ?)"
		texts = append(texts, client, client)
	}
	if campaign != "" {
		query += " AND campaign = ?"
		texts = append(texts, campaign)
	}
	return d.readers.read(ctx, func(r *reader) error {
		s, err := r.conn.Prepare(query + " ORDER BY " + counterKey)
		if err != nil {
			return err
		}
		s.BindInt64(1, from)
		s.BindInt64(2, to)
		for i, text := range texts {
			s.BindText(3+i, text)
		}
		var row tally.Row
		return rows(s, func(s *zombiezen.Stmt) error {
			if err := readCounter(s, &row, &r.names, &r.buf); err != nil {
				return err
			}
			return f(&row)
		})
	})
}

// Counted implements store.Database.
func (d *database) Counted(ctx context.Context) (since time.Time, last sms.ID, err error) {
	err = d.each(ctx, "SELECT since, message_id FROM counted", func(s *zombiezen.Stmt) {
		since, last = time.UnixMilli(s.ColumnInt64(0)), sms.ID(s.ColumnInt64(1))
	})
	return since, last, err
}
