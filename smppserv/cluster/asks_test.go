package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// serving has a worker answer an ask.
func serving(what string, h Handler) func(*worker, *Options) {
	return func(w *worker, _ *Options) { w.before = append(w.before, func() { w.Handle(what, h) }) }
}

func echo(_ context.Context, from sms.Epoch, body []byte) ([]byte, error) {
	return fmt.Appendf(nil, "%s to %d", body, from), nil
}

func TestAnAskIsAnsweredOrRefusedInWords(t *testing.T) {
	r := newRig(t)
	refuse := func(context.Context, sms.Epoch, []byte) ([]byte, error) { return nil, errors.New("it is being tried") }
	panics := func(context.Context, sms.Epoch, []byte) ([]byte, error) { panic("oh") }
	huge := func(context.Context, sms.Epoch, []byte) ([]byte, error) { return make([]byte, MaxBody+1), nil }
	a := r.join("a", long, serving("echo", echo))
	b := r.join("b", long, serving("echo", echo), serving("cancel", refuse), serving("panic", panics), serving("huge", huge))
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	answer, err := a.Ask(ctx, b.epoch, "echo", []byte("hello"))
	if want := fmt.Sprintf("hello to %d", a.epoch); err != nil || string(answer) != want {
		t.Fatalf("answer %q, %v, want %q", answer, err, want)
	}
	if answer, err = a.Ask(ctx, a.epoch, "echo", []byte("me")); err != nil || string(answer) != fmt.Sprintf("me to %d", a.epoch) {
		t.Errorf("itself: %q, %v", answer, err)
	}
	var refused *RefusedError
	for what, words := range map[string]string{"cancel": "it is being tried", "juggle": `does not know "juggle"`, "panic": "fault of the server", "huge": ErrTooLong.Error()} {
		if _, err = a.Ask(ctx, b.epoch, what, nil); !errors.As(err, &refused) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err = a.Ask(ctx, b.epoch, "echo", make([]byte, MaxBody+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	testkit.Await(t, "nothing is left of it", func() bool { return r.value(`SELECT count(*) FROM asks`) == "0" })
}

func TestWhatIsAskedOfAnEpochThatIsOverGoesToItsHeir(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join("a", long, serving("echo", echo)), r.join("b", long, serving("echo", echo)), r.join("c", long)
	c.stop()
	if err := c.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "somebody has its estate", func() bool { return len(a.Estates())+len(b.Estates()) == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	for _, w := range []*worker{a, b} {
		if answer, err := w.Ask(ctx, c.epoch, "echo", []byte("hello")); err != nil || !strings.HasPrefix(string(answer), "hello") {
			t.Errorf("%s asks: %q, %v", w.o.Name, answer, err)
		}
	}
}

func TestAnAskThatIsLateIsVoid(t *testing.T) {
	r := newRig(t)
	var done atomic.Int32
	count := func(context.Context, sms.Epoch, []byte) ([]byte, error) {
		done.Add(1)
		return nil, nil
	}
	a := r.join("a", long)
	b := r.joinIdle("b", long, serving("count", count))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := a.Ask(ctx, b.epoch, "count", nil); !errors.Is(err, ErrNoAnswer) {
		t.Fatalf("nobody serves: %v", err)
	}
	// One whose asker could not take it away, and one in time, after it.
	for _, by := range []string{"-1 second", "1 hour"} {
		r.exec(`INSERT INTO asks (to_epoch, from_epoch, what, body, begin_by, until) VALUES ($1, $2, 'count', '', clock_timestamp() + $3::text::interval, clock_timestamp() + interval '1 hour')`,
			int64(b.epoch), int64(a.epoch), by)
	}
	b.run()
	testkit.Await(t, "what is in time is answered", func() bool { return r.value(`SELECT count(*) FROM asks WHERE answered_at IS NOT NULL`) == "1" })
	if n := done.Load(); n != 1 {
		t.Errorf("done %d times, want 1: what was late is void", n)
	}
}

func TestAnAnswerOutlivesALostReplyOfTheDatabase(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		late      bool
	}{
		"it is read": {"SELECT id, answer, failed FROM asks", false}, "it is taken away": {"DELETE FROM asks", false},
		"it is late": {"UPDATE asks SET until", true}, "it is late and taken away": {"DELETE FROM asks", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			a, b := r.joinIdle("a", long, whole), r.join("b", long, serving("echo", echo))
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
			defer cancel()
			told := make(chan error, 1)
			go func() {
				answer, err := a.Ask(ctx, b.epoch, "echo", []byte("hello"))
				if err == nil && !strings.HasPrefix(string(answer), "hello") {
					err = fmt.Errorf("the answer is %q", answer)
				}
				told <- err
			}()
			testkit.Await(t, "it is answered", func() bool {
				b.looks.asks.kick()
				return r.value(`SELECT count(*) FROM asks WHERE answered_at IS NOT NULL`) == "1"
			})
			a.cut.loseReply(c.statement)
			for range 2 {
				if !c.late {
					_ = a.lookForAnswers(t.Context())
				}
			}
			cancel()
			if err := testkit.Receive(t, told, "the answer"); err != nil {
				t.Error(err)
			}
		})
	}
}

// An ask that is written though its asker does not hear of that is void, as it is told.
func TestAnAskWhoseWritingIsNotHeardOfIsVoid(t *testing.T) {
	r := newRig(t)
	var done atomic.Int32
	a, b := r.joinIdle("a", long, whole), r.joinIdle("b", long, serving("count", func(context.Context, sms.Epoch, []byte) ([]byte, error) {
		done.Add(1)
		return nil, nil
	}))
	r.knows(a, b)
	a.cut.loseReply("INSERT INTO asks")
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	if _, err := a.Ask(ctx, b.epoch, "count", nil); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("it is told %v", err)
	}
	if n := r.value(`SELECT count(*) FROM asks`); n != "0" {
		t.Errorf("%s asks are left", n)
	}
	if err := b.serve(ctx); err != nil {
		t.Fatal(err)
	}
	b.served.wait()
	if n := done.Load(); n != 0 {
		t.Errorf("it is done %d times", n)
	}
}

// The table of asks is empty after a crash of the database.
func TestWhatACrashOfTheDatabaseForgetsIsInDoubtAndNotMixedUp(t *testing.T) {
	pg := testkit.Postgres(t)
	r := newRigOn(t, pg)
	a, b := r.joinIdle("a", long), r.joinIdle("b", long, serving("echo", echo))
	r.knows(a, b)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	answered := func(ctx context.Context, body string) <-chan Answer {
		told := make(chan Answer, 1)
		go func() {
			answer, err := a.Ask(ctx, b.epoch, "echo", []byte(body))
			told <- Answer{Body: answer, Err: err}
		}()
		testkit.Await(t, body+" is answered", func() bool {
			_ = b.serve(ctx)
			return r.value(`SELECT count(*) FROM asks WHERE answered_at IS NOT NULL`) == "1"
		})
		return told
	}
	bounded, giveUp := context.WithCancel(ctx)
	first := answered(bounded, "first")
	pg.Kill(t)
	pg.Start(t)
	for _, pool := range []*pgxpool.Pool{r.pool, a.o.Pool, b.o.Pool} {
		testkit.Await(t, "all are connected again", func() bool { return pool.Ping(ctx) == nil })
	}
	second := answered(ctx, "second")
	if err := a.lookForAnswers(ctx); err != nil {
		t.Fatal(err)
	}
	if got := testkit.Receive(t, second, "the answer"); got.Err != nil || !strings.HasPrefix(string(got.Body), "second") {
		t.Errorf("the second: %q, %v", got.Body, got.Err)
	}
	giveUp()
	if got := testkit.Receive(t, first, "the answer"); !errors.Is(got.Err, ErrInDoubt) {
		t.Errorf("what is done, and forgotten: %q, %v", got.Body, got.Err)
	}
}

func TestAnAnswerGoesThroughAnotherConnectionWhereOneHasBroken(t *testing.T) {
	r := newRig(t)
	var b *worker
	b = r.join("b", long, serving("cut", func(context.Context, sms.Epoch, []byte) ([]byte, error) {
		b.cut.set(true) // all connections, as a restart of the database does
		b.cut.set(false)
		return []byte("done"), nil
	}))
	a := r.join("a", long)
	r.knows(a, b)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	if answer, err := a.Ask(ctx, b.epoch, "cut", nil); err != nil || string(answer) != "done" {
		t.Errorf("it is done, and the asker is told %q, %v", answer, err)
	}
}

func TestAnAskIsOverWhenItsWorkerIs(t *testing.T) {
	r := newRig(t)
	a, b := r.join("a", short), r.joinIdle("b", short)
	r.knows(a, b)
	b.die()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if _, err := a.Ask(ctx, b.epoch, "echo", nil); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("a dead one: %v", err)
	}
	if _, err := a.Ask(ctx, 4711, "echo", nil); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("one that never was: %v", err)
	}
}

