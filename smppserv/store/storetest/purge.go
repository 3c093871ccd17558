package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

func purgeForgetsExternalIDs(t *testing.T, open Open) {
	s := open()
	from := func(id string) *sms.Message {
		m := Sample()
		m.Submitter, m.ExternalID = sms.Hermes, id
		return m
	}
	purged, kept := from("h-1"), from("h-2")
	Add(t, s, purged)
	Add(t, s, kept)
	Finish(s, road.Transition{IDs: []sms.ID{purged.ID}, State: sms.Delivered})
	if n, err := s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil || n != 1 {
		t.Fatalf("Purge: %d %v", n, err)
	}
	closeStore(t, s)
	s = open()
	again, known := from("h-1"), from("h-2")
	if Add(t, s, again) || again.ID <= kept.ID {
		t.Errorf("the id of a message that was purged is still taken, by message %d", again.ID)
	}
	if !Add(t, s, known) || known.ID != kept.ID {
		t.Errorf("the id of a message that waits is forgotten: it is message %d, want %d", known.ID, kept.ID)
	}
	wantIDs(t, waiting(t, s), kept.ID, again.ID)
	closeStore(t, s)
}

// Of more than one step has, every third stays, in runs and alone.
func purgeLeavesWhatWaits(t *testing.T, open Open) {
	s := open()
	const all = 1500
	var ended, left []sms.ID
	first := Sample()
	Add(t, s, first)
	ms := addMany(t, s, all, func(i int) *sms.Message {
		m := Sample()
		m.ExternalID, m.First = fmt.Sprint("h-", i), first
		return m
	})
	for i, m := range ms {
		if i%3 == 0 || i > 400 && i < 410 {
			left = append(left, m.ID)
		} else {
			ended = append(ended, m.ID)
		}
	}
	Finish(s, road.Transition{IDs: ended, State: sms.Delivered})
	if n, err := s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil || n != len(ended) {
		t.Fatalf("Purge: %d of %d, %v", n, len(ended), err)
	}
	wantIDs(t, waiting(t, s), append([]sms.ID{first.ID}, left...)...)
	known, err := s.KnownAs(context.Background(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantIDs(t, known, append([]sms.ID{first.ID}, left...)...)
	for i, m := range ms[:30] {
		again := Sample()
		again.ExternalID = m.ExternalID
		if waits := i%3 == 0; Add(t, s, again) != waits || waits && again.ID != m.ID {
			t.Errorf("message %d, which waits: %v, comes again as %d", m.ID, waits, again.ID)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Purge(ctx, time.Now().Add(time.Hour)); !errors.Is(err, context.Canceled) {
		t.Errorf("a purge that is broken off says %v", err)
	}
	closeStore(t, s)
}

func purgeTakesOldFinals(t *testing.T, open Open) {
	s := open()
	old, oldWaiting, young := Sample(), Sample(), Sample()
	young.ReceivedAt = time.Now().Add(time.Hour)
	for _, m := range []*sms.Message{old, oldWaiting, young} {
		Add(t, s, m)
	}
	Finish(s, road.Transition{IDs: []sms.ID{old.ID, young.ID}, State: sms.Delivered})
	n, err := s.Purge(context.Background(), time.Now().Add(time.Minute))
	if err != nil || n != 1 {
		t.Fatalf("purged %d, %v", n, err)
	}
	left, err := s.Load(context.Background(), []sms.ID{old.ID, oldWaiting.ID, young.ID})
	if err != nil || len(left) != 2 || left[0].ID != oldWaiting.ID || left[1].ID != young.ID {
		t.Fatalf("left %v %v", left, err)
	}
	closeStore(t, s)
}
