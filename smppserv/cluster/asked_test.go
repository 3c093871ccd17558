package cluster

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"
)

func TestWhatIsAskedIsDoneBeforeItsEndOrNotAtAll(t *testing.T) {
	r := newRig(t)
	var s *store.Store
	a := r.joinIdle("a", long) // it looks for the answer no sooner than at the end
	ended := make(chan error, 1)
	end := func(ctx context.Context, id sms.ID) error {
		ctx = road.WithAnswer(ctx, func(n int) []byte { return fmt.Appendf(nil, "%d", n) })
		s.End([]*road.Transition{{IDs: []sms.ID{id}, State: sms.Deleted}}, road.AskOf(ctx, 1), func(err error) { ended <- err })
		return testkit.Receive(t, ended, "the end")
	}
	var id sms.ID
	var late bool
	var outcome error
	over := make(chan struct{}, 1)
	b := r.joinWithStore("b", &s, serving("end", func(ctx context.Context, _ sms.Epoch, _ []byte) ([]byte, error) {
		defer func() { over <- struct{}{} }()
		if late {
			<-ctx.Done()
			time.Sleep(50 * time.Millisecond)
		}
		if outcome = end(ctx, id); !late { // it is on disk, and the answer is late
			<-ctx.Done()
		}
		return nil, errors.New("this answer is too late")
	}))
	for _, late = range []bool{true, false} {
		var err error
		if id, err = add(s); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Slower*500*time.Millisecond)
		go func() {
			for pause(ctx, 10*time.Millisecond) {
				b.looks.asks.kick()
			}
		}()
		answer, err := a.Ask(ctx, b.epoch, "end", nil)
		cancel()
		testkit.Receive(t, over, "the end of the handler")
		m, unknown := s.Get(t.Context(), id)
		if unknown != nil {
			t.Fatal(unknown)
		}
		switch {
		case late && (!errors.Is(err, ErrNoAnswer) || !errors.Is(outcome, store.ErrVoid) || m.State != sms.Enroute):
			t.Errorf("done too late: the answer %q, %v; %v; it is %v", answer, err, outcome, m.State)
		case !late && (err != nil || string(answer) != "1" || outcome != nil || m.State != sms.Deleted):
			t.Errorf("done in time: the answer %q, %v; %v; it is %v", answer, err, outcome, m.State)
		}
	}
}
