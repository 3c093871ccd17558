package faults

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

func TestAStoreInPostgreSQLIsLookedThroughBesideItsWorkers(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	hermes := testkit.StartHermes(t)
	node := func(name string) (*testkit.Worker, string) {
		config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.driver": "postgres", "store.dsn": dsn, "store.node": name, "hermes.url": hermes.URL()})
		return testkit.StartWorker(t, config), config
	}
	one, config := node("one")
	two, _ := node("two")
	for _, w := range []*testkit.Worker{one, two} {
		c := testkit.Bind(t, w.SMPP, smpp.CmdBindTransmitter, testkit.Client, testkit.Password)
		id := c.Submit("33612345678", "3600", "Bonjour")
		hermes.Await(t, "the push", func(p testkit.Push) bool { return p.Message.ID == id })
	}
	check := func(code int, words ...string) {
		t.Helper()
		r := command(t, "smppserv", "", "store", "check", "--config", config)
		for _, word := range words {
			if !strings.Contains(r.stdout+r.stderr, word) {
				t.Errorf("it does not say %q", word)
			}
		}
		if r.code != code || strings.Contains(r.stdout+r.stderr, testkit.PGPassword) {
			t.Errorf("exit code %d, want %d, and:\n%s%s", r.code, code, r.stdout, r.stderr)
		}
	}
	check(0, "nothing is wrong", " 2 messages, ", "workers may run", "pg_amcheck")
	r := command(t, "smppserv", "", "store", "recover", "--config", config, filepath.Join(t.TempDir(), "saved.db"))
	if r.code != 1 || !strings.Contains(r.stderr, "pg_amcheck") || !strings.Contains(r.stderr, "backup") {
		t.Errorf("store recover: exit code %d, %s", r.code, r.stderr)
	}
	two.Stop(t)
	one.Stop(t)
	check(0, "nothing is wrong")
	pg.Exec(t, testkit.DatabaseName(t, dsn), `UPDATE messages SET attributes = '\xFF', final_at = NULL, holder = 4711 WHERE id = (SELECT min(id) FROM messages)`)
	check(1, "waits, and cannot be read", "of the epoch 4711, does not exist", "faults: each line says which")

	nowhere := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.driver": "postgres", "store.dsn": "postgres://u:hush@host/db?sslmode=sometimes", "hermes.url": hermes.URL()})
	if r := command(t, "smppserv", "", "store", "check", "--config", nowhere); r.code != int(worker.ExitBadConfig) || strings.Contains(r.stderr, "hush") {
		t.Errorf("a DSN of no use: exit code %d, %s", r.code, r.stderr)
	}
}

func TestWhatWaitsInADamagedStoreIsRecoveredAndReachesHermes(t *testing.T) {
	folder := t.TempDir()
	config := testkit.WriteConfig(t, folder, testkit.Settings{"hermes.url": "http://127.0.0.1:1/"})
	w := testkit.StartWorker(t, config)
	c := testkit.Bind(t, w.SMPP, smpp.CmdBindTransmitter, testkit.Client, testkit.Password)
	waiting := map[string]bool{}
	for i := range 100 { // of which a page holds about fifteen
		waiting[c.Submit(fmt.Sprint(33600000000+i), "3600", strings.Repeat("Bonjour ", 10))] = true
	}
	w.Kill(t)
	damaged, saved := filepath.Join(folder, "messages.db"), filepath.Join(folder, "saved.db")
	overwriteRoot(t, damaged)
	r := command(t, "smppserv", "", "store", "recover", "--config", config, saved)
	if r.code != 0 || !strings.Contains(r.stdout, "100 rows, 100 of them found page by page") || !strings.Contains(r.stdout, "messages that wait: 100") {
		t.Fatalf("store recover: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if r := command(t, "smppserv", "", "store", "restore", "--config", config, saved); r.code != 0 {
		t.Fatalf("store restore: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	hermes := testkit.StartHermes(t)
	testkit.StartWorker(t, testkit.WriteConfig(t, folder, testkit.Settings{"hermes.url": hermes.URL()}))
	for id := range waiting {
		hermes.Await(t, "the push of "+id, func(p testkit.Push) bool { return p.Message.ID == id })
	}
}

// overwriteRoot makes the page useless that leads to all messages.
func overwriteRoot(t *testing.T, file string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	var root, size int64
	err = db.QueryRow("SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'messages'").Scan(&root, &size)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xA5}, int(size)), (root-1)*size)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
