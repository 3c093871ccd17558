package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/testkit"
)

func TestADatabaseThatIsDeletedOrReplacedUnderTheServerIsNoticed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets nobody delete or replace a file that is open")
	}
	for what, fault := range map[string]func(f folder) error{
		"the database is deleted":     func(f folder) error { return os.Remove(f.database()) },
		"its log is deleted":          func(f folder) error { return os.Remove(f.database() + "-wal") },
		"its folder is deleted":       func(f folder) error { return os.RemoveAll(string(f)) },
		"its folder is renamed":       func(f folder) error { return os.Rename(string(f), string(f)+".old") },
		"it is moved away":            func(f folder) error { return os.Rename(f.database(), f.database()+".old") },
		"another one takes its place": func(f folder) error { return os.Rename(filepath.Join(string(f), "copy.db"), f.database()) },
		"another one is written over it": func(f folder) error {
			data, err := os.ReadFile(filepath.Join(string(f), "copy.db"))
			if err == nil {
				err = os.WriteFile(f.database(), data, 0o600)
			}
			return err
		},
		"it is written over with nothing": func(f folder) error { return os.WriteFile(f.database(), nil, 0o600) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := folder(filepath.Join(t.TempDir(), "data"))
			var log testkit.Log
			s := f.open(t, zerolog.New(&log))
			m := text()
			if err := testkit.Receive(t, add(s, m), "an addition"); err != nil {
				t.Fatal(err)
			}
			if _, err := sqlite.Backup(t.Context(), f.database(), filepath.Join(string(f), "copy.db"), nil); err != nil {
				t.Fatal(err)
			}
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			if err := fault(f); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(10 * time.Second)
			for s.Check() == nil {
				if time.Now().After(deadline) {
					t.Fatal("the store looks well")
				}
				time.Sleep(10 * time.Millisecond)
			}
			if err := s.Check(); !strings.Contains(err.Error(), f.database()) || !strings.Contains(err.Error(), sqlite.RestoreCommand) {
				t.Errorf("Check says %v", err)
			}
			for range 2 {
				if err := testkit.Receive(t, add(s, text()), "the refusal"); !errors.Is(err, sms.ErrUnavailable) {
					t.Fatalf("an addition is answered %v", err)
				}
			}
			changed := make(chan error, 1)
			s.Change(text(), nil, func(err error) { changed <- err })
			if err := testkit.Receive(t, changed, "the refused change"); !errors.Is(err, sms.ErrUnavailable) {
				t.Fatalf("a change is answered %v", err)
			}
			done := make(chan struct{})
			s.Finish(&road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered, Done: func() { close(done) }})
			testkit.Receive(t, done, "an outcome, which may still reach a file that was only moved")
			if got := log.String(); strings.Count(got, "no message is accepted any more") != 1 {
				t.Errorf("the log says %s", got)
			}
			_ = s.Close(context.Background())
		})
	}
}

func TestADatabaseThatIsBackInItsPlaceTakesMessagesAgain(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets nobody transition a file that is open")
	}
	f := folder(t.TempDir())
	var log testkit.Log
	s := f.open(t, zerolog.New(&log))
	defer s.Close(context.Background())
	if err := os.Rename(f.database(), f.database()+".old"); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	await := func(want bool) {
		t.Helper()
		for (testkit.Receive(t, add(s, text()), "an addition") == nil) != want {
			if time.Now().After(deadline) {
				t.Fatal("it stays as it was")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	await(false)
	if err := os.Rename(f.database()+".old", f.database()); err != nil {
		t.Fatal(err)
	}
	await(true)
	if got := log.String(); strings.Count(got, "accepted again") != 1 {
		t.Errorf("the log says %s", got)
	}
}

// A copy that is written over the database of a running server is not spoiled by its log, neither by the stop nor by the next start.
func TestACopyWrittenOverTheDatabaseSurvivesTheStop(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open stays locked")
	}
	f := folder(t.TempDir())
	s := f.open(t, zerolog.Nop())
	fill(t, s, 10)
	backup := filepath.Join(t.TempDir(), "copy.db")
	if _, err := sqlite.Backup(t.Context(), f.database(), backup, nil); err != nil {
		t.Fatal(err)
	}
	last := fill(t, s, 200)
	data, err := os.ReadFile(backup)
	if err == nil {
		err = os.WriteFile(f.database(), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close(context.Background())
	if now, err := os.ReadFile(f.database()); err != nil || string(now) != string(data) {
		t.Errorf("the stop changed the copy, %v", err)
	}
	if s, err := sqlite.Open(t.Context(), sqlite.Options{File: f.database()}); err == nil {
		s.Close(context.Background())
		t.Fatal("it opens with the log of another database")
	} else if !strings.Contains(err.Error(), sqlite.RestoreCommand) {
		t.Error(err)
	}
	if _, err := sqlite.Restore(t.Context(), f.database(), backup, nil); err != nil {
		t.Fatal(err)
	}
	s = f.open(t, zerolog.Nop())
	defer closed(t, s)
	if id := fill(t, s, 1); id <= last {
		t.Errorf("after %d comes %d", last, id)
	}
}
