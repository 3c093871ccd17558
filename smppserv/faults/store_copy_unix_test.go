//go:build unix

package faults

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

func TestACopyOfTheStoreThatIsInterruptedSaysThatTheSameCommandGoesOn(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	name := filepath.Base(strings.Split(dsn, "?")[0])
	folder := t.TempDir()
	file := filepath.Join(folder, "messages.db")
	fillSQLite(t, file, 60_000, 1)
	config := testkit.WriteConfig(t, folder, testkit.Settings{"store.dsn": file})
	said, code := breakOff(t, func() bool {
		return pg.Value(t, name, "SELECT count(*) FROM pg_class WHERE relname = 'once'") == "1" && pg.Value(t, name, "SELECT count(*) >= 5000 FROM messages") == "true"
	}, func(p *os.Process) error { return p.Signal(os.Interrupt) }, "--config", config, "--to", dsn)
	if code != 1 || !strings.Contains(said, "interrupted") || !strings.Contains(said, "the same command goes on") || strings.Contains(said, testkit.PGPassword) {
		t.Errorf("exit code %d, it said %s", code, said)
	}
	if said := succeeds(t, "", "store", "copy", "--config", config, "--to", dsn); !strings.Contains(said, "were there from an earlier try") {
		t.Errorf("it said %s", said)
	}
}
