package sqlite

import (
	"context"
	"encoding/binary"
	"os"
)

// SQLite goes the way to a row by what the pages above it tell, and believes them: where a page is not the one that they mean, or a row not the one
// that it was, it finds less, and says nothing. So that way is gone beforehand.

// span is from one rowid to another.
type span struct{ from, to int64 }

// tree is what was found on the way to the rows of a table.
type tree struct {
	pages
	bad     []span          // where rows may be that are not found, in their order
	within  map[uint32]span // the rows that leaves are to have, of those that have others, too
	highest int64           // rowid on the other leaves
	seen    map[uint32]bool // pages that lead to others
	levels  int             // above the leaves, 0 = not known
}

// follow goes through a table from its first page on.
func (t *tableSaving) follow(root uint32, all span) (*tree, error) {
	f, err := os.Open(t.damaged)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w := &tree{pages: pagesOf(t.ctx, f, t.octets), within: map[uint32]span{}, seen: map[uint32]bool{}}
	w.visit(root, all, 1)
	return w, context.Cause(t.ctx)
}

const maxLevels = 20 // as SQLite has it

func (w *tree) visit(number uint32, s span, level int) {
	page := make([]byte, w.size)
	if w.ctx.Err() != nil || number < 2 || number > w.count || w.read(number, page) != nil {
		w.lost(s)
		return
	}
	switch page[0] {
	case tableLeaf:
		if w.levels == 0 {
			w.levels = level
		}
		cells, whole := w.cells(number, page)
		n := len(cells)
		if whole = whole && level == w.levels && (n > 0 || level == 1); whole && n > 0 {
			whole = cells[0].id >= s.from && cells[n-1].id <= s.to
		}
		if !whole {
			w.within[number] = s
			w.lost(s)
		} else if n > 0 {
			w.highest = max(w.highest, cells[n-1].id)
		}
	case tableInterior:
		below, spans := w.below(page, s)
		if len(below) == 0 || w.seen[number] || level == maxLevels {
			w.lost(s)
			return
		}
		w.seen[number] = true
		for i, number := range below {
			w.visit(number, spans[i], level+1)
		}
	default:
		w.lost(s)
	}
}

// below are the pages that one leads to, and what rows each of them is to have; none when that cannot be.
func (w *tree) below(page []byte, s span) (numbers []uint32, spans []span) {
	b := page[:w.usable]
	n := int(binary.BigEndian.Uint16(b[3:]))
	const header = 12
	if header+2*n > len(b) {
		return nil, nil
	}
	for i := range n {
		at := int(binary.BigEndian.Uint16(b[header+2*i:]))
		if at < header+2*n || at+4 >= len(b) {
			return nil, nil
		}
		key, octets := varint(b[at+4:])
		last := int64(key)
		if octets == 0 || last < s.from || last >= s.to {
			return nil, nil
		}
		numbers, spans = append(numbers, binary.BigEndian.Uint32(b[at:])), append(spans, span{s.from, last})
		s.from = last + 1
	}
	return append(numbers, binary.BigEndian.Uint32(b[8:])), append(spans, s)
}

func (w *tree) lost(s span) {
	if n := len(w.bad); n > 0 && w.bad[n-1].to == s.from-1 {
		w.bad[n-1].to = s.to
		return
	}
	w.bad = append(w.bad, s)
}
