package queue

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestATryThatSaysNothingOfItsMessageTakesNoStep(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Recipient: "alice", Window: 1, Retry: []time.Duration{time.Hour}})
	m := r.text("text")
	m.Recipient = "alice"
	r.add(m)
	for range 5 {
		h.next("text").report(sms.Outcome{Verdict: sms.TryAgain, Unjudged: true, Reason: "throttled"})
	}
	h.next("text").done()
	r.wantState(m, sms.Delivered)
	if got, _ := r.store.Get(t.Context(), m.ID); got.Attempts != 1 {
		t.Errorf("it took %d tries", got.Attempts)
	}
}

// heldUp is a log whose first line is not through before release is closed.
type heldUp struct {
	once            sync.Once
	begun, released chan struct{}
}

func (l *heldUp) Write(line []byte) (int, error) {
	l.once.Do(func() {
		close(l.begun)
		<-l.released
	})
	return len(line), nil
}

func TestATryIsKeptThoughTheNextOneEndsBeforeItsReportIsThrough(t *testing.T) {
	l := &heldUp{begun: make(chan struct{}), released: make(chan struct{})}
	r := newRig(t, func(o *Options) { o.Log = zerolog.New(l) })
	h := r.attach(road.OutletOptions{Recipient: "alice", Window: 2})
	m := r.text("text")
	m.Recipient = "alice"
	r.add(m)
	first := h.next("text")
	through := make(chan struct{})
	go func() {
		defer close(through)
		first.report(sms.Outcome{Verdict: sms.TryAgain, Unjudged: true, Reason: "nobody answers"})
	}()
	<-l.begun // the line that tells of it
	r.q.wake()
	h.next("text").done()
	r.wantState(m, sms.Delivered)
	close(l.released)
	<-through
	tries, err := r.store.Tries(t.Context(), m.ID)
	if err != nil || len(tries) != 2 || tries[0].Reason != "nobody answers" {
		t.Errorf("its tries are %+v, %v", tries, err)
	}
}

func TestAnOutletThatIsAvoidedGetsNothingWhileThereIsAnother(t *testing.T) {
	r := newRig(t, nil)
	a := r.attach(road.OutletOptions{Recipient: "alice", Window: 10})
	a.Avoid(true)
	write := func(text string) *sms.Message {
		m := r.text(text)
		m.Recipient, m.Source.Number = "alice", text
		r.add(m)
		return m
	}
	write("alone")
	held := a.next("alone")
	b := r.attach(road.OutletOptions{Recipient: "alice", Window: 1})
	write("one")
	one := b.next("one")
	write("two") // b has no room
	b.Rest(time.Hour)
	one.done()
	b.Resume()
	b.next("two").done()
	if len(a.tries) > 0 {
		t.Error("the one that is avoided was given something")
	}
	again := r.text("behind")
	again.Recipient, again.Source.Number = "alice", "alone"
	r.add(again) // behind one that is in flight there
	held.again()
	b.next("alone").done()
	b.next("behind").done()
	b.Detach()
	write("alone again")
	a.next("alone again").done()
	r.emptied()
}

func TestTheProgressOfATryIsOnDiskWhileItGoesOn(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Recipient: "alice", Window: 1})
	m := r.text("text")
	m.Recipient = "alice"
	r.add(m)
	try := h.next("text")
	for _, p := range []string{"1", "2", "3"} {
		try.report(sms.Outcome{Verdict: sms.Underway, Progress: p})
	}
	testkit.Await(t, "the last one is noted", func() bool {
		got, err := r.store.Get(t.Context(), m.ID)
		return err == nil && got.Progress == "3"
	})
	try.report(sms.Outcome{Verdict: sms.Returned, Progress: "4"})
	try = h.next("text")
	if got := try.ms[0].Progress; got != "4" {
		t.Errorf("the next try goes on behind %q", got)
	}
	try.report(sms.Outcome{Verdict: sms.Underway, Progress: "5"})
	try.report(sms.Outcome{Verdict: sms.TryAgain, Progress: "6", After: time.Hour})
	try.report(sms.Outcome{Verdict: sms.Underway, Progress: "too late"})
	testkit.Await(t, "the end of the try is noted", func() bool {
		got, err := r.store.Get(t.Context(), m.ID)
		return err == nil && got.Progress == "6" && got.Attempts == 1
	})
}

func TestWhatWasBegunGoesOnBeforeOthers(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Recipient: "alice", Window: 1})
	for _, text := range []string{"a", "b", "c"} {
		m := r.text(text)
		m.Recipient, m.Source.Number = "alice", text
		r.add(m)
	}
	throttled := sms.Outcome{Verdict: sms.TryAgain, Unjudged: true, Reason: "throttled", Progress: "1"}
	h.next("a").report(throttled) // nothing was taken
	b := h.next("b")
	b.report(sms.Outcome{Verdict: sms.Underway, Progress: "1"})
	b.report(throttled)
	h.next("b").done()
	h.next("c").done()
	h.next("a").done()
	r.emptied()
}

func TestWhatCameDuringARestGoesBeforeWhatWasNotTaken(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Recipient: "alice", Window: 2})
	write := func(text string) {
		m := r.text(text)
		m.Recipient, m.Source.Number = "alice", text
		r.add(m)
	}
	write("a")
	write("b")
	a, b := h.next("a"), h.next("b")
	h.SetWindow(1)
	h.Rest(time.Hour)
	for _, try := range []try{a, b} {
		try.report(sms.Outcome{Verdict: sms.TryAgain, Unjudged: true, Reason: "throttled"})
	}
	write("c")
	h.Resume()
	h.next("c").done()
	h.next("a").done()
	h.next("b").done()
	r.emptied()
}

// A slab gives back a chunk that has emptied, so that nothing stands where the lane was.
func TestAConversationThatEndsDuringARestIsNotLookedForAfterIt(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Recipient: "alice", Window: 1})
	const conversations = 2*chunkSize + 1
	s := newCountedSender(conversations)
	var ms []*sms.Message
	for n := range conversations {
		m := r.text("text")
		m.Recipient, m.Source.Number = "alice", strconv.Itoa(n)
		if err := r.q.Add(m, 0, s); err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
	}
	testkit.Receive(t, s.allAccepted, "all accepted")
	try := h.next("text")
	h.Rest(time.Hour)
	try.report(sms.Outcome{Verdict: sms.TryAgain, Unjudged: true, Reason: "throttled"})
	for _, m := range slices.Backward(ms) { // the one that was tried last of all
		if err := r.q.Cancel(t.Context(), m.ID); err != nil {
			t.Fatal(err)
		}
	}
	h.Resume()
	r.emptied()
}
