package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/transfer"
)

// Fill writes n messages of a client into an empty database, from 1 on, each with two tries beside it; the last ones wait for Hermès.
func Fill(t testing.TB, d transfer.Database, client string, n, waiting int) {
	t.Helper()
	at := time.Now().Add(-time.Hour)
	attributes := string(store.AppendAttributes(nil, &sms.Message{Source: sms.Address{TON: 1, NPI: 1}, InterfaceVersion: 0x34, ReceivedAt: at, StoredAt: at}))
	tables := map[string]*transfer.Table{}
	for _, table := range transfer.Tables {
		tables[table.Name] = table
	}
	row := func(table *transfer.Table, set map[string]any) transfer.Row {
		r := make(transfer.Row, len(table.Columns))
		for i, c := range table.Columns {
			switch v := set[c.Name].(type) {
			case int:
				r[i].Number = int64(v)
			case string:
				r[i].Text = v
			default:
				r[i].Null = true
			}
		}
		return r
	}
	when, expires := int(at.UnixMilli()), int(at.Add(48*time.Hour).UnixMilli())
	var messages, tries []transfer.Row
	for i := 1; i <= n; i++ {
		m := map[string]any{"id": i, "received_at": when, "due_at": when, "expires_at": expires, "final_at": when, "tried_at": when, "wait": 1000, "error": 0, "took_ms": 12,
			"attempts": 3, "unjudged": 0, "kind": 0, "state": int(sms.Delivered), "submitter": client, "recipient": "", "source": fmt.Sprintf("336%08d", i),
			"destination": "3600", "reason": "", "through": "hermes", "content": fmt.Sprintf("Bonjour, message %d, merci de me rappeler demain matin.", i), "attributes": attributes}
		if i > n-waiting {
			m["final_at"], m["state"] = nil, int(sms.Enroute)
		}
		messages = append(messages, row(tables["messages"], m))
		for k := range 2 {
			tries = append(tries, row(tables["tries"], map[string]any{"message_id": i, "number": k + 1, "tried_at": when, "took_ms": 30, "error": 503, "unjudged": 0,
				"through": "hermes", "reason": "HTTP 503 Service Unavailable"}))
		}
		if i%5000 != 0 && i != n {
			continue
		}
		for name, rows := range map[string][]transfer.Row{"messages": messages, "tries": tries} {
			if err := d.Write(context.Background(), tables[name], rows); err != nil {
				t.Fatal(err)
			}
		}
		messages, tries = messages[:0], tries[:0]
	}
	if err := d.Finish(context.Background(), sms.ID(n)); err != nil {
		t.Fatal(err)
	}
}
