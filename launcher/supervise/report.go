package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hnetsmpp/pkg/livefile"
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
	file         *livefile.File
}

// NewReporter writes into dir, the folder of the logs, once it has acquired the lock there.
func NewReporter(dir, version string) *Reporter {
	return &Reporter{dir: dir, version: version, file: livefile.New(filepath.Join(dir, statusFile), filepath.Join(dir, lockFile), 0o644)}
}

// Acquire is false if another launcher holds the lock. Where the folder cannot be written nobody can tell, and it is true.
// What a launcher before this one said is forgotten.
func (r *Reporter) Acquire() bool {
	_ = os.MkdirAll(r.dir, 0o755)
	err := r.file.Hold()
	if err == nil {
		r.file.Remove()
	}
	return !errors.Is(err, livefile.ErrHeld)
}

// Write says how things are now.
func (r *Reporter) Write(s Status) error {
	if err := r.file.TryHold(); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	rep := Report{State: s.State, Launcher: os.Getpid(), Worker: s.PID, StartedAt: s.StartedAt, Restarts: s.Restarts,
		LastReason: s.LastReason, LastEnd: s.LastEnd, Version: r.version, Written: time.Now()}
	if s.State == Running {
		rep.Ready = &s.Ready
	}
	if err := r.file.Write(rep); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	return nil
}

// Close lets the lock go.
func (r *Reporter) Close() { r.file.Release() }

// ReadReport reads what the launcher with that folder of logs last said; nil = nothing yet. What a launcher left behind that
// died says that nothing runs.
func ReadReport(dir string) (*Report, error) {
	data, alive, err := NewReporter(dir, "").file.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the launcher's status: %w", err)
	}
	var rep Report
	if err := json.Unmarshal(data, &rep); err != nil {
		return nil, fmt.Errorf("%s is not what a launcher writes: %w", filepath.Join(dir, statusFile), err)
	}
	if !alive {
		rep.State, rep.Launcher, rep.Worker, rep.Ready = Stopped, 0, 0, nil
	}
	return &rep, nil
}
