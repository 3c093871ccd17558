package sqlite

import (
	"encoding/binary"
	"io"
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

	chained []byte // a page of a chain
}

// pagesOf reads the sizes from a file's header; where that is damaged, they are those of a database that this program made.
func pagesOf(file io.ReaderAt, octets int64) pages {
	p := pages{file: file, size: 4096, usable: 4096}
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

// leaf calls row for what parses as one on a page that is the leaf of a table. Its octets are used again.
func (p *pages) leaf(number uint32, page []byte, buf *[]byte, row func(id int64, record []byte)) {
	head := header(number)
	b := page[:p.usable]
	if b[head] != tableLeaf {
		return
	}
	cells := int(binary.BigEndian.Uint16(b[head+3:]))
	first := head + leafHeader
	if first+2*cells > len(b) {
		return
	}
	for i := range cells {
		at := int(binary.BigEndian.Uint16(b[first+2*i:]))
		if at < first+2*cells || at >= len(b) {
			continue
		}
		if id, record, ok := p.cell(b[at:], buf); ok {
			row(id, record)
		}
	}
}

// cell reads what begins a page's rest: a row.
func (p *pages) cell(b []byte, buf *[]byte) (id int64, record []byte, ok bool) {
	length, n := varint(b)
	if n == 0 || length > maxPayload {
		return 0, nil, false
	}
	rowid, m := varint(b[n:])
	if m == 0 {
		return 0, nil, false
	}
	b = b[n+m:]
	most, least := p.usable-35, (p.usable-12)*32/255-23
	if int(length) <= most {
		if int(length) > len(b) {
			return 0, nil, false
		}
		return int64(rowid), b[:length], true
	}
	here := least + (int(length)-least)%(p.usable-4)
	if here > most {
		here = least
	}
	if here+4 > len(b) {
		return 0, nil, false
	}
	*buf = append((*buf)[:0], b[:here]...)
	ok = p.overflow(binary.BigEndian.Uint32(b[here:]), int(length)-here, buf)
	return int64(rowid), *buf, ok
}

// overflow appends the rest of a row from the chain of pages that it goes on in. One that comes back to a page where it was is none (Brent's
// algorithm), nor is one that does not end where the row does.
func (p *pages) overflow(next uint32, left int, buf *[]byte) bool {
	if len(p.chained) < p.size {
		p.chained = make([]byte, p.size)
	}
	was := uint32(0)
	for steps := 1; left > 0; steps++ {
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
