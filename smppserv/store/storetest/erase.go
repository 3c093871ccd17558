package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

func numberIsErased(t *testing.T, open Open) {
	s := open()
	ctx := context.Background()
	const number, other = "33612345678", "33698765432"
	message := func(from, to, external string) *sms.Message {
		m := Sample()
		m.Part, m.Source.Number, m.Dest.Number, m.ExternalID = sms.Part{}, from, to, external
		m.ReceivedAt = time.Now()
		Add(t, s, m)
		return m
	}
	gone := []*sms.Message{message(number, "3600", ""), message("3600", "+"+number, "h-1"), message(other, number, "")}
	kept, waits := message(other, "3600", "h-2"), message(number, "3601", "")
	var over, waiting []sms.ID
	for _, m := range append(gone, kept) {
		Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	}
	for _, m := range gone {
		over = append(over, m.ID)
	}
	waiting = append(waiting, waits.ID)
	done := make(chan error, 1)
	s.AddAudit(store.AuditEntry{At: time.Now(), Who: "ops", What: "send", On: number, More: "from +" + number + "," + number + " to 1" + number}, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.LastWriter(ctx, number, "3600"); !ok || err != nil {
		t.Fatalf("before, the writer is known: %v, %v", ok, err)
	}

	for range 2 { // it can be repeated
		if err := s.EraseMessages(ctx, append(over, waiting...)); err != nil {
			t.Fatal(err)
		}
		if err := s.EraseNumber(ctx, number); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Scrub(ctx); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{number, "+" + number} {
		found, err := s.Search(ctx, store.Search{Number: form, Limit: 10})
		if err != nil || len(found.Messages) > 1 || form == number && (len(found.Messages) == 0 || found.Messages[0].ID != waits.ID) {
			t.Errorf("%s still finds %d messages, %v", form, len(found.Messages), err)
		}
	}
	if c, ok, err := s.LastWriter(ctx, number, "3600"); ok || err != nil {
		t.Errorf("the last writer is %+v, %v", c, err)
	}
	entries, err := s.Audit(ctx, 0, 10)
	if err != nil || len(entries) != 1 || entries[0].On != "(erased)" || entries[0].More != "from (erased),(erased) to 1"+number {
		t.Errorf("the audit has %+v, %v", entries, err)
	}
	again, known := Sample(), Sample()
	again.ExternalID, known.ExternalID = "h-1", "h-2"
	if Add(t, s, again) || !Add(t, s, known) {
		t.Error("an external id goes with its message, and only so")
	}

	// One more under each name: what is counted by now stays, and no counter comes back.
	Finish(s, road.Transition{IDs: []sms.ID{message(other, "3600", "").ID}, State: sms.Delivered})
	message(other, number, "")
	now := time.Now()
	rep, err := s.Report(ctx, store.ReportQuery{By: store.ByCampaign, From: now.Add(-2 * time.Hour), To: now.Add(2 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	accepted := map[string]int64{}
	for _, row := range rep.Rows {
		name := row.Key
		if strings.HasPrefix(name, "erased-") {
			name = "erased"
		}
		accepted[name] += row.Received
	}
	if accepted["erased"] != 2 || accepted[number] != 1 || accepted["3600"] != 3 || accepted["3601"] != 1 {
		t.Errorf("the counters say %v", accepted)
	}
	closeStore(t, s)
}
