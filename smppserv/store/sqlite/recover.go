package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/rs/zerolog"
	zombiezen "zombiezen.com/go/sqlite"
)

// Recovered is what was saved of a damaged database, and what was not.
type Recovered struct {
	Copy
	Tables []Saved
	Lost   []store.Range // of messages that may have been there, and cannot be read
	// Doubtful are messages whose text has what a disk leaves of a sector that it lost. It was saved as it is.
	Doubtful []sms.ID
}

// Saved is what was saved of a table.
type Saved struct {
	Table      string
	Rows       int
	Scattered  int    // of these, rows that were found on pages to which no way leads any more
	Unread     string // why not all of it could be read, "" = it could
	Unreadable int    // ranges of rows that could not
}

// Recover saves what can be read of a damaged database into the file to, which must not exist and is a whole database then, to be put in
// its place by Restore. The damaged one is not changed, and must not be in use. What cannot be read is looked for row by row: a range of
// rows that fails is halved, until what is left of it is one row. Messages that are lost so are looked for on all pages of the file.
func Recover(ctx context.Context, file, to string, progress CheckProgress) (r Recovered, err error) {
	if progress == nil {
		progress = func(string, float64) {}
	}
	if to, err = filepath.Abs(to); err != nil {
		return r, err
	}
	if err := free(file, to); err != nil {
		return r, err
	}
	if info, err := os.Stat(file); err != nil {
		return r, explain(file, err)
	} else if log, err := os.Stat(file + "-wal"); info.Size() == 0 && (err != nil || log.Size() == 0) {
		return r, fmt.Errorf("%s is empty: there is nothing to recover", file)
	}
	release, err := lock(file)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, release()) }()
	folder, err := os.MkdirTemp(filepath.Dir(to), ".recover-*")
	if err != nil {
		return r, fmt.Errorf("nothing can be saved there: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	damaged, temp := filepath.Join(folder, "damaged.db"), filepath.Join(folder, "saved.db")
	progress("a copy to work on", 0)
	if err := takeCopy(ctx, followed(file), damaged); err != nil {
		return r, fmt.Errorf("%s cannot be read: %w", file, err)
	}
	octets, err := repair(damaged)
	if err != nil {
		return r, err
	}
	d, err := openFile(ctx, Options{File: temp, Log: zerolog.Nop()})
	if err != nil {
		return r, err
	}
	mark, err := store.ReadMark(markFile(file))
	if err != nil { // it is damaged, too
		mark = 0
	}
	s := saving{Recovered: &r, ctx: ctx, damaged: damaged, octets: octets, to: d.writer.conn, progress: progress, mark: int64(mark)}
	err = s.all(temp)
	d.readers.close()
	d.copier.close()
	d.gate.close()
	err = errors.Join(err, d.present.closeIndex(), d.writer.conn.Close(), d.present.head.Close(), d.release())
	if err != nil {
		return r, fmt.Errorf("%s cannot be recovered: %w", file, err)
	}
	progress("a check of what was saved", 0)
	if r.Copy, err = seal(ctx, temp); err != nil {
		return r, err
	}
	if err := free(file, to); err != nil {
		return r, err
	}
	if err := os.Rename(temp, to); err != nil {
		return r, err
	}
	return r, store.SyncFolder(filepath.Dir(to))
}

// saving copies tables.
type saving struct {
	*Recovered
	ctx      context.Context
	damaged  string
	octets   int64 // of it, before it was lengthened
	from, to *zombiezen.Conn
	progress CheckProgress
	found    bool   // a table is there
	mark     int64  // no message_id is above it; 0 = not known
	wrong    string // what SQLite finds wrong, "" = nothing
}

// madeAnew are the tables that a start makes from the messages, and what the new file has of its own.
var madeAnew = []string{"runs", "run_pieces", "goose_db_version"}

// all saves what there is; like is a database that has just been made.
func (s *saving) all(like string) error {
	var unread error // where its tables are
	err := s.read(func() error {
		if unread = exec(s.from, "SELECT 1 FROM sqlite_schema"); unread != nil {
			return nil
		}
		return s.tables()
	})
	if err == nil && unread != nil {
		s.progress("where its tables are", 0)
		if err := newFirstPage(s.ctx, s.damaged, s.octets, like); err != nil {
			return err
		}
		// What of the schema has lost its table is no reason to read nothing.
		err = s.read(s.tables, "writable_schema = on")
	}
	switch {
	case err != nil || s.found || s.Tables[0].Rows > 0:
		return err
	case unread != nil:
		return fmt.Errorf("its first page, which tells where its tables are, cannot be read, and no message was found on the others: %w", unread)
	}
	return errors.New("there is no table of smppserv's in it")
}

// read calls f while the damaged database is open.
func (s *saving) read(f func() error, pragmas ...string) (err error) {
	if s.from, err = connect(s.damaged, append(pragmas, "query_only = on")...); err != nil {
		return err
	}
	s.from.SetInterrupt(s.ctx.Done())
	return errors.Join(f(), s.from.Close())
}

func (s *saving) tables() error {
	version, err := s.askTable("goose_db_version", "SELECT max(version_id) FROM goose_db_version")
	newest, e := ask(s.to, "SELECT max(version_id) FROM goose_db_version")
	if e != nil {
		return e
	}
	if err == nil && len(version) == 1 && version[0] != newest[0] {
		return fmt.Errorf("its schema is %d, and that of this version of smppserv %d: recover it with the version that wrote it", version[0], newest[0])
	}
	var names []string
	err = each(s.to, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name <> 'messages', name", func(row *zombiezen.Stmt) error {
		if name := row.ColumnText(0); !slices.Contains(madeAnew, name) {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.mark > 0 { // it may be that of an older state
		if row, err := s.askTable("last_message_id", "SELECT max(id) FROM last_message_id"); err == nil && len(row) == 1 {
			s.mark = max(s.mark, row[0])
		}
	}
	s.progress("what is wrong", 0)
	s.wrong = wrong(s.from)
	for i, name := range names {
		s.progress(name, float64(i)/float64(len(names)))
		if err := s.table(name); err != nil {
			return err
		}
	}
	return nil
}

// askTable is ask, where the table is not a view, which may never end.
func (s *saving) askTable(table, query string) ([]int64, error) {
	if views, err := ask(s.from, "SELECT count(*) FROM sqlite_schema WHERE type = 'view' AND name = '"+table+"'"); err == nil && views[0] > 0 {
		return nil, errors.New("no such table: " + table + " is a view")
	}
	return ask(s.from, query)
}

func each(c *zombiezen.Conn, query string, f func(*zombiezen.Stmt) error) error {
	s, _, err := c.PrepareTransient(query)
	if err != nil {
		return err
	}
	return errors.Join(rows(s, f), s.Finalize())
}

// table saves what can be read of a table.
func (s *saving) table(name string) error {
	var columns, key []string
	err := each(s.to, "SELECT name, pk FROM pragma_table_info('"+name+"')", func(row *zombiezen.Stmt) error {
		columns = append(columns, row.ColumnText(0))
		if row.ColumnInt(1) > 0 {
			key = append(key, row.ColumnText(0))
		}
		return nil
	})
	if err != nil {
		return err
	}
	withRowid := exec(s.to, "SELECT rowid FROM "+name+" LIMIT 0") == nil
	if withRowid && (len(key) != 1 || name == "clients" || name == "jobs" || name == "external_ids") {
		columns = append([]string{"rowid"}, columns...)
	}
	verb := "INSERT OR REPLACE INTO "
	if name == "messages" { // a text must not take the place of another
		verb = "INSERT INTO "
	}
	into, err := s.to.Prepare(verb + name + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")")
	if err != nil {
		return err
	}
	if err := exec(s.to, "BEGIN"); err != nil {
		return err
	}
	if name == "counted" || name == "last_message_id" { // of a new one
		if err := exec(s.to, "DELETE FROM "+name); err != nil {
			return err
		}
	}
	t := tableSaving{saving: s, saved: Saved{Table: name}, columns: strings.Join(columns, ", "), into: into, attributes: -1}
	if name == "messages" {
		t.attributes = slices.Index(columns, "attributes")
	}
	switch _, missing := s.askTable(name, "SELECT 1 FROM "+name+" LIMIT 0"); {
	case missing != nil:
		t.none(missing)
	case withRowid:
		s.found = true
		err = t.byRowid()
	default:
		s.found = true
		err = t.ends(key)
	}
	if err == nil && name == "last_message_id" {
		err = exec(s.to, "INSERT INTO last_message_id (id) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM last_message_id)")
	}
	if err == nil && name == "counted" {
		err = exec(s.to, fmt.Sprint("INSERT INTO counted (since, message_id) SELECT ", time.Now().UnixMilli(), ", 0 WHERE NOT EXISTS (SELECT 1 FROM counted)"))
	}
	if err == nil && name == "messages" {
		err = errors.Join(t.scattered(), s.doubt())
	}
	s.Tables = append(s.Tables, t.saved)
	return errors.Join(err, exec(s.to, "COMMIT"))
}

type tableSaving struct {
	*saving
	saved   Saved
	columns string
	into    *zombiezen.Stmt

	open        bool // the highest id of messages is not known
	attributes  int  // the column of a message's, -1 = it is another table
	buf         []byte
	first, last int64
	id          int64 // of the row that was read last
	tree        *tree // of messages
}

// copyRows copies what a query finds, until it fails; read tells by whose fault. The first skip columns are not copied: a rowid, which must rise in messages.
func (t *tableSaving) copyRows(skip int, query string, args ...int64) (read, write error) {
	q, err := t.from.Prepare(query)
	if err != nil {
		return err, nil
	}
	read = rowsOf(q, func(row *zombiezen.Stmt) error {
		if skip > 0 {
			id := row.ColumnInt64(0)
			switch {
			case id <= t.id && t.saved.Table == "messages":
				return fmt.Errorf("the row %d comes after the row %d", id, t.id)
			case int64(t.saved.Rows) > t.octets:
				return errors.New("it has more rows than octets")
			}
			t.id = id
		}
		if t.attributes >= 0 && row.ColumnType(skip+t.attributes) == zombiezen.TypeBlob {
			if err := t.decodes(row, skip+t.attributes); err != nil {
				return err
			}
		}
		for i := range row.ColumnCount() - skip {
			bindAs(t.into, i+1, row, i+skip)
		}
		if write = run(t.into); write != nil {
			_ = t.into.Reset()
			return write
		}
		t.saved.Rows++
		return nil
	}, args...)
	if read != nil {
		_ = q.Reset()
	}
	if write != nil {
		if code(write) == 19 { // SQLITE_CONSTRAINT: what was read is no row of ours
			return write, nil
		}
		return nil, write
	}
	return read, nil
}

// decodes looks whether a message is one: of a row that was half overwritten, SQLite does not know.
func (t *tableSaving) decodes(row *zombiezen.Stmt, column int) error {
	var names store.Names
	t.buf = append(t.buf[:0], make([]byte, row.ColumnLen(column))...)
	row.ColumnBytes(column, t.buf)
	return store.DecodeAttributes(t.buf, &sms.Message{}, &names)
}

func bindAs(to *zombiezen.Stmt, at int, row *zombiezen.Stmt, column int) {
	switch row.ColumnType(column) {
	case zombiezen.TypeInteger:
		to.BindInt64(at, row.ColumnInt64(column))
	case zombiezen.TypeFloat:
		to.BindFloat(at, row.ColumnFloat(column))
	case zombiezen.TypeText:
		to.BindText(at, row.ColumnText(column))
	case zombiezen.TypeBlob:
		b := make([]byte, row.ColumnLen(column))
		row.ColumnBytes(column, b)
		to.BindBytes(at, b)
	default:
		to.BindNull(at)
	}
}

// ends reads a table without rowids from both of its ends, as far as that goes.
func (t *tableSaving) ends(key []string) error {
	for _, order := range []string{"", " DESC"} {
		read, write := t.copyRows(0, "SELECT "+t.columns+" FROM "+t.saved.Table+" ORDER BY "+strings.Join(key, order+", ")+order)
		switch {
		case write != nil:
			return write
		case t.ctx.Err() != nil:
			return t.ctx.Err()
		case read == nil:
			return nil
		}
		t.failed(read)
	}
	t.saved.Unreadable++
	return nil
}
