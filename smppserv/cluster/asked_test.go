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
	for name, c := range map[string]struct {
		done            bool // before the asker gives up
		giveUp, timeOut bool // before it is done
	}{"in time": {done: true}, "its asker gave up": {giveUp: true}, "its time is over": {timeOut: true}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			var s *store.Store
			var id sms.ID
			begun, goOn, ended, told := make(chan struct{}), make(chan struct{}), make(chan error, 1), make(chan struct{})
			a := r.joinIdle("a", long) // it looks for the answer no sooner than it gives up
			b := r.joinWithStore("b", &s, serving("end", func(ctx context.Context, _ sms.Epoch, _ []byte) ([]byte, error) {
				close(begun)
				<-goOn
				ctx = road.WithAnswer(ctx, func(n int) []byte { return fmt.Appendf(nil, "%d", n) })
				s.End([]*road.Transition{{IDs: []sms.ID{id}, State: sms.Deleted}}, road.AskOf(ctx, 1), func(err error) { ended <- err })
				<-told
				return nil, errors.New("this answer is too late")
			}), func(_ *worker, o *Options) { o.Lease = long }) // a statement is not given up on a machine that is busy: what it took would be void
			var err error
			if id, err = add(s); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
			defer cancel()
			var answer []byte
			var failed error
			go func() {
				defer close(told)
				answer, failed = a.Ask(ctx, b.epoch, "end", nil)
			}()
			testkit.Await(t, "it asks", func() bool { return len(a.asking.ids()) == 1 })
			b.looks.asks.kick()
			testkit.Receive(t, begun, "the handler")
			if c.timeOut {
				r.exec(`UPDATE asks SET until = clock_timestamp()`)
			}
			if c.giveUp {
				cancel()
				<-told
			}
			close(goOn)
			outcome := testkit.Receive(t, ended, "the end")
			cancel()
			<-told
			m, unknown := s.Get(t.Context(), id)
			if unknown != nil {
				t.Fatal(unknown)
			}
			switch {
			case c.done && (failed != nil || string(answer) != "1" || outcome != nil || m.State != sms.Deleted):
				t.Errorf("done in time: the answer %q, %v; %v; it is %v", answer, failed, outcome, m.State)
			case !c.done && (!errors.Is(failed, ErrNoAnswer) || !errors.Is(outcome, store.ErrVoid) || m.State != sms.Enroute):
				t.Errorf("done too late: the answer %q, %v; %v; it is %v", answer, failed, outcome, m.State)
			}
		})
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
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
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
			testkit.Await(t, "it asks", func() bool { return len(a.asking.ids()) == 1 })
			tx, err := r.pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), `UPDATE asks SET answer = 'done', answered_at = clock_timestamp()`); err != nil {
				t.Fatal(err)
			}
			cancel() // its time is over
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
