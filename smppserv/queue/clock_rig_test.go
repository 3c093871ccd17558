package queue

import (
	"sync"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// handClock is the system's clock, which can be set, and can be made to run on.
type handClock struct {
	start time.Time

	mu           sync.Mutex
	set, elapsed time.Duration
}

func newHandClock() *handClock { return &handClock{start: time.Now()} }

// read is a Clock.
func (c *handClock) read() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return now.Add(c.set + c.elapsed), now.Sub(c.start) + c.elapsed
}

// step sets the wall clock.
func (c *handClock) step(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set += by
}

// awaitSteps is when the queue has noticed that the clock was set so often.
func (r *rig) awaitSteps(n int) {
	r.t.Helper()
	r.q.wake()
	testkit.Await(r.t, "the queue has noticed", func() bool {
		r.q.mu.Lock()
		defer r.q.mu.Unlock()
		return len(r.q.steps) == n
	})
}

// awaitStepsOnDisk is when so many are written, which is later than the queue has noticed.
func (r *rig) awaitStepsOnDisk(n int) (steps []road.ClockStep) {
	r.t.Helper()
	testkit.Await(r.t, "the steps are on disk", func() bool {
		var err error
		steps, err = r.store.ClockSteps(r.t.Context())
		return err == nil && len(steps) == n
	})
	return steps
}

// elapse lets time pass.
func (c *handClock) elapse(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.elapsed += d
}

// setClock sets the wall clock, and has the queue notice.
func (r *rig) setClock(by time.Duration) {
	r.clock.step(by)
	r.noticed()
}

// onItsWay hands the message in to a store that writes nothing until stored is called, which waits until the message is on disk.
func (r *rig) onItsWay(m *sms.Message) (stored func()) {
	r.t.Helper()
	hold := make(chan struct{})
	r.store.After(func() { <-hold })
	submitted := newSubmission()
	if err := r.q.Add(m, 0, submitted); err != nil {
		r.t.Fatal(err)
	}
	return func() {
		r.t.Helper()
		close(hold)
		if err := testkit.Receive(r.t, submitted.accepted, "Accepted"); err != nil {
			r.t.Fatal(err)
		}
	}
}

// elapse lets time pass, and has the queue notice.
func (r *rig) elapse(d time.Duration) {
	r.clock.elapse(d)
	r.noticed()
}

// noticed is when everything has been done that was due, and what is known of the clock is on disk.
func (r *rig) noticed() {
	r.t.Helper()
	r.q.wake()
	testkit.Await(r.t, "the queue has noticed", func() bool {
		r.q.mu.Lock()
		defer r.q.mu.Unlock()
		wall, elapsed := r.clock.read()
		now := (r.q.start + elapsed).Milliseconds()
		off := wall.UnixMilli() - now - r.q.seen
		return max(off, -off) < 100 && r.q.noted == len(r.q.steps) && !r.q.underWay && r.q.nothingDue(now)
	})
	through := make(chan struct{})
	r.store.After(func() { close(through) })
	<-through
}

// nothingDue tells whether every deadline up to now has been acted upon.
func (q *Queue) nothingDue(now int64) bool {
	next, some := q.wheel.next()
	return !some || next > now
}
