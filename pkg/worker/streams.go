package worker

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// tailSize is how much of a worker's stderr is kept for the reason of its end.
const tailSize = 64 << 10

// maxLine bounds a line of stdout; what is longer arrives in pieces.
const maxLine = 64 << 10

// tail passes everything on and keeps the last of it, and the line with which a crash began: with many goroutines, their stacks are
// longer than what is kept.
type tail struct {
	passing sync.Mutex // held while next is written to, which may take its time
	next    io.Writer

	mu    sync.Mutex
	kept  []byte
	rest  lines
	crash string // "" = there was none
}

// Write never fails: an error would have the worker's stderr closed.
func (t *tail) Write(p []byte) (int, error) {
	t.passing.Lock()
	defer t.passing.Unlock()
	t.keep(p)
	if t.next != nil {
		_, _ = t.next.Write(p)
	}
	return len(p), nil
}

func (t *tail) keep(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rest.each == nil {
		t.rest.each = t.note
	}
	_, _ = t.rest.Write(p)
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*tailSize {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-tailSize:]...)
	}
}

func (t *tail) note(line []byte) {
	if s := strings.TrimSpace(string(line)); t.crash == "" && beginsCrash(s) {
		t.crash = shorten(s)
	}
}

// String is at most the last tailSize octets, from the beginning of a line; before them what a crash began with, if that is longer ago.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.kept
	if len(kept) > tailSize {
		kept = kept[len(kept)-tailSize:]
		if _, rest, ok := bytes.Cut(kept, []byte("\n")); ok {
			kept = rest
		}
	}
	if t.crash != "" && !bytes.Contains(kept, []byte(t.crash)) {
		return t.crash + "\n" + string(kept)
	}
	return string(kept)
}

// lines hands on what is written line by line. Only one goroutine writes.
type lines struct {
	each func(line []byte)
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			break
		}
		l.each(line)
		l.rest = rest
	}
	if len(l.rest) > maxLine {
		l.flush()
	}
	return len(p), nil
}

// flush hands on a line that has no end.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.each(l.rest)
	}
	l.rest = nil
}
