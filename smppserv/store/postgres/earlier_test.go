package postgres_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// oldest is the first schema whose tables, as the main branch had them, have all columns that are used. testdata has what pg_dump --inserts says of a
// database of it and of each later one but the newest, and of schema 3, which lacks a column; without comments and settings. They have the same messages: 1 and 2 of a
// submit_multi wait, of which the second was tried twice, 3 is final, 4 is its receipt, 5 is from Hermès.
const oldest = 4

// dumped is a database as an earlier version left it.
func dumped(t *testing.T, version int) (dsn, name string) {
	t.Helper()
	pg := testkit.SharedPostgres(t)
	dump, err := os.ReadFile(filepath.Join("testdata", fmt.Sprint(version, ".sql")))
	if err != nil {
		t.Fatal(err)
	}
	dsn = pg.Database(t)
	name = testkit.DatabaseName(t, dsn)
	pg.Exec(t, name, string(dump))
	return dsn, name
}

func TestAPostgreSQLOfEachEarlierVersionIsTakenOver(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	blank := pg.Database(t)
	if err := must(t, options(blank, t.TempDir())).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	newest, err := strconv.Atoi(pg.Value(t, testkit.DatabaseName(t, blank), "SELECT max(version_id) FROM hnet_smpp_versions"))
	if err != nil {
		t.Fatal(err)
	}
	for version := oldest; version < newest; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			dsn, name := dumped(t, version)
			o := options(dsn, t.TempDir())
			for range 2 { // what was taken over is there after the next start, too
				s := must(t, o)
				taken(t, s)
				if err := s.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			const columns = "SELECT string_agg(table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable, E'\n' ORDER BY table_name, column_name) " +
				"FROM information_schema.columns WHERE table_schema = 'public'"
			if got, want := pg.Value(t, name, columns), pg.Value(t, testkit.DatabaseName(t, blank), columns); got != want {
				t.Errorf("its tables are not those of a new database:\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func taken(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, at := t.Context(), time.UnixMilli(1_700_000_000_123)
	if ids, err := s.WaitingIDs(ctx, 0, 5, 10); err != nil || !slices.Equal(ids, []sms.ID{1, 2, 4, 5}) {
		t.Errorf("%v wait, %v", ids, err)
	}
	ms, err := s.Load(ctx, []sms.ID{1, 2, 3, 4, 5})
	if err != nil || len(ms) != 5 {
		t.Fatalf("%d messages, %v", len(ms), err)
	}
	first, second, third, receipt, external := ms[0], ms[1], ms[2], ms[3], ms[4]
	if string(first.Content) != "first" || first.ServiceType != "CMT" || first.Alphabet != "gsm7" || !first.ReceivedAt.Equal(at) || first.Submitter != "admin" || first.Key() != "1-key" {
		t.Errorf("message 1 is %+v", first)
	}
	if known, err := s.KnownAs(ctx, 1); err != nil || !slices.Equal(known, []sms.ID{1, 2}) || second.KnownBy != 1 {
		t.Errorf("known by 1 are %v, %v", known, err)
	}
	if second.Wait != 5*time.Second || second.Error != 409 || second.Attempts != 1 || second.Took != 20*time.Millisecond || second.Through != "hermes" {
		t.Errorf("message 2 is %+v", second)
	}
	if tries, err := s.Tries(ctx, 2); err != nil || len(tries) != 2 || tries[0].Error != 503 || tries[1].Error != 409 || !tries[0].At.Equal(at.Add(time.Second)) {
		t.Errorf("the tries of 2 are %+v, %v", tries, err)
	}
	if third.State != sms.Delivered || third.Attempts != 2 || third.Reason != "busy" || third.FinalAt.IsZero() {
		t.Errorf("message 3 is %+v", third)
	}
	if r := receipt.Receipt; receipt.Kind != sms.KindReceipt || r == nil || r.Of != 3 || !r.DoneAt.Equal(at.Add(time.Second)) {
		t.Errorf("message 4 is %+v %+v", receipt, receipt.Receipt)
	}
	again := storetest.Sample()
	again.ExternalID = "h-1"
	if external.ExternalID != "h-1" || string(external.Content) != "réponse\x00" || !storetest.Add(t, s, again) || again.ID != 5 {
		t.Errorf("message 5 is %+v; with its external id comes %d", external, again.ID)
	}
	if c, ok, err := s.LastWriter(ctx, "33612345678", "3600"); err != nil || !ok || c.Client != "admin" {
		t.Errorf("the last writer is %+v, %v, %v", c, ok, err)
	}
	steps, err := s.ClockSteps(ctx)
	last, lastErr := s.LastPurge(ctx)
	if err != nil || lastErr != nil || len(steps) != 1 || !last.Equal(at) {
		t.Errorf("the steps are %v, the last purge was %v; %v, %v", steps, last, err, lastErr)
	}
	if audit, err := s.Audit(ctx, 0, 10); err != nil || len(audit) != 1 || audit[0].Who != "anna" || !audit[0].At.Equal(at) {
		t.Errorf("the audit is %+v, %v", audit, err)
	}
	if notes, err := s.ClientNotes(ctx); err != nil || len(notes) != 1 || notes[0].Client != "admin" || notes[0].Paused.By != "anna" {
		t.Errorf("of clients is noted %+v, %v", notes, err)
	}
	if samples, err := s.Samples(ctx, at.Add(-time.Hour), at.Add(time.Hour)); err != nil || len(samples) != 1 || samples[0].Submitted != 7 {
		t.Errorf("the samples are %+v, %v", samples, err)
	}
	if r, err := s.Report(ctx, store.ReportQuery{From: at.Add(-time.Hour), To: at.Add(time.Hour)}); err != nil || len(r.Rows) == 0 {
		t.Errorf("the report has %+v, %v", r.Rows, err)
	}
	next := storetest.Sample()
	next.Submitter, next.Source.Number = "other", "33600000000"
	if storetest.Add(t, s, next); next.ID <= 5 {
		t.Errorf("the id %d comes again", next.ID)
	}
	storetest.Finish(s, road.Transition{IDs: []sms.ID{next.ID}, State: sms.Delivered})
}

// On the day on which they were made, migrations got columns later on.
func TestAPostgreSQLThatLacksAColumnIsRefusedWithWhatToDo(t *testing.T) {
	dsn, name := dumped(t, 3)
	o := options(dsn, t.TempDir())
	d, err := postgres.OpenDatabase(t.Context(), o)
	if err == nil {
		d.Close()
		t.Fatal("it is not refused")
	}
	const add = "ALTER TABLE hourly ADD COLUMN counter bigint UNIQUE"
	if postgres.IsAway(err) || postgres.IsBadDSN(err) || !strings.Contains(err.Error(), add) || !strings.Contains(err.Error(), "pg_dump") {
		t.Fatalf("got %v", err)
	}
	pg := testkit.SharedPostgres(t)
	if version := pg.Value(t, name, "SELECT max(version_id) FROM hnet_smpp_versions"); version != "3" {
		t.Errorf("it has the schema %s now", version)
	}
	pg.Exec(t, name, add)
	s := must(t, o)
	taken(t, s)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}
