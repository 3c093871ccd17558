// Package logbuffer keeps the lines of a log until somebody takes them, so that nobody else waits for that.
//
//	who logs ── Write, never waits ──► so many octets ── one goroutine ──► a console, a pipe, a file
//	                                        └─ full: lines are left out, and a line in their place tells how many
package logbuffer

import (
	"bytes"
	"io"
	"strconv"
	"sync"
	"time"
)

// DefaultOctets is what a Writer keeps when nobody says otherwise: some 5 000 lines.
const DefaultOctets = 1 << 20

// Writer hands on what is written to it. Its methods may be called from any goroutine.
type Writer struct {
	to     io.Writer
	octets int
	wake   chan struct{}
	ended  chan struct{} // closed when the goroutine has written all there was after Close

	mu      sync.Mutex
	kept    []byte // to be handed on
	open    bool   // the last of what was kept ended no line
	cutting bool   // within a line whose beginning was left out
	lost    int    // lines that were left out since
	tell    func(lost int) []byte
	closed  bool
	given   uint64        // calls of Write
	done    uint64        // of these, handed on, or told of
	moved   chan struct{} // closed when done rises, nil = nobody waits for that
}

// New hands on to to, whose errors are ignored. At most twice octets are kept in memory, half of them on their way; 0 = DefaultOctets.
// A single Write of more is left out.
func New(to io.Writer, octets int) *Writer {
	if octets == 0 {
		octets = DefaultOctets
	}
	w := &Writer{to: to, octets: octets, wake: make(chan struct{}, 1), ended: make(chan struct{}), tell: plain}
	go w.run()
	return w
}

func plain(lost int) []byte {
	return strconv.AppendInt([]byte("lines of the log that were lost here, because nobody took them: "), int64(lost), 10)
}

// Tell has losses told by this line; it is called while nothing can be written here, and must not wait.
func (w *Writer) Tell(line func(lost int) []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell = line
}

// Write keeps p, or counts its lines among the lost ones where there is no room. It never waits and never fails.
func (w *Writer) Write(p []byte) (int, error) {
	n := len(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cutting {
		_, rest, ends := bytes.Cut(p, newline)
		if !ends {
			return n, nil
		}
		w.cutting, p = false, rest
	}
	switch {
	case len(p) == 0:
		return n, nil
	case w.closed, w.lost > 0 && len(w.kept) > 0, len(w.kept)+len(p) > w.octets: // once full, until it flows again: one gap, not many
		w.leaveOut(p)
	default:
		w.fill()
		w.kept = append(w.kept, p...)
		w.open = p[len(p)-1] != '\n'
	}
	w.given++
	w.kick()
	return n, nil
}

var newline = []byte{'\n'}

// leaveOut counts lines. One whose end is still to come counts already.
func (w *Writer) leaveOut(p []byte) {
	w.lost += bytes.Count(p, newline)
	if w.cutting = p[len(p)-1] != '\n'; w.cutting {
		w.lost++
	}
}

// fill puts the line that tells of losses into their place.
func (w *Writer) fill() {
	if w.lost == 0 {
		return
	}
	if w.open { // the rest of that line is among them
		w.kept = append(w.kept, '\n')
	}
	w.kept = append(w.kept, bytes.TrimRight(w.tell(w.lost), "\n")...)
	w.kept = append(w.kept, '\n')
	w.lost, w.open = 0, false
}

func (w *Writer) kick() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run hands on all that there is, again and again. A line about losses goes out with what was kept before them: by then it flows.
func (w *Writer) run() {
	defer close(w.ended)
	var spare []byte
	for range w.wake {
		w.mu.Lock()
		for len(w.kept) > 0 || w.lost > 0 {
			taken := w.kept
			if len(taken) == 0 {
				w.fill()
				taken = w.kept
			}
			given := w.given
			if w.lost > 0 { // that is told next
				given--
			}
			w.kept = spare[:0]
			w.mu.Unlock()
			for rest := taken; len(rest) > 0; {
				n := pieceOf(rest)
				_, _ = w.to.Write(rest[:n])
				rest = rest[n:]
			}
			if spare = taken; cap(spare) > keep {
				spare = nil
			}
			w.mu.Lock()
			w.done = given
			if w.moved != nil {
				close(w.moved)
				w.moved = nil
			}
		}
		closed := w.closed
		w.mu.Unlock()
		if closed {
			return
		}
	}
}

const (
	// keep is the size of a buffer worth keeping.
	keep = 64 << 10
	// piece is how much is written in one go, so that a file that is rotated stays small.
	piece = 64 << 10
)

// pieceOf is how much of b is written in one go: whole lines, where they are not longer than that.
func pieceOf(b []byte) int {
	if len(b) <= piece {
		return len(b)
	}
	if n := bytes.LastIndexByte(b[:piece], '\n'); n >= 0 {
		return n + 1
	}
	return piece
}

// Flush waits until all that was written before is handed on, at most so long. It tells whether it is.
func (w *Writer) Flush(most time.Duration) bool {
	t := time.NewTimer(most)
	defer t.Stop()
	w.mu.Lock()
	until := w.given
	for w.done < until {
		if w.moved == nil {
			w.moved = make(chan struct{})
		}
		moved := w.moved
		w.mu.Unlock()
		select {
		case <-moved:
		case <-t.C:
			return false
		}
		w.mu.Lock()
	}
	w.mu.Unlock()
	return true
}

// Close is Flush, and ends the Writer: what is written later is lost.
func (w *Writer) Close(most time.Duration) bool {
	w.mu.Lock()
	w.closed = true
	w.kick()
	w.mu.Unlock()
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-w.ended:
		return true
	case <-t.C:
		return false
	}
}
