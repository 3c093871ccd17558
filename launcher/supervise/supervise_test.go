package supervise

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/pkg/worker"
)

func TestStopClosesStdinAndTheWorkerStopsPolitely(t *testing.T) {
	var stderr bytes.Buffer
	r := supervise(t, Options{}, Child{Options: worker.Options{Stderr: &stderr}, StopGrace: long}, "good")
	r.expect(EventStarting, Starting)
	e := r.expect(EventReady, Running)
	if e.PID == 0 || e.Ready.SMPP != "127.0.0.1:1" || e.StartedAt.IsZero() || e.Restarts != 0 {
		t.Errorf("got %+v", e)
	}
	if r.Status() != e.Status {
		t.Errorf("Status() is %+v", r.Status())
	}
	r.cancel()
	r.expect(EventStopping, Stopping)
	e = r.expect(EventExited, Stopped)
	if e.LastReason != "stopped as asked" || e.PID != 0 {
		t.Errorf("got %+v", e)
	}
	r.waitEnd()
	if got := stderr.String(); got != "stopped politely\n" {
		t.Errorf("stderr = %q", got)
	}
}

func TestCrashedWorkerIsRestartedWithBackoffAndReason(t *testing.T) {
	opts := Options{FirstBackoff: time.Millisecond, LongestBackoff: 3 * time.Millisecond}
	r := supervise(t, opts, Child{}, "crash", "held", "ends", "crash", "good")
	for i, want := range []struct {
		wait   time.Duration
		reason string
	}{
		{time.Millisecond, "crashed (exit code 2): panic: out of luck"},
		{2 * time.Millisecond, "a port or the store is held by another process"},
		{3 * time.Millisecond, "stopped by itself, without being asked"},
		{3 * time.Millisecond, "crashed (exit code 2): panic: out of luck"},
	} {
		r.expect(EventStarting, Starting)
		e := r.expect(EventExited, BackingOff)
		if e.Wait != want.wait || e.LastReason != want.reason || e.Restarts != i {
			t.Errorf("end %d: got %+v, want %+v", i, e.Status, want)
		}
	}
	r.expect(EventStarting, Starting)
	if e := r.expect(EventReady, Running); e.Restarts != 4 {
		t.Errorf("restarts = %d", e.Restarts)
	}
}

func TestBackoffDoublesAndStartsAnewAfterAStableLife(t *testing.T) {
	opts := New(Options{}).opts
	for _, tt := range []struct{ previous, life, want time.Duration }{
		{0, 0, time.Second},
		{time.Second, 59 * time.Second, 2 * time.Second},
		{2 * time.Second, 0, 4 * time.Second},
		{16 * time.Second, 0, 30 * time.Second},
		{30 * time.Second, time.Second, 30 * time.Second},
		{30 * time.Second, time.Minute, time.Second},
	} {
		if got := nextWait(opts, tt.previous, tt.life); got != tt.want {
			t.Errorf("after %s of waiting and %s of life: %s, want %s", tt.previous, tt.life, got, tt.want)
		}
	}
}

