package postgres

import (
	"context"
	"strings"
	"testing"

	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"
)

func TestANumberIsFoundByItsIndexAlsoWhereNearlyAllMessagesAreToOneNumber(t *testing.T) {
	ctx := context.Background()
	dsn := testkit.SharedPostgres(t).Database(t)
	d, err := OpenTransfer(ctx, Options{DSN: dsn, Folder: t.TempDir(), Node: "one", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, d, "acme", 20_000, 0)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	exec := func(query string) {
		if _, err := c.Exec(ctx, query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("SET plan_cache_mode = force_generic_plan") // which PostgreSQL comes to by itself
	for name, query := range map[string]struct{ text, args string }{
		"by number":   {byNumber, "'33600000001', 0, 9223372036854775807, 16"},
		"last writer": {lastWriter, "'33600000001', '3601'"},
		"last use":    {lastUse, "'33600000001', 'other'"},
	} {
		exec("PREPARE p AS " + query.text)
		rows, err := c.Query(ctx, "EXPLAIN EXECUTE p ("+query.args+")")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		exec("DEALLOCATE p")
		if plan := strings.Join(lines, "\n"); !strings.Contains(plan, "messages_source") || strings.Contains(plan, "messages_pkey") || strings.Contains(plan, "Seq Scan on messages") {
			t.Errorf("%s reads messages in the order of their ids:\n%s", name, plan)
		}
	}
}
