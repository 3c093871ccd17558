package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"hnetsmpp/smppserv/store/tally"
	"hnetsmpp/smppserv/store/transfer"

	"github.com/jackc/pgx/v5"
)

func noMarks(t *transfer.Table) string {
	if t.Name == transfer.Jobs {
		return " WHERE name NOT LIKE '" + transfer.MarkPrefix + "%'"
	}
	return ""
}

func names(cs []transfer.Column, suffix string) string {
	var all []string
	for _, c := range cs {
		all = append(all, c.Name+suffix)
	}
	return strings.Join(all, ", ")
}

// HasRows implements transfer.Database.
func (e *end) HasRows(ctx context.Context, t *transfer.Table) (has bool, err error) {
	err = e.conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+t.Name+noMarks(t)+")").Scan(&has)
	return has, e.explain(err)
}

// Ends implements transfer.Database.
func (e *end) Ends(ctx context.Context, t *transfer.Table) (first, last transfer.Key, ok bool, err error) {
	keys := t.Columns[:t.Keys]
	for _, of := range []struct {
		direction string
		key       *transfer.Key
	}{{"", &first}, {" DESC", &last}} {
		to := []any{&of.key[0], &of.key[1]}[:t.Keys]
		err = e.conn.QueryRow(ctx, "SELECT "+names(keys, "::bigint")+" FROM "+t.Name+" ORDER BY "+names(keys, of.direction)+" LIMIT 1").Scan(to...)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return first, last, false, nil
		case err != nil:
			return first, last, false, e.explain(err)
		}
	}
	return first, last, true, nil
}

// Rows implements transfer.Database. One long query is read as it comes: what is not read yet waits at the server.
func (e *end) Rows(ctx context.Context, t *transfer.Table, f func(transfer.Row) error) error {
	order := ""
	switch {
	case t.Counted > 0: // one beside the other
		order = " ORDER BY " + names(t.Columns[:len(t.Columns)-t.Counted], "") + ", node"
	case t.Keys > 0:
		order = " ORDER BY " + names(t.Columns[:t.Keys], "")
	case t.Name == transfer.ClockSteps:
		order = " ORDER BY id"
	}
	if t.Counted > 0 {
		s := sums{table: t, f: f}
		err := e.rows(ctx, t, order, s.add)
		if err == nil {
			err = s.flush()
		}
		return err
	}
	return e.rows(ctx, t, order, f)
}

func (e *end) rows(ctx context.Context, t *transfer.Table, order string, f func(transfer.Row) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // else the rest would be read
	rows, err := e.conn.Query(ctx, "SELECT "+names(t.Columns, "")+" FROM "+t.Name+noMarks(t)+order, pgx.QueryResultFormats{pgx.BinaryFormatCode})
	if err != nil {
		return e.explain(err)
	}
	defer rows.Close()
	row := make(transfer.Row, len(t.Columns))
	for rows.Next() {
		if err := read(row, t, rows.RawValues()); err != nil {
			cancel()
			return err
		}
		if err := f(row); err != nil {
			cancel()
			return err
		}
	}
	return e.explain(rows.Err())
}

// read reads columns in PostgreSQL's binary format.
func read(row transfer.Row, t *transfer.Table, raw [][]byte) error {
	for i, c := range t.Columns {
		v, octets := &row[i], raw[i]
		*v = transfer.Value{}
		switch {
		case octets == nil:
			v.Null = true
		case c.Type == transfer.Text:
			v.Text = unescape(string(octets))
		case c.Type == transfer.Octets:
			v.Text = string(octets)
		default:
			switch len(octets) {
			case 1:
				v.Number = int64(octets[0])
			case 2:
				v.Number = int64(int16(binary.BigEndian.Uint16(octets)))
			case 4:
				v.Number = int64(int32(binary.BigEndian.Uint32(octets)))
			case 8:
				v.Number = int64(binary.BigEndian.Uint64(octets))
			default:
				return fmt.Errorf("%s.%s is no number", t.Name, c.Name)
			}
		}
	}
	return nil
}

