package queue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func (r *rig) part(text string, ref uint16, total, seq byte) *sms.Message {
	m := r.text(text)
	m.Part = sms.Part{Ref: ref, Total: total, Seq: seq}
	return m
}

func TestPartsInAnyOrderBecomeOneTextThatTheLowestIDStandsFor(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	ms := []*sms.Message{r.part("c", 1, 3, 3), r.part("a", 1, 3, 1), r.part("b", 1, 3, 2)}
	for _, m := range ms {
		m.RegisteredDelivery = 1
		r.add(m)
	}
	try := h.next("abc")
	if try.incomplete || len(try.ms) != 3 {
		t.Fatalf("got %+v", try)
	}
	try.again()
	h.next("abc").done()
	for _, m := range ms {
		if got := r.wantState(m, sms.Delivered); got.Attempts != 2 {
			t.Fatalf("got %+v", got)
		}
	}
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	for range ms {
		testkit.Receive(t, c.tries, "a receipt for each part").done()
	}
	r.emptied()
}

func TestPartsOfDifferentTextsAreKeptApart(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	other, number, total := r.part("other", 1, 2, 2), r.part("number", 1, 2, 2), r.part("total", 1, 3, 2)
	other.Submitter = "other"
	number.Source.Number = "33600000000"
	for _, m := range []*sms.Message{r.part("a", 1, 2, 1), other, number, total, r.part("ref", 2, 2, 2)} {
		r.add(m)
	}
	r.nothing(h, sms.Hermes)
	r.add(r.part("b", 1, 2, 2))
	h.next("ab").done()
}

func TestAPartHandedInTwiceIsPushedOnceAndBothEnd(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	ms := []*sms.Message{r.part("a", 1, 2, 1), r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)}
	for _, m := range ms {
		r.add(m)
	}
	h.next("ab").done()
	for _, m := range ms {
		r.wantState(m, sms.Delivered)
	}
	r.emptied()
}

func TestAReferenceUsedAgainDoesNotMixTexts(t *testing.T) {
	for _, restart := range []string{"", "before", "after"} {
		t.Run(restart, func(t *testing.T) {
			r := newRig(t, nil)
			r.add(r.part("old1", 1, 2, 1))
			if restart == "before" {
				r.restart()
			}
			r.add(r.part("new1", 1, 2, 1))
			r.add(r.part("new2", 1, 2, 2))
			if restart == "after" {
				r.restart()
			}
			h := r.hermes()
			try := h.next("old1")
			if !try.incomplete {
				t.Fatal("it is not complete")
			}
			try.done()
			try = h.next("new1new2")
			if try.incomplete {
				t.Fatal("it is complete")
			}
			try.done()
			r.emptied()
		})
	}
}

// An 8-bit reference, a 16-bit one and sar_msg_ref_num may be the same number at a time.
func TestReferencesOfDifferentFormsNameDifferentTexts(t *testing.T) {
	forms := []sms.PartForm{sms.FormUDH8, sms.FormUDH16, sms.FormSAR}
	for _, restart := range []bool{false, true} {
		r := newRig(t, nil)
		for seq := byte(1); seq <= 2; seq++ {
			for i, form := range forms {
				m := r.part(fmt.Sprintf("%c%d", 'a'+i, seq), 5, 2, seq)
				m.PartForm = form
				r.add(m)
			}
			if restart {
				r.restart()
			}
		}
		h := r.hermes()
		for _, text := range []string{"a1a2", "b1b2", "c1c2"} {
			try := h.next(text)
			if try.incomplete {
				t.Errorf("%s is not complete (restart: %v)", text, restart)
			}
			try.done()
		}
		r.emptied()
	}
}

func TestATextWhosePartsDoNotComeGoesIncomplete(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	r.add(r.part("a", 1, 3, 1))
	r.add(r.part("c", 1, 3, 3))
	r.elapse(r.o.Reassemble / 2)
	r.nothing(h, sms.Hermes)
	r.elapse(r.o.Reassemble / 2)
	try := h.next("ac")
	if !try.incomplete {
		t.Fatalf("got %+v", try)
	}
	try.done()
	r.emptied()
}

func TestPartsExpireWhileTheyWaitForOthers(t *testing.T) {
	r := newRig(t, nil)
	a, b := r.part("a", 1, 3, 1), r.part("b", 1, 3, 2)
	b.ExpiresAt = b.ReceivedAt.Add(30 * time.Millisecond)
	r.add(a)
	r.add(b)
	r.wantState(a, sms.Expired)
	r.wantState(b, sms.Expired)
	r.emptied()
}

func TestARestartInTheMiddleOfATextLosesNoPart(t *testing.T) {
	r := newRig(t, nil)
	r.add(r.part("b", 1, 3, 2))
	r.add(r.part("a", 1, 3, 1))
	r.restart()
	r.add(r.part("a", 1, 3, 1)) // handed in again, its answer was lost
	h := r.hermes()
	r.nothing(h, sms.Hermes)
	r.add(r.part("c", 1, 3, 3))
	try := h.next("abc")
	try.again()
	h.next("abc").report(sms.Outcome{Verdict: sms.TryAgain, After: time.Hour})
	testkit.Await(t, "it is written", func() bool { return r.q.Stats().Unwritten == 0 })
	r.restart()
	h = r.hermes()
	r.nothing(h, sms.Hermes) // an hour
	h.Resume()
	if try := h.next("abc"); try.incomplete || try.ms[0].Attempts != 2 {
		t.Fatalf("got %+v", try.ms[0])
	} else {
		try.done()
	}
	r.emptied()
}

