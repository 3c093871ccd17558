package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/diskspace"
	"hnetsmpp/smppserv/store"
)

// keptEarlier is how many copies from before a migration stay beside the database.
const keptEarlier = 2

// keepEarlier copies a database that a newer version of smppserv is about to change, so that there is a way back: to
// messages.db.schema-9-20261130-080000.backup. Older ones than the last two go.
func (d *database) keepEarlier(ctx context.Context, db *sql.DB, has, becomes int64) error {
	var octets int64
	if err := db.QueryRowContext(ctx, "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size").Scan(&octets); err != nil {
		return err
	}
	free, _, err := diskspace.Of(d.file)
	if err == nil && free < octets+octets/10+(16<<20) { // the migration takes some, too
		return fmt.Errorf("%w: %d MB are needed and %d MB are free", errNoRoom, (octets+octets/10)>>20+16, free>>20)
	}
	to := fmt.Sprintf("%s.schema-%d-%s.backup", d.file, has, time.Now().Format("20060102-150405"))
	began := time.Now()
	d.log.Info().Int64("schema", has).Int64("becomes", becomes).Str("file", to).Int64("megabytes", octets>>20).
		Msg("this version of smppserv changes the schema of the database: a copy of it is made first")
	temp := to + ".part"
	if err := remove(temp, temp+"-journal"); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(f.Close(), vacuum(ctx, d.file, temp))
	if err == nil {
		err = sealEarlier(ctx, temp)
	}
	if err == nil {
		err = os.Rename(temp, to)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the copy that is made before the schema changes: %w", err), remove(temp, temp+"-journal"))
	}
	if err := store.SyncFolder(filepath.Dir(to)); err != nil {
		return err
	}
	d.log.Info().Str("file", to).Stringer("took", time.Since(began).Round(time.Millisecond)).
		Msg("the copy is made; to go back: install the earlier version of smppserv and put the copy back with its: " + RestoreCommand)
	earlier, err := earlierCopies(d.file)
	if err != nil {
		return err
	}
	slices.SortFunc(earlier, func(a, b string) int { return modified(a).Compare(modified(b)) })
	for _, old := range earlier[:max(0, len(earlier)-keptEarlier)] {
		d.log.Info().Str("file", old).Msg("an older copy from before a change of the schema is removed")
		if err := remove(old); err != nil {
			d.log.Warn().Err(err).Msg("it cannot be removed")
		}
	}
	return nil
}

// earlierCopies are those that keepEarlier made of a database.
func earlierCopies(file string) (copies []string, err error) {
	folder, name := filepath.Split(file)
	entries, err := os.ReadDir(filepath.Clean(folder))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name+".schema-") && strings.HasSuffix(e.Name(), ".backup") {
			copies = append(copies, folder+e.Name())
		}
	}
	return copies, err
}

func modified(file string) time.Time {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// sealEarlier is seal for a schema that only earlier versions know.
func sealEarlier(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", dsn(file, "journal_mode(delete)", "synchronous(full)")+"&mode=rw")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	var answer string
	if err = db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&answer); err == nil && answer != "ok" {
		err = fmt.Errorf("%w: %s", errDamaged, oneLine(answer))
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "PRAGMA user_version = 0")
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
