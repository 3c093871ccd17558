package worker

import (
	"bytes"
	"io"
	"sync"
)

// tailSize is how much of a worker's stderr is kept for the reason of its end.
const tailSize = 64 << 10

// maxLine bounds a line of stdout; what is longer arrives in pieces.
const maxLine = 64 << 10

// tail passes everything on and keeps the last of it.
type tail struct {
	passing sync.Mutex // held while next is written to, which may take its time
	next    io.Writer

	mu   sync.Mutex
	kept []byte
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
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*tailSize {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-tailSize:]...)
	}
}

// String is at most the last tailSize octets, from the beginning of a line.
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
