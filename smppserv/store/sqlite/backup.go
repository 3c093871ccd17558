package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/rs/zerolog"
)

// Copy is what a copy of a database holds.
type Copy struct {
	Octets  int64
	LastID  sms.ID // the highest message_id that it knows
	Waiting int    // messages without a final state
}

// progressTime is how often a copy under way is told of.
const progressTime = 5 * time.Second

// Backup makes a copy of a database in the file to, which must not exist. The worker may run meanwhile: it goes on writing, and
// is held up by nothing; its log grows by what it writes. progress is told of the octets from time to time; nil = nobody is.
// The copy is whole, checked, and on disk when Backup returns; after an error there is none.
func Backup(ctx context.Context, file, to string, progress func(octets int64)) (c Copy, err error) {
	if to, err = filepath.Abs(to); err != nil {
		return c, err
	}
	if err := free(file, to); err != nil {
		return c, err
	}
	if err := checkSource(ctx, file); err != nil {
		return c, explain(file, err)
	}
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*.part") // for its owner only
	if err != nil {
		return c, fmt.Errorf("the copy cannot be made: %w", err)
	}
	temp := f.Name()
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(temp, temp+"-journal"))
		}
	}()
	stop := watch(temp, progress)
	err = errors.Join(f.Close(), vacuum(ctx, followed(file), temp))
	stop()
	if err != nil {
		return c, fmt.Errorf("the copy cannot be made: %w", explain(file, err))
	}
	if c, err = seal(ctx, temp); err != nil {
		return c, explain(to, err)
	}
	if err := free(file, to); err != nil {
		return c, err
	}
	if err := os.Rename(temp, to); err != nil {
		return c, err
	}
	return c, store.SyncFolder(filepath.Dir(to))
}

// suffixes are those of the files beside a database.
var suffixes = []string{"-wal", "-shm", "-journal"}

// free refuses the name of a copy that is taken.
func free(file, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("%s exists already; name another file", to)
		}
		return err
	}
	own := []string{file, file + ".lock", markFile(file)}
	for _, suffix := range suffixes {
		own = append(own, file+suffix)
	}
	if absolute, err := filepath.Abs(file); err == nil && slices.ContainsFunc(own, func(name string) bool {
		return filepath.Join(filepath.Dir(absolute), filepath.Base(name)) == to
	}) {
		return fmt.Errorf("%s is a file of the database itself; name another one", to)
	}
	return nil
}

// checkSource refuses what is no database of ours, and one with a foreign log, which only a worker that runs could have.
func checkSource(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	release := func() error { return nil }
	if _, err := os.Stat(file + ".lock"); err == nil {
		if release, err = lock(file); err != nil {
			if !errors.Is(err, store.ErrHeld) {
				return err
			}
			return checkOwner(ctx, followed(file)) // the worker has looked at the log, and changes it
		}
	}
	err := checkLeftover(followed(file))
	if err == nil {
		err = checkOwner(ctx, followed(file))
	}
	return errors.Join(err, release())
}

// vacuum copies a database. The one transaction that reads it sees a state between two commits.
func vacuum(ctx context.Context, file, to string) error {
	db, err := sql.Open("sqlite", dsn(file)+"&mode=rw")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return errors.Join(err, db.Close())
}

// watch tells of a file's size until stop is called.
func watch(file string, progress func(octets int64)) (stop func()) {
	if progress == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(progressTime)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
			}
			if info, err := os.Stat(file); err == nil {
				progress(info.Size())
			}
		}
	}()
	return func() { close(done); <-ended }
}

// seal checks a copy, folds what log it has into it, makes it known as a copy to checkLeftover, and flushes it.
func seal(ctx context.Context, file string) (c Copy, err error) {
	db, err := sql.Open("sqlite", dsn(file, "journal_mode(delete)", "synchronous(full)")+"&mode=rw")
	if err != nil {
		return c, err
	}
	db.SetMaxOpenConns(1)
	c, err = inspect(ctx, db)
	if err == nil {
		_, err = db.ExecContext(ctx, "PRAGMA user_version = 0")
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return c, err
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return c, err
	}
	if info, err := f.Stat(); err == nil {
		c.Octets = info.Size()
	}
	return c, errors.Join(f.Sync(), f.Close())
}

// inspect refuses what is damaged, or of a newer version.
func inspect(ctx context.Context, db *sql.DB) (c Copy, err error) {
	var answer string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&answer); err != nil {
		return c, err
	}
	if answer != "ok" {
		return c, fmt.Errorf("%w: %s", errDamaged, oneLine(answer))
	}
	has, err := version(ctx, db)
	if err != nil {
		return c, err
	}
	p, err := migrator(db, zerolog.Nop())
	if err != nil {
		return c, err
	}
	if sources := p.ListSources(); has > sources[len(sources)-1].Version {
		return c, errNewer
	}
	if err := db.QueryRowContext(ctx, highestID).Scan(&c.LastID); err != nil {
		return c, err
	}
	return c, db.QueryRowContext(ctx, "SELECT count(*) FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL").Scan(&c.Waiting)
}

func remove(files ...string) (err error) {
	for _, file := range files {
		if e := os.Remove(file); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
