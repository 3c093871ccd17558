package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	sqlite3 "modernc.org/sqlite/lib"
)

// Restored is what Restore did.
type Restored struct {
	Copy
	Aside string // the database that was there, with the files beside it; "" = there was none
	// Unread is why the database that was there could not be read: its log is not folded into it, and Skipped ids are
	// skipped, since nobody knows which it gave out. nil = it could.
	Unread  error
	Skipped sms.ID
	Mark    sms.ID // ids go on above it
}

// skipUnknown is how many message_ids are skipped where nothing tells which were given out.
const skipUnknown = 1_000_000

// Restore puts the copy from in the place of a database, which is kept under another name. No id that the database, the copy or
// the high-water mark knows comes again. The copy itself is not changed; a log beside it belongs to it.
// Until all is checked nothing is changed. Its errors name the file and what to do; store.ErrHeld is among them.
func Restore(ctx context.Context, file, from string, progress func(octets int64)) (r Restored, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return r, fmt.Errorf("store: cannot make the folder of the database: %w", err)
	}
	owner, err := os.Stat(filepath.Dir(file))
	if err != nil {
		return r, err
	}
	release, err := lock(file)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if old, err := os.Stat(file); err == nil {
		owner = old
	}
	if err := giveTo(owner, file+".lock"); err != nil {
		return r, err
	}
	mark := markFile(file)
	file = followed(file)
	if err := checkCopy(file, from); err != nil {
		return r, explainCopy(from, err)
	}
	temp := file + restoreSuffix
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(temp, temp+"-wal", temp+"-shm", temp+"-journal"))
		}
	}()
	stop := watch(temp, progress)
	err = takeCopy(ctx, from, temp)
	if err == nil {
		r.Copy, err = seal(ctx, temp)
	}
	stop()
	if err != nil {
		return r, explainCopy(from, err)
	}
	if err := giveTo(owner, temp); err != nil {
		return r, err
	}
	last, err := r.fold(ctx, file)
	if err != nil {
		return r, explain(file, err)
	}
	if err := r.raise(mark, last); err != nil {
		return r, err
	}
	if err := giveTo(owner, mark); err != nil {
		return r, err
	}
	return r, r.swap(file, temp)
}

// restoreSuffix is that of the copy until it takes its place.
const restoreSuffix = ".restore"

// checkRestored refuses to begin a new database where an old one was taken away and the copy is not there yet.
func checkRestored(file string) error {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(file + restoreSuffix); err == nil {
		return errInterrupted
	}
	return nil
}

// checkCopy looks at the copy before its octets are copied.
func checkCopy(file, from string) error {
	a, err := os.Stat(from)
	if err != nil {
		return err
	}
	if b, err := os.Stat(file); err == nil && os.SameFile(a, b) {
		return errors.New("this is the database itself")
	}
	if _, err := os.Stat(from + ".lock"); err == nil {
		release, err := lock(from)
		if err != nil {
			return err
		}
		defer release()
	}
	head := make([]byte, fileHeader)
	switch n, err := readHead(from, head); {
	case err != nil:
		return err
	case n < len(head) || string(head[:len(sqliteMagic)]) != string(sqliteMagic):
		return errNotADatabase
	case binary.BigEndian.Uint32(head[68:]) != applicationID:
		return store.ErrForeign
	}
	return checkLeftover(from)
}

// explainCopy is explain without what concerns the database in use.
func explainCopy(from string, err error) error {
	if c := code(err); c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB {
		err = fmt.Errorf("%w: %w", errDamaged, err)
	}
	return fmt.Errorf("%s cannot be put back, and nothing was changed: %w", from, err)
}

// takeCopy copies a file and the log beside it.
func takeCopy(ctx context.Context, from, to string) error {
	if err := remove(to, to+"-wal", to+"-shm", to+"-journal"); err != nil {
		return err
	}
	if err := copyFile(ctx, from, to); err != nil {
		return err
	}
	if err := copyFile(ctx, from+"-wal", to+"-wal"); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for err == nil {
		if err = ctx.Err(); err == nil {
			_, err = io.CopyN(out, in, 64<<20)
		}
	}
	return errors.Join(ignoreEOF(err), out.Close())
}

// fold folds the log of the database that is there into it and returns the highest message_id that it tells.
func (r *Restored) fold(ctx context.Context, file string) (last sms.ID, err error) {
	if err := checkLeftover(file); err != nil {
		r.Unread = err
		return 0, nil
	}
	if info, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return 0, nil
	}
	if r.Unread = checkOwner(ctx, file); r.Unread == nil {
		last, r.Unread = lastID(ctx, file)
	}
	if errors.Is(explain(file, r.Unread), store.ErrHeld) {
		return 0, r.Unread
	}
	return last, nil
}

func lastID(ctx context.Context, file string) (last sms.ID, err error) {
	db, err := openSQL(file)
	if err != nil {
		return 0, err
	}
	for _, query := range []string{"SELECT id FROM last_message_id", "SELECT coalesce(max(id), 0) FROM messages"} { // one may be damaged
		var id sms.ID
		err = errors.Join(err, db.QueryRowContext(ctx, query).Scan(&id))
		last = max(last, id)
	}
	return last, errors.Join(err, db.Close())
}

func (r *Restored) raise(mark string, last sms.ID) (err error) {
	if r.Mark, err = store.ReadMark(mark); err != nil {
		return err
	}
	known := r.Mark > 0
	r.Mark = max(r.Mark, last, r.LastID)
	if r.Unread != nil && !known {
		r.Skipped = skipUnknown
		r.Mark += skipUnknown
	}
	return store.RaiseMark(mark, r.Mark)
}

// swap moves the database and what is beside it away, the database first: a log without it is noticed at a start. Then it puts
// the copy in its place. When something cannot be moved, all of it goes back.
func (r *Restored) swap(file, temp string) (err error) {
	aside := file + ".before-restore-" + time.Now().Format("20060102-150405.000")
	moved := []string{}
	transition := func(from, to string) {
		if err != nil {
			return
		}
		switch e := os.Rename(from, to); {
		case e == nil:
			moved = append(moved, from, to)
			if r.Aside == "" {
				r.Aside = aside
			}
		case !errors.Is(e, fs.ErrNotExist):
			err = e
		}
	}
	transition(file, aside)
	for _, suffix := range suffixes {
		transition(file+suffix, aside+suffix)
	}
	if err == nil {
		err = os.Rename(temp, file)
	}
	if err == nil {
		return store.SyncFolder(filepath.Dir(file))
	}
	for i := len(moved) - 2; i >= 0; i -= 2 {
		err = errors.Join(err, os.Rename(moved[i+1], moved[i]))
	}
	return fmt.Errorf("the database cannot be moved aside (is another program working on it?): %w", err)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
