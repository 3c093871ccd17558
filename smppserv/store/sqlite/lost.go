package sqlite

import (
	"fmt"
	"math"
	"os"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	zombiezen "zombiezen.com/go/sqlite"
)

// lost notes rows that cannot be read. There may be none by that number.
func (t *tableSaving) lost(from, to int64) {
	n := len(t.Lost)
	switch {
	case t.saved.Table != "messages":
		t.saved.Unreadable++
	case n > 0 && t.Lost[n-1].To == sms.ID(from-1):
		t.Lost[n-1].To = sms.ID(to)
	default:
		t.saved.Unreadable++
		t.Lost = append(t.Lost, store.Range{From: sms.ID(from), To: sms.ID(to)})
	}
}

// rooted tells whether the page is there from which the rows of a table are found: without it each search for one fails.
func (t *tableSaving) rooted() bool {
	row, err := ask(t.from, "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = '"+t.saved.Table+"'")
	if err != nil || len(row) == 0 {
		return false
	}
	f, err := os.Open(t.damaged)
	if err != nil {
		return false
	}
	defer f.Close()
	p := pagesOf(f, t.octets)
	if row[0] < 2 || row[0] > int64(p.count) {
		return false
	}
	page := make([]byte, p.size)
	return p.read(uint32(row[0]), page) == nil && (page[0] == tableInterior || page[0] == tableLeaf)
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
func (s *saving) widen(around sms.ID) error {
	var wide []store.Range
	for _, l := range s.Lost {
		to := l.To + min(math.MaxInt64-l.To, around)
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
		err := each(s.to, fmt.Sprint("SELECT id FROM messages WHERE id BETWEEN ", next, " AND ", to, " ORDER BY id"), func(row *zombiezen.Stmt) error {
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
