package logbuffer

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a reader that takes nothing until it is opened.
type gate struct {
	mu   sync.Mutex
	text bytes.Buffer
	open chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.Write(p)
}

func (g *gate) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.String()
}

// behind runs a test with a Writer of so many octets whose reader is behind a gate.
func behind(t *testing.T, octets int, test func(w *Writer, g *gate)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		w := New(g, octets)
		test(w, g)
		if !w.Close(time.Minute) {
			t.Error("it does not end")
		}
	})
}

func TestLinesGoOutInTheirOrder(t *testing.T) {
	behind(t, 0, func(w *Writer, g *gate) {
		close(g.open)
		var want strings.Builder
		for i := range 1000 {
			line := fmt.Sprintln("line", i)
			want.WriteString(line)
			if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
		}
		if !w.Flush(time.Minute) || g.String() != want.String() {
			t.Errorf("came out as %q", g)
		}
	})
}

func TestNobodyWaitsForAReaderThatTakesNothingAndWhatWasLostIsToldInItsPlace(t *testing.T) {
	const octets = 1000
	behind(t, octets, func(w *Writer, g *gate) {
		line := strings.Repeat("x", 99) + "\n"
		write := func() { _, _ = w.Write([]byte(line)) }
		write()
		synctest.Wait() // the first one is on its way
		for range 10 * octets / len(line) {
			write()
		}
		if w.Flush(time.Second) {
			t.Error("all is said to be handed on")
		}
		w.mu.Lock()
		kept, lost := cap(w.kept), w.lost
		w.mu.Unlock()
		if kept > 2*octets || lost != 90 {
			t.Errorf("%d octets are kept, and %d lines were lost", kept, lost)
		}
		close(g.open)
		synctest.Wait() // nothing more is written: it is told all the same
		if want := strings.Repeat(line, 11) + string(plain(90)) + "\n"; g.String() != want {
			t.Fatalf("came out as %q", g)
		}
		write()
		synctest.Wait()
		if !strings.HasSuffix(g.String(), "\n"+line) {
			t.Error("it does not flow again")
		}
	})
}

func TestLossesAreToldBeforeTheNextLineInTheWordsAskedFor(t *testing.T) {
	behind(t, 10, func(w *Writer, g *gate) {
		w.Tell(func(lost int) []byte { return fmt.Appendf(nil, "<%d lost>\n", lost) })
		_, _ = w.Write([]byte("one\n"))
		synctest.Wait()
		for _, s := range []string{"seven\n", "eight\nnine\n", "t", "oo long\nten\n"} {
			_, _ = w.Write([]byte(s))
		}
		w.mu.Lock()
		lost := w.lost
		w.mu.Unlock()
		close(g.open)
		synctest.Wait()
		_, _ = w.Write([]byte("last\n"))
		synctest.Wait()
		if got, want := g.String(), "one\nseven\n<4 lost>\nlast\n"; got != want || lost != 4 {
			t.Errorf("%d are lost: %q, want %q", lost, got, want)
		}
	})
}

func TestALineWhoseBeginningWasLeftOutIsLeftOutWhole(t *testing.T) {
	behind(t, 10, func(w *Writer, g *gate) {
		w.Tell(func(lost int) []byte { return fmt.Appendf(nil, "<%d lost>", lost) })
		_, _ = w.Write([]byte("a"))
		synctest.Wait()
		_, _ = w.Write([]byte("beginning of a long "))
		_, _ = w.Write([]byte("line "))
		_, _ = w.Write([]byte("end\nb\n"))
		close(g.open)
		synctest.Wait()
		if got, want := g.String(), "a\n<1 lost>\nb\n"; got != want {
			t.Errorf("came out as %q, want %q", got, want)
		}
	})
}

func TestCloseWaitsForTheReaderOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		w := New(g, 0)
		_, _ = w.Write([]byte("one\n"))
		if w.Close(time.Second) {
			t.Error("all is said to be handed on")
		}
		_, _ = w.Write([]byte("after the end\n"))
		close(g.open)
		synctest.Wait()
		if g.String() != "one\n" && !strings.HasPrefix(g.String(), "one\nlines of the log that were lost") {
			t.Errorf("came out as %q", g)
		}
	})
}

func TestManyMayWriteWhileOneFlushes(t *testing.T) {
	var mu sync.Mutex
	var out bytes.Buffer
	w := New(writeFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	}), 0)
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for j := range 200 {
				fmt.Fprintf(w, "%d %d\n", i, j)
				if j%50 == 0 {
					w.Flush(time.Minute)
				}
			}
		})
	}
	writers.Wait()
	if !w.Close(time.Minute) {
		t.Fatal("it does not end")
	}
	next := map[int]int{}
	for line := range strings.Lines(out.String()) {
		var i, j int
		if _, err := fmt.Sscanf(line, "%d %d", &i, &j); err != nil || j != next[i] {
			t.Fatalf("%q comes when %d of %d is next", line, next[i], i)
		}
		next[i]++
	}
	for i := range 8 {
		if next[i] != 200 {
			t.Errorf("%d lines of %d", next[i], i)
		}
	}
}

type writeFunc func(p []byte) (int, error)

func (f writeFunc) Write(p []byte) (int, error) { return f(p) }

func TestWholeLinesAreWrittenInPiecesOfABoundedSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pieces []int
		gone := make(chan struct{})
		var out bytes.Buffer
		w := New(writeFunc(func(p []byte) (int, error) {
			<-gone
			pieces = append(pieces, len(p))
			if !bytes.HasSuffix(p, newline) && len(p) < piece {
				t.Errorf("a piece of %d octets ends within a line", len(p))
			}
			return out.Write(p)
		}), 0)
		_, _ = w.Write([]byte("first\n"))
		synctest.Wait()
		var want strings.Builder
		want.WriteString("first\n")
		for i := range 300 {
			line := strings.Repeat("x", i) + "\n"
			if i == 200 {
				line = strings.Repeat("y", 3*piece) + "\n"
			}
			want.WriteString(line)
			_, _ = w.Write([]byte(line))
		}
		close(gone)
		if !w.Close(time.Minute) || out.String() != want.String() {
			t.Error("not all came out")
		}
		for _, n := range pieces {
			if n > piece {
				t.Errorf("a piece of %d octets", n)
			}
		}
	})
}
