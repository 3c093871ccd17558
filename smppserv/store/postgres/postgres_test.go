package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/postgres/postgrestest"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

func options(dsn, folder string) postgres.Options {
	return postgres.Options{DSN: dsn, Folder: folder, Node: "one", Log: zerolog.Nop()}
}

func must(t testing.TB, o postgres.Options) *store.Store {
	t.Helper()
	s, err := postgres.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPostgres(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	storetest.Run(t, func(t *testing.T) storetest.Open {
		o := options(postgrestest.Blank(t, pg), t.TempDir())
		return func() *store.Store { return must(t, o) }
	})
}
