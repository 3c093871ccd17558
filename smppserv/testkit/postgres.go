package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	installPostgres = "apt-get install postgresql"

	// PGUser and PGPassword are those of a PG's superuser.
	PGUser, PGPassword = "hnet", "postgres-secret"
)

// PG is a PostgreSQL of a test's own: on loopback, in a folder of its own, with a password.
type PG struct {
	Port int

	programs, folder string
	settings         []string
	environment      []string
	process          *exec.Cmd
	ended            chan struct{} // the process has
	log              bytes.Buffer  // read when ended is closed
	databases        atomic.Int64
	models           models
}

// ForPostgres lets the account that PostgreSQL runs as read a file of the test's, and nobody else.
func ForPostgres(t testing.TB, file string) {
	t.Helper()
	if err := giveToPostgres(file); err != nil {
		t.Fatal(err)
	}
}

// Postgres starts a PostgreSQL for a test, whose end is its end. It has fsync off unless settings, such as "fsync=on", say
// otherwise.
func Postgres(t testing.TB, settings ...string) *PG {
	t.Helper()
	pg, err := newPostgres(postgresPrograms(t), settings)
	if err == nil {
		t.Cleanup(pg.remove)
		err = pg.initialise()
	}
	if err == nil {
		err = pg.start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return pg
}

// TableSpace makes a table space in a folder that is not there yet.
func (pg *PG) TableSpace(t testing.TB, name, folder string) {
	t.Helper()
	err := os.Mkdir(folder, 0o700)
	if err == nil {
		err = giveToPostgres(folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, "postgres", "CREATE TABLESPACE "+name+" LOCATION '"+folder+"'")
}

// shared is the PostgreSQL of all tests of a binary.
var shared struct {
	sync.Mutex
	pg  *PG
	err error
}

// SharedPostgres is one PostgreSQL for all tests of a binary, which Run ends; each test takes a Database of its own there.
func SharedPostgres(t testing.TB) *PG {
	t.Helper()
	programs := postgresPrograms(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.pg == nil && shared.err == nil {
		shared.pg, shared.err = newPostgres(programs, nil)
		if shared.err == nil {
			shared.err = shared.pg.initialise()
		}
		if shared.err == nil {
			shared.err = shared.pg.start()
		}
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.pg
}

// RemovePostgres ends what SharedPostgres has started. It is for whoever does not call Run.
func RemovePostgres() {
	shared.Lock()
	defer shared.Unlock()
	if shared.pg != nil {
		shared.pg.remove()
		shared.pg, shared.err = nil, errors.New("the tests' PostgreSQL is gone")
	}
}

// postgresPrograms is the folder of PostgreSQL's programs. Debian has them on nobody's PATH.
func postgresPrograms(t testing.TB) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the tests start their PostgreSQL on Unix alone")
	}
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(folders, func(a, b string) int { return postgresVersion(b) - postgresVersion(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append([]string{filepath.Dir(path)}, folders...)
		}
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
			return folder
		}
	}
	Missing(t, "PostgreSQL", installPostgres)
	return ""
}

func postgresVersion(folder string) int {
	v, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return v
}

func newPostgres(programs string, settings []string) (*PG, error) {
	folder, err := os.MkdirTemp("", "hnetsmpp-postgres")
	if err == nil {
		err = giveToPostgres(folder)
	}
	return &PG{programs: programs, folder: folder, settings: settings}, err
}

func (pg *PG) data() string { return filepath.Join(pg.folder, "data") }

// command is one of PostgreSQL's programs, which refuse to run as root.
func (pg *PG) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(pg.programs, program), args...)
	c.Dir = pg.folder
	c.Env = append(os.Environ(), "LC_ALL=C", "PGPASSWORD="+PGPassword)
	if program == "postgres" {
		c.Env = append(c.Env, pg.environment...)
	}
	asPostgres(c)
	return c
}

