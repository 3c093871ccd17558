package store_test

import (
	"context"
	"testing"
	"time"

	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"
)

type commits chan struct{}

func (c commits) Committed(time.Duration) { c <- struct{}{} }

// noted is an addition that notes its place among what is reported.
type noted struct {
	awaited
	told chan int
	at   int
	hold func() // before it is noted; may be nil
}

func (n *noted) Added(bool, error) {
	if n.hold != nil {
		n.hold()
	}
	n.told <- n.at
}

func TestWhatIsOnDiskIsReportedInItsOrderWhileWhatCameMeanwhileIsWritten(t *testing.T) {
	s := newStore(t)
	const batches, n = 4, store.BesidePending
	told := make(chan int, batches*n)
	written := make(commits, batches)
	s.Observe(written)
	batch := func(number int) (ops []store.Op) {
		for i := range n {
			ops = append(ops, store.AddOp(&noted{awaited: awaited{m: text()}, told: told, at: number*n + i}))
		}
		return ops
	}
	going, on := make(chan struct{}), make(chan struct{})
	first := append(batch(0), store.FillOp(func() { close(going); <-on }))
	release := make(chan struct{})
	first[0] = store.AddOp(&noted{awaited: awaited{m: text()}, told: told, hold: func() { <-release }})
	s.Together(first...)
	testkit.Receive(t, going, "the first transaction")
	s.Together(batch(1)...)
	close(on)
	testkit.Receive(t, written, "the first commit")
	testkit.Receive(t, written, "the second one, while the first is being reported")
	if len(told) > 0 {
		t.Error("a report overtook one of the commit before")
	}
	for number := 2; number < batches; number++ {
		s.Together(batch(number)...)
	}
	close(release)
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if len(told) != batches*n {
		t.Fatalf("%d of %d additions were reported when the store is closed", len(told), batches*n)
	}
	for want := range batches * n {
		if got := <-told; got != want {
			t.Fatalf("the report of addition %d comes as number %d", got, want)
		}
	}
}
