package worker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAliveLineEveryFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		if err := NewReporter(&out).RunAlive(ctx); err != nil {
			t.Error(err)
		}
		if got, want := out.String(), strings.Repeat(`{"event":"alive"}`+"\n", 3); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestAliveEndsWhenNobodyReads(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if err := NewReporter(w).RunAlive(t.Context()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestStopOnEOFIgnoresWhatIsSaid(t *testing.T) {
	r, w := io.Pipe()
	stop := StopOnEOF(r)
	if _, err := io.WriteString(w, "stop\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-stop:
		t.Error("text on stdin is no stop")
	default:
	}
	w.Close()
	<-stop
}

func TestParseEvent(t *testing.T) {
	for line, want := range map[string]Event{
		`{"event":"alive"}`: {Kind: "alive"},
		`{"event":"ready","version":"1","pid":7,"smpp":"a:1","smpp_tls":"b:2","tcp":"c:3","tcp_tls":"e:5","admin":"d:4"}`: {Kind: "ready",
			Ready: Ready{Event: "ready", Version: "1", PID: 7, SMPP: "a:1", SMPPTLS: "b:2", TCP: "c:3", TCPTLS: "e:5", Admin: "d:4"}},
		`{"event":"new","pid":"x"}`: {Kind: "new"},
	} {
		if got, ok := ParseEvent([]byte(line)); !ok || got != want {
			t.Errorf("%s: got %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "x", "{}", `{"event":1}`, `"alive"`, `{"event":"ready","pid":"x"}`} {
		if got, ok := ParseEvent([]byte(line)); ok {
			t.Errorf("%s: got %+v", line, got)
		}
	}
}

func TestExitReasons(t *testing.T) {
	for want, exit := range map[string]Exit{
		"stopped as asked":         {Code: ExitStopped, Stderr: "x"},
		"crashed (exit code 1)":    {Code: ExitCrashed},
		"killed by signal: hangup": {Code: ExitKilled, Signal: "hangup"},
		"a port or the store is held by another process: listen: in use": {Code: ExitHeld, Stderr: "{\"level\":\"error\",\"error\":\"in use\",\"message\":\"listen\"}\n"},
		"crashed (exit code 2): panic: a":                                {Code: 2, Stderr: "{\"level\":\"error\",\"message\":\"m\"}\npanic: a\n\ngoroutine 1 [running]:\n"},
		"crashed (exit code 2): Exception 0xc0000005 0x0 0x0 0x1":        {Code: 2, Stderr: "Exception 0xc0000005 0x0 0x0 0x1\nPC=0x1\n\nrax     0x0\ngs      0x0\n"},
		"crashed (exit code 2): SIGABRT: abort":                          {Code: 2, Stderr: "SIGABRT: abort\nPC=0x1 m=0\n\ngoroutine 0\n\nrax    0x0\ngs     0x0\n"},
		"bad configuration: load: a; b":                                  {Code: ExitBadConfig, Stderr: "{\"level\":\"error\",\"error\":\"a\\nb\",\"message\":\"load\"}\n"},
		"crashed (exit code 7): last":                                    {Code: 7, Stderr: "first\nlast\n\n"},
		"crashed (exit code 7): " + strings.Repeat("x", 500) + "…":       {Code: 7, Stderr: strings.Repeat("x", 501)},
	} {
		if got := exit.Reason(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var kept tail
	line := strings.Repeat("x", 99) + "\n"
	for range 10_000 {
		_, _ = kept.Write([]byte(line))
	}
	_, _ = kept.Write([]byte("end\n"))
	got := kept.String()
	if len(got) > tailSize || len(got) < tailSize/2 || !strings.HasPrefix(got, line) || !strings.HasSuffix(got, line+"end\n") {
		t.Errorf("%d octets", len(got))
	}
}

func TestOverlongLinesAreCut(t *testing.T) {
	var got []int
	l := &lines{each: func(line []byte) { got = append(got, len(line)) }}
	for range 3 {
		_, _ = l.Write(bytes.Repeat([]byte("x"), maxLine/2+1))
	}
	_, _ = l.Write([]byte("\nshort\n"))
	l.flush()
	if len(got) != 3 || got[0] != maxLine+2 || got[1] != maxLine/2+1 || got[2] != 5 {
		t.Errorf("got %v", got)
	}
}
