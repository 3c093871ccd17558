package queue

import (
	"fmt"
	"strings"
	"testing"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
)

// again hands in the same part once more and tells which message answers it.
func (r *rig) again(m *sms.Message) sms.ID {
	r.t.Helper()
	c := r.part(string(m.Content), m.Part.Ref, m.Part.Total, m.Part.Seq) // what else m has is the queue's
	r.add(c)
	return c.ID
}

// pushed hands in the parts of a text and has Hermès take it.
func (r *rig) pushed(h *outbox, ms ...*sms.Message) {
	r.t.Helper()
	var text strings.Builder
	for _, m := range ms {
		text.Write(m.Content)
		r.add(m)
	}
	h.next(text.String()).done()
	for _, m := range ms {
		r.wantState(m, sms.Delivered)
	}
}

func TestAPartThatIsSentAgainAfterItsTextWasCompleteIsAnsweredAsTheFirstTimeAndGoesNoFurther(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	a, b := r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)
	r.pushed(h, a, b)
	for _, m := range []*sms.Message{b, a, b} {
		if id := r.again(m); id != m.ID {
			t.Errorf("part %d has the id %d, and is answered with %d", m.Part.Seq, m.ID, id)
		}
	}
	r.nothing(h, sms.Hermes)
	r.emptied()
}

func TestAPartThatIsSentAgainWhileItsTextWaitsToBePushedGoesNoFurther(t *testing.T) {
	r := newRig(t, nil)
	a, b := r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)
	r.add(a)
	r.add(b)
	if id := r.again(a); id != a.ID {
		t.Errorf("it is answered with %d, want %d", id, a.ID)
	}
	h := r.hermes()
	h.next("ab").done()
	r.nothing(h, sms.Hermes)
	r.emptied()
}

func TestWhatDiffersFromThePartOfATextThatWasCompleteIsNew(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	a, b := r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)
	other, number, to, form := r.part("b", 1, 2, 2), r.part("b", 1, 2, 2), r.part("b", 1, 2, 2), r.part("b", 1, 2, 2)
	a.PartForm, b.PartForm, form.PartForm = sms.FormUDH8, sms.FormUDH8, sms.FormSAR
	r.pushed(h, a, b)
	other.Submitter, number.Source.Number, to.Dest.Number = "other", "33600000000", "3601"
	for _, m := range []*sms.Message{r.part("B", 1, 2, 2), r.part("b", 2, 2, 2), r.part("b", 1, 3, 2), r.part("b", 1, 2, 1), other, number, to, form} {
		if r.add(m); m.ID <= b.ID {
			t.Errorf("%+v is taken for message %d", m, m.ID)
		}
	}
	r.clock.elapse(r.o.Reassemble) // too late
	if id := r.again(b); id == b.ID {
		t.Error("it is remembered for too long")
	}
}

func TestAPartWhoseTextWentOnIncompleteOrWasTakenBackIsNewWhenItIsSentAgain(t *testing.T) {
	for _, restart := range []bool{false, true} {
		r := newRig(t, nil)
		a, b := r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)
		r.add(a)
		r.add(b)
		if err := r.q.Cancel(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
		if restart {
			r.restart()
		}
		if id := r.again(a); id == a.ID {
			t.Error("what was taken back is not handed in any more")
		}
		alone := r.part("x", 2, 2, 1)
		r.add(alone)
		r.clock.elapse(r.o.Reassemble)
		if restart {
			r.restart()
		}
		if id := r.again(alone); id == alone.ID {
			t.Error("the part of a text that was never complete is not handed in any more")
		}
	}
}

func TestAPartThatIsSentAgainIsKnownAfterARestart(t *testing.T) {
	r := newRig(t, nil)
	a, b := r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)
	r.pushed(r.hermes(), a, b)
	waiting := []*sms.Message{r.part("c", 2, 2, 1), r.part("d", 2, 2, 2)}
	for _, m := range waiting {
		r.add(m)
	}
	r.restart()
	for _, m := range append(waiting, a, b) {
		if id := r.again(m); id != m.ID {
			t.Errorf("%q has the id %d, and is answered with %d", m.Content, m.ID, id)
		}
	}
	h := r.hermes()
	h.next("cd").done()
	r.nothing(h, sms.Hermes)
	r.restart()
	if id := r.again(r.part("B", 1, 2, 2)); id <= waiting[1].ID {
		t.Error("other octets are taken for the same")
	}
}

func TestTheStoreIsAskedOnlyForPartsThatBeginATextAndOnlySoLongAfterAStart(t *testing.T) {
	for _, form := range []sms.PartForm{sms.FormUnknown, sms.FormUDH8, sms.FormUDH16, sms.FormSAR} {
		r := newRig(t, nil)
		looks := func() (n int) {
			r.fault.set(func() { n, r.fault.looks = r.fault.looks, 0 })
			return n
		}
		add := func(m *sms.Message) { m.PartForm = form; r.add(m) }
		add(r.part("a", 1, 3, 1))
		add(r.part("b", 1, 3, 2))
		r.add(r.text("whole"))
		if n := looks(); n != 1 {
			t.Errorf("form %d: it was asked %d times, want 1", form, n)
		}
		r.clock.elapse(r.o.Reassemble)
		add(r.part("a", 2, 3, 1))
		if n := looks(); n != 0 {
			t.Errorf("form %d: long after the start it was asked %d times", form, n)
		}
	}
}

