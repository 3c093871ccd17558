package testkit

import (
	"context"
	"testing"
	"time"
)

// Patience is how long a test waits for what must come. It comes within milliseconds; only a failure takes this long, or a machine that has much
// else to do.
const Patience = patience

// Await polls until cond holds; what says what the test waits for, as in "the queue is empty".
func Await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if !Holds(ctx, cond) {
		t.Fatalf("waited in vain until %s", what)
	}
}

// Holds polls cond until it holds, and reports whether it did before ctx ended.
func Holds(ctx context.Context, cond func() bool) bool {
	const longest = 10 * time.Millisecond
	for pause := time.Millisecond; !cond(); pause = min(2*pause, longest) {
		if ctx.Err() != nil {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// Receive returns the next value of c, waiting for it. A channel that is closed gives its zero value.
func Receive[T any](t testing.TB, c <-chan T, what string) (v T) {
	t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case v = <-c:
	case <-timer.C:
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}
