package storetest

import (
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

func progressIsKept(t *testing.T, open Open) {
	s := open()
	text, other, final := Sample(), Sample(), Sample()
	for _, m := range []*sms.Message{text, other, final} {
		Add(t, s, m)
	}
	due := now.Add(time.Minute)
	Finish(s, road.Transition{IDs: []sms.ID{text.ID}, State: sms.Enroute, Attempts: 2, Error: 8, Reason: "busy", DueAt: due, Wait: time.Second, Progress: "\x00 1"})
	Finish(s, road.Transition{IDs: []sms.ID{text.ID}, State: sms.Enroute, Underway: true, Progress: "\x00 2"})
	Finish(s, road.Transition{IDs: []sms.ID{final.ID}, State: sms.Delivered, Attempts: 1})
	Finish(s, road.Transition{IDs: []sms.ID{final.ID}, State: sms.Enroute, Underway: true, Progress: "too late"})
	closeStore(t, s)
	s = open()
	if m := get(t, s, text.ID); m.Progress != "\x00 2" || m.Attempts != 2 || m.Error != 8 || m.Reason != "busy" || !m.DueAt.Equal(due) || m.Wait != time.Second {
		t.Errorf("the text is %+v", m)
	}
	Finish(s, road.Transition{IDs: []sms.ID{text.ID}, State: sms.Enroute, Attempts: 3, DueAt: due})
	if m := get(t, s, text.ID); m.Progress != "\x00 2" || m.Attempts != 3 {
		t.Errorf("after a try without progress it is %+v", m)
	}
	if m := get(t, s, other.ID); m.Progress != "" {
		t.Errorf("another one has the progress %q", m.Progress)
	}
	if m := get(t, s, final.ID); m.Progress != "" || m.State != sms.Delivered {
		t.Errorf("a final one is %+v", m)
	}
	closeStore(t, s)
}

func endsTogether(t *testing.T, open Open) {
	s := open()
	var vs []*road.Transition
	for i := range 3 {
		m := Sample()
		Add(t, s, m)
		vs = append(vs, &road.Transition{IDs: []sms.ID{m.ID}, State: sms.Deleted, Attempts: i, Reason: "cancelled",
			Receipts: []*sms.Message{sms.NewReceipt(sms.KindReceipt, m, sms.Deleted, 0, now, time.Hour)}})
	}
	done := make(chan error, 1)
	s.End(vs, nil, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = open()
	for i, v := range vs {
		if m := get(t, s, v.IDs[0]); m.State != sms.Deleted || m.Attempts != i {
			t.Errorf("message %d is %+v", i, m)
		}
		if r := get(t, s, v.Receipts[0].ID); r.Receipt.Of != v.IDs[0] || r.State != sms.Enroute {
			t.Errorf("receipt %d is %+v", i, r)
		}
	}
	closeStore(t, s)
	s.End(vs, nil, func(err error) { done <- err })
	if err := <-done; err == nil {
		t.Error("a closed store says that it has written ends")
	}
}
