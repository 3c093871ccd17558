package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
)

// killFile, in its environment, has the test's own program be the process that is killed.
const killFile = "STORE_KILL_FILE"

const killNumbers = 20

// writeUntilKilled adds messages from a few numbers, has some of them end, and says on stdout each time that some more are on disk.
// Its index writes a run every few messages.
func writeUntilKilled(file string) {
	s, err := sqlite.OpenSmall(context.Background(), sqlite.Options{File: file}, "", 16)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	done := make(chan struct{}, flight)
	var ms [flight]*sms.Message
	for i := 0; ; i++ {
		m := storetest.Sample()
		m.Source.Number, m.Source.TON = killNumber(rand.IntN(killNumbers)), byte(i%7)
		if i >= flight {
			<-done
			if i%3 == 0 {
				s.Finish(&road.Transition{IDs: []sms.ID{ms[i%flight].ID}, State: sms.Deleted})
			}
		}
		ms[i%flight] = m
		s.Add(&countdown{m, done})
		if i%flight == flight-1 {
			fmt.Println(i)
		}
	}
}

func killNumber(i int) string { return fmt.Sprint(33600000000 + i) }

func TestAfterAKillEachMessageIsFoundByItsNumberAndCounted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env, cmd.Stderr = append(os.Environ(), killFile+"="+file), os.Stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 3 + rand.IntN(8) { // with the third line some are on disk, and some ends
			if !lines.Scan() {
				t.Fatal("the process ended by itself")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		foundByNumber(t, file)
	}
}

// foundByNumber compares what the index finds with what there is.
func foundByNumber(t *testing.T, file string) {
	t.Helper()
	s, err := sqlite.OpenSmall(t.Context(), sqlite.Options{File: file}, "", 16)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	want := map[string][]sms.ID{} // newest first
	last := map[string]sms.Address{}
	received, deleted := int64(0), int64(0)
	for q := (store.Search{Limit: store.MaxFound}); received == 0 || q.Below != 0; {
		found, err := s.Search(t.Context(), q)
		if err != nil || len(found.Messages) == 0 {
			t.Fatal(len(found.Messages), err)
		}
		for _, m := range found.Messages {
			received++
			if m.State == sms.Deleted {
				deleted++
			}
			want[m.Source.Number] = append(want[m.Source.Number], m.ID)
			if _, newer := last[m.Source.Number]; !newer {
				last[m.Source.Number] = m.Source
			}
		}
		q.Below = found.Next
	}
	if r, err := s.Report(t.Context(), store.ReportQuery{}); err != nil || r.Sum.Received != received || r.Sum.Deleted != deleted || deleted == 0 {
		t.Errorf("of %d messages %d are counted, %d of %d deleted, %v", received, r.Sum.Received, r.Sum.Deleted, deleted, err)
	}
	for i := range killNumbers {
		number := killNumber(i)
		var got []sms.ID
		err := s.ByNumber(t.Context(), number, time.Time{}, time.Time{}, 0, func(m *sms.Message) error { got = append(got, m.ID); return nil })
		if err != nil || !slices.Equal(got, want[number]) {
			t.Errorf("of %s there are %d, %v, want %d", number, len(got), err, len(want[number]))
		}
		if c, ok, err := s.LastWriter(t.Context(), number, storetest.Sample().Dest.Number); err != nil || ok != (len(want[number]) > 0) || c.Number != last[number] {
			t.Errorf("from %s wrote %+v, %v, %v, want %+v", number, c, ok, err, last[number])
		}
	}
}
