package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"hnetsmpp/pkg/worker"
)

const (
	statusFile = "launcher.status.json" // in the folder of the logs
	lockFile   = "launcher.lock"        // held by the launcher whose status stands there
)

// Report is what the status file says.
type Report struct {
	State      State         `json:"state"`
	Launcher   int           `json:"launcher_pid"`
	Worker     int           `json:"worker_pid"` // 0 = none runs
	StartedAt  time.Time     `json:"started_at"` // of that worker, or the last
	Restarts   int           `json:"restarts"`
	LastReason string        `json:"last_reason"` // why the last worker ended, "" = none has
	LastEnd    time.Time     `json:"last_end"`    // when, zero = none has
	Ready      *worker.Ready `json:"ready,omitempty"`
	Version    string        `json:"version"` // of the launcher
	Written    time.Time     `json:"written"`
}

// Reporter writes the status file. It holds the lock that tells a second launcher of the first.
type Reporter struct {
	dir, version string
	lock         *flock.Flock
}

// NewReporter writes into dir, the folder of the logs, once it has acquired the lock there.
func NewReporter(dir, version string) *Reporter {
	return &Reporter{dir: dir, version: version, lock: flock.New(filepath.Join(dir, lockFile))}
}

// Acquire is false if another launcher holds the lock. Where the folder cannot be written nobody can tell, and it is true.
// What a launcher before this one said is forgotten.
func (r *Reporter) Acquire() bool {
	_ = os.MkdirAll(r.dir, 0o755)
	held := false
	err := insist(func() (err error) { // a reader may look whether the lock is free
		if held, err = r.lock.TryLock(); err == nil && !held {
			return errHeld
		}
		return err
	})
	if held {
		_ = os.Remove(filepath.Join(r.dir, statusFile))
	}
	return !errors.Is(err, errHeld)
}

var errHeld = errors.New("another launcher holds the lock")

// Write says how things are now.
func (r *Reporter) Write(s Status) error {
	if held, err := r.lock.TryLock(); err != nil {
		return fmt.Errorf("write the status: %w", err)
	} else if !held {
		return fmt.Errorf("write the status: %w", errHeld)
	}
	rep := Report{State: s.State, Launcher: os.Getpid(), Worker: s.PID, StartedAt: s.StartedAt, Restarts: s.Restarts,
		LastReason: s.LastReason, LastEnd: s.LastEnd, Version: r.version, Written: time.Now()}
	if s.State == Running {
		rep.Ready = &s.Ready
	}
	data, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	// Renamed, so that a reader never sees half of it.
	path := filepath.Join(r.dir, statusFile)
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	if err := insist(func() error { return os.Rename(path+".new", path) }); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	return nil
}

const (
	insistTries = 50
	insistPause = 10 * time.Millisecond
)

// insist tries again for a while: on Windows a file cannot be replaced while it is read, nor read while it is replaced.
func insist(do func() error) (err error) {
	for range insistTries {
		if err = do(); err == nil || errors.Is(err, fs.ErrNotExist) {
			return err
		}
		time.Sleep(insistPause)
	}
	return err
}

// Close lets the lock go.
func (r *Reporter) Close() { _ = r.lock.Unlock() }

// ReadReport reads what the launcher with that folder of logs last said; nil = nothing yet. What a launcher left behind that
// died says that nothing runs.
func ReadReport(dir string) (*Report, error) {
	r := NewReporter(dir, "")
	var data []byte
	err := insist(func() (err error) {
		data, err = os.ReadFile(filepath.Join(r.dir, statusFile))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the launcher's status: %w", err)
	}
	var rep Report
	if err := json.Unmarshal(data, &rep); err != nil {
		return nil, fmt.Errorf("%s is not what a launcher writes: %w", filepath.Join(r.dir, statusFile), err)
	}
	if free, err := r.lock.TryLock(); err == nil && free {
		_ = r.lock.Unlock()
		rep.State, rep.Launcher, rep.Worker, rep.Ready = Stopped, 0, 0, nil
	}
	return &rep, nil
}
