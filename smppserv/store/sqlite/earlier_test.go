package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
)

// testdata has a database of each earlier schema, with the same messages: 1 and 2 of a submit_multi wait, 3 is final, 4 is its
// receipt, 5 is from Hermès; 9 was the last id that was given out. From 9 on the second one was tried twice, and anna paused the client.
func TestADatabaseOfEachEarlierVersionIsTakenOver(t *testing.T) {
	var newest int
	file := filepath.Join(t.TempDir(), "messages.db")
	if err := must(t, file).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	query(t, file, "SELECT max(version_id) FROM goose_db_version", &newest)
	for version := 1; version < newest; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", fmt.Sprint(version, ".db")))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "messages.db")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // what was taken over is there after the next start, too
				s := must(t, file)
				taken(t, s, version)
				if err := s.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func taken(t *testing.T, s *store.Store, version int) {
	t.Helper()
	ctx := t.Context()
	if ids, err := s.WaitingIDs(ctx, 0, 9, 10); err != nil || !slices.Equal(ids, []sms.ID{1, 2, 4, 5}) {
		t.Errorf("%v wait, %v", ids, err)
	}
	ms, err := s.Load(ctx, []sms.ID{1, 2, 3, 4, 5})
	if err != nil || len(ms) != 5 {
		t.Fatalf("%d messages, %v", len(ms), err)
	}
	at := time.UnixMilli(1_700_000_000_123)
	first, second, third, receipt, external := ms[0], ms[1], ms[2], ms[3], ms[4]
	if string(first.Content) != "first" || first.ServiceType != "CMT" || first.Alphabet != "gsm7" || !first.ReceivedAt.Equal(at) || first.Submitter != "admin" {
		t.Errorf("message 1 is %+v", first)
	}
	if known, err := s.KnownAs(ctx, 1); err != nil || !slices.Equal(known, []sms.ID{1, 2}) || second.KnownBy != 1 {
		t.Errorf("known by 1 are %v, %v", known, err)
	}
	if third.State != sms.Delivered || third.Attempts != 2 || third.Reason != "busy" || !third.FinalAt.Equal(at.Add(time.Second)) {
		t.Errorf("message 3 is %+v", third)
	}
	if r := receipt.Receipt; receipt.Kind != sms.KindReceipt || r == nil || r.Of != 3 || !r.DoneAt.Equal(at.Add(time.Second)) {
		t.Errorf("message 4 is %+v %+v", receipt, receipt.Receipt)
	}
	again := storetest.Sample()
	again.ExternalID = "h-1"
	if external.ExternalID != "h-1" || !storetest.Add(t, s, again) || again.ID != 5 {
		t.Errorf("message 5 is %+v; with its external id comes %d", external, again.ID)
	}
	if c, ok, err := s.LastWriter(ctx, "33612345678", "3600"); err != nil || !ok || c.Client != "admin" || c.Number != third.Source {
		t.Errorf("the last writer is %+v, %v, %v", c, ok, err)
	}
	if version >= 4 && (first.Key() != "1-key" || second.StoredAt.IsZero()) {
		t.Errorf("the keys are %s and %s", first.Key(), second.Key())
	}
	if version < 4 && first.Key() != "1" {
		t.Errorf("the key of what an earlier version stored is %s", first.Key())
	}
	steps, err := s.ClockSteps(ctx)
	last, lastErr := s.LastPurge(ctx)
	if version >= 5 && (err != nil || lastErr != nil || len(steps) != 1 || !last.Equal(at) || second.Wait != 5*time.Second) {
		t.Errorf("the steps are %v, the last purge was %v, the wait is %v; %v, %v", steps, last, second.Wait, err, lastErr)
	}
	if version >= 9 {
		operated(t, s, second)
	}
	searched(t, s)
	next := storetest.Sample()
	next.Submitter, next.Source.Number = "other", "33600000000"
	if storetest.Add(t, s, next); next.ID <= 9 {
		t.Errorf("the id %d comes again", next.ID)
	}
	storetest.Finish(s, road.Transition{IDs: []sms.ID{next.ID}, State: sms.Delivered})
}

// operated finds what there is since the server keeps each try, and what operators do.
func operated(t *testing.T, s *store.Store, second *sms.Message) {
	t.Helper()
	at := time.UnixMilli(1_700_000_000_123)
	if tries, err := s.Tries(t.Context(), 2); err != nil || len(tries) != 2 || tries[0].Error != 503 || tries[1].Error != 409 || !tries[0].At.Equal(at.Add(time.Second)) {
		t.Errorf("the tries of 2 are %+v, %v", tries, err)
	}
	if second.Error != 409 || second.Took != 20*time.Millisecond || second.Through != "hermes" {
		t.Errorf("message 2 is %+v", second)
	}
	if audit, err := s.Audit(t.Context(), 0, 10); err != nil || len(audit) != 1 || audit[0].Who != "anna" || audit[0].What != "pause" || !audit[0].At.Equal(at) {
		t.Errorf("the audit is %+v, %v", audit, err)
	}
	if notes, err := s.ClientNotes(t.Context()); err != nil || len(notes) != 1 || notes[0].Client != "admin" || notes[0].Paused.By != "anna" {
		t.Errorf("of clients is noted %+v, %v", notes, err)
	}
	if samples, err := s.Samples(t.Context(), at, time.Now().AddDate(100, 0, 0)); err != nil || len(samples) != 1 || samples[0].Submitted != 7 || samples[0].Waiting != 4 {
		t.Errorf("the samples are %+v, %v", samples, err)
	}
}

// searched finds what came before there were counters and notes of what failed.
func searched(t *testing.T, s *store.Store) {
	t.Helper()
	for _, c := range []struct {
		search store.Search
		want   []sms.ID
	}{
		{store.Search{Client: "admin", Kinds: []sms.Kind{sms.KindText}}, []sms.ID{5, 3, 2, 1}}, {store.Search{Direction: store.Out}, []sms.ID{5, 4}},
		{store.Search{States: []sms.State{sms.Expired}}, nil}, {store.Search{States: []sms.State{sms.Delivered}}, []sms.ID{3}},
		{store.Search{States: []sms.State{sms.Enroute}, Campaign: "3600"}, []sms.ID{2, 1}},
	} {
		c.search.Limit, c.search.Below = 10, 10
		found, err := s.Search(t.Context(), c.search)
		var got []sms.ID
		for _, m := range found.Messages {
			got = append(got, m.ID)
		}
		if err != nil || !slices.Equal(got, c.want) || found.Next != 0 {
			t.Errorf("%+v finds %v, the next one from %d on, %v; want %v", c.search, got, found.Next, err, c.want)
		}
	}
	if r, err := s.Report(t.Context(), store.ReportQuery{}); err != nil || r.Since.Before(time.UnixMilli(1_790_000_000_000)) {
		t.Errorf("it is counted since %v, %v", r.Since, err)
	}
}
