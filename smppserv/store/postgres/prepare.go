package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"hnetsmpp/smppserv/store"
)

const (
	product = "HNET SMPP Serv"
	// versions is goose's table: that it is there tells our database from another program's.
	versions = "hnet_smpp_versions"
	// leastVersion is PostgreSQL 13, the oldest that is looked after.
	leastVersion = 130000
	// connectTime bounds one try to connect, where the dsn does not.
	connectTime = 5 * time.Second
)

// fileWords are what names a file in a DSN of key=value words.
var fileWords = regexp.MustCompile(`\b(sslrootcert|sslcert|sslkey|passfile|servicefile)(\s*=\s*)('?)([^\s'&]+)`)

// absolute has the files that a DSN names start from a folder.
func absolute(dsn, folder string) string {
	return fileWords.ReplaceAllStringFunc(dsn, func(found string) string {
		w := fileWords.FindStringSubmatch(found)
		if filepath.IsAbs(w[4]) || w[4] == "system" {
			return found
		}
		path := filepath.ToSlash(filepath.Join(folder, w[4]))
		if strings.Contains(dsn, "://") {
			path = url.QueryEscape(path)
		} else {
			path = strings.NewReplacer(`\`, `\\`, " ", `\ `, "'", `\'`).Replace(path)
		}
		return w[1] + w[2] + w[3] + path
	})
}

// parse reads a DSN. Its error has nothing of it.
func parse(dsn, folder string) (*pgx.ConnConfig, error) {
	if stray := unescaped(dsn); stray != "" {
		return nil, &badDSN{stray}
	}
	c, err := pgx.ParseConfig(absolute(dsn, folder))
	if err != nil {
		return nil, &badDSN{reason(err)}
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTime
	}
	c.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	return c, nil
}

// unescaped says which character before the host of a URL should be percent-encoded, "" = none. It would be read as the end of what it is
// in, and the rest of the password as a server or a database, whose names are shown.
func unescaped(dsn string) string {
	_, rest, isURL := strings.Cut(dsn, "://")
	if !isURL || !strings.HasPrefix(dsn, "postgres") {
		return ""
	}
	authority, path, _ := strings.Cut(rest, "/")
	path, query, _ := strings.Cut(path, "?")
	first, _, _ := strings.Cut(query, "=")
	var stray string
	user, _, hasUser := cutLast(authority, "@")
	switch {
	case strings.Count(authority, "@") > 1:
		stray = "@"
	case strings.Contains(path, "@"), strings.Contains(first, "@"):
		stray = "/"
	case hasUser && badEscape.MatchString(user):
		stray = "%"
	case hasUser && strings.Contains(user, " "):
		stray = "space"
	default:
		return ""
	}
	return "its user or its password has a " + stray + " that is not percent-encoded: in a postgres:// URL write %2F for /, %40 for @, %3A for :, " +
		"%25 for % and %20 for a space, also in a variable or a file that it comes from; or write key=value words in place of the URL"
}

// badEscape is a % that escapes nothing.
var badEscape = regexp.MustCompile(`%($|.$|[^0-9A-Fa-f]|.[^0-9A-Fa-f])`)

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// CheckDSN tells what of a DSN cannot be used, and asks no server. Relative paths in it are relative to beside. The error has
// nothing of the DSN; IsBadDSN knows it.
func CheckDSN(dsn, beside string) error {
	_, err := parse(dsn, beside)
	return err
}

// setTimes bounds statements, waits for locks and transactions that nobody goes on with.
func setTimes(c *pgx.ConnConfig, statement, lease time.Duration) {
	ms := func(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }
	p := c.RuntimeParams
	p["statement_timeout"], p["lock_timeout"], p["idle_in_transaction_session_timeout"] = ms(statement), ms(min(statement, lease/2)), ms(lease*3/4)
	p["application_name"] = ApplicationName(0)
	p["jit"] = "off" // it takes far longer than any statement of ours
	p["client_encoding"], p["timezone"] = "UTF8", "UTC"
}

// prepare checks that the database is one that we can use, warns of what puts messages at risk, and brings its schema up to date.
func (d *Database) prepare(ctx context.Context) error {
	config := d.config.Copy()
	config.RuntimeParams["application_name"] = ApplicationName(0)
	config.RuntimeParams["client_encoding"] = "UTF8"
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if err := d.judgeServer(ctx, c); err != nil {
		return err
	}
	if err := d.migrate(ctx, c); err != nil {
		return err
	}
	if err := d.checkMarks(ctx, c); err != nil || d.o.marked {
		return err
	}
	return d.checkKeys(ctx, c)
}

func (d *Database) judgeServer(ctx context.Context, c *pgx.Conn) error {
	var version int
	var readOnly, recovering, standbys bool
	var encoding, fsync, commit, names string
	err := c.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('transaction_read_only')::bool, pg_is_in_recovery(), "+
		"current_setting('server_encoding'), current_setting('fsync'), current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), "+
		"EXISTS (SELECT 1 FROM pg_stat_replication)").
		Scan(&version, &readOnly, &recovering, &encoding, &fsync, &commit, &names, &standbys)
	switch {
	case err != nil:
		return err
	case version < leastVersion:
		return fmt.Errorf("%w: it is %d.%d", errOlder, version/10000, version%10000)
	case recovering:
		return errStandby
	case readOnly:
		return errReadOnly
	case encoding != "UTF8":
		return fmt.Errorf("%w: it is %s", errEncoding, encoding)
	}
	d.risks = nil
	warn := func(text string) {
		d.risks = append(d.risks, text)
		d.o.Log.Warn().Str("database", d.where()).Msg(text)
	}
	if fsync == "off" {
		warn("PostgreSQL runs with fsync = off: after a loss of power the database is damaged, and messages that were acknowledged are lost; set fsync = on")
	}
	if commit == "off" {
		warn("PostgreSQL runs with synchronous_commit = off: a crash loses messages that were acknowledged; set synchronous_commit = on")
	}
	if standbys && names == "" {
		warn("a standby follows the database, but synchronous_standby_names is empty: messages that were acknowledged can be missing after a failover; " +
			"name the standby there")
	}
	return nil
}

