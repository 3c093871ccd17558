package hermes

import (
	"context"
	"errors"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

func TestCloseReturnsOnlyAfterTheLastOutcomeIsReported(t *testing.T) {
	url, _ := hermesThat(t, ok)
	p := newPush(t, options(url))
	reporting, reported := make(chan error, 1), make(chan struct{})
	p.Deliver([]*sms.Message{message(1, "m")}, false, func(sms.Outcome) {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		reporting <- p.Close(ctx)
		close(reported)
	})
	if err := await(t, reporting, "Close during the report"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close took the push for ended before its outcome was reported: %v", err)
	}
	await(t, reported, "the end of the report")
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
