package queue

import (
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// What a session leaves unanswered, which is avoided from then on, goes through another one: here, or at another worker.

func TestWhatAMuteSessionLeavesIsHandedOnWithWhatStandsBehindItWhenItsTriesHaveEnded(t *testing.T) {
	r := newRig(t, func(op *Options) { op.Share = newOthers() })
	mute := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 2, Retry: []time.Duration{10 * time.Millisecond}})
	for _, text := range []string{"1", "2", "3", "4"} {
		r.add(r.answerTo(text))
	}
	first, second := mute.next("1"), mute.next("2")
	mute.Avoid(true)
	away := r.attach(road.OutletOptions{Recipient: "admin", Window: 100, Serial: true, Holder: 5, Retry: []time.Duration{time.Hour}})
	first.again()
	r.nothing(away, "admin") // the second is under way here
	second.again()
	for _, text := range []string{"1", "2", "3", "4"} {
		away.next(text).report(sms.Outcome{Verdict: sms.HandedOn})
	}
	r.emptied()
}

func TestAnAvoidedSessionIsTriedAsBeforeWhenTheOthersAreGone(t *testing.T) {
	r := newRig(t, func(op *Options) { op.Share = newOthers() })
	mute := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 2, Retry: []time.Duration{10 * time.Millisecond}})
	r.add(r.answerTo("1"))
	try := mute.next("1")
	mute.Avoid(true)
	away := r.attach(road.OutletOptions{Recipient: "admin", Window: 100, Serial: true, Holder: 5, Retry: []time.Duration{time.Hour}})
	away.Detach()
	try.again() // by its own schedule
	mute.next("1").again()
	mute.next("1").done()
	r.emptied()
}

func TestWhatWaitsForRoomAtAnAvoidedSessionGoesThroughAnotherThatIsAvoidedNoMoreOrComes(t *testing.T) {
	for _, comes := range []bool{false, true} {
		r := newRig(t, nil)
		mute := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 1, Retry: []time.Duration{10 * time.Millisecond}})
		r.add(r.answerTo("1"))
		try := mute.next("1")
		other := r.attach(road.OutletOptions{Recipient: "admin", Session: 2, Window: 1})
		mute.Avoid(true)
		other.Avoid(true)
		r.add(r.answerTo("2"))
		testkit.Await(t, "the second waits for room behind the first", func() bool {
			r.q.mu.Lock()
			defer r.q.mu.Unlock()
			return r.q.recipient("admin").outlets[0].turns.first != nil && len(r.q.returned) == 0
		})
		if comes {
			other = r.attach(road.OutletOptions{Recipient: "admin", Session: 3, Window: 1})
		} else {
			other.Avoid(false)
		}
		try.again()
		other.next("1").done()
		other.next("2").done()
		r.emptied()
	}
}
