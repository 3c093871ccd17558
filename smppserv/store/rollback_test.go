package store_test

import (
	"context"
	"errors"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestAConversationOfATransactionThatFailedIsWrittenByTheNext(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
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
		if _, err := s.WriterConn().ExecContext(ctx, "CREATE TEMP TRIGGER full BEFORE INSERT ON main.messages BEGIN SELECT RAISE(ABORT, 'full'); END"); err != nil {
			t.Fatal(err)
		}
		if err := testkit.Receive(t, add(s, conversing(client)), "the refusal"); !errors.Is(err, sms.ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
		if _, err := s.WriterConn().ExecContext(ctx, "DROP TRIGGER full"); err != nil {
			t.Fatal(err)
		}
		lastWriter(before.Client)
		if err := testkit.Receive(t, add(s, conversing(client)), "the addition"); err != nil {
			t.Fatal(err)
		}
		lastWriter(client)
	}
}
