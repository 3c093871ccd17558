package faults

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

// sharing is a config.toml of a worker on a PostgreSQL.
func sharing(t *testing.T, dsn string, more testkit.Settings) string {
	t.Helper()
	return testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.driver": "postgres", "store.dsn": dsn, "store.node": "n1", "store.lease": "1s",
		"log.level": "error"}, more)
}

// altered is a DSN after a change.
func altered(t *testing.T, dsn string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return u.String()
}

func TestMachinesADatabaseThatCannotBeUsedIsNamedWithWhatToDo(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	oneOfOurs := func(t *testing.T) string {
		dsn := pg.Database(t)
		testkit.StartWorker(t, sharing(t, dsn, nil)).Stop(t)
		return dsn
	}
	for _, test := range []struct {
		name string
		code worker.ExitCode
		dsn  func(t *testing.T) string
		says []string
	}{
		{"a faulty DSN", worker.ExitBadConfig, func(t *testing.T) string {
			return altered(t, pg.Database(t), func(u *url.URL) { u.RawQuery = "sslmode=perhaps" })
		}, []string{"store.dsn", "sslmode"}},
		{"a password that is refused", worker.ExitHeld, func(t *testing.T) string {
			return altered(t, pg.Database(t), func(u *url.URL) { u.User = url.UserPassword(testkit.PGUser, "wrong-secret") })
		}, []string{"the server refuses the user or the password", "pg_hba.conf"}},
		{"no such database", worker.ExitHeld, func(*testing.T) string { return pg.DSN("nowhere") }, []string{`"nowhere" does not exist`, "createdb"}},
		{"a user without rights", worker.ExitHeld, func(t *testing.T) string {
			dsn := pg.Database(t)
			pg.Exec(t, "postgres", "CREATE ROLE guest LOGIN PASSWORD 'guest-secret'")
			pg.Exec(t, testkit.DatabaseName(t, dsn), "REVOKE CREATE ON SCHEMA public FROM PUBLIC") // as it is from PostgreSQL 15 on
			return altered(t, dsn, func(u *url.URL) { u.User = url.UserPassword("guest", "guest-secret") })
		}, []string{"permission denied", "as the owner of the database"}},
		{"another program's database", worker.ExitHeld, func(t *testing.T) string {
			dsn := pg.Database(t)
			pg.Exec(t, testkit.DatabaseName(t, dsn), "CREATE TABLE recipes (name text)")
			return dsn
		}, []string{"belongs to another program", "createdb"}},
		{"a newer schema", worker.ExitHeld, func(t *testing.T) string {
			dsn := oneOfOurs(t)
			pg.Exec(t, testkit.DatabaseName(t, dsn), "INSERT INTO hnet_smpp_versions (version_id, is_applied) VALUES (99999, true)", "UPDATE hnet_smpp SET usable_from = 99999")
			return dsn
		}, []string{"newer version of smppserv", "install that version"}},
		{"an older PostgreSQL", worker.ExitHeld, func(t *testing.T) string {
			return altered(t, pg.Database(t), func(u *url.URL) { u.Host = startOld(t, testkit.Loopback(pg.Port)) })
		}, []string{"older than 13", "it is 12.9", "install a newer PostgreSQL"}},
		{"another encoding", worker.ExitHeld, func(t *testing.T) string {
			pg.Exec(t, "postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
			return pg.DSN("latin")
		}, []string{"it is LATIN1", "createdb -E UTF8"}},
		{"one that can only be read", worker.ExitHeld, func(t *testing.T) string {
			dsn := pg.Database(t)
			pg.Exec(t, "postgres", "ALTER DATABASE "+testkit.DatabaseName(t, dsn)+" SET default_transaction_read_only = on")
			return dsn
		}, []string{"can only be read", "name the primary"}},
		{"no connection left", worker.ExitHeld, func(t *testing.T) string {
			dsn := pg.Database(t)
			pg.Exec(t, "postgres", "CREATE ROLE many LOGIN PASSWORD 'many-secret' CONNECTION LIMIT 0", "ALTER DATABASE "+testkit.DatabaseName(t, dsn)+" OWNER TO many")
			return altered(t, dsn, func(u *url.URL) { u.User = url.UserPassword("many", "many-secret") })
		}, []string{"no connection left", "max_connections"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := sharing(t, test.dsn(t), nil)
			refuses(t, config, test.code, test.says...)
			silentAbout(t, config, "secret")
		})
	}
	t.Run("a standby", func(t *testing.T) {
		primary := testkit.Postgres(t)
		dsn := primary.Database(t)
		standby := primary.Standby(t)
		refuses(t, sharing(t, standby.DSN(testkit.DatabaseName(t, dsn)), nil), worker.ExitHeld, "standby", "name the primary", "target_session_attrs=read-write")
	})
	t.Run("a name in use", func(t *testing.T) {
		dsn := pg.Database(t)
		first := testkit.StartWorker(t, sharing(t, dsn, testkit.Settings{"admin.listen": "127.0.0.1:0"}))
		refuses(t, sharing(t, dsn, nil), worker.ExitHeld, `"n1"`, "store.node", "since")
		first.Stop(t)
		testkit.StartWorker(t, sharing(t, dsn, nil)).Stop(t)
	})
}

// silentAbout requires that a start which fails tells no secret.
func silentAbout(t *testing.T, config, secret string) {
	t.Helper()
	if r := command(t, "smppserv", "", "run", "--config", config); strings.Contains(r.stdout+r.stderr, secret) {
		t.Errorf("a secret is told: %s%s", r.stdout, r.stderr)
	}
}

// startOld leads to a PostgreSQL that says of itself that it is version 12.9: where the answer would say another number, it says that one.
func startOld(t *testing.T, to string) (addr string) {
	return testkit.Serve(t, func(_ int, c net.Conn) {
		server, err := net.DialTimeout("tcp", to, testkit.Patience)
		if err != nil {
			return
		}
		defer server.Close()
		go func() {
			_, _ = io.Copy(server, c)
			server.Close()
		}()
		for {
			var head [5]byte
			if _, err := io.ReadFull(server, head[:]); err != nil {
				return
			}
			body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
			if _, err := io.ReadFull(server, body); err != nil {
				return
			}
			if head[0] == 'D' { // a row; its first column is server_version_num, in binary
				for i := 0; i+8 <= len(body); i++ {
					if binary.BigEndian.Uint32(body[i:]) == 4 && binary.BigEndian.Uint32(body[i+4:]) >= 130000 && binary.BigEndian.Uint32(body[i+4:]) < 300000 {
						binary.BigEndian.PutUint32(body[i+4:], 120009)
					}
				}
			}
			if _, err := c.Write(append(head[:], body...)); err != nil {
				return
			}
		}
	})
}

// A lone worker runs without a launcher, ready or not.
type lone struct {
	log   *testkit.Log
	admin string
}

func startLone(t *testing.T, config, admin string) *lone {
	t.Helper()
	l := &lone{log: &testkit.Log{}, admin: admin}
	cmd := exec.Command(testkit.Program(t, "smppserv"), "run", "--config", config)
	cmd.Dir, cmd.Stderr = filepath.Dir(config), l.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("it ended: %v\n%s", err, l.log)
		}
	})
	return l
}

