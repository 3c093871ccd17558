package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// do executes a statement.
func do(t *testing.T, conn *zombiezen.Conn, query string, args ...any) {
	t.Helper()
	if err := sqlitex.Execute(conn, query, &sqlitex.ExecOptions{Args: args}); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// reading is a connection of another program's, in a transaction that reads.
func reading(t *testing.T, file string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(file, "query_only(true)"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(0)
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() }) // else Windows does not let the file go
	for _, query := range []string{"BEGIN", "SELECT count(*) FROM external_ids"} {
		if _, err := conn.ExecContext(context.Background(), query); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// tended is a database with the connection that writes.
func tended(t *testing.T, log zerolog.Logger) (d *database, file string, conn *zombiezen.Conn) {
	t.Helper()
	file = t.TempDir() + "/messages.db"
	d, err := openFile(t.Context(), Options{File: file, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, file, d.writer.conn
}

// written opens a database whose log is to be short, writes to it until the size given has been written, and returns the
// largest log that there was.
func written(t *testing.T, limit, octets int64, log zerolog.Logger, between func(d *database)) (largest int64) {
	t.Helper()
	d, file, conn := tended(t, log)
	d.care.limit, d.care.brake = limit/4096, limit*3/2/4096
	for i := int64(0); i*4096 < octets; i++ {
		do(t, conn, "INSERT INTO external_ids VALUES (?, ?, 0)", fmt.Sprintf("%04000d", i), i)
		d.Tend()
		largest = max(largest, size(t, file+"-wal"))
		if between != nil {
			between(d)
		}
	}
	return largest
}

func TestTheLogIsCutWhenItIsLong(t *testing.T) {
	const limit = 100 * 4096
	if got := written(t, limit, 20*limit, zerolog.Nop(), nil); got > 4*limit { // it keeps 3 times the limit
		t.Errorf("the log has %d octets, the limit is %d", got, limit)
	}
}

func TestTheLogIsCopiedEarlyWhereItGrowsFast(t *testing.T) {
	c := care{limit: 100}
	for _, step := range []struct{ copied, start int64 }{
		{101, 292}, // it grew by a page until it was copied
		{300, 278},
		{350, 150},
		{150, 294},
		{900, 100}, // not below the limit
		{150, 194},
	} {
		if c.copiedAt(step.copied); c.start() != step.start {
			t.Errorf("copied at %d pages: next at %d, want %d", step.copied, c.start(), step.start)
		}
	}
}

func TestReadersThatFollowEachOtherDoNotKeepTheLogFromBeginningAnew(t *testing.T) {
	const limit = 20 // pages
	stop := make(chan struct{})
	var readers sync.WaitGroup
	defer readers.Wait()
	defer close(stop)
	d, _, conn := tended(t, zerolog.Nop())
	d.care.limit = limit
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_ = d.each(context.Background(), "SELECT count(*) FROM external_ids", func(*zombiezen.Stmt) {})
			}
		})
	}
	n := 0
	testkit.Await(t, "the log, which is long, begins anew", func() bool {
		for range 16 {
			n++
			do(t, conn, "INSERT INTO external_ids VALUES (?, ?, 0)", fmt.Sprintf("%04000d", n), n)
		}
		before := d.present.logNow().pages
		d.Tend()
		return before >= limit && d.present.logNow().pages < limit
	})
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// A reader that does not end holds the log: that is said, and the attempts to copy it keep a distance. Commits do not wait for it.
func TestAReaderThatDoesNotEndIsToldOfAndCostsLittle(t *testing.T) {
	const limit = 10 * 4096
	var log testkit.Log
	var d *database
	var reader *sql.Conn
	got := written(t, limit, 40*limit, zerolog.New(&log), func(opened *database) {
		if d = opened; reader == nil {
			reader = reading(t, d.file)
		}
	})
	d.copier.mu.Lock()
	attempts := d.copier.attempts
	d.copier.mu.Unlock()
	if attempts > 30 || got < 30*limit { // of 400 commits
		t.Errorf("%d attempts, and the log has %d octets", attempts, got)
	}
	for range 2 { // as if the pause were over: the log is now long enough to tell of it
		testkit.Await(t, "a reader holds the copying up", func() bool { return d.copier.now() == waits })
		d.copier.halt()
		d.Tend()
	}
	testkit.Await(t, "a reader holds the copying up", func() bool { return d.copier.now() == waits })
	if n := strings.Count(log.String(), "the write-ahead log grows"); n < 1 || n > 6 { // a slow machine has more pauses in it; 400 commits
		t.Errorf("it is told %d times:\n%s", n, &log)
	}
}

func (c *copier) now() copying {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase
}

func TestTheLogIsCutSoonAfterTheReaderHasEndedAlsoWhenNothingIsWritten(t *testing.T) {
	const limit = 10 * 4096
	d, file, conn := tended(t, zerolog.Nop())
	d.care.limit = limit / 4096
	due := make(chan struct{}, 1)
	d.OnDue(func() { due <- struct{}{} })
	reader := reading(t, file)
	for i := range 4 * limit / 4096 {
		do(t, conn, "INSERT OR REPLACE INTO external_ids VALUES (?, ?, 0)", fmt.Sprintf("%04000d", i), i)
		d.Tend()
	}
	testkit.Await(t, "a reader holds the copying up", func() bool { return d.copier.now() == waits })
	if d.Tend(); size(t, file+"-wal") < 3*limit {
		t.Fatalf("with a reader the log has %d octets", size(t, file+"-wal"))
	}
	if _, err := reader.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, due, "the call")
	if d.Tend(); size(t, file+"-wal") >= limit {
		t.Errorf("without a reader the log has %d octets", size(t, file+"-wal"))
	}
	if phase := d.copier.now(); phase != rests {
		t.Errorf("the copier is at %d", phase)
	}
}

func TestCommitsWaitForTheCopyingWhenTheLogIsTooLong(t *testing.T) {
	const limit = 50
	d, _, conn := tended(t, zerolog.Nop())
	d.care.limit, d.care.brake = limit, 3*limit
	longest := int64(0)
	for i := range 40 * limit {
		do(t, conn, "INSERT INTO external_ids VALUES (?, ?, 0)", fmt.Sprintf("%04000d", i), i)
		d.Tend()
		longest = max(longest, d.present.logNow().pages)
	}
	if longest > 3*limit+20 { // a row takes a few pages
		t.Errorf("the log had %d pages", longest)
	}
}
