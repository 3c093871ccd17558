package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	zombiezen "zombiezen.com/go/sqlite"
)

// A page inside the tree of a table tells where thousands of rows are, which are whole on their own pages when it is gone. So what is lost
// of messages is looked for on every page: no other table has rows like these. What they do not tell is whether their page is still
// in use. A page that was given free is overwritten with zeros, but by other programs than this one, and by a disk that puts a page where it does not
// belong. So of a message that comes twice the one counts that is further on.

// column is one of a table, as it is in records.
type column struct {
	name    string
	kind    kind
	notNull bool
	key     bool // the rowid, which is no value in the record
	later   bool // rows may end before it: it came with a later schema
}

func (s *saving) columnsOf(table string) (all []column, err error) {
	kinds := map[string]kind{"INTEGER": isInteger, "TEXT": isText, "BLOB": isBlob}
	err = each(s.to, `SELECT name, type, "notnull", pk, dflt_value IS NOT NULL FROM pragma_table_info('`+table+`')`, func(row *zombiezen.Stmt) error {
		c := column{name: row.ColumnText(0), kind: kinds[row.ColumnText(1)], notNull: row.ColumnInt(2) > 0, key: row.ColumnInt(3) > 0}
		c.later = !c.notNull || row.ColumnInt(4) > 0
		all = append(all, c)
		return nil
	})
	return all, err
}

// scan looks for messages that are not there on all pages.
type scan struct {
	*tableSaving
	columns []column
	gaps    []store.Range // between the messages that are there
	rows    int           // that were found
	insert  string
	vs      []value
	message sms.Message
	names   store.Names
	write   error
}

// scattered saves what of the messages that are not there is on pages to which no way leads. That there is none is believed only of a database in which
// nothing at all is wrong: what SQLite finds of one that is damaged may be less than there is, without a word.
func (t *tableSaving) scattered() (err error) {
	if len(t.Lost) == 0 && t.wrong == "" {
		return nil
	}
	if err := t.widen(around); err != nil {
		return err
	}
	c, last := scan{tableSaving: t}, sms.ID(math.MaxInt64)
	if t.mark > 0 {
		last = sms.ID(t.mark)
	}
	if c.gaps, err = t.missing(nil, 1, last, last); err != nil {
		return err
	}
	if c.columns, err = t.columnsOf(t.saved.Table); err != nil {
		return err
	}
	var further string
	c.insert, further = furtherOn(c.columns)
	if t.into, err = t.to.Prepare(c.insert + further); err != nil {
		return err
	}
	open := len(t.Lost) - 1
	before, err := ask(t.to, "SELECT count(*) FROM messages")
	if err == nil {
		err = c.pages()
	}
	if err != nil {
		return err
	}
	after, err := ask(t.to, "SELECT count(*), coalesce(max(id), 0) FROM messages")
	if err != nil {
		return err
	}
	t.saved.Scattered = int(after[0] - before[0])
	t.saved.Rows = int(after[0])
	if t.saved.Scattered > 0 {
		t.failed(errors.New(cmp.Or(t.wrong, "pages are damaged")))
	}
	if t.open { // nobody knows which is the last one
		l := &t.Lost[open]
		l.To = max(l.From, sms.ID(max(t.last, after[1])))
	}
	return t.widen(0)
}

// furtherOn adds a message, or, with both, puts it in the place of one that had not come so far.
func furtherOn(columns []column) (insert, further string) {
	var names, places, sets []string
	for i, c := range columns {
		names, places = append(names, c.name), append(places, fmt.Sprint("?", i+1))
		sets = append(sets, c.name+" = excluded."+c.name)
	}
	const far = "(%[1]s.final_at IS NOT NULL, %[1]s.attempts, coalesce(%[1]s.tried_at, 0))"
	return "INSERT INTO messages (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")", " ON CONFLICT (id) DO UPDATE SET " +
		strings.Join(sets, ", ") + " WHERE " + fmt.Sprintf(far, "excluded") + " > " + fmt.Sprintf(far, "messages")
}

