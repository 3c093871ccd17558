package storetest

import (
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

func sameTimeIsKept(t *testing.T, open Open) {
	s := open()
	m := Sample()
	Add(t, s, m)
	for attempts, wait := range []time.Duration{0, time.Minute} {
		due := m.DueAt
		if attempts > 0 {
			due = now.Add(wait)
			Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: attempts, DueAt: due, Wait: wait})
		}
		Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: attempts, Error: 503, Reason: "busy"})
		if got := get(t, s, m.ID); !got.DueAt.Equal(due) || got.Wait != wait || got.Attempts != attempts || got.Error != 503 || got.Reason != "busy" {
			t.Fatalf("got %+v", got)
		}
	}
	closeStore(t, s)
}

func externalIDIsKnown(t *testing.T, open Open) {
	s := open()
	const n = 100
	known := make(chan sms.ID, 2*n)
	ask := func(id string) {
		s.Known(id, func(found sms.ID, err error) {
			if err != nil {
				t.Error(err)
			}
			known <- found
		})
	}
	var adds []*addition
	for i := range n { // what was handed in before counts, also in the same transaction
		m := Sample()
		m.Submitter, m.ExternalID = sms.Hermes, fmt.Sprint("h-", i)
		a := &addition{m: m, done: make(chan error, 1)}
		adds = append(adds, a)
		ask(m.ExternalID)
		s.Add(a)
		ask(m.ExternalID)
	}
	for i, a := range adds {
		if before, after := <-known, <-known; before != 0 || after == 0 {
			t.Errorf("%d: before %d, after %d", i, before, after)
		} else if <-a.done; after != a.m.ID {
			t.Errorf("%d: it is %d, and %d is known", i, a.m.ID, after)
		}
	}
	closeStore(t, s)
	s = open()
	ask("h-7")
	if got := <-known; got != adds[7].m.ID {
		t.Errorf("after a restart %d is known", got)
	}
	closeStore(t, s)
	refused := make(chan error, 1)
	s.Known("h-7", func(_ sms.ID, err error) { refused <- err })
	if err := <-refused; err == nil {
		t.Error("a closed store knows")
	}
}

func partFormIsKept(t *testing.T, open Open) {
	s := open()
	for _, form := range []sms.PartForm{sms.FormUnknown, sms.FormUDH8, sms.FormUDH16, sms.FormSAR} {
		m := Sample()
		m.PartForm, m.Period = form, true
		Add(t, s, m)
		if got := get(t, s, m.ID); got.PartForm != form || !got.Period {
			t.Errorf("%+v, want form %d", got, form)
		}
	}
	closeStore(t, s)
}