func TestAPartThatIsSentAgainIsKnownAlsoWhenTheNextTextUnderItsReferenceHasBegunWhereTheOldOneWasNot(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Share = newOthers() })
	h := r.hermes()
	parts := []*sms.Message{r.part("a", 1, 3, 1), r.part("b", 1, 3, 2), r.part("c", 1, 3, 3)}
	for _, m := range parts { // at another worker
		m.State = sms.Enroute
		storetest.Add(t, r.store, m)
		storetest.Finish(r.store, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	}
	first := r.part("A", 1, 3, 1)
	r.add(first)
	for _, m := range parts {
		if id := r.again(m); id != m.ID {
			t.Errorf("%q has the id %d, and is answered with %d", m.Content, m.ID, id)
		}
	}
	r.add(r.part("B", 1, 3, 2))
	r.add(r.part("C", 1, 3, 3))
	h.next("ABC").done()
	r.nothing(h, sms.Hermes)
	r.emptied()
}

func TestAPartIsNotTakenForOneOfAnOlderTextThatTheNextOneUnderItsReferenceHasBegunToFollow(t *testing.T) {
	for _, tried := range []bool{true, false} {
		for _, begun := range []bool{false, true} {
			r := newRig(t, func(o *Options) { o.Share = newOthers() })
			elsewhere := func(text string, seq byte) *sms.Message {
				m := r.part(text, 1, 2, seq)
				m.ReceivedAt, _ = r.clock.read()
				storetest.Add(t, r.store, m)
				return m
			}
			var b *sms.Message
			if tried {
				b = r.part("the same end", 1, 2, 2)
				r.pushed(r.hermes(), r.part("first A ", 1, 2, 1), b)
			} else {
				elsewhere("first A ", 1)
				b = elsewhere("the same end", 2)
			}
			r.clock.elapse(r.o.Reassemble + r.o.Reassemble/2)
			if begun {
				elsewhere("next A ", 1)
			}
			if id := r.again(b); id == b.ID {
				t.Errorf("tried %v, begun %v: the end of the next text is answered as that of the older one, and goes no further", tried, begun)
			}
		}
	}
}

func TestThePartsOfEachTextUnderAReferenceAreKnownByThemselves(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Share = newOthers() })
	var texts [3][]*sms.Message
	for i := range texts { // at another worker
		for seq, text := range []string{"a", "b", "the same end"} {
			if seq < 2 {
				text = fmt.Sprint(text, i)
			}
			m := r.part(text, 1, 3, byte(seq+1))
			m.ReceivedAt, _ = r.clock.read()
			storetest.Add(t, r.store, m)
			texts[i] = append(texts[i], m)
		}
		r.clock.elapse(r.o.Reassemble * 3 / 4)
	}
	for i, parts := range texts {
		for _, m := range parts[:2] { // the first text was complete more than two timeouts ago, the second one more than one
			if id := r.again(m); (id == m.ID) != (i == 2) {
				t.Errorf("part %q of text %d has the id %d, and is answered with %d", m.Content, i, m.ID, id)
			}
		}
	}
	if end := texts[2][2]; r.again(end) != end.ID {
		t.Error("the end of the last text is not known")
	}
}

func TestPartsOfCompleteTextsAreRememberedUpToABoundAndThenFoundInTheStore(t *testing.T) {
	r := newRig(t, nil)
	r.clock.elapse(r.o.Reassemble) // the start is long ago
	const bound = 10
	r.q.mu.Lock()
	r.q.complete.max = bound
	r.q.mu.Unlock()
	h := r.hermes()
	var all []*sms.Message
	for ref := range uint16(5 * bound) {
		a, b := r.part(fmt.Sprint("a", ref), ref, 2, 1), r.part(fmt.Sprint("b", ref), ref, 2, 2)
		r.pushed(h, a, b)
		all = append(all, a, b)
	}
	r.q.mu.Lock()
	if n := len(r.q.complete.ids); n > bound || r.q.complete.order.len() != n {
		t.Errorf("%d parts are remembered, want %d at most", n, bound)
	}
	r.q.mu.Unlock()
	for _, m := range all {
		if id := r.again(m); id != m.ID {
			t.Errorf("%q has the id %d, and is answered with %d", m.Content, m.ID, id)
		}
	}
	r.nothing(h, sms.Hermes)
}

func TestAPartIsTakenForNewWhileTheStoreCannotBeRead(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	a, b := r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)
	r.pushed(h, a, b)
	r.fault.set(func() { r.fault.loadErr = errDisk })
	id := r.again(b)
	r.fault.set(func() { r.fault.loadErr = nil })
	if id == b.ID {
		t.Error("what was not looked at is taken for the same")
	}
}
