package sqlite

import (
	"context"
	"encoding/binary"
	"io"
	"slices"
)

// What recover reads of the file itself, where SQLite finds no way to it: the leaves of tables (SQLite's file format, 1.6 and 2.1). Any
// octets may be there: what does not parse is left out.

const (
	tableInterior = 0x05
	tableLeaf     = 0x0D
	leafHeader    = 8
	// maxPayload is far above what a row of ours may have.
	maxPayload = 16 << 20
)

// pages are those of a database file, from 1 on.
type pages struct {
	file   io.ReaderAt
	size   int // octets of each
	usable int // of these
	count  uint32

	ctx     context.Context
	chained []byte // a page of a chain
	left    int64  // octets that chains may still give: each page of one is used once, but where somebody made them to be read for years
}

// pagesOf reads the sizes from a file's header; where that is damaged, they are those of a database that this program made.
func pagesOf(ctx context.Context, file io.ReaderAt, octets int64) pages {
	p := pages{file: file, size: 4096, usable: 4096, ctx: ctx, left: 4 * octets}
	head := make([]byte, fileHeader)
	if _, err := file.ReadAt(head, 0); err == nil && string(head[:len(sqliteMagic)]) == string(sqliteMagic) {
		if size := pageSize(head); size >= 512 && size&(size-1) == 0 && int(head[20]) <= size-480 {
			p.size, p.usable = size, size-int(head[20])
		}
	}
	p.count = uint32(min((octets+int64(p.size)-1)/int64(p.size), 1<<32-2))
	return p
}

// pageSize is what a file's header says.
func pageSize(head []byte) int {
	if size := int(binary.BigEndian.Uint16(head[16:])); size != 1 {
		return size
	}
	return 1 << 16
}

// read reads a page; what is beyond the end of the file is zero.
func (p *pages) read(number uint32, page []byte) error {
	n, err := p.file.ReadAt(page[:p.size], int64(number-1)*int64(p.size))
	clear(page[n:p.size])
	return ignoreEOF(err)
}

// header is where a page's own begins.
func header(number uint32) int {
	if number == 1 {
		return fileHeader
	}
	return 0
}

// cell is where a row is on its page.
type cell struct {
	at int
	id int64
}

// leaf calls row for what parses as one on a page that is the leaf of a table, of those whose ids are wanted. Its octets are used again.
// whole tells whether all that it holds are rows in their order.
func (p *pages) leaf(number uint32, page []byte, buf *[]byte, wanted func(id int64) bool, row func(id int64, record []byte)) (whole bool) {
	cells, whole := p.cells(number, page)
	p.rows(certain(cells), page, buf, wanted, row)
	return whole
}

func (p *pages) rows(cells []cell, page []byte, buf *[]byte, wanted func(id int64) bool, row func(id int64, record []byte)) {
	for _, c := range cells {
		if wanted != nil && !wanted(c.id) {
			continue
		}
		if record, ok := p.record(page[c.at:p.usable], buf); ok {
			row(c.id, record)
		}
	}
}

// cells are those of a leaf, as they are there. whole tells whether all parse, and their ids rise.
func (p *pages) cells(number uint32, page []byte) (all []cell, whole bool) {
	head := header(number)
	b := page[:p.usable]
	if b[head] != tableLeaf {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(b[head+3:]))
	first := head + leafHeader
	if first+2*n > len(b) {
		return nil, false
	}
	whole = true
	for i := range n {
		at := int(binary.BigEndian.Uint16(b[first+2*i:]))
		if at < first+2*n || at >= len(b) {
			continue
		}
		if id, _, ok := p.local(b[at:]); ok {
			whole = whole && (len(all) == 0 || all[len(all)-1].id < id)
			all = append(all, cell{at, id})
		}
	}
	return all, whole && len(all) == n
}

// certain are the cells that are among the most whose ids rise, whichever one takes for these: one whose id is damaged is not, and where either
// of two may be the damaged one, neither is.
func certain(cells []cell) (in []cell) {
	n := len(cells)
	up, down := make([]int64, n), make([]int64, n)
	for i, c := range cells {
		up[i], down[n-1-i] = c.id, ^c.id // which turns the order around
	}
	until, from := rising(up), rising(down)
	most, at := 0, map[int]int{} // how many have the same place among the most
	for i := range cells {
		most = max(most, until[i])
	}
	for i := range cells {
		if until[i]+from[n-1-i]-1 == most {
			at[until[i]]++
		}
	}
	for i, c := range cells {
		if until[i]+from[n-1-i]-1 == most && at[until[i]] == 1 {
			in = append(in, c)
		}
	}
	return in
}

