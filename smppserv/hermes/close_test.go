package hermes

import (
	"context"
	"errors"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestCloseReturnsOnlyAfterTheLastOutcomeIsReported(t *testing.T) {
	at := testkit.StartEndpoint(t, ok)
	p := newPush(t, options(at.URL()))
	reporting, reported := make(chan error, 1), make(chan struct{})
	p.Deliver([]*sms.Message{message(1, "m")}, false, func(sms.Outcome) {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		reporting <- p.Close(ctx)
		close(reported)
	})
	if err := testkit.Receive(t, reporting, "Close during the report"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close took the push for ended before its outcome was reported: %v", err)
	}
	testkit.Receive(t, reported, "the end of the report")
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
