package main

import (
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

// logs are the launcher's own lines and the worker's stderr. Each goes to its
// file, both go to the console.
type logs struct {
	launcher zerolog.Logger
	worker   io.Writer
	files    []io.Closer
}

// openLogs never fails: where the folder cannot be written, console is told so
// and is the only place that logs go to.
// onFault, which may be nil, hears of the first line that a file did not take.
func openLogs(configPath string, section config.Launcher, console io.Writer, onFault func(error)) *logs {
	l := &logs{}
	screen := newScreen(console)
	launcher, worker := tee{screen.source()}, tee{screen.source()}
	dir := filepath.Join(filepath.Dir(configPath), logFolder)
	if err := checkWritable(dir, launcherLog, workerLog); err != nil {
		fmt.Fprintf(console, "launcher: no log files are written: %s\n", err)
		if onFault != nil {
			onFault(err)
		}
	} else {
		fault := &logFault{console: console, tell: onFault}
		launcher = append(launcher, fault.watch(l.file(dir, launcherLog, section)))
		worker = append(worker, fault.watch(l.file(dir, workerLog, section)))
	}
	l.launcher = zerolog.New(launcher).With().Timestamp().Str("program", "launcher").Logger()
	l.worker = worker
	return l
}

func (l *logs) close() {
	for _, f := range l.files {
		_ = f.Close()
	}
}

func (l *logs) file(dir, name string, section config.Launcher) io.Writer {
	f := &lumberjack.Logger{
		Filename:   filepath.Join(dir, name),
		MaxSize:    section.LogMaxMB,
		MaxBackups: section.LogKeep,
		LocalTime:  true,
	}
	l.files = append(l.files, f)
	return f
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

// logFault tells once, on the console and to whom it may concern, that a log file takes no more lines: the disk is full.
type logFault struct {
	console io.Writer
	tell    func(error)
	told    sync.Once
}

func (f *logFault) watch(file io.Writer) io.Writer { return watched{file, f} }

type watched struct {
	io.Writer
	fault *logFault
}

func (w watched) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.fault.told.Do(func() {
			fmt.Fprintf(w.fault.console, "launcher: the log files cannot be written: %s\n", err)
			if w.fault.tell != nil {
				w.fault.tell(err)
			}
		})
	}
	return n, err
}

// tee writes to all: a full disk does not silence the console.
type tee []io.Writer

func (t tee) Write(p []byte) (int, error) {
	for _, w := range t {
		_, _ = w.Write(p)
	}
	return len(p), nil
}
