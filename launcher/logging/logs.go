// Package logging is where the lines of launcher and worker go: into files that are rotated, and to the console.
package logging

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/rs/zerolog"
	"gopkg.in/natefinch/lumberjack.v2"
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
	f := &lumberjack.Logger{
		Filename:   filepath.Join(o.Folder, name),
		MaxSize:    o.MaxMB,
		MaxBackups: o.Keep,
		LocalTime:  true,
	}
	l.files = append(l.files, f)
	return file{f, broken}
}

// file loses no line while the file cannot be rotated: on Windows it cannot be renamed while somebody reads it.
type file struct {
	rotated *lumberjack.Logger
	fault   *fault
}

func (f file) Write(p []byte) (int, error) {
	_, err := f.rotated.Write(p)
	if err != nil {
		err = appendTo(f.rotated.Filename, p)
	}
	f.fault.note(err)
	return len(p), err
}

func appendTo(path string, p []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(p)
	return errors.Join(err, f.Close())
}

func checkWritable(dir string, names ...string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_ = f.Close()
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
