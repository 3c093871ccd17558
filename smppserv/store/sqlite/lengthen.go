package sqlite

import (
	"errors"
	"os"
)

const (
	// usedPages in the log tell that messages come: a server that has nothing to do needs no long one.
	usedPages = 64
	// longerBy is how much longer it becomes at a time, in octets: the next flush takes about half a millisecond for that. A disk whose
	// rate is bounded has others wait for long where it is much more.
	longerBy = 256 << 10
)

// lengthen makes the log's file longer, a piece at a time, until it has the length that it keeps. It is called
// in a transaction that writes: nobody else adds to the log meanwhile.
//
// A flush of a file that has grown has the file system write its own journal, too, and takes half as long again as one of what was
// there before, or several milliseconds when others write. Zeros behind the last frame are no frame to SQLite.
func (d *database) lengthen() {
	c := &d.care
	if c.long || d.present.logNow().pages < usedPages || d.Present() != nil {
		return
	}
	done, err := longer(c.file, c.kept()*framePage)
	c.long = done || err != nil // then it grows by what is written
}

// longer makes a file longer, but no longer than want octets; done tells that it is as long.
func longer(file string, want int64) (done bool, err error) {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	size := info.Size()
	if size >= want {
		return true, nil
	}
	zeros := make([]byte, min(longerBy, want-size))
	if _, err := f.WriteAt(zeros, size); err != nil {
		return false, errors.Join(err, f.Truncate(size))
	}
	return size+int64(len(zeros)) >= want, nil
}
