package sqlite

import (
	"cmp"
	"errors"
	"math"
	"strconv"

	zombiezen "zombiezen.com/go/sqlite"
)

// wrong is the first thing that SQLite finds wrong with a database.
func wrong(c *zombiezen.Conn) (what string) {
	err := each(c, "PRAGMA quick_check(1)", func(row *zombiezen.Stmt) error {
		if text := row.ColumnText(0); text != "ok" {
			what = oneLine(text)
		}
		return nil
	})
	if err != nil {
		return oneLine(err.Error())
	}
	return what
}

// byRowid reads a table that has rowids.
func (t *tableSaving) byRowid() error {
	root := t.root()
	if root == 0 {
		t.none(errors.New("its first page, which leads to all others, cannot be read"))
		return nil
	}
	if t.saved.Table == "messages" {
		return t.leaves(root)
	}
	t.first, t.last = 0, math.MaxInt64
	if row, err := ask(t.from, "SELECT rowid FROM "+t.saved.Table+" ORDER BY rowid DESC LIMIT 1"); err == nil && len(row) == 1 {
		t.last = row[0] // for the progress: it may be damaged
	}
	return t.onwards()
}

// leaves reads the messages that are on leaves which are what the pages above them tell. The others are left to scattered: SQLite passes over rows
// on them, and says nothing.
func (t *tableSaving) leaves(root uint32) error {
	t.first, t.last = 1, math.MaxInt64
	if t.mark > 0 {
		t.last = t.mark
	}
	f, err := t.follow(root, span{t.first, t.last})
	if err != nil {
		return err
	}
	t.tree = f
	last := f.highest // whatever there may be behind it, half would search for long
	if n := len(f.bad); n > 0 && f.bad[n-1].to == math.MaxInt64 {
		f.bad[n-1].to = max(t.bound(), f.bad[n-1].from, last)
		t.last, t.open = f.bad[n-1].to, true
	} else if t.mark == 0 {
		t.last = last
	}
	next := t.first
	for _, b := range f.bad {
		if next < b.from {
			if err := t.half(next, b.from-1); err != nil {
				return err
			}
		}
		t.failed(errors.New(cmp.Or(t.wrong, "pages of it are not what others tell of them")))
		t.lost(b.from, b.to)
		next = b.to + 1
	}
	if next > last {
		return nil
	}
	return t.half(next, last)
}

// bound is above what ids messages may have.
func (t *tableSaving) bound() int64 {
	if t.mark > 0 {
		return t.mark
	}
	highest := int64(0)
	for _, q := range [][2]string{
		{"last_message_id", "SELECT max(id) FROM last_message_id"}, {"external_ids", "SELECT max(message_id) FROM external_ids"},
		{"runs", "SELECT max(last_id) FROM runs"}, {"messages", "SELECT max(id) FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL"},
	} {
		if row, err := t.askTable(q[0], q[1]); err == nil && len(row) == 1 {
			highest = max(highest, row[0])
		}
	}
	if highest == 0 {
		return 1 << 20
	}
	return 2 * min(highest, math.MaxInt64/2)
}

func (t *tableSaving) failed(err error) {
	if t.saved.Unread == "" {
		t.saved.Unread = oneLine(err.Error())
	}
}

// read copies the rows of a range.
func (t *tableSaving) read(from, to int64) (read, write error) {
	t.progress(t.saved.Table, (float64(from)-float64(t.first))/(float64(t.last)-float64(t.first)+1))
	query, args := " WHERE rowid BETWEEN ? AND ? ORDER BY rowid", []int64{from, to}
	if from == to { // it must not look for the one behind it
		query, args = " WHERE rowid = ?", []int64{from}
	}
	t.id = from - 1
	read, write = t.copyRows(1, "SELECT rowid, "+t.columns+" FROM "+t.saved.Table+query, args...)
	if write == nil {
		write = t.ctx.Err()
	}
	return read, write
}

// grain is how many messages are not halved any more: what is whole of them is found on its page.
const grain = 64

// half reads messages: a range that fails is halved. What was read of it is taken back, because what made it fail may be the row before.
func (t *tableSaving) half(from, to int64) error {
	if err := exec(t.to, "SAVEPOINT half"); err != nil {
		return err
	}
	before := t.saved.Rows
	read, write := t.read(from, to)
	if write != nil {
		return write
	}
	if read == nil {
		return exec(t.to, "RELEASE half")
	}
	t.saved.Rows = before
	if err := exec(t.to, "ROLLBACK TO half; RELEASE half"); err != nil {
		return err
	}
	t.failed(read)
	if to-from < grain {
		t.lost(from, to)
		return nil
	}
	middle := from + (to-from)/2
	if err := t.half(from, middle); err != nil {
		return err
	}
	return t.half(middle+1, to)
}

// onwards reads rows of another table in their order, and goes on with the next one that can be read behind one that cannot.
func (t *tableSaving) onwards() error {
	for from := int64(0); ; {
		before := t.saved.Rows
		read, write := t.read(from, math.MaxInt64)
		if read == nil || write != nil {
			return write
		}
		t.failed(read)
		if t.saved.Rows > before && t.id >= from {
			if t.id == math.MaxInt64 {
				return nil
			}
			from = t.id + 1
		}
		t.saved.Unreadable++
		next, ok := t.behind(from)
		switch {
		case t.ctx.Err() != nil:
			return t.ctx.Err()
		case !ok || next == math.MaxInt64 || int64(t.saved.Rows) > t.octets:
			return nil
		case next <= from: // it is there, and cannot be read
			next = from + 1
		}
		from = next
	}
}

// behind is the first rowid from from on that SQLite finds, behind those of pages where it fails.
func (t *tableSaving) behind(from int64) (id int64, ok bool) {
	find := func(from int64) (row []int64, err error) {
		return ask(t.from, "SELECT rowid FROM "+t.saved.Table+" WHERE rowid >= "+strconv.FormatInt(from, 10)+" ORDER BY rowid LIMIT 1")
	}
	row, err := find(from)
	for fails, step := from, int64(1); err != nil; step *= 2 {
		if step <= 0 || from > math.MaxInt64-step || t.ctx.Err() != nil {
			return 0, false
		}
		if row, err = find(from + step); err != nil {
			fails = from + step
			continue
		}
		for finds := from + step; finds-fails > 1; {
			middle := fails + (finds-fails)/2
			if found, err := find(middle); err != nil {
				fails = middle
			} else {
				finds, row = middle, found
			}
		}
	}
	return append(row, 0)[0], len(row) > 0
}
