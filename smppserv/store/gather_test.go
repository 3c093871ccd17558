package store_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"hnetsmpp/smppserv/store"
)

// oneByOne has goroutines take turns in a bubble, where time stands still while one can run.
func oneByOne(t *testing.T, f func(t *testing.T)) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, f)
}

func TestACommitTakesWhatFollowsFromTheAnswersOfTheLastOne(t *testing.T) {
	oneByOne(t, func(t *testing.T) {
		var g store.Gathering
		g.Ended(9, time.Second)
		g.Come(1)
		go func() {
			for range 9 {
				runtime.Gosched()
				g.Come(1)
			}
		}()
		if n := g.Take(); n != 10 {
			t.Errorf("the commit takes %d operations: of ten that are under way", n)
		}
	})
}

func TestACommitThatWaitedInVainIsFollowedByMoreAndMoreThatDoNotWait(t *testing.T) {
	oneByOne(t, func(t *testing.T) {
		var g store.Gathering
		waits := func() bool {
			came := make(chan struct{})
			g.Ended(1, time.Second)
			g.Come(1)
			go func() {
				defer close(came)
				for range 20 { // of the yields that it may take
					runtime.Gosched()
				}
				g.Come(1)
			}()
			n := g.Take()
			<-came
			g.Drop()
			return n == 2
		}
		inVain := func() {
			g.Ended(1, 0)
			g.Come(1)
			if n := g.Take(); n != 1 {
				t.Fatalf("the commit takes %d operations, of one", n)
			}
		}
		if !waits() {
			t.Fatal("it does not wait")
		}
		for _, passed := range []int{1, 3, 7} {
			inVain()
			for range passed {
				if waits() {
					t.Error("it waits")
				}
			}
		}
		if !waits() {
			t.Error("it does not wait once those are over")
		}
	})
}

// A goroutine that computes has the processor for 10 ms: what a commit leaves it costs each commit as much.
func TestACommitDoesNotLeaveTheProcessorAgainAndAgainToWhoComputes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const commits = 100
	var g store.Gathering
	left := 0
	for range commits {
		computed := make(chan struct{})
		go func() {
			defer close(computed)
			for began := time.Now(); time.Since(began) < time.Millisecond; {
			}
		}()
		g.Ended(1, time.Second)
		g.Take()
		select {
		case <-computed:
			left++
		default:
			<-computed
		}
	}
	if left == 0 || left > commits/4 {
		t.Errorf("of %d commits %d let another goroutine compute first", commits, left)
	}
}
