package faults

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

func TestAWorkerWaitsForItsPostgres(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	dsn := pg.Database(t)
	pg.Stop(t)
	hermes := testkit.StartHermes(t)
	port := testkit.FreePort(t)
	config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.driver": "postgres", "store.dsn": dsn, "hermes.url": hermes.URL(),
		"admin.listen": testkit.Loopback(port)})
	started := make(chan error, 1)
	w := testkit.NewWorker(t, config)
	go func() {
		defer close(started)
		w.Log.AwaitWords(t, "the database is away")
		answer, err := http.Get("http://" + testkit.Loopback(port) + "/readyz")
		if err != nil {
			started <- err
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "PostgreSQL cannot be reached") || strings.Contains(string(text), testkit.PGPassword) {
			started <- fmt.Errorf("/readyz says %d: %s", answer.StatusCode, text)
		}
		pg.Start(t)
	}()
	w.Start(t)
	for err := range started {
		t.Error(err)
	}
	c := testkit.Bind(t, w.SMPP, smpp.CmdBindTransceiver, testkit.Client, testkit.Password)
	id := c.Submit("33612345678", "3600", "Bonjour")
	hermes.Await(t, "the push", func(p testkit.Push) bool { return p.Message.ID == id })
	pg.Kill(t)
	pg.Start(t)
	testkit.Await(t, "/readyz says 200", func() bool {
		answer, err := http.Get("http://" + w.Admin + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	again := c.Submit("33612345678", "3600", "Encore")
	hermes.Await(t, "the second push", func(p testkit.Push) bool { return p.Message.ID == again })
	w.Stop(t)
	if strings.Contains(w.Log.String(), testkit.PGPassword) {
		t.Error("the log tells the password of the database")
	}
}

func TestAPostgresThatCannotBeUsedIsNamedWithItsExitCode(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	config := func(dsn string) string {
		return testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.driver": "postgres", "store.dsn": dsn, "hermes.url": "http://127.0.0.1:9/", "log.level": "error"})
	}
	refuses(t, config("postgres://u:hush@host/db?sslmode=sometimes"), worker.ExitBadConfig, "store.dsn", "sslmode")
	refuses(t, config(pg.DSN("nowhere")), worker.ExitHeld, "createdb")
	refuses(t, config(strings.Replace(pg.Database(t), testkit.PGPassword, "wrong", 1)), worker.ExitHeld, "the user or the password")
}

func TestAnOutageOfTheDatabaseIsToldOnce(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.driver": "postgres", "store.dsn": pg.Database(t), "store.lease": "2s",
		"admin.listen": testkit.Loopback(testkit.FreePort(t))})
	w := testkit.StartWorker(t, config)
	pg.Kill(t)
	w.Log.AwaitWords(t, "was not renewed for three of its lengths")
	answer, err := http.Get("http://" + w.Admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(string(text), "the lease is not held since 20") {
		t.Errorf("/readyz says %d: %s, %v", answer.StatusCode, text, err)
	}
	pg.Start(t)
	w.Log.AwaitWords(t, "the lease is held again")
	w.Stop(t)
	told := map[string]bool{}
	for line := range strings.Lines(w.Log.String()) {
		if !strings.Contains(line, "lease") {
			continue
		}
		for _, words := range []string{"the lease cannot be renewed", "the lease is not held", "three of its lengths", "three leases", "the lease is held again"} {
			if !strings.Contains(line, words) {
				continue
			}
			if told[words] {
				t.Errorf("%q is told twice:\n%s", words, w.Log.String())
			}
			told[words] = true
		}
	}
	if len(told) != 4 || told["three leases"] {
		t.Errorf("told are %v:\n%s", told, w.Log.String())
	}
}
