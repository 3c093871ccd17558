package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/transfer"

	zombiezen "zombiezen.com/go/sqlite"
)

func noMarks(t *transfer.Table) string {
	if t.Name == transfer.Jobs {
		return " WHERE name NOT LIKE '" + transfer.MarkPrefix + "%'"
	}
	return ""
}

func names(t *transfer.Table) string {
	var all []string
	for _, c := range t.Columns {
		all = append(all, c.Name)
	}
	return strings.Join(all, ", ")
}

func keys(t *transfer.Table, direction string) string {
	var all []string
	for _, c := range t.Columns[:t.Keys] {
		all = append(all, c.Name+direction)
	}
	return strings.Join(all, ", ")
}

// HasRows implements transfer.Database.
func (e *end) HasRows(_ context.Context, t *transfer.Table) (bool, error) {
	n, err := e.number("SELECT EXISTS (SELECT 1 FROM " + t.Name + noMarks(t) + ")")
	return n != 0, err
}

// Ends implements transfer.Database.
func (e *end) Ends(_ context.Context, t *transfer.Table) (first, last transfer.Key, ok bool, err error) {
	for _, of := range []struct {
		direction string
		key       *transfer.Key
	}{{"", &first}, {" DESC", &last}} {
		row, err := ask(e.conn, "SELECT "+keys(t, "")+" FROM "+t.Name+" ORDER BY "+keys(t, of.direction)+" LIMIT 1")
		if err != nil {
			return first, last, false, e.explain(err)
		}
		ok = len(row) > 0
		copy(of.key[:], row)
	}
	return first, last, ok, nil
}

// Rows implements transfer.Database.
func (e *end) Rows(ctx context.Context, t *transfer.Table, f func(transfer.Row) error) error {
	order := " ORDER BY rowid"
	switch {
	case t.Keys > 0:
		order = " ORDER BY " + keys(t, "")
	case t.Name != transfer.ClockSteps:
		order = "" // some have no rowid
	}
	s, _, err := e.conn.PrepareTransient("SELECT " + names(t) + " FROM " + t.Name + noMarks(t) + order)
	if err != nil {
		return e.explain(err)
	}
	defer s.Finalize()
	row := make(transfer.Row, len(t.Columns))
	buf := make([]byte, 512)
	var failed error
	err = rows(s, func(s *zombiezen.Stmt) error {
		for i, c := range t.Columns {
			v := &row[i]
			*v = transfer.Value{}
			switch {
			case s.ColumnType(i) == zombiezen.TypeNull:
				v.Null = true
			case c.Type == transfer.Number || c.Type == transfer.Flag:
				v.Number = s.ColumnInt64(i)
			default:
				v.Text = string(octets(s, i, &buf))
			}
		}
		failed = f(row)
		return failed
	})
	if failed != nil {
		return failed
	}
	if err == nil {
		return ctx.Err()
	}
	return e.explain(err)
}

// LastID implements transfer.Database.
func (e *end) LastID(context.Context) (sms.ID, error) {
	known, err := e.number(highestID)
	if err != nil {
		return 0, err
	}
	mark, err := store.ReadMark(markFile(e.o.File))
	return max(sms.ID(known), mark), err
}

// Noted implements transfer.Database.
func (e *end) Noted(context.Context) (int64, error) {
	return e.number("SELECT count(*) FROM conversations")
}

// Clear implements transfer.Database.
func (e *end) Clear(_ context.Context, t *transfer.Table) error {
	err := e.within(func() error {
		if t.Name == transfer.Messages {
			if err := exec(e.conn, "DELETE FROM failed"); err != nil {
				return err
			}
		}
		return exec(e.conn, "DELETE FROM "+t.Name+noMarks(t))
	})
	return e.explain(err)
}

// Write implements transfer.Database.
func (e *end) Write(_ context.Context, t *transfer.Table, rows []transfer.Row) error {
	return e.explain(e.within(func() error {
		s, err := e.writing(t)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := e.add(s, t, row); err != nil {
				return err
			}
		}
		return nil
	}))
}

// writing is the statement that adds a row.
func (e *end) writing(t *transfer.Table) (s *zombiezen.Stmt, err error) {
	if s = e.writes[t]; s != nil {
		return s, nil
	}
	values := strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ")
	list := names(t)
	if t.Name == transfer.Hourly {
		list, values = list+", node", values+", ''"
	}
	if s, err = e.conn.Prepare("INSERT INTO " + t.Name + " (" + list + ") VALUES (" + values + ")"); err != nil {
		return nil, err
	}
	if t.Name == transfer.Messages {
		if e.failed, err = e.conn.Prepare("INSERT OR IGNORE INTO failed (message_id) VALUES (?)"); err != nil {
			return nil, err
		}
	}
	e.writes[t] = s
	return s, nil
}

func (e *end) add(s *zombiezen.Stmt, t *transfer.Table, row transfer.Row) error {
	for i, c := range t.Columns {
		v := &row[i]
		switch {
		case v.Null:
			s.BindNull(i + 1)
		case c.Type == transfer.Text:
			s.BindText(i+1, v.Text)
		case c.Type == transfer.Octets:
			s.BindBytes(i+1, []byte(v.Text))
		default:
			s.BindInt64(i+1, v.Number)
		}
	}
	if err := run(s); err != nil {
		return err
	}
	if t.Name == transfer.Messages && isFailed(sms.State(row[stateColumn].Number)) {
		return integers(e.failed, row[0].Number)
	}
	return nil
}

var stateColumn = slices.IndexFunc(transfer.Tables[0].Columns, func(c transfer.Column) bool { return c.Name == "state" })

func isFailed(s sms.State) bool {
	return s == sms.Expired || s == sms.Undeliverable || s == sms.Rejected
}

// Finish implements transfer.Database. The index of numbers is made by the first start.
func (e *end) Finish(_ context.Context, last sms.ID) error {
	err := e.within(func() error { return exec(e.conn, fmt.Sprintf("UPDATE last_message_id SET id = max(id, %d)", last)) })
	if err == nil {
		err = exec(e.conn, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if err != nil {
		return e.explain(err)
	}
	mark := markFile(e.o.File)
	if err := store.RaiseMark(mark, last); err != nil {
		return err
	}
	folder, err := os.Stat(filepath.Dir(e.o.File))
	for _, file := range []string{e.file, e.o.File + ".lock", mark} {
		if err == nil {
			err = giveTo(folder, file)
		}
	}
	return err
}

// Leave implements transfer.Database.
func (e *end) Leave(_ context.Context, m transfer.Mark) error { return e.setMark(m) }
