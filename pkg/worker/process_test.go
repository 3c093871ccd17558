package worker

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWorkerReportsReadyAndStopsWhenStdinCloses(t *testing.T) {
	var stderr bytes.Buffer
	p := start(t, "good", Options{Stderr: &stderr})
	ready, err := p.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (Ready{Event: "ready", Version: "1.2.3", PID: p.PID(), SMPP: "127.0.0.1:2346", TCP: "127.0.0.1:18182"}); ready != want {
		t.Errorf("got %+v, want %+v", ready, want)
	}
	if e := <-p.Events(); e.Kind != EventReady || e.Ready != ready {
		t.Errorf("first event: %+v", e)
	}
	if e := <-p.Events(); e.Kind != EventAlive {
		t.Errorf("second event: %+v", e)
	}
	exit := p.Stop(long)
	if exit.Code != ExitStopped || exit.Reason() != "stopped as asked" {
		t.Errorf("got %+v: %s", exit, exit.Reason())
	}
	if !strings.Contains(stderr.String(), "stopped") {
		t.Errorf("stderr = %q", stderr.String())
	}
	if _, open := <-p.Events(); open {
		t.Error("events go on after the end")
	}
	p.Kill()
	p.DumpStacks()
	if again := p.Stop(0); again != exit {
		t.Errorf("second Stop: %+v", again)
	}
}

func TestWorkerIsStartedWithTheContractsArguments(t *testing.T) {
	p := start(t, "args", Options{Config: "a b.toml", Args: []string{"--more"}})
	if got, want := p.Wait().Stderr, "[run --config a b.toml --supervised --more]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWorkerThatEndsBeforeReadySaysWhy(t *testing.T) {
	for behaviour, want := range map[string]string{
		"bad config": "bad configuration: load: config.toml:3: server.listen_prt: unknown key",
		"panic":      "crashed (exit code 2): panic: out of luck",
	} {
		p := start(t, behaviour, Options{})
		_, err := p.Ready(t.Context())
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", behaviour, err, want)
		}
		if got := p.Wait().Reason(); got != want {
			t.Errorf("%s: got %s, want %s", behaviour, got, want)
		}
	}
}

func TestJunkOnStdoutIsLoggedAndHarmsNothing(t *testing.T) {
	p := start(t, "junk", Options{})
	if _, err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := <-p.Events(); e.Kind != "from the future" {
		t.Errorf("got %+v", e)
	}
	exit := p.Stop(long)
	if got, want := exit.Stderr, "a library says hello\n{\"event\":\nno line end\n"; got != want {
		t.Errorf("stderr = %q, want %q", got, want)
	}
}

func TestWorkerIsKilledWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Start(ctx, Options{Path: os.Args[0], Env: []string{fakeEnv + "=good"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if exit := p.Wait(); exit.Code != ExitKilled {
		t.Errorf("got %+v", exit)
	}
	if _, err := Start(ctx, Options{Path: os.Args[0]}); err == nil {
		t.Error("a worker was started for a context that is done")
	}
}

func TestReadyGivesUpWithItsContext(t *testing.T) {
	p := start(t, "deaf with child", Options{})
	defer p.Kill()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		// Either may be noticed first; neither may block.
		_, _ = p.Ready(ctx)
	}
}

func TestMissingProgramIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "smppserv")
	_, err := Start(t.Context(), Options{Path: path})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "PATH") {
		t.Errorf("got %v", err)
	}
}
