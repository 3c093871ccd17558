package queue

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// away hands the only waiting message on to worker 5.
func (r *rig) away(text string) *outbox {
	r.t.Helper()
	away := r.attach(road.OutletOptions{Recipient: "admin", Window: 100, Holder: 5})
	away.next(text).report(sms.Outcome{Verdict: sms.HandedOn})
	return away
}

func TestWhatWasHandedOnIsNotOvertakenByWhatCameBehindIt(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	first, second := r.answerTo("first"), r.answerTo("second")
	r.add(first)
	away := r.away("first")
	away.Detach()
	here := r.attach(road.OutletOptions{Recipient: "admin", Window: 100})
	r.add(second)
	testkit.Receive(t, o.barred, "the question where it is")
	if n, err := r.q.TakeIn(t.Context(), []sms.ID{first.ID}); n != 1 || err != nil { // it is handed back
		t.Fatal(n, err)
	}
	here.next("first").done()
	here.next("second").done()
	r.emptied()
}

// leaving has a message under way to worker 5, and a second one behind it.
func leaving(t *testing.T) (r *rig, first *sms.Message, away *outbox, going try) {
	t.Helper()
	r = newRig(t, func(op *Options) { op.Share = newOthers() })
	first = r.answerTo("first")
	second := r.answerTo("second")
	r.add(first)
	away = r.attach(road.OutletOptions{Recipient: "admin", Window: 100, Serial: true, Holder: 5})
	going = away.next("first")
	r.add(second)
	return r, first, away, going
}

func TestWhatComesBackBeforeItIsKnownThatItHadGoneIsTakenUp(t *testing.T) {
	r, first, away, going := leaving(t)
	away.Detach()
	here := r.attach(road.OutletOptions{Recipient: "admin", Window: 100})
	if n, err := r.q.TakeIn(t.Context(), []sms.ID{first.ID}); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	going.report(sms.Outcome{Verdict: sms.HandedOn})
	here.next("first").done()
	here.next("second").done()
	r.emptied()
}

// The one to whom it was handed on dies just then, and this worker takes over.
func TestWhatIsTakenOverBeforeItIsKnownThatItHadGoneIsTakenUp(t *testing.T) {
	r, first, away, going := leaving(t)
	n, err := r.q.TakeOver(t.Context(), func(_ context.Context, f func(*sms.Message) error) error { return f(first) })
	if n != 1 || err != nil {
		t.Fatal(n, err)
	}
	away.Detach()
	going.report(sms.Outcome{Verdict: sms.HandedOn})
	here := r.attach(road.OutletOptions{Recipient: "admin", Window: 100})
	here.next("first").done()
	here.next("second").done()
	r.emptied()
}

func TestWhatComesBackGoesBeforeWhatIsBeingHandedOn(t *testing.T) {
	for _, verdict := range []sms.Verdict{sms.Returned, sms.HandedOn} {
		r := newRig(t, func(op *Options) { op.Share = newOthers() })
		first, second := r.answerTo("first"), r.answerTo("second")
		r.add(first)
		r.add(second)
		away := r.attach(road.OutletOptions{Recipient: "admin", Window: 100, Serial: true, Holder: 5})
		away.next("first").report(sms.Outcome{Verdict: sms.HandedOn})
		going := away.next("second")
		away.Detach()
		here := r.attach(road.OutletOptions{Recipient: "admin", Window: 100})
		if n, err := r.q.TakeIn(t.Context(), []sms.ID{first.ID}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		going.report(sms.Outcome{Verdict: verdict})
		here.next("first").done()
		if verdict == sms.Returned {
			here.next("second").done()
		}
		r.emptied()
	}
}

func TestWhatWasHandedOnIsFollowedToTheWorkerThatHasIt(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	first := r.answerTo("first")
	r.add(first)
	away := r.away("first")
	r.add(r.answerTo("second"))
	away.next("second").report(sms.Outcome{Verdict: sms.Returned}) // that way it may go
	back := away.next("second")
	away.Rest(time.Hour) // before it is back: it is not to go once more
	back.report(sms.Outcome{Verdict: sms.Returned})
	away.Detach()
	third := r.attach(road.OutletOptions{Recipient: "admin", Window: 100, Holder: 6})
	testkit.Receive(t, o.barred, "the question where it is")
	ids := r.q.Apart(false)
	if !slices.Equal(ids, []sms.ID{first.ID}) || !slices.Equal(ids, r.q.Apart(true)) {
		t.Fatalf("%v are looked for", ids)
	}
	for _, at := range []sms.Epoch{5, 0} { // 0: on its way here
		if !r.q.Located(ids, map[sms.ID]sms.Epoch{first.ID: at}) || len(third.tries) > 0 {
			t.Fatalf("nothing waits while it is at %d", at)
		}
	}
	r.q.Located(ids, map[sms.ID]sms.Epoch{first.ID: 6})
	third.next("second").report(sms.Outcome{Verdict: sms.HandedOn})
	r.emptied()
}

func TestWhatWasHandedOnHoldsNothingBackWhenItHasEnded(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	first := r.answerTo("first")
	r.add(first)
	r.away("first").Detach()
	here := r.attach(road.OutletOptions{Recipient: "admin", Window: 100})
	r.add(r.answerTo("second"))
	testkit.Receive(t, o.barred, "the question where it is")
	if r.q.Located([]sms.ID{first.ID}, nil) || len(r.q.Apart(true)) > 0 {
		t.Fatal("it is waited for")
	}
	here.next("second").done()
	r.emptied()
}

func TestWhatADeadWorkerHandedOnIsNotOvertakenByWhatItHadLeft(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	first, second := r.answerTo("first"), r.answerTo("second")
	first.ID, first.Holder, second.ID = 500, 7, 501
	r.q.Parted(first)
	here := r.attach(road.OutletOptions{Recipient: "admin", Window: 100})
	if _, err := r.q.TakeOver(t.Context(), func(_ context.Context, f func(*sms.Message) error) error { return f(second) }); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, o.barred, "the question where it is")
	if ids := r.q.Apart(false); !slices.Equal(ids, []sms.ID{500}) || len(here.tries) > 0 {
		t.Fatalf("%v are looked for", ids)
	}
}

