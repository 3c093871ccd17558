package sqlite

import (
	"context"
	"encoding/binary"
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
}

// Saved is what was saved of a table.
type Saved struct {
	Table      string
	Rows       int
	Unread     string // why not all of it could be read, "" = it could
	Unreadable int    // ranges of rows that could not
}

// Recover saves what can be read of a damaged database into the file to, which must not exist and is a whole database then, to be put in
// its place by Restore. The damaged one is not changed, and must not be in use. What cannot be read is looked for row by row: a range of
// rows that fails is halved, until what is left of it is one row.
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
	if _, err := os.Stat(file); err != nil {
		return r, explain(file, err)
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
	if err := checkLeftover(damaged); err != nil { // the log is another file's
		if err := remove(damaged + "-wal"); err != nil {
			return r, err
		}
	}
	if err := lengthened(damaged); err != nil {
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
	s := saving{Recovered: &r, ctx: ctx, to: d.writer.conn, progress: progress, mark: int64(mark)}
	if s.from, err = connect(damaged, "query_only = on"); err == nil {
		s.from.SetInterrupt(ctx.Done())
		err = s.tables()
		err = errors.Join(err, s.from.Close())
	}
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

// lengthened gives a database that was cut off the length that its first page tells: else SQLite reads nothing of it.
func lengthened(file string) error {
	head := make([]byte, fileHeader)
	if n, err := readHead(file, head); err != nil || n < len(head) {
		return err
	}
	if string(head[:len(sqliteMagic)]) != string(sqliteMagic) {
		return nil
	}
	page := int64(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = 65536
	}
	length := page * int64(binary.BigEndian.Uint32(head[28:]))
	if info, err := os.Stat(file); err != nil || info.Size() >= length || length > 1<<46 {
		return err
	}
	return os.Truncate(file, length)
}

// saving copies tables.
type saving struct {
	*Recovered
	ctx      context.Context
	from, to *zombiezen.Conn
	progress CheckProgress
	mark     int64 // no message_id is above it; 0 = not known
}

// madeAnew are the tables that a start makes from the messages, and what the new file has of its own.
var madeAnew = []string{"runs", "run_pieces", "goose_db_version"}

func (s *saving) tables() error {
	if err := exec(s.from, "SELECT 1 FROM sqlite_schema"); err != nil {
		return fmt.Errorf("its first page, which tells where its tables are, cannot be read: %w", err)
	}
	version, err := ask(s.from, "SELECT max(version_id) FROM goose_db_version")
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
	for i, name := range names {
		s.progress(name, float64(i)/float64(len(names)))
		if err := s.table(name); err != nil {
			return err
		}
	}
	return nil
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
	into, err := s.to.Prepare("INSERT OR REPLACE INTO " + name + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")")
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
	if withRowid {
		err = t.halves()
	} else {
		err = t.ends(key)
	}
	if err == nil && name == "last_message_id" {
		err = exec(s.to, "INSERT INTO last_message_id (id) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM last_message_id)")
	}
	if err == nil && name == "counted" {
		err = exec(s.to, fmt.Sprint("INSERT INTO counted (since, message_id) SELECT ", time.Now().UnixMilli(), ", 0 WHERE NOT EXISTS (SELECT 1 FROM counted)"))
	}
	if err == nil && name == "messages" {
		err = s.widen()
	}
	s.Tables = append(s.Tables, t.saved)
	return errors.Join(err, exec(s.to, "COMMIT"))
}

// around is how far from a row that cannot be read others may be missing, of which SQLite does not know: a page that was half overwritten
// looks as if it had fewer.
const around = 200

// widen adds to what is lost the ids around it that are missing. Some of them may have been purged long ago.
func (s *saving) widen() error {
	var wide []store.Range
	for _, l := range s.Lost {
		next := l.From - min(l.From-1, around)
		if n := len(wide); n > 0 {
			next = max(next, wide[n-1].To+1)
		}
		gap := func(before sms.ID) {
			switch n := len(wide); {
			case before <= next:
			case n > 0 && wide[n-1].To == next-1:
				wide[n-1].To = before - 1
			default:
				wide = append(wide, store.Range{From: next, To: before - 1})
			}
		}
		err := each(s.to, fmt.Sprint("SELECT id FROM messages WHERE id BETWEEN ", next, " AND ", l.To+around, " ORDER BY id"), func(row *zombiezen.Stmt) error {
			id := sms.ID(row.ColumnInt64(0))
			gap(id)
			next = id + 1
			return nil
		})
		if err != nil {
			return err
		}
		gap(l.To + 1)
	}
	s.Lost = wide
	return nil
}

type tableSaving struct {
	*saving
	saved   Saved
	columns string
	into    *zombiezen.Stmt

	attributes  int // the column of a message's, -1 = it is another table
	buf         []byte
	first, last int64
}

// copyRows copies what a query finds, until it fails; read tells by whose fault.
func (t *tableSaving) copyRows(query string, args ...int64) (read, write error) {
	q, err := t.from.Prepare(query)
	if err != nil {
		return err, nil
	}
	read = rowsOf(q, func(row *zombiezen.Stmt) error {
		if t.attributes >= 0 && row.ColumnType(t.attributes) == zombiezen.TypeBlob {
			if err := t.decodes(row); err != nil {
				return err
			}
		}
		for i := range row.ColumnCount() {
			bindAs(t.into, i+1, row, i)
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
func (t *tableSaving) decodes(row *zombiezen.Stmt) error {
	var names store.Names
	t.buf = append(t.buf[:0], make([]byte, row.ColumnLen(t.attributes))...)
	row.ColumnBytes(t.attributes, t.buf)
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

// halves reads a table that has rowids.
func (t *tableSaving) halves() error {
	first, last := int64(0), int64(0)
	for i, order := range []string{"", " DESC"} {
		row, err := ask(t.from, "SELECT rowid FROM "+t.saved.Table+" ORDER BY rowid"+order+" LIMIT 1")
		switch {
		case err != nil: // its end is damaged: any
			t.failed(err)
			row = []int64{[...]int64{1, t.bound()}[i]}
		case len(row) == 0:
			return nil
		}
		if i == 0 {
			first = row[0]
		} else {
			last = row[0]
		}
	}
	t.first, t.last = first, last
	return t.half(first, last)
}

// bound is above what rowids a table may have.
func (t *tableSaving) bound() int64 {
	if t.saved.Table == "messages" && t.mark > 0 {
		return t.mark
	}
	highest := int64(0)
	for _, query := range []string{"SELECT max(id) FROM last_message_id", "SELECT max(message_id) FROM external_ids", "SELECT max(last_id) FROM runs", "SELECT max(id) FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL"} {
		if row, err := ask(t.from, query); err == nil && len(row) == 1 {
			highest = max(highest, row[0])
		}
	}
	if highest == 0 {
		return 1 << 20
	}
	return 2 * highest
}

func (t *tableSaving) failed(err error) {
	if t.saved.Unread == "" {
		t.saved.Unread = oneLine(err.Error())
	}
}

func (t *tableSaving) half(from, to int64) error {
	t.progress(t.saved.Table, float64(from-t.first)/float64(t.last-t.first+1))
	before := t.saved.Rows
	query, args := " WHERE rowid BETWEEN ? AND ? ORDER BY rowid", []int64{from, to}
	if from == to { // it must not look for the one behind it
		query, args = " WHERE rowid = ?", []int64{from}
	}
	read, write := t.copyRows("SELECT "+t.columns+" FROM "+t.saved.Table+query, args...)
	switch {
	case write != nil:
		return write
	case t.ctx.Err() != nil:
		return t.ctx.Err()
	case read == nil:
		return nil
	}
	t.failed(read)
	t.saved.Rows = before // they come again
	if from == to {
		t.lost(from)
		return nil
	}
	middle := from + (to-from)/2
	if err := t.half(from, middle); err != nil {
		return err
	}
	return t.half(middle+1, to)
}

// lost notes a row that cannot be read. There may be none by that number.
func (t *tableSaving) lost(id int64) {
	n := len(t.Lost)
	switch {
	case t.saved.Table != "messages":
		t.saved.Unreadable++
	case n > 0 && t.Lost[n-1].To == sms.ID(id-1):
		t.Lost[n-1].To = sms.ID(id)
	default:
		t.saved.Unreadable++
		t.Lost = append(t.Lost, store.Range{From: sms.ID(id), To: sms.ID(id)})
	}
}

// ends reads a table without rowids from both of its ends, as far as that goes.
func (t *tableSaving) ends(key []string) error {
	for _, order := range []string{"", " DESC"} {
		read, write := t.copyRows("SELECT " + t.columns + " FROM " + t.saved.Table + " ORDER BY " + strings.Join(key, order+", ") + order)
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
