package hermes

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

// cramped are clients that may each have one undelivered message.
type cramped struct{ Clients }

func (c cramped) Route(ctx context.Context, from, to, client string) (sms.Route, error) {
	r, err := c.Clients.Route(ctx, from, to, client)
	r.MaxQueued = 1
	return r, err
}

func TestAnIDThatIsRepeatedIsAcceptedThoughTheQueueIsFull(t *testing.T) {
	p := NewPort(PortOptions{Queue: startQueue(t), Clients: cramped{toAdmin}, Validity: time.Hour, Log: zerolog.Nop()})
	for i, k := range []struct{ line, want string }{
		{`{"id":"h-1","from":"3600","to":"33612345678","text":"a"}`, `{"id":"h-1","status":"accepted","message_id":"1"}`},
		{`{"id":"h-1","from":"3600","to":"33612345678","text":"a"}`, `{"id":"h-1","status":"accepted","message_id":"1","duplicate":true}`},
		{`{"id":"h-2","from":"3600","to":"33612345678","text":"b"}`,
			`{"id":"h-2","status":"rejected","code":"queue_full","error":"client admin has too many undelivered messages"}`},
		{`{"from":"3600","to":"33612345678","text":"b"}`,
			`{"status":"rejected","code":"queue_full","error":"client admin has too many undelivered messages"}`},
		{`{"id":"h-1","from":"3600","to":"33612345678","text":"c"}`, `{"id":"h-1","status":"accepted","message_id":"1","duplicate":true}`},
	} {
		if got, err := p.Submit(t.Context(), []byte(k.line)); err != nil || string(got) != k.want+"\n" {
			t.Errorf("%d: %s, %v, want\n%s", i, got, err, k.want)
		}
	}
}
