package storetest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

func report(t *testing.T, s *store.Store, q store.ReportQuery) store.Report {
	t.Helper()
	r, err := s.Report(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sum is the figures of a traffic in one line.
func sum(c *store.Traffic) string {
	return fmt.Sprintf("%d received, %d in, %d pushed, %d delivered, %d failed %v, %d deleted, %d receipts, %d parts, %d timed",
		c.Received, c.In, c.Pushed, c.Delivered, c.Failed, c.Reasons, c.Deleted, c.Receipts, c.Parts, c.Times.Len())
}

func reportsCount(t *testing.T, open Open) {
	s := open()
	began := time.Now()
	at := time.UnixMilli(began.Add(-2 * time.Hour).UnixMilli())
	message := func(submitter, recipient, source, dest, text string) *sms.Message {
		m := Sample()
		m.Submitter, m.Recipient, m.Source.Number, m.Dest.Number, m.Content, m.Alphabet, m.ReceivedAt = submitter, recipient, source, dest, []byte(text), "", at
		Add(t, s, m)
		return m
	}
	pushed, refused := message("a", sms.Hermes, "336", "3600", "x"), message("a", sms.Hermes, "336", "3600", "x")
	out, cancelled := message(sms.Hermes, "b", "3700", "337", strings.Repeat("x", 161)), message(sms.Hermes, "b", "3700", "337", "é")
	between := message("a", "b", "336", "337", "x")
	end := func(m *sms.Message, state sms.State, err int, receipts ...*sms.Message) {
		Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: state, Error: err, Receipts: receipts})
	}
	receipt := sms.NewReceipt(sms.KindReceipt, pushed, sms.Delivered, 0, time.Now(), time.Hour)
	end(pushed, sms.Delivered, 0, receipt)
	end(pushed, sms.Delivered, 0) // again
	end(receipt, sms.Delivered, 0)
	end(refused, sms.Undeliverable, 404)
	end(out, sms.Delivered, 0)
	end(cancelled, sms.Deleted, 0)
	end(between, sms.Rejected, 11)
	message("a", sms.Hermes, "336", "3600", "it waits")
	totals := s.Totals()
	closeStore(t, s)
	s = open()
	q := store.ReportQuery{From: at}
	for _, c := range []struct {
		by   store.By
		want map[string]string
	}{
		{store.ByClient, map[string]string{
			"a": "4 received, 4 in, 1 pushed, 0 delivered, 1 failed map[undeliverable, http 404:1], 0 deleted, 1 receipts, 4 parts, 1 timed",
			"b": "2 received, 0 in, 0 pushed, 1 delivered, 1 failed map[rejected, smpp 0x0000000B:1], 1 deleted, 0 receipts, 3 parts, 1 timed",
		}},
		{store.ByCampaign, map[string]string{
			"":     "1 received, 1 in, 0 pushed, 0 delivered, 1 failed map[rejected, smpp 0x0000000B:1], 0 deleted, 0 receipts, 1 parts, 0 timed",
			"3600": "3 received, 3 in, 1 pushed, 0 delivered, 1 failed map[undeliverable, http 404:1], 0 deleted, 1 receipts, 3 parts, 1 timed",
			"3700": "2 received, 0 in, 0 pushed, 1 delivered, 0 failed map[], 1 deleted, 0 receipts, 3 parts, 1 timed",
		}},
	} {
		q.By = c.by
		got := map[string]string{}
		r := report(t, s, q)
		for _, row := range r.Rows {
			got[row.Key] = sum(&row.Traffic)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("by %d:\ngot  %v\nwant %v", c.by, got, c.want)
		}
		if sum(&r.Sum) != sum(&totals) {
			t.Errorf("the sum is %s, and counted was %s", sum(&r.Sum), sum(&totals))
		}
		if median := r.Sum.Times.Quantile(0.5); median < 90*time.Minute || median > 4*time.Hour {
			t.Errorf("the median of two hours is %v", median)
		}
	}
	q.By = store.ByHour
	if r := report(t, s, q); len(r.Rows) < 2 || r.Rows[0].Received != 6 || !r.Rows[0].At.Equal(at.Truncate(time.Hour)) || !r.From.Equal(r.Rows[0].At) || r.To.Before(began) {
		t.Errorf("by hour it is %+v", r)
	}
	q.By = store.ByDay
	if r := report(t, s, q); len(r.Rows) < 1 || len(r.Rows) > 2 || r.Rows[0].Received != 6 || r.Rows[0].At.Hour() != 0 {
		t.Errorf("by day it is %+v", r)
	}
	for q, want := range map[store.ReportQuery]int64{
		{Client: "a"}: 4, {Client: "b"}: 2, {Campaign: "3600"}: 3, {Client: "b", Campaign: "3600"}: 0, {From: began.Add(time.Hour), To: began.Add(2 * time.Hour)}: 0,
		{To: at.Truncate(time.Hour)}: 0,
	} {
		if r := report(t, s, q); r.Sum.Received != want {
			t.Errorf("%+v: %s, want %d received", q, sum(&r.Sum), want)
		}
	}
	row, err := s.ReportNumber(context.Background(), "336", at, time.Time{})
	if want := "4 received, 4 in, 1 pushed, 0 delivered, 2 failed map[rejected, smpp 0x0000000B:1 undeliverable, http 404:1], 0 deleted, 1 receipts, 4 parts, 1 timed"; err != nil || sum(&row.Traffic) != want {
		t.Errorf("the number has %s, %v, want %s", sum(&row.Traffic), err, want)
	}
	if _, err := s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if r := report(t, s, store.ReportQuery{}); sum(&r.Sum) != sum(&totals) {
		t.Errorf("after a purge it is %s, before it was %s", sum(&r.Sum), sum(&totals))
	}
	closeStore(t, s)
}

