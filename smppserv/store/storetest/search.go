package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// later is when those messages of traffic are due that wait for their time.
var later = time.Now().Add(1000 * time.Hour).Truncate(time.Millisecond)

// traffic stores random messages of some hours and has some of them end. They are listed as they should come back.
func traffic(t *testing.T, s *store.Store, r *rand.Rand, n int) (all []*sms.Message) {
	t.Helper()
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	at := now
	for range n {
		m := Sample()
		at = at.Add(rand.N(20 * time.Minute))
		m.ReceivedAt, m.DueAt, m.ExpiresAt = at, at, at.Add(time.Hour)
		person := sms.Address{TON: 1, NPI: 1, Number: "336" + pick("11", "12", "22") + pick("0", "1")}
		campaign := sms.Address{NPI: 1, Number: pick("3600", "3601", "3700")}
		switch r.IntN(4) {
		case 0: // to Hermès
			m.Submitter, m.Recipient, m.Source, m.Dest = pick("a", "b", "c"), sms.Hermes, person, campaign
		case 1:
			m.Submitter, m.Recipient, m.Source, m.Dest = sms.Hermes, pick("a", "b", "c"), campaign, person
		case 2:
			m.Submitter, m.Recipient, m.Source, m.Dest = pick("a", "b"), pick("b", "c"), person, campaign
		case 3:
			m.Kind, m.Submitter, m.Recipient, m.Source, m.Dest = sms.KindReceipt, sms.Hermes, pick("a", "b", sms.Hermes), campaign, person
			m.Receipt = &sms.Receipt{Of: 1, SubmittedAt: at, DoneAt: at}
		}
		switch r.IntN(8) {
		case 0:
			m.DueAt = at.Add(time.Hour)
		case 1:
			m.DueAt = later
		}
		Add(t, s, m)
		all = append(all, m)
	}
	for _, m := range all {
		states := []sms.State{sms.Enroute, sms.Enroute, sms.Delivered, sms.Delivered, sms.Expired, sms.Deleted, sms.Undeliverable, sms.Rejected}
		if m.State = states[r.IntN(len(states))]; m.State.Final() {
			Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: m.State, Attempts: 1, Error: []int{0, 8, 404, 503}[r.IntN(4)], At: m.ReceivedAt.Add(time.Hour), Through: "hermes"})
		}
	}
	return all
}

// wanted is what a search should find, without a look at an index.
func wanted(q *store.Search, all []*sms.Message) (ids []sms.ID) {
	for _, m := range slices.Backward(all) {
		out := m.Submitter == sms.Hermes && m.Recipient != sms.Hermes
		campaign := ""
		if m.Recipient == sms.Hermes {
			campaign = m.Dest.Number
		} else if out {
			campaign = m.Source.Number
		}
		is := func(number string) bool {
			return number == q.Number || q.Beginning && strings.HasPrefix(number, q.Number)
		}
		shown := m.State
		if shown == sms.Enroute && m.DueAt.Equal(later) {
			shown = sms.Scheduled
		}
		state := len(q.States) == 0 || slices.Contains(q.States, shown)
		switch {
		case q.Client != "" && m.Submitter != q.Client && m.Recipient != q.Client, q.Number != "" && !is(m.Source.Number) && !is(m.Dest.Number),
			q.Campaign != "" && campaign != q.Campaign, q.Direction == store.In && out, q.Direction == store.Out && !out,
			len(q.Kinds) > 0 && !slices.Contains(q.Kinds, m.Kind), !q.From.IsZero() && m.ReceivedAt.Before(q.From),
			!q.To.IsZero() && !m.ReceivedAt.Before(q.To), q.Below != 0 && m.ID >= q.Below, !state:
			continue
		}
		ids = append(ids, m.ID)
	}
	return ids
}

