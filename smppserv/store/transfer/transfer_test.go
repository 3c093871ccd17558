package transfer_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	_ "modernc.org/sqlite"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/postgres/postgrestest"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/store/transfer"
	"hnetsmpp/smppserv/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

var ctx = context.Background()

// site has the two ends of copies.
type site struct {
	pg       *testkit.PG
	file     string
	postgres postgres.Options
}

func newSite(t *testing.T) *site {
	t.Helper()
	pg := testkit.SharedPostgres(t)
	folder := t.TempDir()
	return &site{pg: pg, file: filepath.Join(folder, "messages.db"),
		postgres: postgres.Options{DSN: postgrestest.Blank(t, pg), Folder: filepath.Join(folder, "data"), Node: "one", Log: zerolog.Nop()}}
}

func (s *site) sqlite() sqlite.Options { return sqlite.Options{File: s.file, Log: zerolog.Nop()} }

func (s *site) openSQLite(t *testing.T) *store.Store {
	t.Helper()
	st, err := sqlite.Open(ctx, s.sqlite())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func (s *site) openPostgres(t *testing.T) *store.Store {
	t.Helper()
	st, err := postgres.Open(ctx, s.postgres)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// there copies to PostgreSQL, back to SQLite.
func (s *site) there(c context.Context) (transfer.Copied, error) {
	from, err := sqlite.OpenSource(c, s.sqlite())
	if err != nil {
		return transfer.Copied{}, err
	}
	defer from.Close()
	to, err := postgres.OpenTransfer(c, s.postgres)
	if err != nil {
		return transfer.Copied{}, err
	}
	defer to.Close()
	return transfer.Copy(c, from, to, &transfer.Meter{})
}

func (s *site) back(c context.Context) (transfer.Copied, error) {
	from, err := postgres.OpenTransfer(c, s.postgres)
	if err != nil {
		return transfer.Copied{}, err
	}
	defer from.Close()
	to, err := sqlite.OpenDestination(c, s.sqlite())
	if err != nil {
		return transfer.Copied{}, err
	}
	defer to.Close()
	return transfer.Copy(c, from, to, &transfer.Meter{})
}

func must(t testing.TB, run func(context.Context) (transfer.Copied, error)) transfer.Copied {
	t.Helper()
	copied, err := run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// oddText is any octets, with what PostgreSQL has no place for.
func oddText(r *rand.Rand) string {
	pieces := []string{"33612345678", "3600", "\x00", "\xff\xfe", "é", "\uf700", "\uf7ff", "\U0001F600", "latin1:\xe9", "\xed\xa0\x80", "'", "%", "\\", "a\nb", ""}
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func octets(r *rand.Rand, most int) []byte {
	b := make([]byte, r.IntN(most))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

type addition struct {
	m    *sms.Message
	done chan error
}

func (a addition) Message() *sms.Message      { return a.m }
func (a addition) Replaces() *road.Transition { return nil }
func (a addition) Added(_ bool, err error)    { a.done <- err }

// fill makes random messages of all kinds with all that may become of them, and everything that is no message.
func fill(t *testing.T, s *store.Store, r *rand.Rand, n int) {
	t.Helper()
	base := time.Now().Add(-3 * time.Hour).Truncate(time.Millisecond)
	var all []*sms.Message
	added := make(chan error, n)
	for i := range n {
		m := storetest.Sample()
		m.Submitter, m.Recipient = []string{"a", "b", sms.Hermes, oddText(r)}[r.IntN(4)], []string{"a", sms.Hermes, oddText(r)}[r.IntN(3)]
		m.Source.Number, m.Dest.Number = oddText(r), oddText(r)
		m.Content, m.TLVs, m.Alphabet = octets(r, 300), nil, ""
		m.ReceivedAt = base.Add(time.Duration(r.IntN(7200)) * time.Second)
		m.DueAt, m.ExpiresAt = m.ReceivedAt, m.ReceivedAt.Add(time.Duration(r.IntN(100)+1)*time.Hour)
		if r.IntN(5) == 0 {
			m.ExternalID = fmt.Sprint(oddText(r), i)
		}
		if len(all) > 0 && r.IntN(10) == 0 {
			m.First = all[r.IntN(len(all))]
		}
		s.Add(addition{m, added})
		all = append(all, m)
	}
	for range n {
		if err := <-added; err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range all {
		for tries := r.IntN(4); tries > 0; tries-- {
			v := road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: 4 - tries, Error: int(r.Uint32()), Reason: oddText(r), At: base.Add(time.Duration(r.IntN(7200)) * time.Second),
				Took: time.Duration(r.IntN(5000)) * time.Millisecond, Through: oddText(r), Unjudged: r.IntN(3) == 0, DueAt: base.Add(time.Hour), Wait: time.Minute}
			if r.IntN(3) == 0 {
				v.PushKey, v.Progress = oddText(r), string(octets(r, 20))
			}
			s.Finish(&v)
		}
		states := []sms.State{sms.Delivered, sms.Expired, sms.Deleted, sms.Undeliverable, sms.Rejected}
		if k := r.IntN(len(states) + 2); k < len(states) {
			v := road.Transition{IDs: []sms.ID{m.ID}, State: states[k], Attempts: 5, Error: r.IntN(600), Reason: oddText(r)}
			if r.IntN(2) == 0 {
				v.At, v.Through = base.Add(time.Hour), "hermes"
			}
			if r.IntN(2) == 0 {
				v.Receipts = []*sms.Message{sms.NewReceipt(sms.KindReceipt, m, states[k], r.IntN(600), base.Add(time.Hour), 24*time.Hour)}
			}
			s.Finish(&v)
		}
	}
	for i := range 30 {
		sample := store.Sample{At: base.Add(time.Duration(i) * time.Minute), Submitted: r.Int64N(1000), Waiting: r.Int64N(1000), Oldest: time.Duration(r.IntN(1000)) * time.Millisecond}
		for range r.IntN(50) {
			sample.Push.Add(time.Duration(r.IntN(100000)) * time.Millisecond)
		}
		s.AddSample(sample)
		s.AddAudit(store.AuditEntry{At: base, Who: oddText(r), From: oddText(r), What: "pause", On: oddText(r), More: oddText(r)}, nil)
	}
	waits := make(chan error, 4)
	s.NoteClient(store.ClientNote{Client: "a\x00\xff", Bound: store.ClientEvent{At: base, Remote: "[::1]:5000", Why: oddText(r)}})
	s.NoteClient(store.ClientNote{Client: "b", Unbound: store.ClientEvent{At: base, Remote: "x", Why: oddText(r)}, Refused: store.ClientEvent{At: base}})
	s.PauseClient("a", store.Pause{Since: base, By: oddText(r)}, func(err error) { waits <- err })
	s.NoteClockStep(road.ClockStep{LastID: all[n-1].ID, From: base, To: base.Add(time.Hour)}, func(err error) { waits <- err })
	s.NoteClockStep(road.ClockStep{LastID: all[n-1].ID, From: base.Add(time.Hour), To: base}, func(err error) { waits <- err })
	for range 3 {
		if err := <-waits; err != nil {
			t.Fatal(err)
		}
	}
	if err := s.NotePurge(base); err != nil {
		t.Fatal(err)
	}
}

// seen is all that a store says of what it has.
type seen struct {
	Messages []*sms.Message
	Tries    map[sms.ID][]sms.Try
	Waiting  []sms.ID
	Report   []store.ReportRow
	Samples  []store.Sample
	Audit    []store.AuditEntry
	Notes    []store.ClientNote
	Steps    []road.ClockStep
	Purge    int64
	Known    []sms.ID
}

func look(t *testing.T, s *store.Store, upTo sms.ID) (v seen) {
	t.Helper()
	ids := make([]sms.ID, upTo)
	for i := range ids {
		ids[i] = sms.ID(i + 1)
	}
	ok := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	var err error
	v.Messages, err = s.Load(ctx, ids)
	ok(err)
	v.Tries = map[sms.ID][]sms.Try{}
	for _, id := range ids {
		if v.Tries[id], err = s.Tries(ctx, id); len(v.Tries[id]) == 0 {
			delete(v.Tries, id)
		}
		ok(err)
		known, err := s.KnownAs(ctx, id)
		ok(err)
		v.Known = append(v.Known, known...)
	}
	v.Waiting, err = s.WaitingIDs(ctx, 0, upTo, int(upTo))
	ok(err)
	report, err := s.Report(ctx, store.ReportQuery{By: store.ByClient, From: time.Now().Add(-48 * time.Hour)})
	ok(err)
	v.Report = report.Rows
	slices.SortFunc(v.Report, func(a, b store.ReportRow) int { return strings.Compare(a.Key, b.Key) })
	v.Samples, err = s.Samples(ctx, time.Now().Add(-48*time.Hour), time.Now().Add(time.Hour))
	ok(err)
	v.Audit, err = s.Audit(ctx, 0, 1000)
	ok(err)
	v.Notes, err = s.ClientNotes(ctx)
	ok(err)
	slices.SortFunc(v.Notes, func(a, b store.ClientNote) int { return strings.Compare(a.Client, b.Client) })
	v.Steps, err = s.ClockSteps(ctx)
	ok(err)
	at, err := s.LastPurge(ctx)
	ok(err)
	v.Purge = at.UnixMilli()
	return v
}

func compare(t *testing.T, what string, got, want seen) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s: %s differ:\ngot  %.600s\nwant %.600s", what, g.Type().Field(i).Name, fmt.Sprintf("%+v", g.Field(i).Interface()), fmt.Sprintf("%+v", w.Field(i).Interface()))
		}
	}
}

// raw is what stands in the tables of an SQLite database.
func raw(t *testing.T, file string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string][]string{}
	for _, table := range []string{"messages", "tries", "external_ids", "submit_multi", "hourly", "minutes", "audit", "clients", "clock_steps", "jobs", "counted", "failed"} {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		names, _ := rows.Columns()
		values := make([]any, len(names))
		to := make([]any, len(names))
		for i := range to {
			to[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(to...); err != nil {
				t.Fatal(err)
			}
			line := fmt.Sprintf("%q", values)
			if table != "jobs" || !strings.Contains(line, transfer.MarkPrefix) {
				all[table] = append(all[table], line)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		slices.Sort(all[table])
		if len(all[table]) == 0 {
			t.Errorf("%s has no rows: they are not tried", table)
		}
	}
	return all
}

func TestWhatGoesToPostgreSQLAndBackIsAsItWas(t *testing.T) {
	const messages = 400
	for seed := range uint64(3) {
		s := newSite(t)
		st := s.openSQLite(t)
		fill(t, st, rand.New(rand.NewPCG(seed, 1)), messages)
		through := make(chan struct{})
		st.After(func() { close(through) })
		<-through
		last := storetest.Sample()
		storetest.Add(t, st, last)
		want := look(t, st, last.ID)
		closeStore(t, st)

		there := must(t, s.there)
		if there.LastID < last.ID || there.Waiting != int64(len(want.Waiting)) {
			t.Errorf("it says %+v, with %d waiting and ids up to %d", there, len(want.Waiting), last.ID)
		}
		st = s.openPostgres(t)
		compare(t, "in PostgreSQL", look(t, st, last.ID), want)
		next := storetest.Sample()
		storetest.Add(t, st, next)
		if next.ID <= there.LastID {
			t.Errorf("id %d comes again, after %d", next.ID, there.LastID)
		}
		storetest.Finish(st, road.Transition{IDs: []sms.ID{next.ID}, State: sms.Delivered})
		if _, err := st.Purge(ctx, time.UnixMilli(1_800_000_000_000)); err != nil {
			t.Fatal(err)
		}
		closeStore(t, st)
		back := must(t, s.back)
		if back.Aside == "" {
			t.Error("the file that was moved is not kept")
		}
		st = s.openSQLite(t)
		again := storetest.Sample()
		storetest.Add(t, st, again)
		if again.ID <= next.ID {
			t.Errorf("back in SQLite id %d comes again, after %d", again.ID, next.ID)
		}
		closeStore(t, st)
	}
}

func TestEachRowComesBackAsItWas(t *testing.T) {
	s := newSite(t)
	st := s.openSQLite(t)
	fill(t, st, rand.New(rand.NewPCG(7, 7)), 1000)
	closeStore(t, st)
	before := raw(t, s.file)
	there, back := must(t, s.there), must(t, s.back)
	if there.Rows != back.Rows {
		t.Errorf("%d rows went there, %d back", there.Rows, back.Rows)
	}
	after := raw(t, s.file)
	for table, want := range before {
		if got := after[table]; !slices.Equal(got, want) {
			t.Errorf("%s differs: %d rows, %d before", table, len(got), len(want))
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Errorf("got  %s\nwant %s", got[i], want[i])
					break
				}
			}
		}
	}
	st = s.openSQLite(t) // the index of numbers is made anew
	found := 0
	if err := st.ByNumber(ctx, "33612345678", time.Time{}, time.Time{}, 0, func(*sms.Message) error { found++; return nil }); err != nil || found == 0 {
		t.Errorf("by its number %d are found, %v", found, err)
	}
	closeStore(t, st)
}

// testdata of the package sqlite has a database of each earlier schema: 1, 2, 4 and 5 of its messages wait, 9 was the last id.
func TestAStoreOfEachEarlierVersionIsCopied(t *testing.T) {
	for _, version := range []int{1, 2, 3, 4, 5, 7} {
		data, err := os.ReadFile(filepath.Join("..", "sqlite", "testdata", fmt.Sprint(version, ".db")))
		if err != nil {
			t.Fatal(err)
		}
		s := newSite(t)
		if err := os.WriteFile(s.file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if done := must(t, s.there); done.Noted == 0 || done.Waiting != 4 {
			t.Errorf("version %d: it says %+v", version, done)
		}
		st := s.openPostgres(t)
		if ids, err := st.WaitingIDs(ctx, 0, 9, 10); err != nil || !slices.Equal(ids, []sms.ID{1, 2, 4, 5}) {
			t.Errorf("version %d: %v wait, %v", version, ids, err)
		}
		if c, ok, err := st.LastWriter(ctx, "33612345678", "3600"); err != nil || !ok || c.Client != "admin" {
			t.Errorf("version %d: the last writer is %+v, %v, %v", version, c, ok, err)
		}
		next := storetest.Sample()
		if storetest.Add(t, st, next); next.ID <= 9 {
			t.Errorf("version %d: the id %d comes again", version, next.ID)
		}
		closeStore(t, st)
	}
}

func TestTheOtherPartsOfALongTextGoToWhoeverHasThoseThatWereCopied(t *testing.T) {
	s := newSite(t)
	s.postgres.GroupTime = time.Hour
	st := s.openSQLite(t)
	part := storetest.Sample()
	part.Part, part.PartForm = sms.Part{Ref: 7, Total: 3, Seq: 1}, sms.FormUDH8
	again := storetest.Sample()
	again.Part, again.PartForm = sms.Part{Ref: 7, Total: 3, Seq: 2}, sms.FormUDH8
	whole := storetest.Sample()
	whole.Part = sms.Part{}
	for _, m := range []*sms.Message{part, again, whole} {
		storetest.Add(t, st, m)
	}
	closeStore(t, st)
	must(t, s.there)
	const groups = "SELECT coalesce(string_agg(submitter || ' ' || source || ' ' || destination || ' ' || ref || ' ' || total || ' ' || (epoch = (SELECT holder FROM messages LIMIT 1)), ' | '), '') " +
		"FROM groups WHERE until > extract(epoch FROM now()) * 1000"
	want := fmt.Sprintf("%s %s %s 7 3 true", part.Submitter, part.Source.Number, part.Dest.Number)
	if got := s.pg.Value(t, s.database(t), groups); got != want {
		t.Errorf("the groups are %q, want %q", got, want)
	}
	// Two parts of it were copied: with the last one, and those of the next text, the row is not taken for one of a whole text.
	d, err := postgres.OpenDatabase(ctx, s.postgres)
	if err != nil {
		t.Fatal(err)
	}
	holder, err := strconv.ParseInt(s.pg.Value(t, s.database(t), "SELECT holder FROM messages LIMIT 1"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	d.Estates(func() []sms.Epoch { return []sms.Epoch{sms.Epoch(holder)} })
	s.pg.Exec(t, s.database(t), "INSERT INTO fences (epoch) VALUES (42)")
	worker, err := d.Begin(ctx, 42)
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []byte{3, 1, 2} {
		next := storetest.Sample()
		next.Part, next.PartForm = sms.Part{Ref: 7, Total: 3, Seq: seq}, sms.FormUDH8
		storetest.Add(t, worker, next)
	}
	if got := s.pg.Value(t, s.database(t), groups); got != want {
		t.Errorf("then the groups are %q, want %q", got, want)
	}
	closeStore(t, worker)
}
