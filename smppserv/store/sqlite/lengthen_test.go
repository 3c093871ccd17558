package sqlite

import (
	"os"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/store"
)

func TestTheLogGetsItsLengthWhenItIsWrittenToAndNotBefore(t *testing.T) {
	d, file, conn := tended(t, zerolog.Nop())
	commit := func() {
		t.Helper()
		if err := d.Write(&store.Batch{Probe: true}); err != nil {
			t.Fatal(err)
		}
	}
	commit()
	if got := size(t, file+"-wal"); got > usedPages*framePage {
		t.Fatalf("nothing was written, and the log has %d octets", got)
	}
	do(t, conn, "CREATE TABLE written (i)")
	for i := 0; d.present.logNow().pages < usedPages; i++ {
		do(t, conn, "INSERT INTO written VALUES (?)", i)
	}
	before := d.present.logNow()
	const want = keptPages * framePage
	for range want/longerBy + 1 {
		commit()
	}
	if got := size(t, file+"-wal"); got != want {
		t.Errorf("the log has %d octets, want %d", got, want)
	}
	if after := d.present.logNow(); after.salts != before.salts || after.pages > before.pages+10*(want/longerBy+1) {
		t.Errorf("the log is %+v, it was %+v", after, before)
	}
	if cut, err := d.fold(); !cut || err != nil {
		t.Fatalf("begun anew: %v, %v", cut, err)
	}
	if got := size(t, file+"-wal"); got != want {
		t.Errorf("the log that was begun anew has %d octets, want %d", got, want)
	}
}

// As after a loss of power: what lies on the disk is read by another process.
func TestALengthenedLogIsReplayedUpToItsLastCommit(t *testing.T) {
	d, file, conn := tended(t, zerolog.Nop())
	do(t, conn, "CREATE TABLE written (i)")
	const rows = 400
	for i := range rows {
		do(t, conn, "INSERT INTO written VALUES (?)", i)
		if err := d.Write(&store.Batch{Probe: true}); err != nil {
			t.Fatal(err)
		}
	}
	if got := size(t, file+"-wal"); got < keptPages*framePage {
		t.Fatalf("the log has %d octets only", got)
	}
	there := t.TempDir() + "/messages.db"
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(file + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(there+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, err := openFile(t.Context(), Options{File: there, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	n, err := ask(again.writer.conn, "SELECT count(*) FROM written")
	if err != nil || n[0] != rows {
		t.Errorf("%v of %d rows are there: %v", n, rows, err)
	}
}

func TestALogThatCannotBecomeLongerIsLeftAsItIs(t *testing.T) {
	d, file, conn := tended(t, zerolog.Nop())
	do(t, conn, "CREATE TABLE written (i)")
	d.care.file += ".none"
	for i := 0; d.present.logNow().pages < 2*usedPages; i++ {
		do(t, conn, "INSERT INTO written VALUES (?)", i)
		if err := d.Write(&store.Batch{Probe: true}); err != nil {
			t.Fatal(err)
		}
	}
	if !d.care.long || !conn.AutocommitEnabled() {
		t.Errorf("given up: %v; the connection has no transaction: %v", d.care.long, conn.AutocommitEnabled())
	}
	if got := size(t, file+"-wal"); got > 3*usedPages*framePage {
		t.Errorf("the log has %d octets", got)
	}
}
