package queue

import (
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
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

func TestWhatWaitsForRoomAtAnAvoidedSessionGoesThroughOneThatComes(t *testing.T) {
	r := newRig(t, nil)
	mute := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 1, Retry: []time.Duration{10 * time.Millisecond}})
	for _, text := range []string{"1", "2", "3"} {
		r.add(r.answerTo(text))
	}
	try := mute.next("1")
	mute.Avoid(true)
	other := r.attach(road.OutletOptions{Recipient: "admin", Session: 2, Window: 1})
	try.again()
	for _, text := range []string{"1", "2", "3"} {
		other.next(text).done()
	}
	r.emptied()
}
