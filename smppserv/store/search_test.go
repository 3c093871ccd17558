package store_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// The ids of the messages are so far apart that each look comes to one of them.
func TestALookThatTakesTooLongTellsHowFarItCameAndTheNextOneGoesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	at := time.UnixMilli(1_795_000_000_000)
	var want []sms.ID
	received := map[sms.ID]time.Time{}
	for range 5 {
		s, f := openFaulty(t, file, zerolog.Nop())
		m := storetest.Sample()
		m.ReceivedAt = at
		at = at.Add(90 * time.Minute)
		storetest.Add(t, s, m)
		storetest.Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Expired})
		want, received[m.ID] = append(want, m.ID), m.ReceivedAt
		if err := s.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := store.RaiseMark(f.MarkFile(), m.ID+3*store.FirstScan); err != nil {
			t.Fatal(err)
		}
	}
	slices.Reverse(want)
	s, _ := openFaulty(t, file, zerolog.Nop())
	defer s.Close(context.Background())
	s.HasteSearches()
	for _, q := range []store.Search{{}, {Client: "admin"}, {States: []sms.State{sms.Expired}}, {Number: storetest.Sample().Source.Number}, {Number: "336", Beginning: true}} {
		q.Limit = 3
		var got []sms.ID
		looks := 0
		for {
			found, err := s.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			looks++
			for _, m := range found.Messages {
				got = append(got, m.ID)
			}
			if found.Next == 0 {
				break
			}
			if q.Below = found.Next; len(found.Messages) < q.Limit {
				next := want[slices.IndexFunc(want, func(id sms.ID) bool { return id < found.Next })]
				if !found.SearchedTo.Equal(received[next]) {
					t.Errorf("%+v: before %d it has searched to %v, and goes on at %v", q, found.Next, found.SearchedTo, received[next])
				}
			}
		}
		if !slices.Equal(got, want) || looks < 3 {
			t.Errorf("%+v: %d looks find %v, want %v", q, looks, got, want)
		}
	}
}

func TestWhatIsNotedOfClientsIsThereWhileTheStoreClosesAndAfterwards(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s, f := openFaulty(t, file, zerolog.Nop())
	goOn := f.hang()
	f.lose() // the write that is under way at the close fails
	at := time.UnixMilli(1_795_000_000_000)
	note := func(client string, after time.Duration) {
		s.NoteClient(store.ClientNote{Client: client, Bound: store.ClientEvent{At: at.Add(after)}})
	}
	before := f.written()
	note("first", 0)
	note("both", 0)
	testkit.Await(t, "they are being written", func() bool { return f.written() > before })
	note("both", time.Second)
	note("second", time.Second)
	is := func(s *store.Store) {
		t.Helper()
		notes, err := s.ClientNotes(t.Context())
		if err != nil || len(notes) != 3 {
			t.Errorf("noted is %+v, %v", notes, err)
			return
		}
		for i, want := range []store.ClientNote{{Client: "both", Bound: store.ClientEvent{At: at.Add(time.Second)}}, {Client: "first", Bound: store.ClientEvent{At: at}},
			{Client: "second", Bound: store.ClientEvent{At: at.Add(time.Second)}}} {
			if got := notes[i]; got.Client != want.Client || !got.Bound.At.Equal(want.Bound.At) {
				t.Errorf("noted is %+v, want %+v", got, want)
			}
		}
	}
	is(s)
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	testkit.Await(t, "it takes nothing more", func() bool {
		var atOnce atomic.Bool
		s.After(func() { atOnce.Store(true) })
		return atOnce.Load()
	})
	is(s)
	goOn()
	if err := testkit.Receive(t, closed, "Close"); err != nil {
		t.Fatal(err)
	}
	s, _ = openFaulty(t, file, zerolog.Nop())
	defer s.Close(context.Background())
	is(s)
}

// What cannot be written waits in memory, and a flood of it is one note.
func TestWhatIsNotedOfClientsWaitsForTheDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s, f := openFaulty(t, file, zerolog.Nop())
	f.refuse(true)
	at := time.UnixMilli(1_795_000_000_000)
	before := f.written()
	for i := range 10_000 {
		s.NoteClient(store.ClientNote{Client: "admin", Refused: store.ClientEvent{At: at.Add(time.Duration(i) * time.Millisecond), Why: "wrong password"}})
	}
	for f.written() == before {
		probed := make(chan error, 1)
		s.Together(store.ProbeOp(func(err error) { probed <- err }))
		<-probed
	}
	last := at.Add(9999 * time.Millisecond)
	is := func(s *store.Store) {
		t.Helper()
		if notes, err := s.ClientNotes(t.Context()); err != nil || len(notes) != 1 || !notes[0].Refused.At.Equal(last) {
			t.Errorf("noted is %+v, %v", notes, err)
		}
	}
	is(s)
	f.refuse(false)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, _ = openFaulty(t, file, zerolog.Nop())
	defer s.Close(context.Background())
	is(s)
}