func TestAfterARestartAnIncompleteTextStillGoesBeforeWhatCameAfterItsTime(t *testing.T) {
	r := newRig(t, nil)
	now := time.Now()
	for i, m := range []*sms.Message{r.part("first", 1, 2, 1), r.text("second"), r.text("third")} {
		m.ReceivedAt = now.Add(time.Duration(i)*time.Minute - 5*time.Minute)
		m.DueAt = m.ReceivedAt
		r.add(m)
	}
	r.restart()
	h := r.hermes()
	h.next("first").done()
	h.next("second").done()
	h.next("third").done()
	r.emptied()
}

func TestACancelledPartLeavesTheOthers(t *testing.T) {
	for _, test := range []struct {
		name       string
		cancel     []int // of b a a' c, in the order in which they came
		want       string
		incomplete bool
	}{
		{"the lead", []int{0}, "ac", true},
		{"another", []int{1, 2}, "bc", true},
		{"one that came twice", []int{1}, "abc", false},
		{"the second time", []int{2}, "abc", false},
		{"the lead and its successor", []int{0, 1}, "ac", true},
		{"all but the last", []int{0, 1, 2}, "c", true},
		{"all", []int{0, 1, 2, 3}, "", true},
	} {
		for _, held := range []int{0, 1} {
			for _, closed := range []bool{false, true} {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					r := newRig(t, func(o *Options) { o.CacheOctets = held })
					ms := []*sms.Message{r.part("b", 1, 3, 2), r.part("a", 1, 3, 1), r.part("a", 1, 3, 1), r.part("c", 1, 3, 3)}
					for i, m := range ms {
						if i == 3 && !closed {
							break
						}
						r.add(m)
					}
					for _, i := range test.cancel {
						if i == 3 && !closed {
							r.add(ms[3])
						}
						if err := r.q.Cancel(t.Context(), ms[i].ID); err != nil {
							t.Fatal(i, err)
						}
						r.wantState(ms[i], sms.Deleted)
					}
					if !closed && ms[3].ID == 0 {
						r.add(ms[3])
					}
					if test.want != "" {
						r.elapse(r.o.Reassemble) // the others do not come any more
						try := r.hermes().next(test.want)
						if try.incomplete != test.incomplete {
							t.Fatalf("incomplete: %v", try.incomplete)
						}
						try.done()
					}
					r.emptied()
				})
			}
		}
	}
}

func TestAPartOfATextInFlightIsBeingTried(t *testing.T) {
	r := newRig(t, nil)
	h := r.attach(road.OutletOptions{Window: 32, Serial: true, Retry: []time.Duration{time.Hour}})
	a, b := r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)
	r.add(a)
	r.add(b)
	try := h.next("ab")
	for _, m := range []*sms.Message{a, b} {
		if err := r.q.Cancel(t.Context(), m.ID); err != sms.ErrBeingTried {
			t.Fatalf("got %v", err)
		}
	}
	try.again()
	if err := r.q.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	r.nothing(h, sms.Hermes) // the other still waits its hour
	h.Resume()
	if try := h.next("b"); !try.incomplete || try.ms[0].Attempts != 1 {
		t.Fatalf("got %+v", try)
	} else {
		try.done()
	}
	r.emptied()
}

func TestAScheduledLongTextHoldsNobodyBack(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	a, b := r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)
	for _, m := range []*sms.Message{a, b} {
		m.DueAt = m.ReceivedAt.Add(2 * time.Second)
		r.add(m)
	}
	r.texts("now")
	h.next("now").done()
	h.next("ab").done()
	r.emptied()
}

func TestPartsThatCannotBeAreWholeMessages(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	for _, p := range []sms.Part{{Total: 2, Seq: 0}, {Total: 2, Seq: 3}, {Total: 1, Seq: 1}, {Total: 0, Seq: 4}} {
		m := r.text("m")
		m.Part = p
		r.add(m)
		h.next("m").done()
	}
	r.emptied()
}

func TestPartsStaySingleWhenNothingIsReassembledOrForAClient(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 3})
	m := r.part("a", 1, 2, 1)
	m.Submitter, m.Recipient = "other", "admin"
	r.add(m)
	c.next("a").done()
	r.q.Configure(Settings{ReceiptValidity: time.Hour})
	r.add(r.part("b", 1, 2, 2))
	r.hermes().next("b").done()
	r.emptied()
}

func TestTheLongestTextIsJoined(t *testing.T) {
	r := newRig(t, func(o *Options) { o.CacheOctets = 1 })
	h := r.hermes()
	var want strings.Builder
	for seq := 255; seq > 0; seq-- {
		r.add(r.part(string(rune('a'+seq%26)), 1, 255, byte(seq)))
	}
	for seq := 1; seq <= 255; seq++ {
		want.WriteRune(rune('a' + seq%26))
	}
	h.next(want.String()).done()
	r.emptied()
}