func (pg *PG) run(program string, args ...string) error {
	if out, err := pg.command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

func (pg *PG) initialise() error {
	password := filepath.Join(pg.folder, "password")
	if err := os.WriteFile(password, []byte(PGPassword), 0o644); err != nil {
		return err
	}
	return pg.run("initdb", "-D", pg.data(), "-U", PGUser, "--pwfile", password, "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C", "--no-sync")
}

// start starts it, and returns when it can be asked.
func (pg *PG) start() error {
	for range 5 {
		port, err := freePort()
		if pg.Port == 0 && err == nil {
			pg.Port = port
		}
		if err == nil {
			err = pg.startOn()
		}
		if err == nil {
			return nil
		}
		if !strings.Contains(err.Error(), "in use") || pg.databases.Load() > 0 { // somebody may know the port
			return err
		}
		pg.Port = 0
	}
	return errors.New("PostgreSQL found no port")
}

func (pg *PG) startOn() error {
	args := []string{"-D", pg.data(), "-p", strconv.Itoa(pg.Port)}
	settings := []string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=100", "wal_level=replica",
		"shared_buffers=64MB", "logging_collector=off", "log_min_messages=warning", "max_wal_size=1GB"}
	for _, s := range append(settings, pg.settings...) {
		args = append(args, "-c", s)
	}
	pg.log.Reset()
	pg.process, pg.ended = pg.command("postgres", args...), make(chan struct{})
	pg.process.Stdout, pg.process.Stderr = &pg.log, &pg.log
	if err := pg.process.Start(); err != nil {
		return err
	}
	process, ended := pg.process, pg.ended
	go func() {
		_ = process.Wait()
		close(ended)
	}()
	for late := time.After(Patience); ; {
		select {
		case <-pg.ended:
			return fmt.Errorf("PostgreSQL ended: %s", pg.log.String())
		case <-late:
			return errors.New("PostgreSQL does not answer")
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		c, err := pgx.Connect(ctx, pg.DSN("postgres"))
		if err == nil {
			c.Close(ctx)
		}
		cancel()
		if err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// DSN names a database there, as its superuser.
func (pg *PG) DSN(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.UserPassword(PGUser, PGPassword), Host: Loopback(pg.Port), Path: database,
		RawQuery: "sslmode=disable"}).String()
}

// Exec has a database execute statements.
func (pg *PG) Exec(t testing.TB, database string, statements ...string) {
	t.Helper()
	if err := pg.exec(database, statements...); err != nil {
		t.Fatal(err)
	}
}

func (pg *PG) exec(database string, statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c, err := pgx.Connect(ctx, pg.DSN(database))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// Value is what a query of a database returns in its first column, as text.
func (pg *PG) Value(t testing.TB, database, query string) (value string) {
	t.Helper()
	value, err := pg.value(database, query)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Try is Value for one that may not answer.
func (pg *PG) Try(database, query string) (string, error) { return pg.value(database, query) }

func (pg *PG) value(database, query string) (value string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c, err := pgx.Connect(ctx, pg.DSN(database))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	err = c.QueryRow(ctx, "SELECT coalesce(("+query+")::text, '')").Scan(&value)
	return value, err
}

// Stop ends it, with all its connections. What is stopped or killed may be started again.
func (pg *PG) Stop(t testing.TB) {
	t.Helper()
	if err := pg.stop(); err != nil {
		t.Fatal(err)
	}
}

func (pg *PG) stop() error {
	if pg.process == nil {
		return nil
	}
	if err := pg.process.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) { // a fast shutdown
		return err
	}
	return pg.await()
}

func (pg *PG) await() error {
	select {
	case <-pg.ended:
		pg.process = nil
		return nil
	case <-time.After(Patience):
		return errors.New("PostgreSQL does not end")
	}
}

// Processes are those that run, the one that started all others first.
func (pg *PG) Processes() []int {
	return append([]int{pg.process.Process.Pid}, childrenOf(pg.process.Process.Pid)...)
}

// Kill kills all its processes, as a loss of power does.
func (pg *PG) Kill(t testing.TB) {
	t.Helper()
	if err := pg.kill(); err != nil {
		t.Fatal(err)
	}
}

func (pg *PG) kill() error {
	if pg.process == nil {
		return nil
	}
	children := childrenOf(pg.process.Process.Pid)
	if err := pg.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	for _, pid := range children {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
	return pg.await()
}

// Start starts it again, on the same port.
func (pg *PG) Start(t testing.TB) {
	t.Helper()
	if err := pg.startOn(); err != nil {
		t.Fatal(err)
	}
}

func (pg *PG) remove() {
	if err := pg.stop(); err != nil {
		_ = pg.kill()
	}
	_ = os.RemoveAll(pg.folder)
}

// Standby starts a synchronous standby of it, which follows when it returns.
func (pg *PG) Standby(t testing.TB) *PG {
	t.Helper()
	standby, err := newPostgres(pg.programs, pg.settings)
	if err == nil {
		t.Cleanup(standby.remove)
		source := fmt.Sprintf("host=127.0.0.1 port=%d user=%s password=%s application_name=standby", pg.Port, PGUser, PGPassword)
		err = standby.run("pg_basebackup", "-D", standby.data(), "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	}
	if err == nil {
		err = standby.start()
	}
	if err == nil {
		err = pg.exec("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()")
	}
	for late := time.Now().Add(Patience); err == nil; time.Sleep(20 * time.Millisecond) {
		var state string
		state, err = pg.value("postgres", "SELECT string_agg(sync_state, '') FROM pg_stat_replication WHERE state = 'streaming'")
		if state == "sync" {
			break
		}
		if err == nil && time.Now().After(late) {
			err = fmt.Errorf("the standby does not follow: %q", state)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return standby
}

// Promote makes a standby the primary. It waits for no standby of its own.
func (pg *PG) Promote(t testing.TB) {
	t.Helper()
	pg.Exec(t, "postgres", "SELECT pg_promote(true, 60)", "ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
}
