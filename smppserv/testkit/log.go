package testkit

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Log keeps what a program writes, and can be waited on. Its methods may be called at the same time; its zero value is empty.
type Log struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed with the next write, nil = nobody waits
	ended   bool          // nothing more comes
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake()
	return l.text.Write(p)
}

func (l *Log) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.wake()
}

func (l *Log) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// since returns the text from an offset on.
func (l *Log) since(offset int) (text string, changed <-chan struct{}, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return string(l.text.Bytes()[offset:]), l.changed, l.ended
}

// Await returns the first whole line that matches, waiting for it.
func (l *Log) Await(t testing.TB, what string, match func(line string) bool) string {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	for seen := 0; ; {
		text, changed, ended := l.since(seen)
		for line := range strings.Lines(text) {
			if !strings.HasSuffix(line, "\n") {
				break
			}
			if match(line) {
				return line
			}
			seen += len(line)
		}
		if ended {
			t.Fatalf("the program ended, and no line of its log says %s:\n%s", what, l.tail())
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("no line of the log says %s within %v:\n%s", what, Patience, l.tail())
		}
	}
}

// AwaitWords returns the first whole line that holds every word.
func (l *Log) AwaitWords(t testing.TB, words ...string) string {
	t.Helper()
	return l.Await(t, strings.Join(words, " … "), func(line string) bool {
		for _, word := range words {
			if !strings.Contains(line, word) {
				return false
			}
		}
		return true
	})
}

// Lines returns the last n lines that contain a string.
func (l *Log) Lines(containing string, n int) string {
	var found []string
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, containing) {
			found = append(found, line)
		}
	}
	return strings.Join(found[max(0, len(found)-n):], "")
}

func (l *Log) tail() string {
	const most = 8000 // octets
	text := l.String()
	return text[max(0, len(text)-most):]
}

// Judge fails the test for a data race, and shows the end of the log of a test that failed.
func (l *Log) Judge(t testing.TB, program string) {
	t.Helper()
	const most = 4000 // octets
	text := l.String()
	if i := strings.Index(text, "WARNING: DATA RACE"); i >= 0 {
		t.Errorf("%s has a data race:\n%s", program, text[i:min(len(text), i+most)])
	}
	if t.Failed() {
		t.Logf("%s's log ends with:\n%s", program, l.tail())
	}
}