func samplesAreKept(t *testing.T, open Open) {
	s := open()
	ctx := context.Background()
	minute := time.Now().Truncate(time.Minute)
	first := store.Sample{At: minute.Add(-time.Minute), Submitted: 1, Pushed: 2, Delivered: 3, Failed: 4, Receipts: 5, Waiting: 6, Oldest: 7 * time.Second}
	first.Push.Add(time.Second)
	old, second := store.Sample{At: minute.Add(-store.SamplesKept - time.Minute), Waiting: 1}, store.Sample{At: minute.Add(time.Second), Waiting: 9}
	for _, sample := range []store.Sample{old, {At: first.At, Waiting: 99}, first, second} {
		s.AddSample(sample)
	}
	second.At = minute
	want := func(samples ...store.Sample) {
		t.Helper()
		got, err := s.Samples(ctx, old.At, minute.Add(time.Minute))
		for i := range got {
			if i < len(samples) && got[i].At.Equal(samples[i].At) {
				got[i].At = samples[i].At
			}
		}
		if err != nil || !reflect.DeepEqual(got, samples) {
			t.Errorf("%v\ngot  %+v\nwant %+v", err, got, samples)
		}
	}
	closeStore(t, s)
	s = open()
	want(old, first, second)
	if got, err := s.Samples(ctx, first.At, minute); err != nil || len(got) != 1 {
		t.Errorf("one minute has %+v, %v", got, err)
	}
	if _, err := s.Purge(ctx, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	want(first, second)
	closeStore(t, s)
}

func auditIsKept(t *testing.T, open Open) {
	s := open()
	ctx := context.Background()
	add := func(e store.AuditEntry) {
		t.Helper()
		done := make(chan error, 1)
		s.AddAudit(e, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	at := time.UnixMilli(time.Now().UnixMilli())
	const all = store.OutdatedStep + 50
	for i := range all {
		add(store.AuditEntry{At: at.Add(-store.CountersKept - time.Hour), Who: "anna", What: fmt.Sprint(i)})
	}
	e := store.AuditEntry{At: at, Who: "anna", From: "10.0.0.1", What: "pause", On: "admin", More: strings.Repeat("é", 2000)}
	add(e)
	closeStore(t, s)
	s = open()
	got, err := s.Audit(ctx, 0, 3)
	if err != nil || len(got) != 3 || got[0].ID <= got[1].ID || got[1].What != fmt.Sprint(all-1) || got[2].What != fmt.Sprint(all-2) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if e.ID, e.More = got[0].ID, strings.Repeat("é", 500); got[0] != e {
		t.Errorf("got  %+v\nwant %+v", got[0], e)
	}
	if more, err := s.Audit(ctx, got[2].ID, all); err != nil || len(more) != all-2 || more[0].What != fmt.Sprint(all-3) {
		t.Errorf("behind them are %d, %v", len(more), err)
	}
	if _, err := s.Purge(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	if left, err := s.Audit(ctx, 0, all); err != nil || len(left) != 1 || left[0] != e {
		t.Errorf("after the purge there is %+v, %v", left, err)
	}
	add(e)
	if again, err := s.Audit(ctx, 0, 1); err != nil || again[0].ID <= e.ID {
		t.Errorf("the next one is %+v, %v", again, err)
	}
	closeStore(t, s)
}

func clientsAreNoted(t *testing.T, open Open) {
	s := open()
	ctx := context.Background()
	event := func(minutes int, why string) store.ClientEvent {
		return store.ClientEvent{At: now.Add(time.Duration(minutes) * time.Minute), Remote: "10.0.0.1:5000", Why: why}
	}
	pause := func(client string, p store.Pause) {
		t.Helper()
		done := make(chan error, 1)
		s.PauseClient(client, p, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	s.NoteClient(store.ClientNote{Client: "b", Bound: event(1, "")})
	s.NoteClient(store.ClientNote{Client: "a", Refused: event(2, "wrong password"), Unbound: event(5, "it unbound")})
	pause("a", store.Pause{Since: now, By: "anna"})
	pause("c", store.Pause{Since: now, By: "anna"})
	pause("c", store.Pause{})
	s.NoteClient(store.ClientNote{Client: "a", Refused: event(3, "no such client")})
	want := []store.ClientNote{
		{Client: "a", Refused: event(3, "no such client"), Unbound: event(5, "it unbound"), Paused: store.Pause{Since: now, By: "anna"}},
		{Client: "b", Bound: event(1, "")}, {Client: "c"},
	}
	for range 2 { // what waits to be written counts, and is on disk after a restart
		if got, err := s.ClientNotes(ctx); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
		closeStore(t, s)
		s = open()
	}
	closeStore(t, s)
}

func readdressed(t *testing.T, open Open) {
	s := open()
	waits, ended := Sample(), Sample()
	for _, m := range []*sms.Message{waits, ended} {
		m.Submitter, m.Recipient = sms.Hermes, "old"
		Add(t, s, m)
	}
	Finish(s, road.Transition{IDs: []sms.ID{ended.ID}, State: sms.Delivered})
	done := make(chan error, 1)
	s.Readdress([]sms.ID{waits.ID, ended.ID}, "new", func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	Finish(s, road.Transition{IDs: []sms.ID{waits.ID}, State: sms.Delivered})
	closeStore(t, s)
	s = open()
	if a, b := get(t, s, waits.ID), get(t, s, ended.ID); a.Recipient != "new" || b.Recipient != "old" {
		t.Errorf("they are for %q and %q", a.Recipient, b.Recipient)
	}
	r := report(t, s, store.ReportQuery{By: store.ByClient})
	if len(r.Rows) != 2 || r.Rows[0].Key != "new" || r.Rows[0].Delivered != 1 || r.Rows[1].Delivered != 1 || r.Rows[1].Received != 2 {
		t.Errorf("reported is %+v", r.Rows)
	}
	closeStore(t, s)
}