func TestWhatIsTakenOverStandsBeforeWhatCameLater(t *testing.T) {
	r := newRig(t, func(op *Options) { op.Share = newOthers() })
	first, second, third := r.answerTo("first"), r.answerTo("second"), r.answerTo("third")
	r.add(r.answerTo("before"))
	first.ID, second.ID = 500, 501
	third.ID = 1000
	if _, err := r.q.TakeOver(t.Context(), func(_ context.Context, f func(*sms.Message) error) error { return f(third) }); err != nil {
		t.Fatal(err)
	}
	if _, err := r.q.TakeOver(t.Context(), func(_ context.Context, f func(*sms.Message) error) error { return errors.Join(f(first), f(second)) }); err != nil {
		t.Fatal(err)
	}
	l := r.q.lanes.at(r.q.entries.at(ref(r.q.byID.find(1000))).lane)
	var ids []sms.ID
	for e := l.line; e != 0; e = r.q.entries.at(e).next {
		ids = append(ids, r.q.entries.at(e).id)
	}
	if !slices.Equal(ids[1:], []sms.ID{500, 501, 1000}) {
		t.Fatalf("they are in the order %v", ids)
	}
}

func TestWhatEndedElsewhereBeforeAnEarlierOneDoesNotLetThatBeOvertaken(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	first, second := r.answerTo("first"), r.answerTo("second")
	r.add(first)
	away := r.away("first")
	r.add(second)
	away.next("second").report(sms.Outcome{Verdict: sms.HandedOn})
	away.Detach()
	here := r.attach(road.OutletOptions{Recipient: "admin", Window: 100})
	r.add(r.answerTo("third"))
	testkit.Receive(t, o.barred, "the question where they are")
	ids := r.q.Apart(false)
	if !slices.Equal(ids, []sms.ID{first.ID, second.ID}) {
		t.Fatalf("%v are looked for", ids)
	}
	if !r.q.Located(ids, map[sms.ID]sms.Epoch{first.ID: 5}) || !slices.Equal(r.q.Apart(true), ids[:1]) { // the first one is to be tried again
		t.Fatal("it is not waited for the first one")
	}
	r.nothing(here, "admin")
	r.q.Located(ids[:1], nil)
	here.next("third").done()
	r.emptied()
}

func TestOfWhatWasHandedOnTheLastOnesAreRemembered(t *testing.T) {
	o := newOthers()
	r := newRig(t, func(op *Options) { op.Share = o })
	away := r.attach(road.OutletOptions{Recipient: "admin", Window: 100, Holder: 5})
	for range 2 * apartMost {
		r.add(r.answerTo("text"))
		away.next("text").report(sms.Outcome{Verdict: sms.HandedOn})
	}
	r.emptied()
	if ids := r.q.Apart(true); len(ids) != apartMost {
		t.Fatalf("%d are", len(ids))
	}
}

// Of a conversation whose messages come from several workers a younger one can come first, and be in flight when the older ones come.
func TestWhatComesBehindAYoungerOneThatWasInFlightKeepsItsPlaceAmongTheOlderOnes(t *testing.T) {
	r := newRig(t, nil)
	ms := map[string]*sms.Message{}
	for _, text := range []string{"first", "second", "third", "fourth"} { // other workers have them
		ms[text] = r.answerTo(text)
		storetest.Add(t, r.store, ms[text])
	}
	takeIn := func(text string) {
		if n, err := r.q.TakeIn(t.Context(), []sms.ID{ms[text].ID}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	here := r.attach(road.OutletOptions{Recipient: "admin", Window: 100, Serial: true, Retry: []time.Duration{time.Minute}})
	takeIn("third")
	try := here.next("third")
	takeIn("fourth")
	takeIn("first")
	try.again()
	takeIn("second")
	r.elapse(2 * time.Minute)
	for _, text := range []string{"third", "first", "second", "fourth"} {
		here.next(text).done()
	}
	r.emptied()
}
