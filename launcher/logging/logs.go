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

	"hnetsmpp/pkg/config"
)

const (
	logFolder   = "logs" // beside config.toml
	launcherLog = "launcher.log"
	workerLog   = "smppserv.log"
)

// Logs are the launcher's own lines and the worker's stderr. Each goes to its
// file, both go to the console.
type Logs struct {
	Launcher zerolog.Logger
	Worker   io.Writer
	files    []io.Closer
}

// Folder is that of the logs of a configuration.
func Folder(configPath string) string { return filepath.Join(filepath.Dir(configPath), logFolder) }

// Open never fails: while the folder cannot be written, the console is told
// so and is the only place that logs go to; onFault, which may be nil, hears of it.
func Open(configPath string, section config.Launcher, console io.Writer, onFault func(error)) *Logs {
	l := &Logs{}
	screen := newScreen(console)
	launcher, worker := tee{screen.source()}, tee{screen.source()}
	dir := Folder(configPath)
	mine, theirs := &logFault{console: console, tell: onFault}, &logFault{console: console, tell: onFault}
	mine.note(checkWritable(dir, launcherLog, workerLog))
	launcher = append(launcher, l.file(dir, launcherLog, section, mine))
	worker = append(worker, l.file(dir, workerLog, section, theirs))
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

func (l *Logs) file(dir, name string, section config.Launcher, fault *logFault) io.Writer {
	f := &lumberjack.Logger{
		Filename:   filepath.Join(dir, name),
		MaxSize:    section.LogMaxMB,
		MaxBackups: section.LogKeep,
		LocalTime:  true,
	}
	l.files = append(l.files, f)
	return logFile{f, fault}
}

// logFile loses no line while the file cannot be rotated: on Windows it cannot be renamed while somebody reads it.
type logFile struct {
	rotated *lumberjack.Logger
	fault   *logFault
}

func (f logFile) Write(p []byte) (int, error) {
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

// logFault tells, on the console and to whom it may concern, that a log file takes no more lines: the disk is full, or the
// like. It tells again only after it took some.
type logFault struct {
	console io.Writer
	tell    func(error) // may be nil

	mu     sync.Mutex
	broken bool
}

func (f *logFault) note(err error) {
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
