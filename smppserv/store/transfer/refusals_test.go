package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/store/transfer"
	"hnetsmpp/smppserv/testkit"
)

func TestAStoreThatWasMovedIsNotStartedOn(t *testing.T) {
	s := newSite(t)
	st := s.openSQLite(t)
	storetest.Add(t, st, storetest.Sample())
	closeStore(t, st)
	must(t, s.there)
	if _, err := sqlite.Open(ctx, s.sqlite()); !errors.Is(err, transfer.ErrMoved) || !strings.Contains(err.Error(), transfer.Command) || strings.Contains(err.Error(), testkit.PGPassword) {
		t.Errorf("SQLite: %v", err)
	}
	if _, err := s.there(ctx); !errors.Is(err, transfer.ErrMoved) {
		t.Errorf("once more: %v", err)
	}
	must(t, s.back)
	if _, err := postgres.Open(ctx, s.postgres); !errors.Is(err, transfer.ErrMoved) || !strings.Contains(err.Error(), s.file) {
		t.Errorf("PostgreSQL: %v", err)
	}
	closeStore(t, s.openSQLite(t))
	if _, err := s.there(ctx); !errors.Is(err, transfer.ErrNotEmpty) {
		t.Errorf("there again: %v", err)
	}
}

// one has a message that waits in SQLite.
func (s *site) one(t *testing.T) *sms.Message {
	t.Helper()
	st := s.openSQLite(t)
	m := storetest.Sample()
	storetest.Add(t, st, m)
	closeStore(t, st)
	return m
}

func (s *site) exec(t *testing.T, statements ...string) {
	t.Helper()
	s.pg.Exec(t, s.database(t), statements...)
}

func (s *site) database(t *testing.T) string { return testkit.DatabaseName(t, s.postgres.DSN) }

func TestNothingIsCopiedWhileAWorkerRunsOnEitherEnd(t *testing.T) {
	s := newSite(t)
	s.one(t)
	st := s.openSQLite(t)
	if _, err := s.there(ctx); !errors.Is(err, store.ErrHeld) {
		t.Errorf("a worker on the source: %v", err)
	}
	closeStore(t, st)
	st = s.openPostgres(t)
	if _, err := s.there(ctx); !errors.Is(err, store.ErrHeld) {
		t.Errorf("a worker on the destination: %v", err)
	}
	closeStore(t, st)
	const node = "INSERT INTO nodes (name, epoch, alive_until, beat, lease_ms) VALUES ('two', 77, clock_timestamp() + %s * interval '1 s', 1, 60000) " +
		"ON CONFLICT (name) DO UPDATE SET alive_until = excluded.alive_until"
	s.exec(t, fmt.Sprintf(node, "60"), "INSERT INTO fences (epoch) VALUES (77)")
	if _, err := s.there(ctx); !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), `"two"`) {
		t.Errorf("a node with a lease: %v", err)
	}
	s.exec(t, fmt.Sprintf(node, "-1")) // it was killed
	must(t, s.there)
	must(t, s.back)
	if n := s.pg.Value(t, s.database(t), "SELECT (SELECT count(*) FROM nodes) + (SELECT count(*) FROM fences)"); n != "0" {
		t.Errorf("a node that was cut off could write into what was moved: %s rows are left of it", n)
	}
}

