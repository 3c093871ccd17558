package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// written is a message of a client between two numbers.
func written(client, number, campaign string) *sms.Message {
	m := Sample()
	m.Submitter, m.Source.Number, m.Dest.Number = client, number, campaign
	return m
}

// wantWriter asks who wrote last, "" = nobody, and how.
func wantWriter(t *testing.T, s *store.Store, m *sms.Message, number, campaign string) {
	t.Helper()
	c, ok, err := s.LastWriter(context.Background(), number, campaign)
	switch {
	case err != nil || ok != (m != nil):
		t.Fatalf("from %s to %s: %+v, %v, %v", number, campaign, c, ok, err)
	case ok && c != sms.Conversation{Client: m.Submitter, Number: m.Source, Campaign: m.Dest}:
		t.Fatalf("from %s to %s wrote %+v, want %+v", number, campaign, c, m)
	}
}

func writersAfterRestart(t *testing.T, open Open) {
	s := open()
	first, second := written("a", "1", "36"), written("b", "1", "36")
	second.Source.TON = 5
	other := written("a", "1", "37")
	other.Source.TON = 6
	receipt := sms.NewReceipt(sms.KindReceipt, second, sms.Delivered, 0, now, time.Hour)
	back := written(sms.Hermes, "1", "36")
	for _, m := range []*sms.Message{first, second, other, receipt, back} {
		Add(t, s, m)
	}
	for range 2 {
		wantWriter(t, s, second, "1", "36")
		wantWriter(t, s, other, "1", "37")
		wantWriter(t, s, nil, "36", "1")
		wantWriter(t, s, nil, "2", "36")
		for client, m := range map[string]*sms.Message{"a": other, "b": second, "c": nil} {
			a, ok, err := s.LastUse(context.Background(), client, "1")
			if err != nil || ok != (m != nil) || ok && a != m.Source {
				t.Errorf("%s used it as %+v, %v, %v", client, a, ok, err)
			}
		}
		closeStore(t, s)
		s = open()
	}
	closeStore(t, s)
}

func writerAfterPurge(t *testing.T, open Open) {
	s := open()
	waits, ends := written("a", "1", "36"), written("b", "1", "36")
	Add(t, s, waits)
	Add(t, s, ends)
	Finish(s, road.Transition{IDs: []sms.ID{ends.ID}, State: sms.Delivered})
	if n, err := s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil || n != 1 {
		t.Fatalf("purged %d, %v", n, err)
	}
	for range 2 {
		wantWriter(t, s, waits, "1", "36")
		closeStore(t, s)
		s = open()
	}
	Finish(s, road.Transition{IDs: []sms.ID{waits.ID}, State: sms.Delivered})
	if n, err := s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil || n != 1 {
		t.Fatalf("purged %d, %v", n, err)
	}
	closeStore(t, s)
	s = open()
	wantWriter(t, s, nil, "1", "36")
	again := written("c", "1", "36")
	Add(t, s, again)
	wantWriter(t, s, again, "1", "36")
	closeStore(t, s)
}

func byNumber(t *testing.T, open Open) {
	s := open()
	const all = 1000
	at := func(i int) time.Time { return now.Add(time.Duration(i) * time.Second) }
	ms := addMany(t, s, all, func(i int) *sms.Message {
		m := written("a", fmt.Sprint(i%3), "36")
		if i%2 == 1 {
			m.Source, m.Dest = m.Dest, m.Source
		}
		m.ReceivedAt = at(i)
		return m
	})
	for range 2 {
		for _, k := range []struct {
			number   string
			from, to int // -1 = no bound
			below    int // -1 = none
		}{{"0", -1, -1, -1}, {"1", 100, 200, -1}, {"36", 100, 200, -1}, {"36", 100, 200, 150}, {"2", -1, 10, -1}, {"2", 990, -1, -1}, {"0", 10, 10, -1},
			{"0", all, -1, -1}, {"4", -1, -1, -1}, {"36", -1, -1, 3}} {
			var from, to time.Time
			var below sms.ID
			first, last := 0, all
			if k.from >= 0 {
				from, first = at(k.from), k.from
			}
			if k.to >= 0 {
				to, last = at(k.to), k.to
			}
			if k.below >= 0 {
				below, last = ms[k.below].ID, min(last, k.below)
			}
			var want, got []sms.ID
			for i := last - 1; i >= first; i-- {
				if k.number == "36" || k.number == fmt.Sprint(i%3) {
					want = append(want, ms[i].ID)
				}
			}
			err := s.ByNumber(context.Background(), k.number, from, to, below, func(m *sms.Message) error {
				got = append(got, m.ID)
				if m.Content != nil || m.Submitter != "a" {
					t.Errorf("message %d is %+v", m.ID, m)
				}
				return nil
			})
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("of %+v there are %d, %v, want %d", k, len(got), err, len(want))
			}
		}
		closeStore(t, s)
		s = open()
	}
	stop, n := errors.New("stop"), 0
	if err := s.ByNumber(context.Background(), "36", time.Time{}, time.Time{}, 0, func(*sms.Message) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("it stops after %d with %v", n, err)
	}
	closeStore(t, s)
}

// One number that everybody knows costs no more than another.
func manyConversationsOfANumber(t *testing.T, open Open) {
	if testing.Short() {
		t.Skip("it adds 200 000 messages")
	}
	s := open()
	const all, step = 200_000, 10_000
	var first, last *sms.Message
	for i := 0; i < all; i += step {
		ms := addMany(t, s, step, func(k int) *sms.Message {
			m := written(fmt.Sprint("client", (i+k)%2), "1", fmt.Sprint(3600_000_000+i+k))
			m.Source.TON = byte((i + k) % 7)
			return m
		})
		if first == nil {
			first = ms[0]
		}
		last = ms[step-1]
	}
	for range 2 {
		wantWriter(t, s, first, "1", first.Dest.Number)
		wantWriter(t, s, last, "1", last.Dest.Number)
		wantWriter(t, s, nil, "1", "36")
		if a, ok, err := s.LastUse(context.Background(), last.Submitter, "1"); err != nil || !ok || a != last.Source {
			t.Errorf("got %+v, %v, %v", a, ok, err)
		}
		if _, ok, err := s.LastUse(context.Background(), "nobody", "1"); err != nil || ok {
			t.Errorf("nobody used it: %v, %v", ok, err)
		}
		closeStore(t, s)
		s = open()
	}
	closeStore(t, s)
}

func manyNumbers(t *testing.T, open Open) {
	if testing.Short() {
		t.Skip("it adds a million messages")
	}
	s := open()
	const all, step, most = 1_000_000, 10_000, 64 << 20
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	number := func(i int) string { return fmt.Sprint(33_600_000_000 + i*7919%all) }
	before := heap()
	for i := 0; i < all; i += step {
		addMany(t, s, step, func(k int) *sms.Message { return written("a", number(i+k), "36") })
		if grown := int64(heap()) - int64(before); i%(10*step) == 0 && grown > most {
			t.Fatalf("after %d numbers the heap has grown by %d MB", i, grown>>20)
		}
	}
	for i := 0; i < all; i += all / 100 {
		wantWriter(t, s, written("a", number(i), "36"), number(i), "36")
	}
	closeStore(t, s)
}
