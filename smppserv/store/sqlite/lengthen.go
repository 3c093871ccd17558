package sqlite

import (
	"errors"
	"os"
)

const (
	// usedPages in the log tell that messages come: a server that has nothing to do needs no long one.
	usedPages = 64
	// longerBy is how much longer it becomes at a time, in octets: the next flush takes about a millisecond for that.
	longerBy = 1 << 20
)

// lengthen makes the log's file longer, a piece at a time, until it has the length at which it is copied and begun anew; done tells
// that it has. A flush of a file that has grown has the file system write its own journal, too, and takes half as long again as
// one of what was there before, or several milliseconds when others write. Zeros behind the last frame are no frame to SQLite.
func (d *database) lengthen() (done bool, err error) {
	d.gate.wait()
	conn := d.writer.conn
	if err := exec(conn, "BEGIN IMMEDIATE"); err != nil { // no other program adds to it meanwhile
		return false, err
	}
	defer func() { err = errors.Join(err, exec(conn, "COMMIT")) }() // of nothing: that is not written
	f, err := os.OpenFile(d.care.file, os.O_WRONLY, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	size, want := info.Size(), d.care.limit*framePage
	if size >= want {
		return true, nil
	}
	zeros := make([]byte, min(longerBy, want-size))
	if _, err := f.WriteAt(zeros, size); err != nil {
		return false, errors.Join(err, f.Truncate(size))
	}
	return size+int64(len(zeros)) >= want, nil
}
