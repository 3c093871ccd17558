package sqlite

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// A write-ahead log that a killed worker left says nothing of which database it belongs to: SQLite replays it over whatever
// file has the name, and a backup that was copied there becomes malformed. So each log is bound to its database by
// user_version, a number in page 1 that SQLite keeps for the application:
//
//	even   a new random number, set by the last transaction before the log is copied into the database and cut
//	odd    the next number, set by the first transaction of the log that then begins; nothing else is in it
//
// So the database's own number is either the even one before that of the log's first transaction, or one that is in the log
// itself, as when a part of it was copied when the kill came. SQLite begins a log without that when another program copied all
// of the last one, or a stop did: then name writes the database's own number into it. VACUUM INTO also changes the schema
// cookie, and leaves a file in rollback mode. Older versions never set the number: their logs have 0 in each page 1.

// page1 is what page 1 says of a state of the database (SQLite's file format, 1.3).
type page1 struct {
	userVersion, schemaCookie uint32
}

func readPage1(b []byte) page1 {
	return page1{userVersion: binary.BigEndian.Uint32(b[60:]), schemaCookie: binary.BigEndian.Uint32(b[40:])}
}

const (
	fileHeader      = 100 // octets
	walHeader       = 32
	walFrameHeader  = 24
	rollbackVersion = 1 // file format version at octet 18, 2 = there is a write-ahead log
)

var sqliteMagic = []byte("SQLite format 3\x00")

// checkLeftover refuses a database beside which lies the log of another one. It must be called before SQLite opens the file:
// the process that closes it loses its locks.
func checkLeftover(file string) error {
	pages, err := readLog(file + "-wal")
	if errors.Is(err, fs.ErrNotExist) || err == nil && !pages.committed {
		return nil
	}
	if err != nil {
		return err
	}
	head := make([]byte, fileHeader)
	switch n, err := readHead(file, head); {
	case errors.Is(err, fs.ErrNotExist), err == nil && n == 0:
		return errOrphanLog
	case err != nil:
		return err
	case n < fileHeader || string(head[:16]) != string(sqliteMagic):
		return errNotADatabase
	}
	if !pages.fit(head) {
		return errForeignLog
	}
	return nil
}

// readHead returns how many octets there were.
func readHead(file string, head []byte) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// logPages is what a log says of its database.
type logPages struct {
	committed bool // there is a whole transaction in it
	bound     bool // the first one wrote page 1 alone
	pageSize  uint32
	all       []page1 // each page 1 of its transactions, in order
}

func (l *logPages) fit(head []byte) bool {
	if pageSize(head) != int(l.pageSize) || head[18] == rollbackVersion {
		return false
	}
	if len(l.all) == 0 {
		return true // of a log that an older version began, or that was not named yet: it says nothing
	}
	base, first := readPage1(head), l.all[0]
	switch {
	case slices.Contains(l.all, base):
		return true
	case first.userVersion == 0:
		return base.userVersion == 0
	default:
		return l.bound && first.userVersion%2 == 1 && base == page1{first.userVersion - 1, first.schemaCookie}
	}
}

// readLog reads what SQLite would replay: whole transactions, up to the first frame that does not belong (file format, 4.1–4.3).
func readLog(file string) (l logPages, err error) {
	var open []page1 // of the transaction that is not whole yet
	frames := 0
	l.pageSize, err = replay(file, func(number, commit uint32, page []byte) error {
		if number == 1 {
			open = append(open, readPage1(page))
		}
		frames++
		if commit != 0 {
			l.bound = l.bound || frames == 1 && len(open) == 1
			l.committed = true
			l.all = append(l.all, open...)
			open = open[:0]
		}
		return nil
	})
	return l, err
}

// replay calls frame for each page of a log, up to the first one that does not belong; commit is how many pages the database has after the
// transaction that ends with it, 0 = that goes on. The page's octets are used again.
func replay(file string, frame func(number, commit uint32, page []byte) error) (size uint32, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	header := make([]byte, walHeader)
	if _, err := io.ReadFull(r, header); err != nil {
		return 0, ignoreEOF(err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.BigEndian.Uint32(header) {
	case 0x377f0682:
	case 0x377f0683:
		order = binary.BigEndian
	default:
		return 0, nil
	}
	var sum checksum
	sum.add(order, header[:24])
	size = binary.BigEndian.Uint32(header[8:])
	if !sum.is(header[24:]) || size < 512 || size > 1<<16 || size&(size-1) != 0 {
		return size, nil
	}
	b := make([]byte, walFrameHeader+size)
	for {
		if _, err := io.ReadFull(r, b); err != nil {
			return size, ignoreEOF(err)
		}
		if string(b[8:16]) != string(header[16:24]) { // the salts: of a log that was here before
			return size, nil
		}
		sum.add(order, b[:8])
		sum.add(order, b[walFrameHeader:])
		if !sum.is(b[16:]) {
			return size, nil
		}
		if err := frame(binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), b[walFrameHeader:]); err != nil {
			return size, err
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// checksum is that of a write-ahead log, over all before.
type checksum struct{ a, b uint32 }

func (c *checksum) add(order binary.ByteOrder, data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		c.a += order.Uint32(data) + c.b
		c.b += order.Uint32(data[4:]) + c.a
	}
}

func (c *checksum) is(b []byte) bool {
	return binary.BigEndian.Uint32(b) == c.a && binary.BigEndian.Uint32(b[4:]) == c.b
}
