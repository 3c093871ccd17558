package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// life is a database that is written, read, copied, stopped and killed.
type life struct {
	t      *testing.T
	r      *rand.Rand
	dir    string
	d      *database
	conn   *zombiezen.Conn
	reader *sql.Conn // in a transaction; nil = nobody reads
	copies []string  // of the database's file, made in all ways
	seen   map[string]int
	steps  []string
}

func (l *life) file() string { return filepath.Join(l.dir, "messages.db") }

func (l *life) open() {
	l.t.Helper()
	var err error
	if l.d, err = openFile(l.t.Context(), Options{File: l.file(), Log: zerolog.Nop()}); err != nil {
		l.t.Fatalf("after %v: %v", l.seen, err)
	}
	l.d.care.limit = 10
	l.conn = l.d.writer.conn
}

func (l *life) endRead() {
	if l.reader != nil {
		if _, err := l.reader.ExecContext(l.t.Context(), "COMMIT"); err != nil {
			l.t.Fatal(err)
		}
		l.reader.Close()
		l.reader = nil
	}
}

func (l *life) close() {
	l.t.Helper()
	l.endRead()
	if err := l.d.Close(); err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) write() {
	do(l.t, l.conn, "BEGIN IMMEDIATE")
	for range 1 + l.r.IntN(20) {
		do(l.t, l.conn, "INSERT INTO external_ids VALUES (?, ?, ?)", fmt.Sprintf("%0*d", 1+l.r.IntN(2000), l.r.Uint64()), l.r.Int32(), l.r.Int32())
	}
	if l.r.IntN(3) == 0 {
		do(l.t, l.conn, "DELETE FROM external_ids WHERE message_id % 5 = ?", l.r.IntN(5))
	}
	do(l.t, l.conn, "COMMIT")
}

// state is what is in a database.
func state(conn *zombiezen.Conn) (s string, err error) {
	err = sqlitex.ExecuteTransient(conn, "SELECT count(*) || ' ' || coalesce(sum(message_id % 1000003 * (received_at % 1000003)), 0) FROM external_ids", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *zombiezen.Stmt) error { s = stmt.ColumnText(0); return nil }})
	return s, err
}

// copied copies the file, and its log when it is told to, as a kill leaves them.
func (l *life) copied(log bool) (file string) {
	l.t.Helper()
	file = filepath.Join(l.t.TempDir(), "messages.db")
	suffixes := []string{""}
	if log {
		suffixes = append(suffixes, "-wal")
	}
	for _, suffix := range suffixes {
		data, err := os.ReadFile(l.file() + suffix)
		if err == nil {
			err = os.WriteFile(file+suffix, data, 0o600)
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
	return file
}

// opened opens a database and returns what is in it; an error is that of the start.
func opened(ctx context.Context, file string) (got string, err error) {
	d, err := openFile(ctx, Options{File: file, Log: zerolog.Nop()})
	if err != nil {
		return "", err
	}
	defer d.Close()
	var check string
	err = sqlitex.ExecuteTransient(d.writer.conn, "PRAGMA integrity_check", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *zombiezen.Stmt) error { check = stmt.ColumnText(0); return nil }})
	if err != nil || check != "ok" {
		return "malformed: " + oneLine(check), nil
	}
	return state(d.writer.conn)
}

