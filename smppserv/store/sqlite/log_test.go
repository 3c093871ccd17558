package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

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
	d.care.limit = limit / 4096
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
	if got := written(t, limit, 20*limit, zerolog.Nop(), nil); got > 2*limit {
		t.Errorf("the log has %d octets, the limit is %d", got, limit)
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
		before, _ := d.present.logNow()
		d.Tend()
		after, _ := d.present.logNow()
		return before >= limit && after < limit
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

// A reader that does not end holds the log: that is said, and the attempts to cut it keep a distance.
func TestAReaderThatDoesNotEndIsToldOfAndCostsLittle(t *testing.T) {
	const limit = 10 * 4096
	var log bytes.Buffer
	attempts, last := 0, uint32(0)
	var reader *sql.Conn
	write := 0
	got := written(t, limit, 40*limit, zerolog.New(&log), func(d *database) {
		if reader == nil {
			reader = reading(t, d.file)
		}
		d.present.mu.Lock()
		if n := d.present.numbers[len(d.present.numbers)-1]; n != last {
			attempts, last = attempts+1, n
		}
		d.present.mu.Unlock()
		if write++; write == 200 { // as if the pause were over, once: the log is now long enough to tell of it
			d.care.again = time.Now()
		}
	})
	if attempts > 10 || got < 30*limit {
		t.Errorf("%d attempts, and the log has %d octets", attempts, got)
	}
	if n := strings.Count(log.String(), "the write-ahead log grows"); n < 1 || n > 3 {
		t.Errorf("it is told %d times:\n%s", n, &log)
	}
}

func TestTheLogIsCutSoonAfterTheReaderHasEnded(t *testing.T) {
	const limit = 10 * 4096
	d, err := openFile(t.Context(), Options{File: t.TempDir() + "/messages.db", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.care.limit = limit / 4096
	conn, reader := d.writer.conn, reading(t, d.file)
	size := func() int64 {
		info, err := os.Stat(d.care.file)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	write := func() {
		for i := range 2 * limit / 4096 {
			do(t, conn, "INSERT OR REPLACE INTO external_ids VALUES (?, ?, 0)", fmt.Sprintf("%04000d", i), i)
		}
	}
	write()
	d.Tend()
	if d.care.pause != firstPause || size() < limit {
		t.Fatalf("with a reader: the pause is %v, the log has %d octets", d.care.pause, size())
	}
	if _, err := reader.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	write()
	d.Tend()
	if size() < limit {
		t.Error("it does not wait between two attempts")
	}
	d.care.again = time.Now()
	d.Tend()
	if d.care.pause != 0 || size() >= limit {
		t.Errorf("without a reader: the pause is %v, the log has %d octets", d.care.pause, size())
	}
}
