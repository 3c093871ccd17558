package logging

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAFullDiskForLogsIsToldOnceEachTime(t *testing.T) {
	var console bytes.Buffer
	told := 0
	f := &fault{console: &console, tell: func(error) { told++ }}
	full := errors.New("no space left on device")
	for _, err := range []error{nil, full, full, nil, nil, full} {
		f.note(err)
	}
	if want := strings.Repeat("launcher: no log files are written: no space left on device\n", 2); told != 2 || console.String() != want {
		t.Errorf("told %d times: %q", told, &console)
	}
}

func TestNoLineIsLostWhileALogCannotBeRotated(t *testing.T) {
	dir := t.TempDir()
	var console bytes.Buffer
	l := &Logs{}
	w := l.file(Options{Folder: dir, MaxMB: 1, Keep: 10}, "x.log", &fault{console: &console})
	defer l.Close()
	write := func(line string) {
		t.Helper()
		if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	write(strings.Repeat("x", 1<<20) + "\n")
	preventRename(t, filepath.Join(dir, "x.log"))
	write("a line behind the limit\n")
	data, err := os.ReadFile(filepath.Join(dir, "x.log"))
	if err != nil || !strings.HasSuffix(string(data), "a line behind the limit\n") || console.Len() > 0 {
		t.Errorf("%v, the file ends with %q, the console says %q", err, data[max(0, len(data)-30):], &console)
	}
}

func TestTerminalShowsReadableLines(t *testing.T) {
	var out bytes.Buffer
	s := newTerminal(&out)
	s.pretty.NoColor = true
	launcher, worker := s.source(), s.source()
	for _, part := range []string{`{"level":"info","time":"2026-01-02T03:04:05Z",`, `"message":"hello"}` + "\npanic: x\n{broken\n", "unfinished"} {
		_, _ = worker.Write([]byte(part))
		_, _ = launcher.Write([]byte(`{"level":"warn","message":"mine"}` + "\n"))
	}
	mine := "<nil> WRN mine\n"
	if got, want := out.String(), mine+"INF hello\npanic: x\n{broken\n"+mine+mine; strings.ReplaceAll(got, got[strings.Index(got, "2026"):strings.Index(got, "INF")], "") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// held takes nothing until it is opened.
type held struct {
	open chan struct{}
	text bytes.Buffer
}

func (h *held) Write(p []byte) (int, error) {
	<-h.open
	return h.text.Write(p)
}

func TestAConsoleThatNobodyReadsHoldsUpNoLineOfTheFiles(t *testing.T) {
	dir := t.TempDir()
	console := &held{open: make(chan struct{})}
	l := Open(Options{Folder: dir, MaxMB: 50, Console: console})
	line := strings.Repeat("x", 999) + "\n"
	const lines = 2500 // more than the console's buffer holds
	for range lines {
		_, _ = l.Worker.Write([]byte(line))
	}
	l.Launcher.Info().Msg("mine")
	for _, b := range l.buffers[1:] {
		if !b.Flush(time.Minute) {
			t.Fatal("a file is not written")
		}
	}
	for name, want := range map[string]string{workerLog: strings.Repeat(line, lines), launcherLog: "mine"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s has %d octets, %v", name, len(data), err)
		}
	}
	close(console.open)
	l.Close()
	shown := console.text.String()
	if n := strings.Count(shown, line); n >= lines || !strings.Contains(shown, `"message":"lines of the log were left out here`) {
		t.Errorf("the console shows %d of %d lines, and ends with %q", n, lines, shown[max(0, len(shown)-300):])
	}
}
