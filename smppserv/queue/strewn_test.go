package queue

import (
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

func span(from, to sms.ID) (all []sms.ID) {
	for id := from; id <= to; id++ {
		all = append(all, id)
	}
	return all
}

func upTo(last sms.ID) func(sms.ID) bool { return func(id sms.ID) bool { return id <= last } }

func only(one sms.ID) func(sms.ID) bool { return func(id sms.ID) bool { return id == one } }

// failBehind has the second of three messages fail for now while the first one is given back untried.
func failBehind(q *Queue, first, second sms.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a, b := q.byID.find(uint64(first)), q.byID.find(uint64(second))
	for _, r := range []ref{a, b} {
		q.take(r, q.entries.at(r))
	}
	now := q.now()
	q.wheel.advance(now, 1000)
	e := q.entries.at(b)
	e.attempts++
	e.due = now + time.Hour.Milliseconds()
	for _, r := range []ref{b, a} {
		q.giveBack(r, q.entries.at(r))
		q.arm(r, now)
	}
}

func TestARetryMissesNoWaitFarBehindWhatIsDue(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(q *Queue, c *handClock)
		retries []sms.ID
		waited  []sms.ID
	}{
		"the clock has gone on since the last turn": {func(q *Queue, c *handClock) {
			c.elapse(5 * time.Millisecond)
			line(q, only(2000), span(1, 3000)...)
		}, []sms.ID{3000}, span(2000, 2000)},
		"one of many that wait was asked for": {func(q *Queue, _ *handClock) {
			line(q, upTo(1500), span(1, 3000)...)
		}, []sms.ID{1400, 3000}, span(1401, 1500)},
		"older ones come before it": {func(q *Queue, _ *handClock) {
			none := upTo(0)
			line(q, none, span(5001, 5003)...)
			failBehind(q, 5001, 5002)
			line(q, none, span(1, 1100)...)
		}, []sms.ID{5003}, span(5002, 5002)},
		"the waits before it have ended": {func(q *Queue, c *handClock) {
			line(q, upTo(1500), span(1, 1500)...)
			c.elapse(30 * time.Minute)
			line(q, only(1501), span(1501, 3000)...)
			c.elapse(31 * time.Minute)
			q.mu.Lock()
			for q.wheel.advance(q.now(), 1000) {
			}
			q.mu.Unlock()
		}, []sms.ID{3000}, span(1501, 1501)},
	} {
		t.Run(name, func(t *testing.T) {
			c := newHandClock()
			q := New(Options{Log: zerolog.Nop(), Clock: c.read})
			test.happens(q, c)
			waits := func() (ids []sms.ID) {
				for id, w := range q.HowWait(test.waited) {
					if !w.Due.IsZero() {
						ids = append(ids, id)
					}
				}
				slices.Sort(ids)
				return ids
			}
			if got := waits(); !slices.Equal(got, test.waited) {
				t.Fatalf("%d wait before, want %d", len(got), len(test.waited))
			}
			for _, id := range test.retries {
				if err := q.RetryNow(id); err != nil {
					t.Fatal(err)
				}
			}
			if got := waits(); len(got) > 0 {
				t.Errorf("still wait %v", got)
			}
		})
	}
}