// rising is, for each id, how many can rise up to it at most.
func rising(ids []int64) []int {
	var lowest []int64 // with which so many end
	lengths := make([]int, len(ids))
	for i, id := range ids {
		n, _ := slices.BinarySearch(lowest, id)
		if n == len(lowest) {
			lowest = append(lowest, id)
		}
		lowest[n], lengths[i] = id, n+1
	}
	return lengths
}

// payload is a row in its cell.
type payload struct {
	here   []byte // of it
	length int
	next   uint32 // the page that it goes on in
}

// local reads what begins a page's rest: a row, as far as it is on the page.
func (p *pages) local(b []byte) (id int64, r payload, ok bool) {
	length, n := varint(b)
	if n == 0 || length > maxPayload {
		return 0, r, false
	}
	rowid, m := varint(b[n:])
	if m == 0 {
		return 0, r, false
	}
	b = b[n+m:]
	r.length = int(length)
	most, least := p.usable-35, (p.usable-12)*32/255-23
	if r.length <= most {
		if r.length > len(b) {
			return 0, r, false
		}
		r.here = b[:length]
		return int64(rowid), r, true
	}
	here := least + (r.length-least)%(p.usable-4)
	if here > most {
		here = least
	}
	if here+4 > len(b) {
		return 0, r, false
	}
	r.here, r.next = b[:here], binary.BigEndian.Uint32(b[here:])
	return int64(rowid), r, true
}

func (p *pages) record(b []byte, buf *[]byte) (record []byte, ok bool) {
	_, r, ok := p.local(b)
	if !ok || len(r.here) == r.length {
		return r.here, ok
	}
	*buf = append((*buf)[:0], r.here...)
	ok = p.overflow(r.next, r.length-len(r.here), buf)
	return *buf, ok
}

// overflow appends the rest of a row from the chain of pages that it goes on in. One that comes back to a page where it was is none (Brent's
// algorithm), nor is one that does not end where the row does.
func (p *pages) overflow(next uint32, left int, buf *[]byte) bool {
	if len(p.chained) < p.size {
		p.chained = make([]byte, p.size)
	}
	was := uint32(0)
	for steps := 1; left > 0; steps++ {
		if p.left -= int64(p.size); p.left < 0 || p.ctx.Err() != nil {
			return false
		}
		if next < 2 || next > p.count || next == was || p.read(next, p.chained) != nil {
			return false
		}
		if steps&(steps-1) == 0 {
			was = next
		}
		n := min(left, p.usable-4)
		*buf = append(*buf, p.chained[4:4+n]...)
		left -= n
		next = binary.BigEndian.Uint32(p.chained)
	}
	return next == 0
}

// varint reads SQLite's: seven bits an octet, the highest ones first, and all eight of a ninth. 0 octets = there is none.
func varint(b []byte) (v uint64, octets int) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7F)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// kind is what a value in a record is.
type kind byte

const (
	isNull    kind = 'n'
	isInteger kind = 'i'
	isReal    kind = 'r'
	isText    kind = 't'
	isBlob    kind = 'b'
)

// value is one of a record.
type value struct {
	kind   kind
	number int64
	octets []byte // of the record
}

// values reads a record, which must have all that its header tells and no more.
func values(record []byte, into []value) ([]value, bool) {
	into = into[:0]
	length, n := varint(record)
	if n == 0 || length < uint64(n) || length > uint64(len(record)) {
		return into, false
	}
	head, body := record[n:length], record[length:]
	for len(head) > 0 {
		serial, n := varint(head)
		if n == 0 || len(into) == maxColumns {
			return into, false
		}
		head = head[n:]
		v, size := value{}, uint64(0)
		switch {
		case serial == 0:
			v.kind = isNull
		case serial <= 6:
			v.kind, size = isInteger, uint64([...]int{1, 2, 3, 4, 6, 8}[serial-1])
		case serial == 7:
			v.kind, size = isReal, 8
		case serial <= 9:
			v.kind, v.number = isInteger, int64(serial-8)
		case serial <= 11: // SQLite keeps them for itself
			return into, false
		case serial%2 == 0:
			v.kind, size = isBlob, (serial-12)/2
		default:
			v.kind, size = isText, (serial-13)/2
		}
		if size > uint64(len(body)) {
			return into, false
		}
		v.octets, body = body[:size], body[size:]
		if v.kind == isInteger && size > 0 {
			v.number = int64(int8(v.octets[0]))
			for _, octet := range v.octets[1:] {
				v.number = v.number<<8 | int64(octet)
			}
		}
		into = append(into, v)
	}
	return into, len(body) == 0
}

// maxColumns is above what a table of ours has.
const maxColumns = 64
