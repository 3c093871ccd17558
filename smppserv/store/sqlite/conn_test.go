package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
	zombiezen "zombiezen.com/go/sqlite"
)

// endless is a read that never ends. mute does not even come to its first row: to end that in the very moment in which it begins,
// SQLite has no means.
const (
	endless = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) SELECT n FROM numbers"
	mute    = endless + " WHERE n < 0"
)

func nothing(*zombiezen.Stmt) {}

func TestAReadEndsAtItsTimeAndTheNextOneIsNotTouched(t *testing.T) {
	d, _, _ := tended(t, zerolog.Nop())
	d.readers.limit = 100 * time.Millisecond
	for i := range readers + 1 {
		if err := d.each(t.Context(), []string{endless, mute}[i&1], nothing); !errors.Is(err, errReadTime) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	}
	d.readers.limit = readTime
	for range readers + 1 {
		if err := d.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAReadEndsWithWhoeverAskedForIt(t *testing.T) {
	d, _, _ := tended(t, zerolog.Nop())
	d.readers.limit = time.Hour
	for range readers + 1 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.each(ctx, endless, nothing) }()
		cancel()
		if err := testkit.Receive(t, ended, "the end of a read"); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if err := d.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAStopEndsWhatIsRead(t *testing.T) {
	d, err := openFile(t.Context(), Options{File: filepath.Join(t.TempDir(), "messages.db")})
	if err != nil {
		t.Fatal(err)
	}
	d.readers.limit = time.Hour
	ended := make(chan error, 2*readers)
	for range 2 * readers {
		go func() { ended <- d.each(context.Background(), endless, nothing) }()
	}
	testkit.Await(t, "as many read as may", func() bool { return len(d.readers.slots) == readers })
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for range 2 * readers {
		if err := testkit.Receive(t, ended, "the end of a read"); !errors.Is(err, errClosed) {
			t.Errorf("got %v", err)
		}
	}
	if err := d.Answer(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func TestATransactionThatAReadLeavesOpenIsEnded(t *testing.T) {
	d, _, _ := tended(t, zerolog.Nop())
	for range 2 {
		if err := d.readers.read(t.Context(), func(r *reader) error { return r.each("BEGIN", nil) }); err != nil {
			t.Fatal(err)
		}
	}
}

// A value that is longer than what is at hand for it comes whole.
func TestLongValuesComeBackAsTheyWere(t *testing.T) {
	s, err := Open(t.Context(), Options{File: filepath.Join(t.TempDir(), "messages.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	for _, n := range []int{0, 1, 511, 512, 513, 5000} {
		m := storetest.Sample()
		m.TLVs, m.Reason, m.Content = make([]byte, n+1), string(make([]byte, n)), make([]byte, n)
		storetest.Add(t, s, m)
		got, err := s.Get(t.Context(), m.ID)
		if err != nil || len(got.TLVs) != n+1 || len(got.Reason) != n || len(got.Content) != n || got.Content == nil {
			t.Errorf("of %d octets: %d, %d and %d came back, %v", n, len(got.TLVs), len(got.Reason), len(got.Content), err)
		}
	}
}

func TestAReadThatFailsForWantOfTheFileHasNothingMoreAcknowledged(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets nobody delete a file that is open")
	}
	d, _, _ := tended(t, zerolog.Nop())
	if err := d.Present(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(d.file); err != nil {
		t.Fatal(err)
	}
	if err := d.Answer(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a read says %v", err)
	}
	if err := d.Present(); err == nil { // though it was looked at a moment ago
		t.Error("the file counts as present")
	}
}
