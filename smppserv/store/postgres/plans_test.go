package postgres

import (
	"context"
	"strings"
	"testing"

	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
)

func TestANumberIsFoundByItsIndexAlsoWhereNearlyAllMessagesAreToOneNumber(t *testing.T) {
	ctx := context.Background()
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	d, err := OpenTransfer(ctx, Options{DSN: dsn, Folder: t.TempDir(), Node: "one", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, d, "acme", 20_000, 0)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, query := range map[string]struct{ text, args string }{
		"by number":   {byNumber, "'33600000001', 0, 9223372036854775807, 16"},
		"last writer": {lastWriter, "'33600000001', '3601'"},
		"last use":    {lastUse, "'33600000001', 'other'"},
	} {
		plan := pg.GenericPlan(t, testkit.DatabaseName(t, dsn), query.text, query.args)
		if !strings.Contains(plan, "messages_source") || strings.Contains(plan, "messages_pkey") || strings.Contains(plan, "Seq Scan on messages") {
			t.Errorf("%s reads messages in the order of their ids:\n%s", name, plan)
		}
	}
}