func (c *scan) pages() error {
	f, err := os.Open(c.damaged)
	if err != nil {
		return err
	}
	defer f.Close()
	p := pagesOf(c.ctx, f, c.octets)
	page, buf := make([]byte, p.size), []byte(nil)
	var others []uint32
	for number := uint32(1); number <= p.count && c.write == nil; number++ {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if number%256 == 0 {
			c.progress("page by page", float64(number)/float64(p.count))
		}
		if p.read(number, page) != nil {
			continue
		}
		cells, whole := p.cells(number, page)
		if c.belong(number, &cells) {
			c.page(&p, page, &buf, cells, whole)
		} else {
			others = append(others, number)
		}
	}
	if c.write != nil || len(others) == 0 {
		return c.write
	}
	if c.into, err = c.to.Prepare(strings.Replace(c.insert, "INSERT", "INSERT OR IGNORE", 1)); err != nil {
		return err
	}
	for _, number := range others {
		if p.read(number, page) == nil {
			cells, whole := p.cells(number, page)
			c.page(&p, page, &buf, cells, whole)
		}
	}
	return c.write
}

func (c *scan) page(p *pages, page []byte, buf *[]byte, cells []cell, whole bool) {
	before := c.rows
	cells = certain(cells)
	p.rows(cells, page, buf, c.isGap, c.row)
	if !whole && c.rows > before { // what is between them is damaged
		last := cells[len(cells)-1].id
		if c.mark > 0 {
			last = min(last, c.mark)
		}
		c.lost(cells[0].id, last)
	}
}

// belong leaves of a leaf's rows those that it is to have. Where most are others, it has another page's content, or what tells of it is damaged: then
// they come last, and take the place of none.
func (c *scan) belong(number uint32, cells *[]cell) bool {
	if c.tree == nil {
		return true
	}
	s, bad := c.tree.within[number]
	if !bad {
		return true
	}
	var in, out []cell
	for _, cell := range *cells {
		if s.from <= cell.id && cell.id <= s.to {
			in = append(in, cell)
		} else {
			out = append(out, cell)
		}
	}
	if len(out) > max(len(in), 1) {
		return false
	}
	for _, cell := range out {
		c.lost(cell.id, min(cell.id, c.last))
	}
	*cells = in
	return true
}

// row saves what is a message.
func (c *scan) row(id int64, record []byte) {
	if c.write != nil {
		return
	}
	var ok bool
	if c.vs, ok = values(record, c.vs); !ok || !c.isMessage() {
		return
	}
	for i, column := range c.columns {
		switch {
		case column.key:
			c.into.BindInt64(i+1, id)
		case i >= len(c.vs) && column.notNull:
			c.into.BindInt64(i+1, 0)
		case i >= len(c.vs) || c.vs[i].kind == isNull:
			c.into.BindNull(i + 1)
		case column.kind == isInteger:
			c.into.BindInt64(i+1, c.vs[i].number)
		case column.kind == isText:
			c.into.BindText(i+1, string(c.vs[i].octets))
		default:
			c.into.BindBytes(i+1, c.vs[i].octets)
		}
	}
	c.rows++
	if c.write = run(c.into); c.write != nil {
		c.write = errors.Join(c.write, c.into.Reset())
	}
}

func (c *scan) isGap(id int64) bool {
	_, in := slices.BinarySearchFunc(c.gaps, sms.ID(id), func(r store.Range, id sms.ID) int {
		switch {
		case r.To < id:
			return -1
		case r.From > id:
			return 1
		}
		return 0
	})
	return in
}

// isMessage tells whether the values are those of a row of messages.
func (c *scan) isMessage() bool {
	if len(c.vs) > len(c.columns) {
		return false
	}
	for i, column := range c.columns {
		switch {
		case i >= len(c.vs):
			if !column.later {
				return false
			}
		case column.key:
			if c.vs[i].kind != isNull {
				return false
			}
		case c.vs[i].kind == isNull:
			if column.notNull {
				return false
			}
		case c.vs[i].kind != column.kind:
			return false
		}
	}
	kind, state := c.named("kind"), c.named("state")
	if kind.number < 0 || kind.number > int64(sms.KindAlert) || state.number < 0 || state.number > int64(sms.Rejected) {
		return false
	}
	c.message.Kind = sms.Kind(kind.number)
	return store.DecodeAttributes(c.named("attributes").octets, &c.message, &c.names) == nil
}

func (c *scan) named(name string) value {
	return c.vs[slices.IndexFunc(c.columns, func(c column) bool { return c.name == name })]
}
