package storetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// addMany adds n messages.
func addMany(t *testing.T, s *store.Store, n int, message func(i int) *sms.Message) (ms []*sms.Message) {
	t.Helper()
	done := make(chan error, n)
	for i := range n {
		ms = append(ms, message(i))
		s.Add(&addition{m: ms[i], done: done})
	}
	for range n {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	return ms
}

// What is asked for stands close together, far apart, beyond what is there, more than once and in no order.
func loadedInOrder(t *testing.T, open Open) {
	s := open()
	const all = 1500
	ms := addMany(t, s, all, func(int) *sms.Message { return Sample() })
	first, last := ms[0].ID, ms[all-1].ID
	ended := ms[7].ID
	Finish(s, road.Transition{IDs: []sms.ID{ended}, State: sms.Delivered})
	var many []sms.ID
	for id := first; id <= last; id += 3 {
		many = append(many, id)
	}
	for _, ids := range [][]sms.ID{nil, {first}, {last + 1}, {first, first}, {ended, first, ended + 1, first + 1000, last, first + 999, last + 3, last}, many, append(slices.Clone(many), many...)} {
		got, err := s.Load(context.Background(), ids)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(ids))), func(id sms.ID) bool { return id > last })
		var came []sms.ID
		for _, m := range got {
			came = append(came, m.ID)
		}
		if !slices.Equal(came, want) {
			t.Errorf("of %v came %v", ids, came)
		}
	}
	closeStore(t, s)
}

// More wait than any backend reads at once, of all kinds in turn: what one row has is not found in the next.
func waitingIsReadWhole(t *testing.T, open Open) {
	s := open()
	const all = 5003
	ms := addMany(t, s, all, func(i int) *sms.Message {
		m := Sample()
		switch i % 3 {
		case 1:
			m = sms.NewReceipt(sms.KindReceipt, m, sms.Delivered, i, now.Add(time.Second), time.Hour)
			m.ExternalID, m.TLVs = "", nil
		case 2:
			m.TLVs, m.ServiceType, m.Part, m.Alphabet = nil, "", sms.Part{}, ""
		}
		return m
	})
	Finish(s, road.Transition{IDs: []sms.ID{ms[all-2].ID}, State: sms.Enroute, Attempts: 3, Reason: "busy", PushKey: "1-a", DueAt: now, Wait: time.Second})
	ms[all-2].Attempts, ms[all-2].Reason, ms[all-2].PushKey, ms[all-2].Wait, ms[all-2].DueAt = 3, "busy", "1-a", time.Second, now
	next := 0
	err := s.Waiting(context.Background(), 0, func(m *sms.Message) error {
		want := *ms[next]
		want.Content = nil
		got := *m
		got.TLVs = append([]byte(nil), m.TLVs...) // none is none
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("message %d:\ngot  %+v %+v\nwant %+v %+v", next, got, got.Receipt, want, want.Receipt)
		}
		next++
		return nil
	})
	if err != nil || next != all {
		t.Fatalf("%d of %d wait, %v", next, all, err)
	}
	stop := errors.New("stop")
	n := 0
	if err := s.Waiting(context.Background(), ms[all-3].ID, func(*sms.Message) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("after %d: %v", n, err)
	}
	closeStore(t, s)
}

func loadIsInOrder(t *testing.T, open Open) {
	s := open()
	const all = 600
	var ids, want []sms.ID
	for _, m := range addMany(t, s, all, func(int) *sms.Message { return Sample() }) {
		want = append(want, m.ID)
		ids = append(ids, m.ID, m.ID, m.ID+all)
	}
	slices.Reverse(ids)
	for _, load := range []func(context.Context, []sms.ID) ([]*sms.Message, error){s.Load, s.LoadHeads} {
		ms, err := load(context.Background(), ids)
		var got []sms.ID
		for _, m := range ms {
			got = append(got, m.ID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%d came back, %v: %v", len(got), err, got)
		}
	}
	long := Sample()
	long.Content = make([]byte, 3*sms.HeadOctets)
	Add(t, s, long)
	if ms, err := s.LoadHeads(context.Background(), []sms.ID{long.ID}); err != nil || len(ms) != 1 || len(ms[0].Content) != sms.HeadOctets {
		t.Errorf("got %+v, %v", ms, err)
	}
	closeStore(t, s)
}
