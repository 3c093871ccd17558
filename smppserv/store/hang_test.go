package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/testkit"
)

// inBubble runs a test whose clock goes on when nothing else does.
func inBubble(t *testing.T, test func(t *testing.T, s *store.Store, disk *faulty, log *testkit.Log)) {
	file := filepath.Join(t.TempDir(), "messages.db")
	synctest.Test(t, func(t *testing.T) {
		var log testkit.Log
		s, disk := openFaulty(t, file, zerolog.New(&log))
		test(t, s, disk, &log)
		s.Close(context.Background())
	})
}

func TestACommitThatHangsIsAFaultFromTheFifthSecondOnAndToldOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, disk *faulty, log *testkit.Log) {
		goOn := disk.hang()
		begun := time.Now()
		added := add(s, text())
		time.Sleep(store.HangTime - 2*time.Second)
		if err := s.Check(); err != nil {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		time.Sleep(time.Minute)
		for range 3 {
			asked := time.Now()
			err := s.Check()
			if !errors.Is(err, sms.ErrUnavailable) || !strings.Contains(err.Error(), "the disk hangs") || time.Since(asked) > 2*time.Second {
				t.Errorf("after %v: %v", time.Since(asked), err)
			}
		}
		if len(added) > 0 {
			t.Error("the addition was answered")
		}
		goOn()
		if err := <-added; err != nil {
			t.Error(err)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		for _, line := range []string{"the store hangs: the disk does not", "the store hangs no more"} {
			if n := strings.Count(log.String(), line); n != 1 {
				t.Errorf("%q is told %d times:\n%s", line, n, log)
			}
		}
	})
}

func TestACommitThatTakesItsTimeIsNoFault(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, disk *faulty, log *testkit.Log) {
		for range 10 {
			goOn := disk.hang()
			added := add(s, text())
			time.Sleep(store.HangTime - time.Second)
			goOn()
			if err := <-added; err != nil {
				t.Error(err)
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		}
		if strings.Contains(log.String(), "hangs") {
			t.Error(log)
		}
	})
}

func TestAReadThatHangsIsAFaultFromTheFifthSecondOnAndThereIsOneOfThem(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, disk *faulty, _ *testkit.Log) {
		hung, asked := make(chan struct{}), make(chan struct{}, 100)
		disk.read = func() { asked <- struct{}{}; <-hung }
		for begun := time.Now(); time.Since(begun) < 2*store.HangTime; {
			asked := time.Now()
			err := s.Check()
			if hangs := time.Since(begun) >= store.HangTime; (err != nil) != hangs || hangs && !strings.Contains(err.Error(), "hangs") {
				t.Errorf("after %v: %v", time.Since(begun), err)
			}
			if took := time.Since(asked); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
		}
		if len(asked) != 1 {
			t.Errorf("%d reads wait", len(asked))
		}
		close(hung)
		synctest.Wait()
	})
}

func TestAFaultIsToldWhileTheProbeOfItHangsAndProbesDoNotPileUp(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, disk *faulty, _ *testkit.Log) {
		disk.refuse(true)
		if err := <-add(s, text()); !errors.Is(err, sms.ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
		disk.refuse(false)
		goOn := disk.hang()
		for range 100 {
			if err := s.Check(); !errors.Is(err, sms.ErrUnavailable) {
				t.Fatalf("got %v", err)
			}
		}
		if n := s.Pending(); n > 0 {
			t.Errorf("%d operations wait", n)
		}
		goOn()
		synctest.Wait()
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhileTheDiskHangsAStopEndsAtItsTimeAndWhatItHeldIsThereAfterTheNextStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	synctest.Test(t, func(t *testing.T) {
		s, disk := openFaulty(t, file, zerolog.Nop())
		m := text()
		if err := <-add(s, m); err != nil {
			t.Fatal(err)
		}
		goOn := disk.hang()
		s.Finish(&road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
		synctest.Wait()
		const limit = 3 * time.Second
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		begun := time.Now()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "hangs") {
			t.Errorf("Close: %v", err)
		}
		if took := time.Since(begun); took < limit || took > limit+time.Second {
			t.Errorf("it took %v", took)
		}
		goOn()
		synctest.Wait() // the file is closed then
	})
	s, err := sqlite.Open(context.Background(), sqlite.Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	if ids, err := s.WaitingIDs(context.Background(), 0, 1<<62, 1<<20); err != nil || len(ids) != 0 {
		t.Errorf("%v wait, %v", ids, err)
	}
}

func TestADatabaseOnAServerThatHangsIsNoDisk(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, disk *faulty, log *testkit.Log) {
		disk.on("database", "its server")
		goOn := disk.hang()
		added := add(s, text())
		time.Sleep(store.HangTime + time.Second)
		for what, said := range map[string]string{"Check": s.Check().Error(), "Trouble": s.Trouble().Error(), "the log": log.String()} {
			if strings.Contains(said, "disk") || !strings.Contains(said, "the database") || !strings.Contains(said, "look at its server") {
				t.Errorf("%s says %s", what, said)
			}
		}
		goOn()
		if err := <-added; err != nil {
			t.Error(err)
		}
	})
}
