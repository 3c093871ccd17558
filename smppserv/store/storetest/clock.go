package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

func clockSteps(t *testing.T, open Open) {
	s := open()
	first, second := Sample(), Sample()
	Add(t, s, first)
	step := func(last sms.ID, by time.Duration) road.ClockStep {
		t.Helper()
		c := road.ClockStep{LastID: last, From: now, To: now.Add(by)}
		done := make(chan error, 1)
		s.NoteClockStep(c, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return c
	}
	want := func(steps ...road.ClockStep) {
		t.Helper()
		got, err := s.ClockSteps(context.Background())
		if err != nil || !slices.EqualFunc(got, steps, func(a, b road.ClockStep) bool {
			return a.LastID == b.LastID && a.From.Equal(b.From) && a.To.Equal(b.To)
		}) {
			t.Fatalf("got %v, %v, want %v", got, err, steps)
		}
	}
	want()
	forward, back := step(first.ID, time.Hour), step(first.ID, -2*time.Hour)
	Add(t, s, second)
	again := step(second.ID, 3*24*time.Hour)
	want(forward, back, again)
	closeStore(t, s)
	s = open()
	want(forward, back, again)
	Finish(s, road.Transition{IDs: []sms.ID{first.ID}, State: sms.Delivered})
	later := step(second.ID, time.Minute)
	want(again, later) // nobody waits whose times are from before
	Finish(s, road.Transition{IDs: []sms.ID{second.ID}, State: sms.Delivered})
	third := Sample()
	Add(t, s, third)
	Finish(s, road.Transition{IDs: []sms.ID{third.ID}, State: sms.Delivered})
	last := step(second.ID, time.Minute) // the queue did not know the third one then
	want(last)
	if got, err := s.ClockSteps(context.Background()); err != nil || got[0].OnTheirWay != third.ID {
		t.Errorf("up to %d was on its way, %v, want %d", got[0].OnTheirWay, err, third.ID)
	}
	third = Sample()
	Add(t, s, third)
	for range store.MaxClockSteps + 1 {
		step(third.ID, time.Minute)
	}
	if got, err := s.ClockSteps(context.Background()); err != nil || len(got) != store.MaxClockSteps {
		t.Errorf("%d steps are kept, %v", len(got), err)
	}
	closeStore(t, s)
}

func lastPurge(t *testing.T, open Open) {
	s := open()
	for _, at := range []time.Time{{}, now, now.Add(24 * time.Hour), now.Add(-24 * time.Hour)} { // the clock may be set back
		if !at.IsZero() {
			if err := s.NotePurge(at); err != nil {
				t.Fatal(err)
			}
			closeStore(t, s)
			s = open()
		}
		if got, err := s.LastPurge(context.Background()); err != nil || !got.Equal(at) {
			t.Fatalf("got %v, %v, want %v", got, err, at)
		}
	}
	closeStore(t, s)
}