// says requires that /readyz answers so.
func (l *lone) says(t *testing.T, code int, words ...string) {
	t.Helper()
	var status int
	var text string
	testkit.Await(t, fmt.Sprintf("/readyz says %d %q", code, words), func() bool {
		answer, err := http.Get("http://" + l.admin + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		status, text = answer.StatusCode, string(body)
		for _, word := range words {
			if !strings.Contains(text, word) {
				return false
			}
		}
		return status == code
	})
}

func TestMachinesADatabaseThatIsAwayIsWaitedFor(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	dsn := pg.Database(t)
	pg.Stop(t)
	admin := testkit.Loopback(testkit.FreePort(t))
	l := startLone(t, sharing(t, dsn, testkit.Settings{"admin.listen": admin, "log.level": "info"}), admin)
	l.says(t, http.StatusServiceUnavailable, "the database is away", "connection refused", "it is waited for")
	pg.Start(t)
	l.says(t, http.StatusOK)
	if strings.Contains(l.log.String(), testkit.PGPassword) {
		t.Errorf("the log has the password: %s", l.log)
	}
}

func TestMachinesSayAtTheStartWhatPutsMessagesAtRisk(t *testing.T) {
	for setting, says := range map[string]string{
		"fsync=off":              "fsync = off",
		"synchronous_commit=off": "synchronous_commit = off",
	} {
		t.Run(setting, func(t *testing.T) {
			pg := testkit.Postgres(t, "fsync=on", setting)
			admin := testkit.Loopback(testkit.FreePort(t))
			w := testkit.StartWorker(t, sharing(t, pg.Database(t), testkit.Settings{"log.level": "warn", "admin.listen": admin}))
			w.Log.AwaitWords(t, says, "acknowledged")
			(&lone{admin: admin}).says(t, http.StatusOK, "acknowledged can be lost", "PostgreSQL")
			w.Stop(t)
		})
	}
}

func TestMachinesLoseNothingWhenTheServerHasNoConnectionLeft(t *testing.T) {
	long(t)
	pg := testkit.Postgres(t, "fsync=on")
	dsn := pg.Database(t)
	database := testkit.DatabaseName(t, dsn)
	pg.Exec(t, "postgres", "CREATE ROLE few LOGIN PASSWORD 'few-secret'", "ALTER DATABASE "+database+" OWNER TO few")
	pg.Exec(t, database, "ALTER SCHEMA public OWNER TO few")
	admin := testkit.Loopback(testkit.FreePort(t))
	m := newMachines(t, pg, altered(t, dsn, func(u *url.URL) { u.User = url.UserPassword("few", "few-secret") }), 1,
		func(_ int, s testkit.Settings) { s["admin.listen"] = admin })
	m.start(0)
	m.load()
	m.account.awaitMore(t, 100, 20)
	pg.Exec(t, "postgres", "ALTER ROLE few CONNECTION LIMIT 0",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'few'")
	l := &lone{admin: admin}
	l.says(t, http.StatusServiceUnavailable, "no connection left", "max_connections")
	// Submits whose commit was cut off have no answer before their sessions end, three leases later.
	m.account.await(t, "a refused submit, or bind", func() bool {
		return len(m.account.refused) > 0 || strings.Contains(m.workers[0].Log.String(), "a bind was refused")
	})
	pg.Exec(t, "postgres", "ALTER ROLE few CONNECTION LIMIT -1")
	l.says(t, http.StatusOK)
	m.account.awaitMore(t, 100, 20)
	m.finish(true)
}
