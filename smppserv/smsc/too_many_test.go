package smsc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestThatMoreWaitsAtAnotherWorkerThanIsTakenBackThereIsToldWithTheNumbers(t *testing.T) {
	err := replyOf(fmt.Errorf("%w: 11 wait, and no more than 10", sms.ErrTooMany)).err()
	if !errors.Is(err, errTooManyElsewhere) || !strings.HasSuffix(err.Error(), sms.ErrTooMany.Error()+": 11 wait, and no more than 10") {
		t.Errorf("it is told %v", err)
	}
}

// crammed is a queue with more of a conversation than it takes back, when other workers have taken back theirs.
type crammed struct{ Queue }

func (crammed) CancelConversation(_ context.Context, _ *sms.Message, _ func(context.Context) (road.Cancelled, error), done func(road.Cancelled, error)) {
	done(road.Cancelled{N: 3}, fmt.Errorf("%w: 11 wait, and no more than 10 are taken back at a time", sms.ErrTooMany))
}

func TestThatMoreWaitsHereThanIsTakenBackIsToldOfThisWorkerAlone(t *testing.T) {
	log := &testkit.Log{}
	r := newRig(t, func(r *rig, o *Options) { o.Queue, o.Log = crammed{r.q}, zerolog.New(log) })
	c := r.transceiver()
	for range 20 {
		c.ExpectResp(c.Send(cancelAll), smpp.RCANCELFAIL)
	}
	line := log.AwaitWords(t, "cancel_sm without a message_id was answered RCANCELFAIL", "all of it waits here as before", `"taken_back_elsewhere":3`)
	if said := strings.Count(log.String(), "RCANCELFAIL"); said != tooManyHere.PerPeer {
		t.Errorf("it is said %d times: %s", said, line)
	}
}