func (l *life) step() {
	ctx := l.t.Context()
	do := []string{"write", "write", "write", "write", "write", "read", "end read", "checkpoint", "restart", "copy", "backup", "vacuum", "online", "kill", "kill", "foreign"}[l.r.IntN(16)]
	l.seen[do]++
	l.steps = append(l.steps, do)
	copy := filepath.Join(l.t.TempDir(), "copy.db")
	switch do {
	case "write":
		l.write()
		l.d.care.again = time.Time{}
		if l.d.copier.now() == waits { // as if its pause were over
			l.d.copier.halt()
		}
		l.d.Tend()
		if l.d.present.logNow().pages >= l.d.care.limit && l.r.IntN(2) == 0 {
			l.d.copier.copied(true)
			l.seen["copied"]++
			l.d.Tend()
		}
	case "read":
		if l.reader != nil {
			return
		}
		l.reader = reading(l.t, l.file())
	case "end read":
		l.endRead()
	case "checkpoint": // by an operator's sqlite3
		db, err := sql.Open("sqlite", dsn(l.file()))
		if err == nil {
			_, err = db.Exec("PRAGMA wal_checkpoint(PASSIVE)")
			err = errors.Join(err, db.Close())
		}
		if err != nil {
			l.t.Fatal(err)
		}
	case "restart":
		l.close()
		l.copies = append(l.copies, l.copied(false))
		l.open()
	case "copy":
		l.copies = append(l.copies, l.copied(false))
	case "backup":
		if _, err := Backup(ctx, l.file(), copy, nil); err != nil {
			l.t.Fatal(err)
		}
		l.copies = append(l.copies, copy)
	case "vacuum":
		if err := vacuum(ctx, l.file(), copy); err != nil {
			l.t.Fatal(err)
		}
		l.copies = append(l.copies, copy)
	case "online": // .backup
		to, err := zombiezen.OpenConn(copy, zombiezen.OpenReadWrite, zombiezen.OpenCreate)
		if err != nil {
			l.t.Fatal(err)
		}
		b, err := zombiezen.NewBackup(to, "main", l.conn, "main")
		if err != nil {
			l.t.Fatal(err)
		}
		if _, err := b.Step(-1); err != nil {
			l.t.Fatal(err)
		}
		if err := errors.Join(b.Close(), to.Close()); err != nil {
			l.t.Fatal(err)
		}
		l.copies = append(l.copies, copy)
	case "kill":
		l.kill()
	case "foreign":
		l.foreign()
	}
}

// kill opens what a kill would leave, and goes on with it at times.
func (l *life) kill() {
	want, err := state(l.conn)
	if err != nil {
		l.t.Fatal(err)
	}
	file := l.copied(true)
	if err := checkLeftover(file); err != nil {
		pages, _ := readLog(file + "-wal")
		l.t.Fatalf("what a kill left: %v: %+v (after %v)", err, pages, l.seen)
	}
	if l.r.IntN(2) == 0 {
		if got, err := opened(l.t.Context(), file); err != nil || got != want {
			l.t.Fatalf("what a kill left holds %s, %v, want %s", got, err, want)
		}
		return
	}
	l.close()
	l.dir = filepath.Dir(file)
	l.open()
	if got, err := state(l.conn); err != nil || got != want {
		l.t.Fatalf("what a kill left holds %s, %v, want %s", got, err, want)
	}
}

// foreign puts each of the copies over the file beside the log that a kill would leave. That is noticed, or does no harm, as when
// the copy is the very base of the log.
func (l *life) foreign() {
	want, err := state(l.conn)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, copy := range l.copies[max(0, len(l.copies)-8):] {
		file := l.copied(true)
		if pages, err := readLog(file + "-wal"); err != nil || !pages.committed {
			l.seen["no log"]++
			continue
		}
		data, err := os.ReadFile(copy)
		if err == nil {
			err = os.WriteFile(file, data, 0o600)
		}
		if err != nil {
			l.t.Fatal(err)
		}
		switch got, err := opened(l.t.Context(), file); {
		case errors.Is(err, errForeignLog):
			l.seen["noticed"]++
		case err != nil:
			l.t.Fatal(err)
		case got != want:
			head, own := make([]byte, fileHeader), make([]byte, fileHeader)
			_, _ = readHead(copy, head)
			_, _ = readHead(l.file(), own)
			pages, _ := readLog(l.file() + "-wal")
			l.t.Logf("copy %+v, own %+v, log %+v, after %q", readPage1(head), readPage1(own), pages, l.steps)
			l.t.Fatalf("a copy under a foreign log is taken and holds %s, want %s (after %v)", got, want, l.seen)
		default:
			l.seen["harmless"]++
		}
	}
}

func TestWhatAKillLeavesIsNeverForeignAndACopyBesideItsLogIsNoticed(t *testing.T) {
	steps := 300
	if testing.Short() {
		steps = 100
	}
	for range 3 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			l := &life{t: t, r: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), seen: map[string]int{}}
			l.open()
			defer func() { l.close() }()
			for range steps {
				l.step()
			}
			t.Log(l.seen)
		})
	}
}
