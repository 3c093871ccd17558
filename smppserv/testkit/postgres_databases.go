package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jackc/pgx/v5/pgconn"
)

// Database makes an empty database and returns its DSN.
func (pg *PG) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("hnet%d", pg.databases.Add(1))
	pg.Exec(t, "postgres", "CREATE DATABASE "+name)
	return pg.DSN(name)
}

// DatabaseName is the database of a DSN.
func DatabaseName(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// GenericPlan is how a database carries out a query with these arguments, written with commas between, when it plans it without looking at
// them: PostgreSQL comes to that by itself when a query is repeated.
func (pg *PG) GenericPlan(t testing.TB, database, query, args string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c, err := pgx.Connect(ctx, pg.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for _, s := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE p AS " + query} {
		if _, err := c.Exec(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	rows, err := c.Query(ctx, "EXPLAIN EXECUTE p ("+args+")")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// models are databases that others begin as.
type models struct {
	mu       sync.Mutex
	errs     map[string]error // by name, of those that were made
	strategy string           // with which they are copied
}

// DatabaseLike makes a database that begins as a model, and returns its DSN. The first call for a model makes it: prepare is given the DSN of an
// empty database, and must leave no connection to it.
func (pg *PG) DatabaseLike(t testing.TB, model string, prepare func(dsn string) error) string {
	t.Helper()
	pg.models.mu.Lock()
	err, made := pg.models.errs[model]
	if !made {
		if pg.models.errs == nil {
			pg.models.errs = map[string]error{}
			text, _ := pg.Try("postgres", "SELECT current_setting('server_version_num')")
			if version, err := strconv.Atoi(text); err == nil && version >= 150000 {
				pg.models.strategy = " STRATEGY file_copy" // its log is not written to the disk for it
			}
		}
		if err = pg.exec("postgres", "CREATE DATABASE "+model); err == nil {
			err = prepare(pg.DSN(model))
		}
		pg.models.errs[model] = err
	}
	strategy := pg.models.strategy
	pg.models.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("hnet%d", pg.databases.Add(1))
	create := "CREATE DATABASE " + name + " TEMPLATE " + model + strategy
	for from := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err = pg.exec("postgres", create)
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != databaseInUse || time.Since(from) > Patience { // the process of prepare's connection may not have ended
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return pg.DSN(name)
}

// databaseInUse is PostgreSQL's object_in_use.
const databaseInUse = "55006"