func TestAllAreAskedAtTheSameTime(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join("a", long), r.join("b", long, serving("echo", echo)), r.join("c", long)
	r.knows(a, b)
	r.knows(a, c)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	answers := a.AskAll(ctx, "echo", []byte("hello"))
	var refused *RefusedError
	if len(answers) != 2 || answers[b.epoch].Name != "b" || !strings.HasPrefix(string(answers[b.epoch].Body), "hello") || !errors.As(answers[c.epoch].Err, &refused) {
		t.Errorf("answers: %v", answers)
	}
}

func TestNoMoreIsServedAtATimeThanTheBound(t *testing.T) {
	r := newRig(t)
	var now, most atomic.Int32
	goOn := make(chan struct{})
	hold := func(context.Context, sms.Epoch, []byte) ([]byte, error) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-goOn
		now.Add(-1)
		return nil, nil
	}
	a := r.joinIdle("a", long)
	b := r.join("b", long, serving("hold", hold))
	r.exec(`INSERT INTO asks (to_epoch, from_epoch, what, body, begin_by, until)
		SELECT $1, $2, 'hold', '', clock_timestamp() + interval '1 hour', clock_timestamp() + interval '1 hour' FROM generate_series(1, $3::int)`,
		int64(b.epoch), int64(a.epoch), maxServed+50)
	testkit.Await(t, "as many as may be are served", func() bool { return now.Load() == maxServed })
	close(goOn)
	testkit.Await(t, "all are", func() bool { return r.value(`SELECT count(*) FROM asks WHERE answered_at IS NULL`) == "0" })
	if m := most.Load(); m != maxServed {
		t.Errorf("%d at a time", m)
	}
}

// Who takes over from an asker takes its asks away, with their answers.
func TestAnAskerThatIsLostDoesNotTakeWhatIsDoneForRefused(t *testing.T) {
	r := newRig(t)
	a, b := r.joinIdle("a", long), r.join("b", long, serving("echo", echo))
	r.knows(a, b)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	told := make(chan error, 1)
	go func() {
		_, err := a.Ask(ctx, b.epoch, "echo", []byte("hello"))
		told <- err
	}()
	testkit.Await(t, "it is answered", func() bool {
		b.looks.asks.kick()
		return r.value(`SELECT count(*) FROM asks WHERE answered_at IS NOT NULL`) == "1"
	})
	r.exec(`DELETE FROM nodes WHERE epoch = $1`, int64(a.epoch))
	a.renewNow()
	if err := testkit.Receive(t, told, "the answer"); !errors.Is(err, ErrInDoubt) || !errors.Is(err, ErrLost) {
		t.Errorf("it is told %v", err)
	}
}
