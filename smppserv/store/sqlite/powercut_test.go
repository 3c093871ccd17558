package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
)

// The test's own program, with these in its environment, is the process whose power is cut.
const (
	powerCutFile   = "STORE_POWER_CUT_FILE"
	powerCutPragma = "STORE_POWER_CUT_PRAGMA" // changes the store
)

func TestMain(m *testing.M) {
	if file := os.Getenv(powerCutFile); file != "" {
		if err := writeAndTell(file, os.Getenv(powerCutPragma)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if file := os.Getenv(killFile); file != "" {
		writeUntilKilled(file)
	}
	os.Exit(m.Run())
}

// writeAndTell adds messages, ends some of them, and says on stdout what the store reports to be on disk.
func writeAndTell(file, pragma string) error {
	s, err := sqlite.OpenSmall(context.Background(), sqlite.Options{File: file}, pragma, 4)
	if err != nil {
		return err
	}
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 10 {
				m := storetest.Sample()
				m.Source.Number, m.Source.TON = numberOf(w, i), byte(i)
				a := &told{m: m, done: make(chan error, 1)}
				s.Add(a)
				if err := <-a.done; err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				if i%2 == 0 {
					continue
				}
				done := make(chan struct{})
				s.Finish(&road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered, Attempts: 1, Done: func() {
					fmt.Printf("%d %d\n", m.ID, sms.Delivered)
					close(done)
				}})
				<-done
			}
		})
	}
	writers.Wait()
	return s.Close(context.Background()) // copies all of it into the database's file
}

func numberOf(writer, i int) string { return fmt.Sprint(33600000000 + writer*10 + i%7) }

type told struct {
	m    *sms.Message
	done chan error
}

func (a *told) Message() *sms.Message      { return a.m }
func (a *told) Replaces() *road.Transition { return nil }
func (a *told) Added(_ bool, err error) {
	if err == nil {
		fmt.Printf("%d %d\n", a.m.ID, a.m.State)
	}
	a.done <- err
}

// cutPower runs the process and cuts the power at each of its moments until something is missing. It returns how many reports
// there were, and what of it was then not on disk.
func cutPower(t *testing.T, pragma string, survives func() bool) (reports int, lost []string) {
	t.Helper()
	dir := t.TempDir()
	record, folder := filepath.Join(dir, "strace"), filepath.Join(dir, "data")
	if err := os.Mkdir(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	args := append(storetest.StraceArgs(t, record), os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), powerCutFile+"="+filepath.Join(folder, "messages.db"), powerCutPragma+"="+pragma)
	if out, err := cmd.CombinedOutput(); err != nil || bytes.Count(out, []byte("\n")) != 60 {
		t.Fatalf("%v\n%s", err, out)
	}
	reported := map[sms.ID]sms.State{}
	err := storetest.ReadDisks(record, folder, func(d *storetest.Disk, said []storetest.Said) error {
		before := reports
		for _, s := range said {
			if !strings.HasPrefix(s.To, "pipe:") {
				continue
			}
			var id sms.ID
			var state sms.State
			if _, err := fmt.Sscanf(string(s.Data), "%d %d\n", &id, &state); err != nil {
				return fmt.Errorf("%q: %w", s.Data, err)
			}
			reported[id] = state
			reports++
		}
		if (reports > before || reports == 0) && len(lost) == 0 { // an empty store must open, too
			lost = missing(t, d, reported, survives)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return reports, lost
}

// missing opens the store that is left and looks for what was reported.
func missing(t *testing.T, d *storetest.Disk, reported map[sms.ID]sms.State, survives func() bool) (lost []string) {
	t.Helper()
	dir := t.TempDir()
	if err := d.Restore(dir, survives); err != nil {
		t.Fatal(err)
	}
	mark, err := store.ReadMark(filepath.Join(dir, "last_message_id.messages.db"))
	if err != nil {
		return []string{err.Error()}
	}
	for id := range reported {
		if id > mark {
			lost = append(lost, fmt.Sprintf("the high-water mark %d is below id %d", mark, id))
		}
	}
	s, err := sqlite.Open(context.Background(), sqlite.Options{File: filepath.Join(dir, "messages.db")})
	if err != nil {
		return []string{err.Error()}
	}
	defer s.Close(context.Background())
	for id, state := range reported {
		switch m, err := s.Get(context.Background(), id); {
		case err != nil:
			lost = append(lost, fmt.Sprintf("message %d: %v", id, err))
		case !found(s, m):
			lost = append(lost, fmt.Sprintf("message %d is not found by its number", id))
		case m.State != state && m.State != sms.Delivered: // that may be there before it is reported
			lost = append(lost, fmt.Sprintf("message %d is %v, not %v", id, m.State, state))
		}
	}
	return lost
}

// found tells whether a message is found by its number, and what wrote last from there is not older.
func found(s *store.Store, m *sms.Message) (ok bool) {
	newest := sms.ID(0)
	err := s.ByNumber(context.Background(), m.Source.Number, time.Time{}, time.Time{}, 0, func(found *sms.Message) error {
		newest = max(newest, found.ID)
		ok = ok || found.ID == m.ID
		return nil
	})
	c, is, e := s.LastWriter(context.Background(), m.Source.Number, m.Dest.Number)
	last, missing := s.Get(context.Background(), newest)
	return ok && is && errors.Join(err, e, missing) == nil && c.Number == last.Source
}

func nothing() bool { return false }

func TestAPowerCutLosesNothingThatWasReportedToBeOnDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	for name, survives := range map[string]func() bool{
		"all that was not synced is lost":   nothing,
		"some of what was not synced stays": func() bool { return rand.IntN(2) == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			if reports, lost := cutPower(t, "", survives); len(lost) > 0 || reports != 60 {
				t.Errorf("%d reports, %d losses: %q", reports, len(lost), lost[:min(10, len(lost))])
			}
		})
	}
}

// Here the store does not await the disk: if nothing were lost, the test above would see nothing.
func TestAPowerCutIsOne(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	for _, pragma := range []string{"synchronous = off", "synchronous = normal"} {
		if reports, lost := cutPower(t, pragma, nothing); len(lost) == 0 || reports != 60 {
			t.Errorf("with %s: %d reports, and nothing is lost", pragma, reports)
		} else {
			t.Logf("with %s: %d losses: %q", pragma, len(lost), lost[:min(3, len(lost))])
		}
	}
}
