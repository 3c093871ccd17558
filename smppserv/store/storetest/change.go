package storetest

import (
	"bytes"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

func changeIsKept(t *testing.T, open Open) {
	s := open()
	m := Sample()
	Add(t, s, m)
	change := func(text string) {
		m.Content, m.RegisteredDelivery, m.Wait = []byte(text), 0, -time.Millisecond
		done := make(chan error, 1)
		s.Change(m, nil, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	change("new")
	if got := get(t, s, m.ID); !bytes.Equal(got.Content, []byte("new")) || got.RegisteredDelivery != 0 || got.Wait >= 0 {
		t.Fatalf("got %+v", got)
	}
	Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	change("too late")
	if got := get(t, s, m.ID); string(got.Content) != "new" {
		t.Fatalf("a final message became %q", got.Content)
	}
	closeStore(t, s)
}

func changeBehindATryIsKept(t *testing.T, open Open) {
	s := open()
	m := Sample()
	Add(t, s, m)
	changed := *m
	changed.Content, changed.DueAt, changed.Wait = []byte("new"), now.Add(2*time.Hour), -time.Millisecond
	try := road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: 1, Reason: "busy", At: now, DueAt: now.Add(time.Minute), Wait: time.Minute}
	done := make(chan error, 1)
	s.After(func() { // the committer takes what it hands in by itself as one batch
		s.Finish(&try)
		s.Change(&changed, nil, func(err error) { done <- err })
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	got := get(t, s, m.ID)
	if string(got.Content) != "new" || !got.DueAt.Equal(changed.DueAt) || got.Wait >= 0 {
		t.Errorf("of the change it has %q, due %v, wait %v", got.Content, got.DueAt, got.Wait)
	}
	if got.Attempts != 1 || got.Reason != "busy" || !got.TriedAt.Equal(now) {
		t.Errorf("of the try it has %d attempts, %q, %v", got.Attempts, got.Reason, got.TriedAt)
	}
	closeStore(t, s)
}
