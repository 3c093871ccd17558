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

func TestADeedWhoseCommitTakesLongIsWaitedForAndElseInDoubt(t *testing.T) {
	for name, commits := range map[string]bool{"it commits": true, "the asker's lease is over before": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			join := r.join
			if !commits {
				join = r.joinIdle
			}
			a := join("a", usual)
			b := join("b", usual, serving("end", func(ctx context.Context, _ sms.Epoch, _ []byte) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			type result struct {
				answer []byte
				err    error
			}
			told := make(chan result, 1)
			go func() {
				answer, err := a.Ask(ctx, b.epoch, "end", nil)
				told <- result{answer, err}
			}()
			testkit.Await(t, "it asks", func() bool { return r.value(`SELECT count(*) FROM asks`) == "1" })
			tx, err := r.pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), `UPDATE asks SET answer = 'done', answered_at = clock_timestamp() WHERE until > clock_timestamp()`); err != nil {
				t.Fatal(err)
			}
			if commits {
				select {
				case got := <-told:
					t.Errorf("before the commit: %q, %v", got.answer, got.err)
				case <-time.After(usual/2 + 2*time.Second): // longer than a statement of the asker's
				}
			} else {
				defer tx.Rollback(context.Background())
				if got := testkit.Receive(t, told, "the answer"); !errors.Is(got.err, ErrInDoubt) || !errors.Is(got.err, sms.ErrUnavailable) {
					t.Errorf("it is told %q, %v", got.answer, got.err)
				}
				return
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := testkit.Receive(t, told, "the answer"); got.err != nil || string(got.answer) != "done" {
				t.Errorf("it is told %q, %v", got.answer, got.err)
			}
		})
	}
}
