package queue

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// key is what Hermès is given with a try.
func (t try) key() string {
	return slices.MinFunc(t.ms, func(a, b *sms.Message) int { return int(a.ID) - int(b.ID) }).Key()
}

// refused reports that a try has failed, and waits until that is on disk.
func (r *rig) refused(try try) {
	r.t.Helper()
	try.again()
	testkit.Await(r.t, "the failed try is on disk", func() bool { return r.q.Stats().Unwritten == 0 })
}

// patientHermes tries again when the test says so.
func (r *rig) patientHermes() *outbox {
	return r.attach(road.OutletOptions{Window: 32, Serial: true, Retry: []time.Duration{time.Hour}})
}

func (r *rig) cancel(ms ...*sms.Message) {
	r.t.Helper()
	for _, m := range ms {
		if err := r.q.Cancel(r.t.Context(), m.ID); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestEveryTryOfAMessageHasItsKey(t *testing.T) {
	for _, held := range []int{0, 1} {
		r := newRig(t, func(o *Options) { o.CacheOctets = held })
		h := r.patientHermes()
		m := r.text("m")
		r.add(m)
		first := h.next("m")
		key := first.key()
		if !strings.HasPrefix(key, m.ID.String()+"-") || key != m.Key() {
			t.Fatalf("the key of message %d is %q", m.ID, key)
		}
		r.refused(first)
		if err := r.q.Replace(t.Context(), m.ID, func(m *sms.Message) error {
			m.Content, m.ReceivedAt = []byte("replaced"), m.ReceivedAt.Add(time.Minute)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		h.Resume()
		second := h.next("replaced")
		if got := second.key(); got != key {
			t.Errorf("after a replacement it is tried under %q, at first under %q", got, key)
		}
		r.refused(second)
		r.restart()
		h = r.patientHermes()
		h.Resume()
		third := h.next("replaced")
		if got := third.key(); got != key {
			t.Errorf("after a restart it is tried under %q, at first under %q", got, key)
		}
		third.done()
		r.emptied()
	}
}

func TestAMessageThatReplacesAnotherHasAKeyOfItsOwn(t *testing.T) {
	r := newRig(t, nil)
	h := r.patientHermes()
	old, m := r.text("old"), r.text("new")
	r.add(old)
	first := h.next("old")
	r.refused(first)
	s := newSubmission()
	if err := r.q.AddReplacing(t.Context(), m, 0, s, nil); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, s.accepted, "Accepted")
	second := h.next("new")
	if second.key() == first.key() || second.key() != m.Key() {
		t.Errorf("it is tried under %q, the old one under %q", second.key(), first.key())
	}
	second.done()
	r.emptied()
}

func TestATextKeepsTheKeyOfItsFirstTry(t *testing.T) {
	for _, test := range []struct {
		name    string
		cancel  []int // of a, b, c, once they were tried
		restart bool
		want    string
	}{
		{"whole", nil, false, "abc"},
		{"whole, after a restart", nil, true, "abc"},
		{"its lead cancelled", []int{0}, false, "bc"},
		{"its lead cancelled, after a restart", []int{0}, true, "bc"},
		{"another cancelled, after a restart", []int{1}, true, "ac"},
		{"its lead and the next one cancelled", []int{0, 1}, false, "c"},
		{"its lead and the next one cancelled, after a restart", []int{0, 1}, true, "c"},
	} {
		for _, held := range []int{0, 1} {
			for _, reassemble := range []time.Duration{time.Minute, 0, time.Hour} { // in force after the restart
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					r := newRig(t, func(o *Options) { o.CacheOctets = held })
					h := r.patientHermes()
					ms := []*sms.Message{r.part("a", 1, 3, 1), r.part("b", 1, 3, 2), r.part("c", 1, 3, 3)}
					for _, m := range ms {
						r.add(m)
					}
					behind := r.text("behind")
					first := h.next("abc")
					r.add(behind)
					key := first.key()
					if !strings.HasPrefix(key, ms[0].ID.String()+"-") {
						t.Fatalf("the key of the text that %d stands for is %q", ms[0].ID, key)
					}
					r.refused(first)
					for _, i := range test.cancel {
						r.cancel(ms[i])
					}
					if test.restart {
						r.o.Reassemble = reassemble
						r.restart()
						h = r.patientHermes()
					}
					h.Resume()
					for range 2 {
						again := h.next(test.want)
						if again.key() != key || again.incomplete != (len(test.want) < 3) {
							t.Errorf("it is tried under %q (incomplete: %v), at first under %q", again.key(), again.incomplete, key)
						}
						r.refused(again)
						h.Resume()
					}
					h.next(test.want).done()
					if last := h.next("behind"); last.key() != behind.Key() || last.key() == key {
						t.Errorf("what stood behind it is tried under %q", last.key())
					} else {
						last.done()
					}
					r.emptied()
				})
			}
		}
	}
}

// Before its first try a text is what its parts are then.
func TestATextWhosePartsWereCancelledBeforeItsFirstTryHasTheKeyOfItsLowestPart(t *testing.T) {
	r := newRig(t, nil)
	h := r.patientHermes()
	ahead := r.text("ahead")
	r.add(ahead)
	h.next("ahead").again()
	a, b, c := r.part("a", 1, 3, 1), r.part("b", 1, 3, 2), r.part("c", 1, 3, 3)
	for _, m := range []*sms.Message{a, b, c} {
		r.add(m)
	}
	r.restart()
	h = r.patientHermes()
	r.cancel(a)
	h.Resume()
	h.next("ahead").done()
	if try := h.next("bc"); try.key() != b.Key() || !strings.HasPrefix(try.key(), b.ID.String()+"-") {
		t.Errorf("it is tried under %q, want %q", try.key(), b.Key())
	} else {
		try.done()
	}
	r.emptied()
}

func TestATextThatWasInFlightWhenTheWorkerWasKilledKeepsItsKey(t *testing.T) {
	for _, test := range []struct {
		cancel int // -1 = none
		want   string
	}{{-1, "abc"}, {0, "bc"}, {2, "ab"}} {
		r := newRig(t, nil)
		ms := []*sms.Message{r.part("a", 1, 3, 1), r.part("b", 1, 3, 2), r.part("c", 1, 3, 3)}
		for _, m := range ms {
			r.add(m)
		}
		key := r.patientHermes().next("abc").key() // nobody will know what came of it
		r.restart()
		if test.cancel >= 0 {
			r.cancel(ms[test.cancel])
		}
		if try := r.patientHermes().next(test.want); try.key() != key {
			t.Errorf("%s is tried under %q, the first time under %q", test.want, try.key(), key)
		} else {
			try.done()
		}
		r.emptied()
	}
}

func TestALatePartNeverJoinsATextThatWasTried(t *testing.T) {
	for _, restart := range []bool{false, true} {
		r := newRig(t, nil)
		h := r.patientHermes()
		a, b, c, late := r.part("a", 1, 3, 1), r.part("b", 1, 3, 2), r.part("c", 1, 3, 3), r.part("b", 1, 3, 2)
		for _, m := range []*sms.Message{a, b, c} {
			r.add(m)
		}
		first := h.next("abc")
		r.refused(first)
		r.cancel(b)
		r.add(late) // in time, were the text still open
		if restart {
			r.restart()
			h = r.patientHermes()
		}
		h.Resume()
		second := h.next("ac")
		if second.key() != first.key() || !second.incomplete {
			t.Errorf("the text is tried under %q (incomplete: %v), at first under %q", second.key(), second.incomplete, first.key())
		}
		second.done()
		r.cancel(late)
		r.emptied()
	}
}

func TestTwoTextsOfOneReferenceHaveTwoKeysAfterARestartToo(t *testing.T) {
	r := newRig(t, nil)
	h := r.patientHermes()
	for _, m := range []*sms.Message{r.part("a", 1, 2, 1), r.part("b", 1, 2, 2)} {
		r.add(m)
	}
	first := h.next("ab")
	r.refused(first)
	other := r.part("c", 1, 2, 1)
	r.add(other)
	r.restart()
	h = r.patientHermes()
	r.add(r.part("d", 1, 2, 2))
	h.Resume()
	again := h.next("ab")
	again.done()
	second := h.next("cd")
	second.done()
	if again.key() != first.key() || second.key() != other.Key() {
		t.Errorf("the first is tried under %q, then %q; the second under %q, want %q", first.key(), again.key(), second.key(), other.Key())
	}
	r.emptied()
}

// Its key says what Hermès was given under it: that part, and no more.
func TestAPartThatWasTriedByItselfGoesOnByItself(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Reassemble = 0 })
	h := r.patientHermes()
	a := r.part("a", 1, 2, 1)
	r.add(a)
	first := h.next("a")
	r.refused(first)
	r.o.Reassemble = 200 * time.Millisecond
	r.restart()
	h = r.patientHermes()
	r.add(r.part("b", 1, 2, 2))
	h.Resume()
	again := h.next("a")
	if again.key() != first.key() {
		t.Errorf("it is tried under %q, at first under %q", again.key(), first.key())
	}
	again.done()
	h.next("b").done()
	r.emptied()
}
