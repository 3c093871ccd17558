package sqlite

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"slices"
)

// repair makes of a copy what SQLite can read as much of as there is: it folds its log into it, and gives it the length that it is to have. It returns
// how long it was before that: what is behind is a hole.
func repair(damaged string) (octets int64, err error) {
	log := damaged + "-wal"
	// A log that belongs to another file is left out. Beside a file that does not say what it is, it is taken for its own.
	if err := checkLeftover(damaged); err == nil || errors.Is(err, errNotADatabase) || errors.Is(err, errOrphanLog) {
		if err := foldInto(damaged, log); err != nil {
			return 0, err
		}
	}
	if err := remove(log); err != nil {
		return 0, err
	}
	info, err := os.Stat(damaged)
	if err != nil {
		return 0, err
	}
	return info.Size(), lengthened(damaged)
}

// foldInto writes into a database what its log has of whole transactions.
func foldInto(file, log string) error {
	frames, whole, last := 0, 0, uint32(0)
	_, err := replay(log, func(_, commit uint32, _ []byte) error {
		if frames++; commit != 0 {
			whole, last = frames, commit
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = replay(log, func(number, _ uint32, page []byte) error {
		if whole--; whole < 0 || number == 0 || number > last {
			return nil
		}
		_, err := f.WriteAt(page, int64(number-1)*int64(len(page)))
		return err
	})
	return errors.Join(err, f.Close())
}

// lengthened gives a database that was cut off the length that its first page tells: else SQLite reads nothing of it. That page may be
// damaged, and tell of more than a file can have.
func lengthened(file string) error {
	head := make([]byte, fileHeader)
	if n, err := readHead(file, head); err != nil || n < len(head) {
		return err
	}
	if string(head[:len(sqliteMagic)]) != string(sqliteMagic) {
		return nil
	}
	length := int64(pageSize(head)) * int64(binary.BigEndian.Uint32(head[28:]))
	if info, err := os.Stat(file); err != nil || info.Size() >= length || length > 1<<46 {
		return err
	}
	_ = os.Truncate(file, length)
	return nil
}

// schemaPage is a page with rows of sqlite_schema, which say where the tables begin.
type schemaPage struct {
	number      uint32
	first, last int64 // rowids
}

// newFirstPage gives a database whose first page is damaged another one, where it finds what that is to lead to: with the header of one
// that this program has just made, and as the parent of the pages that sqlite_schema goes on in.
func newFirstPage(ctx context.Context, file string, octets int64, like string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, fileHeader)
	if n, err := readHead(like, head); err != nil || n < len(head) {
		return err
	}
	p := pages{file: f, size: pageSize(head), usable: pageSize(head), ctx: ctx, left: 4 * octets}
	p.count = uint32(octets / int64(p.size))
	found, err := p.schema()
	const cell = 2 + 4 + 9
	if err != nil || len(found) == 0 || (len(found)+1)*cell > p.size-fileHeader {
		return err
	}
	page := make([]byte, p.size)
	copy(page, head)
	binary.BigEndian.PutUint32(page[28:], p.count)
	clear(page[32:40]) // no free pages
	copy(page[92:96], page[24:28])
	b, end := page[fileHeader:], p.size
	b[0] = tableInterior
	last := len(found) - 1
	for i, s := range found[:last] {
		end -= 4 + 9
		binary.BigEndian.PutUint32(page[end:], s.number)
		putVarint(page[end+4:], s.last)
		binary.BigEndian.PutUint16(b[12+2*i:], uint16(end))
	}
	binary.BigEndian.PutUint16(b[3:], uint16(last))
	binary.BigEndian.PutUint16(b[5:], uint16(end))
	binary.BigEndian.PutUint32(b[8:], found[last].number)
	_, err = f.WriteAt(page, 0)
	return err
}

// putVarint writes nine octets, as a number below zero has, whatever it is.
func putVarint(b []byte, n int64) {
	for i := range 8 {
		b[i] = byte(uint64(n)>>(8+7*(7-i))) | 0x80
	}
	b[8] = byte(n)
}

// schema finds the pages of sqlite_schema behind the first one, in their order. Where two of them tell of the same rows, one of them is old, and nobody
// knows which: then there are none.
func (p *pages) schema() (found []schemaPage, err error) {
	var buf []byte
	var vs []value
	page := make([]byte, p.size)
	for number := uint32(2); number <= p.count; number++ {
		if number%1024 == 0 && p.ctx.Err() != nil {
			return nil, p.ctx.Err()
		}
		if err := p.read(number, page); err != nil {
			continue // as if it were damaged
		}
		s := schemaPage{number: number}
		other := false
		whole := p.leaf(number, page, &buf, nil, func(id int64, record []byte) {
			var ok bool
			if vs, ok = values(record, vs); !ok || !isSchema(vs) || id <= s.last {
				other = true
				return
			}
			if s.first == 0 {
				s.first = id
			}
			s.last = id
		})
		if s.last > 0 && whole && !other {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b schemaPage) int { return cmp.Compare(a.first, b.first) })
	for i := range found {
		if i > 0 && found[i].first <= found[i-1].last {
			return nil, nil
		}
	}
	return found, nil
}

// isSchema knows a row of sqlite_schema: type, name, tbl_name, rootpage, sql.
func isSchema(vs []value) bool {
	if len(vs) != 5 || vs[0].kind != isText || vs[1].kind != isText || vs[2].kind != isText || vs[3].kind != isInteger {
		return false
	}
	switch string(vs[0].octets) {
	case "table", "index":
		return vs[4].kind == isText || vs[4].kind == isNull
	}
	return false
}
