package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestAConversationOfATransactionThatFailedIsWrittenByTheNext(t *testing.T) {
	ctx := context.Background()
	f := folder(t.TempDir())
	s := f.open(t, zerolog.Nop())
	defer s.Close(ctx)
	conversing := func(client string) *sms.Message {
		m := text()
		m.Submitter, m.Source, m.Dest = client, sms.Address{TON: 1, NPI: 1, Number: "33612345678"}, sms.Address{Number: "3600"}
		return m
	}
	lastWriter := func(want string) {
		t.Helper()
		c, _, err := s.LastWriter(ctx, "33612345678", "3600")
		if err != nil || c.Client != want {
			t.Errorf("the last writer is %q, %v, want %q", c.Client, err, want)
		}
	}
	for _, client := range []string{"new", "another"} { // no conversation yet, and one to change
		before, _, _ := s.LastWriter(ctx, "33612345678", "3600")
		sqlite3(t, f.database(), "CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'full'); END")
		if err := testkit.Receive(t, add(s, conversing(client)), "the refusal"); !errors.Is(err, sms.ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
		sqlite3(t, f.database(), "DROP TRIGGER full")
		lastWriter(before.Client)
		if err := testkit.Receive(t, add(s, conversing(client)), "the addition"); err != nil {
			t.Fatal(err)
		}
		lastWriter(client)
	}
}