func TestNoWorkerTakesPartWhileACopyIsUnderWay(t *testing.T) {
	s := newSite(t)
	s.one(t)
	from, err := sqlite.OpenSource(ctx, s.sqlite())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := postgres.OpenTransfer(ctx, s.postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if _, err := sqlite.Open(ctx, s.sqlite()); !errors.Is(err, store.ErrHeld) {
		t.Errorf("SQLite: %v", err)
	}
	o := s.postgres
	o.Lease = time.Second
	if _, err := postgres.Open(ctx, o); err == nil {
		t.Error("a worker took part")
	}
	if _, err := postgres.OpenTransfer(ctx, s.postgres); !errors.Is(err, store.ErrHeld) {
		t.Errorf("a second copy: %v", err)
	}
}

func TestADestinationWithRowsIsRefusedAndLeftAsItIs(t *testing.T) {
	s := newSite(t)
	s.one(t)
	st := s.openPostgres(t)
	storetest.Add(t, st, storetest.Sample())
	closeStore(t, st)
	if _, err := s.there(ctx); !errors.Is(err, transfer.ErrNotEmpty) {
		t.Errorf("got %v", err)
	}
	if _, err := s.back(ctx); !errors.Is(err, transfer.ErrNotEmpty) {
		t.Errorf("back: %v", err)
	}
	closeStore(t, s.openSQLite(t))
	closeStore(t, s.openPostgres(t))
}

// broken stops or falsifies a copy.
type broken struct {
	transfer.Database
	after int // blocks, then no more is written
	alter func(t *transfer.Table, rows []transfer.Row)
}

var errBroken = errors.New("the test breaks it off")

func (b *broken) Write(ctx context.Context, t *transfer.Table, rows []transfer.Row) error {
	if b.after--; b.after == -1 {
		return errBroken
	}
	if b.alter != nil {
		b.alter(t, rows)
	}
	return b.Database.Write(ctx, t, rows)
}

func (s *site) thereBroken(t *testing.T, b *broken) error {
	t.Helper()
	from, err := sqlite.OpenSource(ctx, s.sqlite())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if b.Database, err = postgres.OpenTransfer(ctx, s.postgres); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, err = transfer.Copy(ctx, from, b, &transfer.Meter{})
	return err
}

func TestWhatDiffersIsNamedAndNotUsedUntilItIsCopiedAnew(t *testing.T) {
	s := newSite(t)
	s.one(t)
	err := s.thereBroken(t, &broken{after: 1000, alter: func(t *transfer.Table, rows []transfer.Row) {
		if t.Name == transfer.Messages {
			rows[0][len(rows[0])-3].Text += "x"
		}
	}})
	if !errors.Is(err, transfer.ErrDiffers) || !strings.Contains(err.Error(), "messages") || strings.Contains(err.Error(), "tries") {
		t.Errorf("got %v", err)
	}
	if _, err := postgres.Open(ctx, s.postgres); !errors.Is(err, transfer.ErrUnfinished) || !strings.Contains(err.Error(), s.file) {
		t.Errorf("a worker: %v", err)
	}
	closeStore(t, s.openSQLite(t)) // which is the store as before
	if done := must(t, s.there); !done.Anew {
		t.Errorf("it says %+v", done)
	}
	closeStore(t, s.openPostgres(t))
}

func TestASourceThatWorkedMeanwhileIsCopiedAnew(t *testing.T) {
	s := newSite(t)
	m := s.one(t)
	if err := s.thereBroken(t, &broken{after: 1}); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	st := s.openSQLite(t)
	storetest.Finish(st, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	closeStore(t, st)
	if done := must(t, s.there); !done.Anew || done.Resumed != 0 || done.Waiting != 0 {
		t.Errorf("it says %+v", done)
	}
	st = s.openPostgres(t)
	if got, err := st.Get(ctx, m.ID); err != nil || got.State != sms.Delivered {
		t.Errorf("got %+v, %v", got, err)
	}
	closeStore(t, st)
}

func TestACopyGoesOnOnlyFromTheStoreThatItWasBegunFrom(t *testing.T) {
	s := newSite(t)
	s.one(t)
	if err := s.thereBroken(t, &broken{after: 1}); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	first := s.file
	s.file = filepath.Join(t.TempDir(), "other.db")
	s.one(t)
	if _, err := s.there(ctx); !errors.Is(err, transfer.ErrUnfinished) || !strings.Contains(err.Error(), first) {
		t.Errorf("from another one: %v", err)
	}
	s.file = first
	if done := must(t, s.there); done.Resumed != 1 || done.Anew {
		t.Errorf("it says %+v", done)
	}
}

// leaving breaks a copy off at its end, when the source is given up already.
type leaving struct{ transfer.Database }

func (l leaving) Leave(ctx context.Context, m transfer.Mark) error {
	return errors.Join(l.Database.Leave(ctx, m), errBroken)
}

func TestACopyThatBreaksOffBetweenItsTwoLastMarksIsFinishedByTheSameCall(t *testing.T) {
	s := newSite(t)
	s.one(t)
	from, err := sqlite.OpenSource(ctx, s.sqlite())
	if err != nil {
		t.Fatal(err)
	}
	to, err := postgres.OpenTransfer(ctx, s.postgres)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transfer.Copy(ctx, leaving{from}, to, &transfer.Meter{}); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	from.Close()
	to.Close()
	if _, err := sqlite.Open(ctx, s.sqlite()); !errors.Is(err, transfer.ErrMoved) {
		t.Errorf("the source: %v", err)
	}
	if _, err := postgres.Open(ctx, s.postgres); !errors.Is(err, transfer.ErrUnfinished) {
		t.Errorf("the destination: %v", err)
	}
	if done := must(t, s.there); done.Resumed != 1 {
		t.Errorf("it says %+v", done)
	}
	closeStore(t, s.openPostgres(t))
}

func TestWhatSeveralNodesCountedIsSummedUpOnTheWayBack(t *testing.T) {
	s := newSite(t)
	st := s.openPostgres(t)
	at := time.Now().Truncate(time.Hour)
	counted := func() (sum int64, timed int64, samples []store.Sample) {
		r, err := st.Report(ctx, store.ReportQuery{By: store.ByHour, From: at.Add(-time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if samples, err = st.Samples(ctx, at.Add(-time.Hour), at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		return r.Sum.Received + 1000*r.Sum.Delivered, r.Sum.Times.Len(), samples
	}
	for i, node := range []string{"one", "two", "three"} {
		s.exec(t, fmt.Sprintf("INSERT INTO hourly (hour, client, campaign, peer, kind, out, state, reason, node, n, parts, times) VALUES "+
			`(%d, 'a', '3600', '', 0, true, 2, '', '%s', %d, 0, '\x0102'), (%[1]d, 'a', '3600', '', 0, true, 1, '', '%[2]s', %[3]d, 2, '')`, at.UnixMilli(), node, i+1),
			fmt.Sprintf("INSERT INTO minutes (minute, node, submitted, pushed, delivered, failed, receipts, waiting, oldest_ms, push) VALUES "+
				`(%d, '%s', 1, 2, 3, 4, 5, %d, %[3]d, '\x0203')`, at.UnixMilli(), node, i+1))
	}
	sum, timed, samples := counted()
	closeStore(t, st)
	if sum != 6+6000 || timed != 6 || len(samples) != 1 || samples[0].Waiting != 6 || samples[0].Oldest != 3*time.Millisecond || samples[0].Push.Len() != 9 {
		t.Fatalf("PostgreSQL says %d, %d, %+v", sum, timed, samples)
	}
	must(t, s.back)
	st = s.openSQLite(t)
	backSum, backTimed, backSamples := counted()
	closeStore(t, st)
	if backSum != sum || backTimed != timed || fmt.Sprint(backSamples) != fmt.Sprint(samples) {
		t.Errorf("SQLite says %d, %d, %+v", backSum, backTimed, backSamples)
	}
}

func TestTheHighWaterMarksCountOnBothSides(t *testing.T) {
	s := newSite(t)
	s.one(t)
	mark := filepath.Join(filepath.Dir(s.file), "last_message_id.messages.db")
	if err := os.WriteFile(mark, []byte("123456"), 0o600); err != nil {
		t.Fatal(err)
	}
	if done := must(t, s.there); done.LastID != 123456 {
		t.Errorf("ids go on above %d", done.LastID)
	}
	if err := os.WriteFile(filepath.Join(s.postgres.Folder, "last_message_id.before.postgres"), []byte("200000"), 0o600); err != nil {
		t.Fatal(err)
	}
	if done := must(t, s.back); done.LastID != 200000 {
		t.Errorf("ids go on above %d", done.LastID)
	}
	if id, err := store.ReadMark(mark); err != nil || id != 200000 {
		t.Errorf("the mark of SQLite is %d, %v", id, err)
	}
}

// cutOff is a database whose connection is cut off when its command is interrupted, and whose driver says that alone.
type cutOff struct {
	transfer.Database
	interrupt func()
}

func (c cutOff) Marks(context.Context) (transfer.Marks, error) {
	c.interrupt()
	return transfer.Marks{}, fmt.Errorf("write failed: %w", net.ErrClosed)
}

func TestACopyThatIsInterruptedSaysSoWhateverTheDriverSays(t *testing.T) {
	ctx, cancel := context.WithCancel(ctx)
	from := cutOff{interrupt: func() {}}
	if _, err := transfer.Copy(ctx, from, from, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a connection that breaks: %v", err)
	}
	from.interrupt = cancel
	if _, err := transfer.Copy(ctx, from, from, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a copy that is interrupted: %v", err)
	}
}