// sums makes one row of those that several workers counted.
type sums struct {
	table *transfer.Table
	f     func(transfer.Row) error
	row   transfer.Row
}

func (s *sums) add(r transfer.Row) error {
	keys := len(r) - s.table.Counted
	if s.row != nil && equal(s.row[:keys], r[:keys]) {
		return s.merge(r, keys)
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.row = append(s.row[:0], r...)
	return nil
}

func (s *sums) merge(r transfer.Row, from int) error {
	for i := from; i < len(r); i++ {
		v := &s.row[i]
		switch c := s.table.Columns[i]; {
		case c.Type == transfer.Octets:
			var times tally.Histogram
			for _, text := range []string{v.Text, r[i].Text} {
				if err := times.Decode([]byte(text)); err != nil {
					return err
				}
			}
			v.Text = string(times.Append(nil))
		case c.Name == "oldest_ms":
			v.Number = max(v.Number, r[i].Number)
		default:
			v.Number += r[i].Number
		}
	}
	return nil
}

func (s *sums) flush() error {
	if len(s.row) == 0 {
		return nil
	}
	return s.f(s.row)
}

func equal(a, b transfer.Row) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Clear implements transfer.Database.
func (e *end) Clear(ctx context.Context, t *transfer.Table) error {
	query := "TRUNCATE " + t.Name
	if t.Name == transfer.Jobs {
		query = "DELETE FROM jobs" + noMarks(t)
	}
	_, err := e.conn.Exec(ctx, query)
	return e.explain(err)
}

// epoch is the one under which messages wait here, for the first worker that starts: an estate of nobody.
func (e *end) epoch(ctx context.Context) (int64, error) {
	if e.holder != 0 {
		return e.holder, nil
	}
	err := pgx.BeginFunc(ctx, e.conn, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "SELECT ran_at FROM jobs WHERE name = '"+holderMark+"'").Scan(&e.holder)
		if errors.Is(err, pgx.ErrNoRows) {
			err = tx.QueryRow(ctx, "INSERT INTO jobs (name, ran_at) VALUES ('"+holderMark+"', nextval('epochs')) RETURNING ran_at").Scan(&e.holder)
		}
		if err == nil {
			_, err = tx.Exec(ctx, "INSERT INTO estates (epoch, owner) VALUES ($1, 0) ON CONFLICT DO NOTHING", e.holder)
		}
		return err
	})
	if err != nil {
		e.holder = 0
	}
	return e.holder, err
}

// Write implements transfer.Database.
func (e *end) Write(ctx context.Context, t *transfer.Table, rows []transfer.Row) error {
	var more []any // the values of columns that are PostgreSQL's alone
	columns := make([]string, 0, len(t.Columns)+1)
	for _, c := range t.Columns {
		columns = append(columns, c.Name)
	}
	switch t.Name {
	case transfer.Messages:
		holder, err := e.epoch(ctx)
		if err != nil {
			return e.explain(err)
		}
		columns, more = append(columns, "holder"), append(more, holder)
	case transfer.ClockSteps:
		holder, err := e.epoch(ctx)
		if err != nil {
			return e.explain(err)
		}
		columns, more = append(columns, "epoch"), append(more, holder)
	case transfer.Hourly, transfer.Minutes:
		columns, more = append(columns, "node"), append(more, "")
	}
	values := make([]any, len(columns))
	copy(values[len(t.Columns):], more)
	_, err := e.conn.CopyFrom(ctx, pgx.Identifier{t.Name}, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		for k, c := range t.Columns {
			values[k] = columnOf(c.Type, &rows[i][k])
		}
		return values, nil
	}))
	return e.explain(err)
}

func columnOf(t transfer.Type, v *transfer.Value) any {
	switch {
	case v.Null:
		return nil
	case t == transfer.Flag:
		return v.Number != 0
	case t == transfer.Text:
		return escape(v.Text)
	case t == transfer.Octets:
		return []byte(v.Text)
	}
	return v.Number
}