// schemas are the migrations, and the version of the newest one.
func schemas() (files fs.FS, newest int64, err error) {
	if files, err = fs.Sub(migrations, "migrations"); err == nil {
		newest, err = newestVersion(files)
	}
	return files, newest, err
}

// migrate brings the schema up to date. What is not ours is left as it is.
func (d *Database) migrate(ctx context.Context, c *pgx.Conn) error {
	files, newest, err := schemas()
	if err != nil {
		return err
	}
	current, err := d.version(ctx, c, newest)
	if err == nil && current >= grownUntil {
		err = checkColumns(ctx, c)
	}
	if err != nil || current >= newest {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*c.Config())
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(versions), goose.WithSessionLocker(locker))
	if err == nil {
		_, err = p.Up(ctx)
	}
	return errors.Join(err, db.Close())
}

// grown are the columns that migrations got on the day on which they were made, when there were databases that had been through them.
var grown = []struct{ table, column, add string }{
	{"estates", "settled", "boolean NOT NULL DEFAULT false"},
	{"hourly", "counter", "bigint UNIQUE"},
	{"slots", "at", "xid8 NOT NULL DEFAULT pg_current_xact_id()"},
}

// grownUntil is the last of these migrations.
const grownUntil = 3

// checkColumns refuses a database that lacks one of these: it would look ready, and each write would fail.
func checkColumns(ctx context.Context, c *pgx.Conn) error {
	for _, g := range grown {
		var there bool
		err := c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped)", g.table, g.column).Scan(&there)
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("%w: %s lacks %s; make a backup with pg_dump, and add it with psql: ALTER TABLE %[2]s ADD COLUMN %[3]s %s", errLacking, g.table, g.column, g.add)
		}
	}
	return nil
}

func newestVersion(files fs.FS) (newest int64, err error) {
	names, err := fs.Glob(files, "*.sql")
	for _, name := range names {
		v, e := goose.NumericComponent(name)
		if e != nil {
			return 0, e
		}
		newest = max(newest, v)
	}
	return newest, err
}

// version is that of the schema, 0 = there is none yet. A newer one is as the newest, where our programs can still use it.
func (d *Database) version(ctx context.Context, c *pgx.Conn, newest int64) (current int64, err error) {
	var ours, marked, others bool
	err = c.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL, to_regclass('hnet_smpp') IS NOT NULL, "+
		"EXISTS (SELECT 1 FROM pg_class r WHERE r.relnamespace = current_schema()::regnamespace AND r.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') "+
		"AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = r.oid AND e.deptype = 'e'))", versions).
		Scan(&ours, &marked, &others)
	switch {
	case err != nil:
		return 0, err
	case !ours && others:
		return 0, store.ErrForeign
	case !ours:
		return 0, nil
	}
	if err = c.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versions).Scan(&current); err != nil || !marked {
		return current, err
	}
	var name string
	var usableFrom int64
	err = c.QueryRow(ctx, "SELECT product, usable_from FROM hnet_smpp").Scan(&name, &usableFrom)
	switch {
	case err != nil:
		return 0, err
	case name != product:
		return 0, store.ErrForeign
	case usableFrom > newest:
		return 0, errNewer
	case current > newest:
		d.o.Log.Info().Int64("schema", current).Int64("ours", newest).Msg("the database has the schema of a newer version, which works with this one too")
	}
	return current, nil
}
