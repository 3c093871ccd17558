package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// wired is a Launcher as the worker has it, and the launcher's ends of the pipes.
func wired(t *testing.T) (l *Launcher, asks *bufio.Scanner, stdin io.WriteCloser) {
	t.Helper()
	in, stdin := io.Pipe()
	asked, out := io.Pipe()
	t.Cleanup(func() { stdin.Close(); out.Close() })
	return Hear(in, NewReporter(out)), bufio.NewScanner(asked), stdin
}

func TestALauncherAnswersWhatItIsAskedToErase(t *testing.T) {
	l, asks, stdin := wired(t)
	go func() {
		for asks.Scan() {
			e, ok := ParseEvent(asks.Bytes())
			if !ok || e.Kind != EventErase {
				continue
			}
			fmt.Fprintf(stdin, "junk\n%s\n{\"erased\":%d}\n", strings.Repeat("x", 2*maxLine), e.Erase.ID)
			a := Erased{ID: e.Erase.ID, Ended: true, Lines: 7}
			if e.Erase.Number == "33600000000" {
				a.Fault = "the disk is full"
			}
			line, _ := json.Marshal(a)
			_, _ = stdin.Write(append(line, '\n'))
		}
	}()
	if n, err := l.Erase(t.Context(), "33612345678"); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := l.Erase(t.Context(), "33600000000"); n != 7 || err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("%d, %v", n, err)
	}
	select {
	case <-l.Stop():
		t.Error("a line on stdin stops the worker")
	default:
	}
	stdin.Close()
	<-l.Stop()
}

func TestALauncherOfAnEarlierVersionIsNotWaitedFor(t *testing.T) {
	l, asks, stdin := wired(t)
	l.begin = time.Millisecond
	go func() {
		for asks.Scan() {
		}
	}()
	if _, err := l.Erase(t.Context(), "33612345678"); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("got %v", err)
	}
	l.begin = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Erase(ctx, "33612345678"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	stdin.Close()
	if _, err := l.Erase(t.Context(), "33612345678"); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("at the launcher's end: %v", err)
	}
	if len(l.asked) != 0 {
		t.Errorf("%d are still asked for", len(l.asked))
	}
}
