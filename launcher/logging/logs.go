// Package logging is where the lines of launcher and worker go: into files that are rotated, and to the console.
package logging

import (
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/logfile"
)

const (
	folder      = "logs" // beside config.toml
	launcherLog = "launcher.log"
	workerLog   = "smppserv.log"
)

// Options say where the lines go.
type Options struct {
	Folder  string
	MaxMB   int // a file that would grow beyond it is rotated; MiB
	Keep    int // rotated files of each; 0 = all
	Console io.Writer
	OnFault func(error) // hears when a file takes no more lines; it may be nil
}

// Logs are the launcher's own lines and the worker's stderr. Each goes to its
// file, both go to the console.
type Logs struct {
	Launcher zerolog.Logger
	Worker   io.Writer
	files    []io.Closer
}

// Folder is that of the logs of a configuration.
func Folder(configPath string) string { return filepath.Join(filepath.Dir(configPath), folder) }

// Open never fails: while the folder cannot be written, the console is told
// so and is the only place that logs go to.
func Open(o Options) *Logs {
	l := &Logs{}
	screen := newScreen(o.Console)
	launcher, worker := tee{screen.source()}, tee{screen.source()}
	mine, theirs := &fault{console: o.Console, tell: o.OnFault}, &fault{console: o.Console, tell: o.OnFault}
	mine.note(checkWritable(o.Folder, launcherLog, workerLog))
	launcher = append(launcher, l.file(o, launcherLog, mine))
	worker = append(worker, l.file(o, workerLog, theirs))
	l.Launcher = zerolog.New(launcher).With().Timestamp().Str("program", "launcher").Logger()
	l.Worker = worker
	return l
}

// Close closes the files; a line that comes later opens its file again.
func (l *Logs) Close() {
	for _, f := range l.files {
		_ = f.Close()
	}
}

func (l *Logs) file(o Options, name string, broken *fault) io.Writer {
	f := logfile.New(filepath.Join(o.Folder, name), o.MaxMB, o.Keep)
	l.files = append(l.files, f)
	return file{f, broken}
}

// file tells when it takes no more lines.
type file struct {
	*logfile.File
	fault *fault
}

func (f file) Write(p []byte) (int, error) {
	_, err := f.File.Write(p)
	f.fault.note(err)
	return len(p), err
}

func checkWritable(dir string, names ...string) error {
	for _, name := range names {
		if _, err := logfile.Touch(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// A fault tells, on the console and to whom it may concern, that a log file takes no more lines: the disk is full, or the
// like. It tells again only after it took some.
type fault struct {
	console io.Writer
	tell    func(error) // may be nil

	mu     sync.Mutex
	broken bool
}

func (f *fault) note(err error) {
	f.mu.Lock()
	known := f.broken
	f.broken = err != nil
	f.mu.Unlock()
	if err == nil || known {
		return
	}
	fmt.Fprintf(f.console, "launcher: no log files are written: %s\n", err)
	if f.tell != nil {
		f.tell(err)
	}
}

// tee writes to all: a full disk does not silence the console.
type tee []io.Writer

func (t tee) Write(p []byte) (int, error) {
	for _, w := range t {
		_, _ = w.Write(p)
	}
	return len(p), nil
}
