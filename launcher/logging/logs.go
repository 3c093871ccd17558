// Package logging is where the lines of launcher and worker go: into files that are rotated, and to the console.
package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/logbuffer"
	"hnetsmpp/pkg/logfile"
	"hnetsmpp/pkg/mention"
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
// file, both go to the console. Neither waits for a console that a selection holds, or for a disk that hangs: the worker
// would stop, too, since its stderr were not read. What finds no room is counted, and told when it flows again.
type Logs struct {
	Launcher zerolog.Logger
	Worker   io.Writer
	buffers  []*logbuffer.Writer
	files    []*logfile.File
}

const (
	// lastLines is how long Close waits for a console or a disk.
	lastLines = 2 * time.Second
	// fileOctets has room for the stacks of a worker with thousands of sessions.
	fileOctets = 8 << 20
)

// Folder is that of the logs of a configuration.
func Folder(configPath string) string { return filepath.Join(filepath.Dir(configPath), folder) }

// Open never fails: while the folder cannot be written, the console is told
// so and is the only place that logs go to.
func Open(o Options) *Logs {
	l := &Logs{}
	console := l.buffer(colored(o.Console), 0)
	screen := newScreen(o.Console, console)
	launcher, worker := tee{screen.source()}, tee{screen.source()}
	mine, theirs := &fault{console: console, tell: o.OnFault}, &fault{console: console, tell: o.OnFault}
	mine.note(checkWritable(o.Folder, launcherLog, workerLog))
	launcher = append(launcher, l.buffer(l.file(o, launcherLog, mine), fileOctets))
	worker = append(worker, l.buffer(l.file(o, workerLog, theirs), fileOctets))
	l.Launcher = zerolog.New(launcher).With().Timestamp().Str("program", "launcher").Logger()
	l.Worker = worker
	return l
}

// buffer hands on to w without waiting for it.
func (l *Logs) buffer(w io.Writer, octets int) *logbuffer.Writer {
	b := logbuffer.New(w, octets)
	b.Tell(lostLine)
	l.buffers = append(l.buffers, b)
	return b
}

// lostLine tells how many lines are missing in its place.
func lostLine(lost int) []byte {
	var line bytes.Buffer
	log := zerolog.New(&line).With().Timestamp().Str("program", "launcher").Logger()
	log.Warn().Int("lines", lost).Msg("lines of the log were left out here: the console was held by a selection, or the disk hung")
	return line.Bytes()
}

// Close waits until all lines are written, not long, and closes the files. What comes later is lost.
func (l *Logs) Close() {
	var buffers sync.WaitGroup
	for _, b := range l.buffers {
		buffers.Go(func() { b.Close(lastLines) })
	}
	buffers.Wait()
	for _, f := range l.files {
		_ = f.Close()
	}
}

// Erase takes the lines that hold a number out of all files, those that were rotated away too, and returns how many. Lines that came
// before are written first, unless the disk hangs.
func (l *Logs) Erase(number string) (lines int, err error) {
	holds := mention.Of(number).In
	for _, b := range l.buffers[1:] { // the first one is the console's
		b.Flush(lastLines)
	}
	for _, f := range l.files {
		n, e := f.Erase(holds)
		lines += n
		err = errors.Join(err, e)
	}
	return lines, err
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