// pages searches until nothing is left.
func pages(t *testing.T, s *store.Store, q store.Search) (ids []sms.ID) {
	t.Helper()
	for {
		found, err := s.Search(context.Background(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		for _, m := range found.Messages {
			ids = append(ids, m.ID)
			if m.Content != nil {
				t.Fatalf("message %d comes with its text", m.ID)
			}
		}
		if len(found.Messages) > q.Limit || found.Next != 0 && len(found.Messages) < q.Limit && found.SearchedTo.IsZero() {
			t.Fatalf("%+v: a page of %d, the next one from %d on, searched to %v", q, len(found.Messages), found.Next, found.SearchedTo)
		}
		if found.Next == 0 {
			return ids
		}
		if q.Below != 0 && found.Next >= q.Below {
			t.Fatalf("%+v goes on at %d", q, found.Next)
		}
		q.Below = found.Next
	}
}

func searchFinds(t *testing.T, open Open) {
	s := open()
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	all := traffic(t, s, r, 300)
	closeStore(t, s)
	s = open()
	span := all[len(all)-1].ReceivedAt.Sub(now)
	maybe := func(set func()) {
		if r.IntN(3) == 0 {
			set()
		}
	}
	for range 500 {
		q := store.Search{Limit: 1 + r.IntN(40)}
		maybe(func() { q.Client = []string{"a", "b", "c", "nobody"}[r.IntN(4)] })
		maybe(func() { q.Number = []string{"336110", "336121", "3600", "none"}[r.IntN(4)] })
		maybe(func() { q.Number, q.Beginning = []string{"3361", "33", "37", "4"}[r.IntN(4)], true })
		maybe(func() { q.Campaign = []string{"3600", "3700", "none"}[r.IntN(3)] })
		maybe(func() { q.Direction = store.Direction(1 + r.IntN(2)) })
		maybe(func() { q.Kinds = []sms.Kind{sms.Kind(r.IntN(2))} })
		maybe(func() {
			q.States = [][]sms.State{{sms.Enroute}, {sms.Scheduled}, {sms.Enroute, sms.Scheduled}, {sms.Delivered}, {sms.Rejected},
				{sms.Expired, sms.Undeliverable, sms.Rejected}, {sms.Deleted, sms.Expired}}[r.IntN(7)]
		})
		maybe(func() { q.From = now.Add(time.Duration(r.Int64N(int64(span)))) })
		maybe(func() { q.To = now.Add(time.Duration(r.Int64N(int64(span)))) })
		maybe(func() { q.Below = sms.ID(1 + r.IntN(len(all))) })
		if got, want := pages(t, s, q), wanted(&q, all); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %+v finds %v, want %v", seed, q, got, want)
		}
	}
	closeStore(t, s)
}

func searchGoesOnAfterAPurge(t *testing.T, open Open) {
	s := open()
	r := rand.New(rand.NewPCG(1, 1))
	all := traffic(t, s, r, 100)
	if _, err := s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(m *sms.Message) bool { return m.State.Final() })
	for _, q := range []store.Search{{}, {Client: "a"}, {Campaign: "3600"}, {States: []sms.State{sms.Expired}}, {Number: "336110"}, {Number: "33", Beginning: true}} {
		q.Limit = 7
		if got, want := pages(t, s, q), wanted(&q, all); !slices.Equal(got, want) {
			t.Errorf("%+v finds %v, want %v", q, got, want)
		}
	}
	closeStore(t, s)
}

func triesAreKept(t *testing.T, open Open) {
	for _, handed := range []bool{false, true} { // the messages with their ends
		triesOf(t, open, handed)
	}
}

