package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/testkit"
)

// folder is a data folder with its store.
type folder string

func (f folder) database() string { return filepath.Join(string(f), "messages.db") }
func (f folder) mark() string     { return filepath.Join(string(f), "last_message_id.messages.db") }

func (f folder) open(t *testing.T, log zerolog.Logger) *store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{File: f.database(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// fill adds n messages and returns the id of the last one.
func fill(t *testing.T, s *store.Store, n int) (last sms.ID) {
	t.Helper()
	for range n {
		m := text()
		if err := testkit.Receive(t, add(s, m), "an addition"); err != nil {
			t.Fatal(err)
		}
		if m.ID <= last {
			t.Fatalf("id %d after %d", m.ID, last)
		}
		last = m.ID
	}
	return last
}

// keep copies what a kill would leave of the folder.
func (f folder) keep(t *testing.T) (kept folder) {
	t.Helper()
	kept = folder(t.TempDir())
	entries, err := os.ReadDir(string(f))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") || strings.HasSuffix(e.Name(), ".lock") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(string(f), e.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(string(kept), e.Name()), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return kept
}

// moveAway moves all of messages.db* away, as the program advises.
func (f folder) moveAway(t *testing.T) {
	t.Helper()
	found, err := filepath.Glob(f.database() + "*")
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	away := t.TempDir()
	for _, file := range found {
		if err := os.Rename(file, filepath.Join(away, filepath.Base(file))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIDsDoNotComeAgainWhenTheDatabaseIsMovedAway(t *testing.T) {
	f := folder(t.TempDir())
	s := f.open(t, zerolog.Nop())
	last := fill(t, s, 5)
	killed := f.keep(t)
	closed(t, s)
	for _, f := range []folder{f, killed} {
		f.moveAway(t)
		var log testkit.Log
		s := f.open(t, zerolog.New(&log))
		if id := fill(t, s, 1); id <= last {
			t.Errorf("after %d comes %d", last, id)
		}
		closed(t, s)
		if got := log.String(); strings.Count(got, "high-water mark") != 1 || !strings.Contains(got, `"level":"warn"`) {
			t.Errorf("the log says %s", got)
		}
	}
}

func TestIDsDoNotComeAgainWhenABackupIsPutBack(t *testing.T) {
	f := folder(t.TempDir())
	s := f.open(t, zerolog.Nop())
	fill(t, s, 3)
	closed(t, s)
	backup, err := os.ReadFile(f.database())
	if err != nil {
		t.Fatal(err)
	}
	s = f.open(t, zerolog.Nop())
	last := fill(t, s, 7)
	closed(t, s)
	if err := os.WriteFile(f.database(), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	s = f.open(t, zerolog.Nop())
	defer closed(t, s)
	if id := fill(t, s, 1); id != last+1 {
		t.Errorf("after %d comes %d", last, id)
	}
}

func TestTheMarkIsExactAfterAStopAndIsMadeWhereThereIsNone(t *testing.T) {
	f := folder(t.TempDir())
	for want := range 4 {
		s := f.open(t, zerolog.Nop())
		if id := fill(t, s, 1); id != sms.ID(want+1) {
			t.Errorf("message %d is %d", want+1, id)
		}
		closed(t, s)
		if id, err := store.ReadMark(f.mark()); err != nil || id != sms.ID(want+1) {
			t.Errorf("the mark is %d, %v, want %d", id, err, want+1)
		}
		if want == 1 { // an older version kept none
			if err := os.Remove(f.mark()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// In each state that a kill could leave, the mark is above all ids that were told to anybody.
func TestTheMarkIsAboveEveryIDThatWasGivenOut(t *testing.T) {
	f := folder(t.TempDir())
	s := f.open(t, zerolog.Nop())
	defer closed(t, s)
	for n := range 30 {
		var ops []store.Op
		var added []<-chan error
		var last *sms.Message
		for range 1000 * (n % 3) {
			last = text()
			o, done := addition(last)
			ops, added = append(ops, o), append(added, done)
		}
		s.Together(ops...)
		for _, done := range added {
			if err := testkit.Receive(t, done, "an addition"); err != nil {
				t.Fatal(err)
			}
		}
		if last == nil {
			continue
		}
		if id, err := store.ReadMark(f.mark()); err != nil || id < last.ID {
			t.Fatalf("the mark is %d, %v, and id %d was given out", id, err, last.ID)
		}
	}
}

func TestADamagedMarkIsSaidAndNeverTakenForALowerOne(t *testing.T) {
	f := folder(t.TempDir())
	s := f.open(t, zerolog.Nop())
	last := fill(t, s, 123)
	closed(t, s)
	f.moveAway(t)
	whole, err := os.ReadFile(f.mark())
	if err != nil {
		t.Fatal(err)
	}
	damaged := [][]byte{make([]byte, len(whole)), append(whole[:len(whole):len(whole)], whole...), []byte("-1\n"), []byte("99999999999999999999\n")}
	for n := range whole {
		damaged = append(damaged, whole[:n:n])
		for _, other := range []byte{'0', '7', 0, whole[n] ^ 1} {
			changed := append([]byte(nil), whole...)
			if changed[n] = other; string(changed) != string(whole) {
				damaged = append(damaged, changed)
			}
		}
	}
	for _, data := range damaged {
		if err := os.WriteFile(f.mark(), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if id, err := store.ReadMark(f.mark()); err == nil || !strings.Contains(err.Error(), f.mark()) {
			t.Errorf("%q is taken for %d, %v", data, id, err)
		}
	}
	if s, err := sqlite.Open(t.Context(), sqlite.Options{File: f.database()}); err == nil {
		closed(t, s)
		t.Error("it opens with a damaged mark")
	}
	if err := os.WriteFile(f.mark(), []byte("\ufeff 5000 \r\n"), 0o600); err != nil { // as the error advises
		t.Fatal(err)
	}
	s = f.open(t, zerolog.Nop())
	defer closed(t, s)
	if id := fill(t, s, 1); id != 5001 || id <= last {
		t.Errorf("the next id is %d", id)
	}
}

func TestAMarkThatCannotBeWrittenIsAnOutageThatEnds(t *testing.T) {
	f := folder(t.TempDir())
	if err := os.Mkdir(f.mark()+".new", 0o700); err != nil {
		t.Fatal(err)
	}
	s := f.open(t, zerolog.Nop())
	defer closed(t, s)
	for range 2 {
		if err := testkit.Receive(t, add(s, text()), "the refusal"); !errors.Is(err, sms.ErrUnavailable) || !strings.Contains(fmt.Sprint(err), "high-water mark") {
			t.Fatalf("got %v", err)
		}
	}
	if err := s.Check(); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("the store looks well: %v", err)
	}
	if err := os.Remove(f.mark() + ".new"); err != nil {
		t.Fatal(err)
	}
	if id := fill(t, s, 1); id != 1 {
		t.Errorf("the first id is %d", id)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}
