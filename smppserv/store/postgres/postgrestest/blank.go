// Package postgrestest has an empty database with our tables for tests, so that not each of them makes these: that is done once in each PostgreSQL.
package postgrestest

import (
	"context"
	"os"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/testkit"
)

// Blank makes an empty database of the newest version, and returns its DSN.
func Blank(t testing.TB, pg *testkit.PG) (dsn string) {
	t.Helper()
	return pg.DatabaseLike(t, "blank", func(dsn string) error {
		folder, err := os.MkdirTemp("", "hnetsmpp-blank")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		d, err := postgres.OpenDatabase(context.Background(), postgres.Options{DSN: dsn, Folder: folder, Node: "blank", Log: zerolog.Nop()})
		if err != nil {
			return err
		}
		return d.Close()
	})
}
