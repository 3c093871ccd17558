package storetest

import (
	"context"
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