func triesOf(t *testing.T, open Open, handed bool) {
	s := open()
	m, once, expired := Sample(), Sample(), Sample()
	for _, m := range []*sms.Message{m, once, expired} {
		Add(t, s, m)
	}
	finish := func(m *sms.Message, state sms.State, at int, unjudged bool, err int, reason string) {
		v := road.Transition{IDs: []sms.ID{m.ID}, State: state, Attempts: 1, Error: err, Reason: reason, Unjudged: unjudged}
		if handed && state.Final() {
			v.Messages = []*sms.Message{get(t, s, m.ID)}
		}
		if at >= 0 {
			v.At, v.Took, v.Through = now.Add(time.Duration(at)*time.Second), time.Duration(1+at)*time.Millisecond, fmt.Sprint("session ", at%2)
		}
		Finish(s, v)
	}
	want := func(m *sms.Message, tries ...sms.Try) {
		t.Helper()
		got, err := s.Tries(context.Background(), m.ID)
		if err != nil || !slices.Equal(got, tries) {
			t.Errorf("message %d: %v\ngot  %+v\nwant %+v", m.ID, err, got, tries)
		}
	}
	try := func(at, err int, reason string, unjudged int) sms.Try {
		return sms.Try{At: now.Add(time.Duration(at) * time.Second), Took: time.Duration(1+at) * time.Millisecond, Through: fmt.Sprint("session ", at%2),
			Error: err, Reason: reason, Unjudged: unjudged}
	}
	want(once)
	finish(once, sms.Delivered, 0, false, 0, "")
	want(once, try(0, 0, "", 0))

	finish(m, sms.Enroute, 1, false, 503, "busy")
	finish(m, sms.Enroute, 2, true, 503, "busy") // the one before says something
	finish(m, sms.Enroute, 3, true, 503, "busy")
	finish(m, sms.Enroute, 4, true, 503, "busy")
	finish(m, sms.Enroute, 5, true, 0, "nobody answers")
	want(m, try(1, 503, "busy", 0), try(4, 503, "busy", 3), try(5, 0, "nobody answers", 1))
	closeStore(t, s)
	s = open()
	finish(m, sms.Undeliverable, 6, false, 404, "unknown")
	finish(m, sms.Delivered, 7, false, 0, "") // too late
	tries := []sms.Try{try(1, 503, "busy", 0), try(4, 503, "busy", 3), try(5, 0, "nobody answers", 1), try(6, 404, "unknown", 0)}
	want(m, tries...)
	if got := get(t, s, m.ID); !got.TriedAt.Equal(tries[3].At) || got.Took != tries[3].Took || got.Through != tries[3].Through || got.Unjudged != 0 {
		t.Errorf("its last try is %+v", got)
	}

	finish(expired, sms.Enroute, 1, true, 503, "busy")
	finish(expired, sms.Expired, -1, false, 0, "its time is over") // no try
	want(expired, try(1, 503, "busy", 1))
	if got := get(t, s, expired.ID); !got.TriedAt.IsZero() || got.Reason != "its time is over" {
		t.Errorf("what expired is %+v", got)
	}
	if _, err := s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	want(m)
	want(expired)
	closeStore(t, s)
}

func tryAndEndInOneTransaction(t *testing.T, open Open) {
	s := open()
	for before := range 2 { // tries in transactions of their own
		m := Sample()
		Add(t, s, m)
		tryOf := func(at int, state sms.State) road.Transition {
			return road.Transition{IDs: []sms.ID{m.ID}, State: state, Attempts: at, Error: at, At: now.Add(time.Duration(at) * time.Second)}
		}
		for at := range before {
			Finish(s, tryOf(1+at, sms.Enroute))
		}
		done := make(chan struct{})
		failed, end := tryOf(1+before, sms.Enroute), tryOf(2+before, sms.Delivered)
		end.Done = func() { close(done) }
		s.After(func() { // the committer takes what it hands in by itself as one batch
			s.Finish(&failed)
			s.Finish(&end)
		})
		<-done
		tries, err := s.Tries(context.Background(), m.ID)
		if err != nil || len(tries) != 2+before {
			t.Errorf("after %d tries: of two in one transaction it keeps %+v, %v", before, tries, err)
		}
		for i, try := range tries {
			if try.Error != 1+i {
				t.Errorf("try %d of %d is %+v", 1+i, len(tries), try)
			}
		}
	}
	closeStore(t, s)
}
