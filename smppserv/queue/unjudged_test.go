package queue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// unjudged reports a try that says nothing of its message.
func (t try) unjudged() {
	t.report(sms.Outcome{Verdict: sms.TryAgain, Code: 503, Reason: "busy", After: time.Hour, Unjudged: true, Unreached: true})
}

func TestATryThatSaysNothingOfItsMessageTakesNoStepAndKeepsItsPlace(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 1, Serial: true, Retry: []time.Duration{time.Hour}})
	first, second := r.text("first"), r.text("second")
	r.add(first)
	try := h.next("first")
	r.add(second)
	for range 20 {
		try.unjudged()
		try = h.next("first")
	}
	got, err := r.store.Get(t.Context(), first.ID)
	if err != nil || got.Attempts != 0 || got.DueAt.UnixMilli() != first.DueAt.UnixMilli() || got.Wait != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	testkit.Await(t, "what came of it is on disk", func() bool {
		got, err := r.store.Get(t.Context(), first.ID)
		return err == nil && got.Error == 503 && got.Reason == "busy"
	})
	try.done()
	h.next("second").done()
	if got := r.wantState(first, sms.Delivered); got.Attempts != 1 {
		t.Errorf("%d attempts", got.Attempts)
	}
	r.emptied()
}

func TestOthersHaveTheirTurnsBeforeIt(t *testing.T) {
	r := newRig(t, nil)
	for i := range 3 {
		m := r.text(fmt.Sprint(i))
		m.Source.Number = fmt.Sprint(33600000000 + i)
		r.add(m)
	}
	h := r.attach(road.OutletOptions{Window: 1, Serial: true})
	for i := range 9 { // each probe is of the next conversation
		h.next(fmt.Sprint(i % 3)).unjudged()
	}
	for i := range 3 {
		h.next(fmt.Sprint(i)).done()
	}
	r.emptied()
}

func TestItGoesWhenThePauseIsOverAndNotBefore(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 1, Serial: true, Retry: []time.Duration{time.Hour}})
	r.add(r.text("x"))
	try := h.next("x")
	h.Pause(time.Hour)
	try.unjudged()
	testkit.Await(t, "the outcome is written", func() bool { return r.q.Stats().Unwritten == 0 && r.q.Stats().InFlight == 0 })
	if len(h.tries) > 0 {
		t.Fatal("it is tried during a pause")
	}
	h.Resume()
	h.next("x").done()
	r.emptied()
}

func TestItsScheduleGoesOnWhereItWas(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 1, Serial: true, Retry: []time.Duration{time.Millisecond, time.Hour}})
	m := r.text("x")
	r.add(m)
	h.next("x").again()
	try := h.next("x")
	try.unjudged()
	try = h.next("x")
	due := r.wantState(m, sms.Enroute)
	testkit.Await(t, "what came of it is on disk", func() bool { due = r.wantState(m, sms.Enroute); return due.Attempts == 1 && r.q.Stats().Unwritten == 0 })
	if due.Wait != time.Millisecond {
		t.Errorf("%+v", due)
	}
	try.report(sms.Outcome{Verdict: sms.TryAgain, Code: 500})
	testkit.Await(t, "the second step is taken", func() bool { return r.wantState(m, sms.Enroute).Wait == time.Hour })
}

func TestARestartForgetsNothingOfATryThatSaidNothing(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	for _, m := range []*sms.Message{r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)} {
		m.RegisteredDelivery, m.SetDPF = 0x10, true
		r.add(m)
	}
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	try := h.next("ab")
	key := try.ms[0].Key()
	try.unjudged()
	h.next("ab")
	for range 2 {
		c.nextKind(sms.KindIntermediate).done()
	}
	testkit.Await(t, "all of it is on disk", func() bool { return r.q.Stats().Unwritten == 0 })
	r.restart()
	r.add(r.text("behind"))
	h, c = r.hermes(), r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	try = h.next("ab")
	if try.ms[0].Key() != key {
		t.Errorf("the key is %q, and was %q", try.ms[0].Key(), key)
	}
	try.unjudged()
	h.next("ab").done()
	h.next("behind").done()
	for range 2 { // and no second notification: they could not be reached at first, and are alerted
		c.nextKind(sms.KindAlert).done()
	}
	r.emptied()
}

func TestOneThatMayBeTriedOnceHasFailed(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("x")
	m.ESMClass = 0x01
	r.add(m)
	h.next("x").unjudged()
	r.wantState(m, sms.Undeliverable)
	r.emptied()
}

// panicking is a Deliverer that some texts make panic.
type panicking struct{ *outbox }

func (p panicking) Deliver(ms []*sms.Message, incomplete bool, report func(sms.Outcome)) {
	switch text := string(ms[0].Content); text {
	case "panics":
		panic(text)
	case "panics late":
		report(sms.Outcome{Verdict: sms.Done})
		panic(text)
	}
	p.outbox.Deliver(ms, incomplete, report)
}

