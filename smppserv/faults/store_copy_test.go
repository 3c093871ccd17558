package faults

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"zombiezen.com/go/sqlite"

	"hnetsmpp/pkg/worker"
	storesqlite "hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// fillSQLite makes a database of n messages, the last ones waiting for Hermès.
func fillSQLite(t testing.TB, file string, n, waiting int) {
	t.Helper()
	d, err := storesqlite.OpenDestination(context.Background(), storesqlite.Options{File: file, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, d, testkit.Client, n, waiting)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// copyUntil begins a copy and kills it when half says so.
func copyUntil(t *testing.T, half func() bool, args ...string) {
	t.Helper()
	breakOff(t, half, (*os.Process).Kill, args...)
}

// breakOff begins a copy, ends it when half says so, and returns what it said.
func breakOff(t *testing.T, half func() bool, end func(*os.Process) error, args ...string) (said string, code int) {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, "smppserv"), append([]string{"store", "copy"}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(testkit.Patience); !half(); {
		if time.Now().After(late) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("the copy does not come to its middle: %s", &out)
		}
	}
	if err := end(cmd.Process); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatalf("the copy was through before its end: %s", &out)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// refusesStore requires that smppserv does not start on its store, and that its last line says why.
func refusesStore(t *testing.T, config string, words ...string) {
	t.Helper()
	r := command(t, "smppserv", "", "run", "--config", config)
	if r.code != int(worker.ExitHeld) {
		t.Errorf("exit code %d, want %d", r.code, worker.ExitHeld)
	}
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	oneLine(t, lines[len(lines)-1], words...)
	if strings.Contains(r.stderr, testkit.PGPassword) {
		t.Errorf("it shows the password: %s", r.stderr)
	}
}

// rowsIn counts rows of an SQLite database that another process may write.
func rowsIn(file, table string) int64 {
	c, err := sqlite.OpenConn(file, sqlite.OpenReadOnly)
	if err != nil {
		return 0
	}
	defer c.Close()
	s, _, err := c.PrepareTransient("SELECT count(*) FROM " + table)
	if err != nil {
		return 0
	}
	defer s.Finalize()
	if _, err := s.Step(); err != nil {
		return 0
	}
	return s.ColumnInt64(0)
}

func TestACopyOfTheStoreThatIsKilledGoesOnAndAWorkerTakesUpWhatWaits(t *testing.T) {
	const messages, waiting = 60_000, 50
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	name := filepath.Base(strings.Split(dsn, "?")[0])
	folder := t.TempDir()
	file, dsnFile := filepath.Join(folder, "messages.db"), filepath.Join(folder, "dsn")
	writeFile(t, dsnFile, []byte(strings.Replace(dsn, testkit.PGPassword, "${COPY_PASSWORD}", 1)+"\n"))
	t.Setenv("COPY_PASSWORD", testkit.PGPassword)
	fillSQLite(t, file, messages, waiting)
	config := testkit.WriteConfig(t, folder, testkit.Settings{"store.dsn": file})
	there := []string{"--config", config, "--to-file", dsnFile}

	part := func(table string, least int) func() bool {
		return func() bool {
			n, err := strconv.Atoi(pg.Value(t, name, "SELECT count(*) FROM "+table))
			return err == nil && n >= least
		}
	}
	exists := func() bool { return pg.Value(t, name, "SELECT count(*) FROM pg_class WHERE relname = 'once'") == "1" }
	copyUntil(t, func() bool { return exists() && part("messages", 10_000)() }, there...)
	copyUntil(t, part("tries", 20_000), there...)
	refusesStore(t, testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.driver": "postgres", "store.dsn": dsn, "store.lease": "1s"}),
		"is not finished", file, "smppserv store copy")

	said := succeeds(t, "", append([]string{"store", "copy"}, there...)...)
	for _, words := range []string{"messages     60000", "tries        120000", "messages that wait: 50", "ids go on after 60000", "were there from an earlier try", dsnFile} {
		if !strings.Contains(said, words) {
			t.Errorf("%q is not in:\n%s", words, said)
		}
	}
	if strings.Contains(said, testkit.PGPassword) {
		t.Errorf("it prints the password:\n%s", said)
	}
	refusesStore(t, config, "was moved to PostgreSQL", "smppserv store copy")

	onPostgres := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.driver": "postgres", "store.dsn": dsn, "store.lease": "1s"})
	w := testkit.StartWorker(t, onPostgres)
	if r := command(t, "smppserv", "", "store", "copy", "--config", onPostgres, "--to", file); r.code != int(worker.ExitHeld) || !strings.Contains(r.stderr, "stop all workers") {
		t.Errorf("beside a worker: exit code %d, %s", r.code, r.stderr)
	}
	none := func() bool { return pg.Value(t, name, "SELECT count(*) FROM messages WHERE final_at IS NULL") == "0" }
	testkit.Await(t, "what waited to be pushed", none)
	succeeds(t, "", "send", "--config", onPostgres, "--to", "3600", "--text", "after")
	testkit.Await(t, "what came afterwards to be pushed", none)
	if lowest := pg.Value(t, name, "SELECT min(id) FROM messages WHERE received_at > (SELECT received_at FROM messages WHERE id = 1)"); lowest <= "60000" || len(lowest) < 5 {
		t.Errorf("the first id afterwards is %s", lowest)
	}
	w.Stop(t)

	copyUntil(t, func() bool { n := rowsIn(file, "messages"); return n >= 10_000 && n < messages }, "--config", onPostgres, "--to", file)
	refusesStore(t, config, "is not finished", "smppserv store copy")
	said = succeeds(t, "", "store", "copy", "--config", onPostgres, "--to", file)
	if !strings.Contains(said, "were there from an earlier try") || !strings.Contains(said, "messages that wait: 0") {
		t.Errorf("it printed:\n%s", said)
	}
	if aside, _ := filepath.Glob(file + ".moved-*[0-9]"); len(aside) != 1 {
		t.Errorf("set aside are %v", aside)
	}
	refusesStore(t, onPostgres, "was moved to "+file)
	testkit.StartWorker(t, config)
	if n := rowsIn(file, "messages"); n < messages+1 {
		t.Errorf("back are %d messages", n)
	}
}

func TestACopyThatLosesItsDatabaseGoesOnWhenThatIsBack(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	dsn := pg.Database(t)
	name := filepath.Base(strings.Split(dsn, "?")[0])
	folder := t.TempDir()
	file := filepath.Join(folder, "messages.db")
	fillSQLite(t, file, 60_000, 1)
	config := testkit.WriteConfig(t, folder, testkit.Settings{"store.dsn": file})
	cmd := exec.Command(testkit.Program(t, "smppserv"), "store", "copy", "--config", config, "--to", dsn)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	testkit.Await(t, "the copy to be at its work", func() bool {
		return pg.Value(t, name, "SELECT count(*) FROM pg_class WHERE relname = 'once'") == "1" && pg.Value(t, name, "SELECT count(*) >= 5000 FROM messages") == "true"
	})
	pg.Kill(t)
	select {
	case err := <-ended:
		if err == nil || strings.Contains(out.String(), testkit.PGPassword) || !strings.Contains(out.String(), "same command") {
			t.Errorf("%v, it said %s", err, &out)
		}
	case <-time.After(testkit.Patience):
		_ = cmd.Process.Kill()
		t.Fatal("the copy does not end without its database")
	}
	pg.Start(t)
	if said := succeeds(t, "", "store", "copy", "--config", config, "--to", dsn); !strings.Contains(said, "messages     60000") {
		t.Errorf("it printed:\n%s", said)
	}
}

func TestACopyNamesWhatIsWrongWithItsArguments(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "messages.db")
	config := testkit.WriteConfig(t, folder, testkit.Settings{"store.dsn": file})
	for _, c := range []struct {
		code  int
		words string
		args  []string
	}{
		{2, "--to", nil},
		{2, "store backup", []string{"--to", filepath.Join(folder, "other.db")}},
		{2, "NO_SUCH_VARIABLE", []string{"--to", "postgres://u:${NO_SUCH_VARIABLE}@127.0.0.1:1/d"}},
		{1, file, []string{"--to", "postgres://u:s3cret@127.0.0.1:1/d"}},
	} {
		r := command(t, "smppserv", "", append([]string{"store", "copy", "--config", config}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.words) || strings.Contains(r.stderr, "s3cret") {
			t.Errorf("%v: exit code %d, %s", c.args, r.code, r.stderr)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it made the store that it should have copied")
	}
}

func TestACopyThatCannotBeEndsWithTheCodeThatItsPageNames(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "messages.db")
	fillSQLite(t, file, 10, 1)
	config := testkit.WriteConfig(t, folder, testkit.Settings{"store.dsn": file})
	database := func(statements ...string) string {
		dsn := pg.Database(t)
		pg.Exec(t, filepath.Base(strings.Split(dsn, "?")[0]), statements...)
		return dsn
	}
	cannotWrite := "CREATE FUNCTION no_room() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$; " +
		"CREATE EVENT TRIGGER no_room ON ddl_command_start EXECUTE FUNCTION no_room()"
	for what, c := range map[string]struct {
		code  int
		words string
		to    string
	}{
		"away":            {1, "cannot be reached", fmt.Sprintf("postgres://u:s3cret@127.0.0.1:%d/d", testkit.FreePort(t))},
		"full":            {1, "disk of the PostgreSQL server is full", database(cannotWrite)},
		"no password":     {1, "the user or the password", strings.Replace(pg.Database(t), testkit.PGPassword, "s3cret", 1)},
		"a faulty dsn":    {3, "percent-encoded", "postgres://u:1/s3cret@127.0.0.1/d"},
		"another program": {4, "another program", database("CREATE TABLE customers (id int)")},
	} {
		r := command(t, "smppserv", "", "store", "copy", "--config", config, "--to", c.to)
		if r.code != c.code || !strings.Contains(r.stderr, c.words) || strings.Contains(r.stderr, "s3cret") {
			t.Errorf("%s: exit code %d, %s", what, r.code, r.stderr)
		}
	}
}