func TestBadConfigurationWaitsForTheFileToChange(t *testing.T) {
	write := func(t *testing.T, path string) {
		if err := os.WriteFile(path, []byte(time.Now().String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(t *testing.T, path string){
		"written in place": write,
		"replaced, as editors do": func(t *testing.T, path string) {
			write(t, path+".new")
			err := os.Rename(path+".new", path)
			for end := time.Now().Add(long); err != nil && time.Now().Before(end); { // Windows lets nobody replace what is read
				err = os.Rename(path+".new", path)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"same text, written again": func(t *testing.T, path string) {
			later := time.Now().Add(time.Second)
			if err := os.Chtimes(path, later, later); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.toml")
			write(t, path)
			r := supervise(t, Options{ConfigPoll: 5 * time.Millisecond}, Child{Options: worker.Options{Config: path}}, "bad config", "good")
			r.expect(EventStarting, Starting)
			e := r.expect(EventExited, AwaitingConfig)
			if e.LastReason != "bad configuration: mode: is wrong" {
				t.Errorf("reason = %s", e.LastReason)
			}
			write(t, filepath.Join(filepath.Dir(path), "other.txt"))
			select {
			case e := <-r.events:
				t.Fatalf("%s although config.toml is the same", e.Kind)
			default:
			}
			change(t, path)
			r.expect(EventStarting, Starting)
			r.expect(EventReady, Running)
		})
	}
}

func TestBadConfigurationInAFolderThatIsMissingIsPolledFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "later", "config.toml")
	r := supervise(t, Options{ConfigPoll: time.Millisecond}, Child{Options: worker.Options{Config: path}}, "bad config", "good")
	r.expect(EventStarting, Starting)
	r.expect(EventExited, AwaitingConfig)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.expect(EventStarting, Starting)
	r.expect(EventReady, Running)
}

func TestHungWorkerShowsItsStacksAndIsRestarted(t *testing.T) {
	// The second child hangs only after it was ready.
	for _, behaviour := range []string{"hung at start", "deaf"} {
		var stderr lockedBuffer
		// The limit must let the good child report: it is generous.
		opts := Options{Silence: 2 * time.Second, FirstBackoff: time.Millisecond}
		r := supervise(t, opts, Child{Options: worker.Options{Stderr: &stderr}, StopGrace: long}, behaviour, "good")
		r.expect(EventStarting, Starting)
		if behaviour == "deaf" {
			r.expect(EventReady, Running)
			r.expect(EventHung, Running)
		} else {
			r.expect(EventHung, Starting)
		}
		e := r.expect(EventExited, BackingOff)
		if e.LastReason != "hung: no sign of life for 2s" {
			t.Errorf("reason = %s", e.LastReason)
		}
		if runtime.GOOS != "windows" && !strings.Contains(stderr.String(), "fakeWorker") {
			t.Errorf("no stacks in %q", stderr.String())
		}
		r.expect(EventStarting, Starting)
		r.expect(EventReady, Running)
		r.cancel()
		r.waitEnd()
	}
}

func TestWorkerThatDoesNotStopIsKilledAfterItsGrace(t *testing.T) {
	r := supervise(t, Options{}, Child{StopGrace: 20 * time.Millisecond}, "deaf")
	r.expect(EventStarting, Starting)
	r.expect(EventReady, Running)
	r.cancel()
	r.expect(EventStopping, Stopping)
	if e := r.expect(EventExited, Stopped); e.LastReason != "did not stop within 20ms and was killed" {
		t.Errorf("reason = %s", e.LastReason)
	}
	r.waitEnd()
}

func TestKillDoesNotWaitForTheGrace(t *testing.T) {
	r := supervise(t, Options{}, Child{StopGrace: time.Hour}, "deaf")
	r.expect(EventStarting, Starting)
	r.expect(EventReady, Running)
	r.cancel()
	r.expect(EventStopping, Stopping)
	r.Kill()
	r.expect(EventExited, Stopped)
	r.waitEnd()
}

func TestStopWhileNoChildRuns(t *testing.T) {
	for behaviour, state := range map[string]State{"bad config": AwaitingConfig, "crash": BackingOff} {
		r := supervise(t, Options{FirstBackoff: time.Hour, ConfigPoll: time.Hour}, Child{Options: worker.Options{Config: "/nowhere/config.toml"}}, behaviour)
		r.expect(EventStarting, Starting)
		r.expect(EventExited, state)
		r.cancel()
		r.expect(EventStopped, Stopped)
		r.waitEnd()
	}
}

func TestMissingProgramIsTriedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "smppserv")
	r := supervise(t, Options{FirstBackoff: time.Millisecond}, Child{Options: worker.Options{Path: path}}, "good")
	for range 2 {
		r.expect(EventStarting, Starting)
		if e := r.expect(EventExited, BackingOff); !strings.Contains(e.LastReason, path) {
			t.Errorf("reason = %s", e.LastReason)
		}
	}
}

func TestStatusMayBeReadWhileItChanges(t *testing.T) {
	r := supervise(t, Options{FirstBackoff: time.Microsecond}, Child{}, "ends", "ends", "good")
	var done atomic.Bool
	go func() {
		for !done.Load() {
			_ = r.Status()
		}
	}()
	defer done.Store(true)
	for {
		if e := <-r.events; e.Kind == EventReady {
			return
		}
	}
}

func TestANumberThatIsErasedGoesFromTheReasonOfTheLastEnd(t *testing.T) {
	r := supervise(t, Options{FirstBackoff: time.Millisecond, Erase: func(string) (int, error) { return 0, nil }}, Child{StopGrace: long}, "crash at a number", "erases")
	r.expect(EventStarting, Starting)
	if e := r.expect(EventExited, BackingOff); !strings.Contains(e.LastReason, "33612345678") {
		t.Fatalf("the reason is %s", e.LastReason)
	}
	r.expect(EventStarting, Starting)
	r.expect(EventReady, Running)
	if e := r.expect(EventErased, Running); !strings.Contains(e.LastReason, "out of luck with (erased)") || strings.Contains(e.String(), "again") {
		t.Errorf("the reason is %s; %s", e.LastReason, e)
	}
	r.cancel()
	r.expect(EventStopping, Stopping)
	r.expect(EventExited, Stopped)
	r.waitEnd()
}
