package sqlite

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	zombiezen "zombiezen.com/go/sqlite"
)

// lost notes rows that cannot be read. There may be none by that number.
func (t *tableSaving) lost(from, to int64) {
	n := len(t.Lost)
	switch from = max(from, 1); {
	case to < from:
	case n > 0 && t.Lost[n-1].To == sms.ID(from-1):
		t.Lost[n-1].To = sms.ID(to)
	default:
		t.saved.Unreadable++
		t.Lost = append(t.Lost, store.Range{From: sms.ID(from), To: sms.ID(to)})
	}
}

// root is the page from which the rows of a table are found: without it, 0, each search for one fails.
func (t *tableSaving) root() uint32 {
	row, err := ask(t.from, "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = '"+t.saved.Table+"'")
	if err != nil || len(row) == 0 {
		return 0
	}
	f, err := os.Open(t.damaged)
	if err != nil {
		return 0
	}
	defer f.Close()
	p := pagesOf(t.ctx, f, t.octets)
	if row[0] < 2 || row[0] > int64(p.count) {
		return 0
	}
	page := make([]byte, p.size)
	if p.read(uint32(row[0]), page) != nil || page[0] != tableInterior && page[0] != tableLeaf {
		return 0
	}
	return uint32(row[0])
}

// none notes that nothing of a table can be read, and why.
func (t *tableSaving) none(why error) {
	t.failed(why)
	if t.saved.Table != "messages" {
		t.saved.Unreadable++
		return
	}
	t.first, t.last, t.open = 1, t.bound(), t.mark == 0
	t.lost(t.first, t.last)
}

// around is how far from a row that cannot be read others may be missing, of which SQLite does not know: a page that was half overwritten
// looks as if it had fewer.
const around = 200

// widen adds to what is lost the ids so far around it that are missing, and takes away what is there. Some may have been purged long ago.
func (s *saving) widen(around sms.ID) (err error) {
	slices.SortFunc(s.Lost, func(a, b store.Range) int { return cmp.Compare(a.From, b.From) })
	var wide []store.Range
	for _, l := range s.Lost {
		if wide, err = s.missing(wide, l.From-min(l.From-1, around), l.To, l.To+min(math.MaxInt64-l.To, around)); err != nil {
			return err
		}
	}
	s.Lost = wide
	return nil
}

// missing adds to ranges, behind the last of them, the ids from next to last that no message has that was saved, and those up to the next message
// where there is one up to to.
func (s *saving) missing(ranges []store.Range, next, last, to sms.ID) ([]store.Range, error) {
	if n := len(ranges); n > 0 {
		next = max(next, ranges[n-1].To+1)
	}
	gap := func(before sms.ID) {
		switch n := len(ranges); {
		case before <= next:
		case n > 0 && ranges[n-1].To == next-1:
			ranges[n-1].To = before - 1
		default:
			ranges = append(ranges, store.Range{From: next, To: before - 1})
		}
	}
	err := each(s.to, fmt.Sprint("SELECT id FROM messages WHERE id BETWEEN ", next, " AND ", to, " ORDER BY id"), func(row *zombiezen.Stmt) error {
		id := sms.ID(row.ColumnInt64(0))
		gap(id)
		next = id + 1
		return nil
	})
	gap(last + 1)
	return ranges, err
}

// doubt finds texts a part of which was overwritten with what disks leave of a sector: to SQLite a text is whole, whatever it says.
func (s *saving) doubt() error {
	run := func(octet string) string { return "instr(content, x'" + strings.Repeat(octet, 64) + "')" }
	return each(s.to, "SELECT id FROM messages WHERE "+run("00")+" OR "+run("FF"), func(row *zombiezen.Stmt) error {
		s.Doubtful = append(s.Doubtful, sms.ID(row.ColumnInt64(0)))
		return s.ctx.Err()
	})
}