func TestAMessageThatMakesItsDelivererPanicHasFailedAfterThreeTimesAndNobodyElseSuffers(t *testing.T) {
	log := &testkit.Log{}
	r := newRig(t, func(o *Options) { o.Log = zerolog.New(log) })
	o := &outbox{t: t, tries: make(chan try, 100)}
	o.Outlet = r.q.Attach(road.OutletOptions{Window: 4, Serial: true, Retry: []time.Duration{time.Millisecond}, Deliverer: panicking{o}})
	bad, late := r.text("panics"), r.text("panics late")
	bad.RegisteredDelivery, late.Source.Number = 1, "33699999999"
	r.add(bad)
	r.add(late)
	r.add(r.text("behind"))
	got := r.wantState(bad, sms.Undeliverable)
	if got.Attempts != maxFaults || got.Reason != "a fault of the server: string" {
		t.Errorf("%+v", got)
	}
	r.wantState(late, sms.Delivered)
	o.next("behind").done()
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	c.nextKind(sms.KindReceipt).done()
	r.emptied()
	if said := log.String(); strings.Count(said, "unjudged_test.go") != maxFaults+1 {
		t.Errorf("the log says\n%s", said)
	}
	if len(r.q.faults) > 0 {
		t.Errorf("%v is remembered", r.q.faults)
	}
}

// touchy is a submission that panics.
type touchy struct{ *submission }

func (touchy) Accepted(*sms.Message, bool, error)      { panic("accepted") }
func (touchy) Concluded(m *sms.Message, _ sms.Outcome) { panic("concluded") }

func TestASubmissionThatPanicsStopsNothing(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	if err := r.q.Add(r.text("x"), 0, touchy{newSubmission()}); err != nil {
		t.Fatal(err)
	}
	h.next("x").done()
	m := r.text("y")
	s := r.add(m)
	h.next("y").done()
	testkit.Receive(t, s.concluded, "Concluded")
	if err := r.q.Replace(t.Context(), m.ID, nil); err == nil {
		t.Error("what has ended is replaced")
	}
	later := r.text("z")
	later.DueAt = later.DueAt.Add(time.Hour)
	r.add(later)
	if err := r.q.Replace(t.Context(), later.ID, func(*sms.Message) error { panic("replace") }); err == nil {
		t.Error("a panic is a success")
	}
	if err := r.q.Cancel(t.Context(), later.ID); err != nil {
		t.Error(err)
	}
	r.emptied()
}

func TestWhatIsKnownAlreadyNeedsNoRoomInAFullQueue(t *testing.T) {
	r := newRig(t, nil)
	add := func(id string) (m *sms.Message, s *submission, err error) {
		m, s = r.answerTo("hi "+id), newSubmission()
		m.ExternalID = id
		return m, s, r.q.Add(m, 2, s)
	}
	var ms []*sms.Message
	for _, id := range []string{"h-1", "h-2"} {
		m, s, err := add(id)
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
		if id == "h-2" { // the first may be on its way to disk
			if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, id := range []string{"h-1", "h-2"} {
		m, s, err := add(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := testkit.Receive(t, s.accepted, "Accepted"); err != nil || !s.duplicate || m.ID != ms[i].ID {
			t.Errorf("%s: %v, duplicate %v, id %d", id, err, s.duplicate, m.ID)
		}
	}
	_, s, err := add("h-3")
	if err == nil {
		err = testkit.Receive(t, s.accepted, "Accepted")
	}
	if err != sms.ErrQueueFull || s.duplicate {
		t.Errorf("another one: %v", err)
	}
	m := r.answerTo("without an id")
	if err := r.q.Add(m, 2, newSubmission()); err != sms.ErrQueueFull {
		t.Errorf("one without an id: %v", err)
	}
	if n := r.q.Pending("admin"); n != 2 {
		t.Errorf("%d are pending", n)
	}
}

func TestReferencesOfDifferentFormsAreDifferentTexts(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	forms := []sms.PartForm{sms.FormUDH8, sms.FormUDH16, sms.FormSAR}
	for seq := range byte(2) {
		for i, form := range forms {
			m := r.part(fmt.Sprint(i, ":", seq, " "), 7, 2, seq+1)
			m.PartForm = form
			r.add(m)
		}
		if seq == 0 {
			r.restart() // they are kept apart on disk too
			h = r.hermes()
		}
	}
	for i := range forms {
		h.next(fmt.Sprintf("%d:0 %d:1 ", i, i)).done()
	}
	r.emptied()
}

func TestAPartJoinsThoseThatAnEarlierVersionStored(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	r.add(r.part("a", 7, 2, 1))
	m := r.part("b", 7, 2, 2)
	m.PartForm = sms.FormUDH16
	r.add(m)
	h.next("ab").done()
	r.emptied()
}
