package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/commandline"
)

func TestRunStopsPolitelyAndKeepsBothLogs(t *testing.T) {
	r := newRunning(t, "good").start()
	r.waitFor("logs/launcher.log", "the worker is ready")
	r.waitFor("logs/smppserv.log", "hello from the worker")
	r.signal()
	r.wantExit(0)
	r.waitFor("logs/smppserv.log", "stopped politely")
	r.waitFor("stopped", "politely")
	for _, want := range []string{"hello from the worker", "the worker is ready", "127.0.0.1:2346", "stopped as asked"} {
		if !strings.Contains(r.stderr.String(), want) {
			t.Errorf("the console does not show %q:\n%s", want, r.stderr)
		}
	}
}

func TestCrashIsLoggedWithItsReasonAndTheWorkerRestarted(t *testing.T) {
	r := newRunning(t, "crash").start()
	r.waitFor("logs/launcher.log", "started again in 1s")
	r.configure("good")
	r.waitFor("logs/launcher.log", "the worker is ready")
	r.signal()
	r.wantExit(0)
	r.waitFor("logs/smppserv.log", "goroutine 1")
	found := false
	for _, line := range r.launcherLines() {
		found = found || line["level"] == "error" && line["reason"] == "crashed (exit code 2): panic: out of luck"
	}
	if !found {
		t.Errorf("no reason in %v", r.launcherLines())
	}
}

func TestBadConfigurationIsShownAndWaitedOut(t *testing.T) {
	r := newRunning(t, "bad").start()
	r.waitFor("logs/launcher.log", "started again when config.toml changes")
	r.waitForConsole("config.toml:1: it is wrong\n")
	r.configure("good")
	r.waitFor("logs/launcher.log", "the worker is ready")
	r.signal()
	r.wantExit(0)
}

func TestAConsoleThatIsHeldStopsNeitherTheWorkerNorTheLauncher(t *testing.T) {
	r := newRunning(t, "chatty")
	console := &heldConsole{open: make(chan struct{})}
	r.stderr = &console.shown
	r.startOn(console)
	r.waitFor("said", "all") // the worker has written more than pipes and buffers hold
	r.waitFor("logs/launcher.log", "the worker is ready")
	r.waitFor("logs/smppserv.log", lastChatter)
	r.signal()
	r.waitFor("stopped", "politely")
	close(console.open)
	r.wantExit(0)
	r.waitFor("logs/launcher.log", "stopped as asked")
	if !strings.Contains(r.stderr.String(), "lines of the log were left out here") {
		t.Error("the console does not tell of the lines that it has lost")
	}
}

func TestSecondSignalKills(t *testing.T) {
	r := newRunning(t, "deaf").start()
	r.waitFor("logs/launcher.log", "the worker is ready")
	r.signal()
	r.signal()
	r.wantExit(1)
	if !strings.Contains(r.stderr.String(), "launcher: the server was killed\n") {
		t.Errorf("the console shows\n%s", r.stderr)
	}
}

func TestDeafWorkerIsKilledAfterTheConfiguredGrace(t *testing.T) {
	r := newRunning(t, "deaf").start()
	r.waitFor("logs/launcher.log", "the worker is ready")
	r.signal()
	r.wantExit(0)
	r.waitFor("logs/launcher.log", "did not stop within 1s and was killed")
}

func TestWorkerStopsWhenItsLauncherIsKilled(t *testing.T) {
	r := newRunning(t, "good")
	launcher := exec.CommandContext(t.Context(), os.Args[0], "run", "--config", r.config())
	launcher.Env = append(os.Environ(), launcherEnv+"=1")
	if err := launcher.Start(); err != nil {
		t.Fatal(err)
	}
	r.waitFor("logs/launcher.log", "the worker is ready")
	var pid float64
	for _, line := range r.launcherLines() {
		if line["message"] == "the worker is ready" {
			pid, _ = line["pid"].(float64)
		}
	}
	process, err := os.FindProcess(int(pid))
	if err != nil {
		t.Fatal(err)
	}
	if err := launcher.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = launcher.Wait()
	if runtime.GOOS != "windows" {
		r.waitFor("stopped", "politely")
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = process.Wait()
	}()
	select {
	case <-ended: // by its job object
	case <-time.After(long):
		t.Errorf("the worker, process %d, lives on", process.Pid)
	}
}

func TestLauncherProcessStopsOnSignal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot send an interrupt to one process")
	}
	r := newRunning(t, "good")
	launcher := exec.Command(os.Args[0], "run", "--config", r.config())
	launcher.Env = append(os.Environ(), launcherEnv+"=1")
	if err := launcher.Start(); err != nil {
		t.Fatal(err)
	}
	r.waitFor("logs/launcher.log", "the worker is ready")
	if err := launcher.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := launcher.Wait(); err != nil {
		t.Error(err)
	}
	r.waitFor("stopped", "politely")
}

func TestMissingWorkerIsOneLineThatSaysWhatAndWhere(t *testing.T) {
	r := newRunning(t, "good")
	missing := filepath.Join(r.dir, "bin", "smppserv")
	if err := os.WriteFile(r.config(), []byte("[launcher]\nworker = 'bin/smppserv'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start().wantExit(1)
	want := "launcher: the server program is missing: " + missing + "; put smppserv beside the launcher, or set launcher.worker in config.toml\n"
	if got := r.stderr.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWorkerThatIsAFolderIsNamedInOneLine(t *testing.T) {
	r := newRunning(t, "good")
	folder := filepath.Join(r.dir, "bin")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.config(), []byte("[launcher]\nworker = 'bin'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start().wantExit(1)
	if got := r.stderr.String(); !strings.Contains(got, ": "+folder) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q", got)
	}
}

func TestMissingConfigurationSaysWhereItLooked(t *testing.T) {
	r := newRunning(t, "good")
	if err := os.Remove(r.config()); err != nil {
		t.Fatal(err)
	}
	r.start().wantExit(3)
	if got := r.stderr.String(); !strings.Contains(got, r.config()) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q", got)
	}
}

func TestUnwritableLogFolderIsSaidAndSurvived(t *testing.T) {
	r := newRunning(t, "good")
	if err := os.WriteFile(filepath.Join(r.dir, "logs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.start().signal()
	r.wantExit(0)
	if got := r.stderr.String(); !strings.HasPrefix(got, "launcher: no log files are written: ") || !strings.Contains(got, "the worker has ended") {
		t.Errorf("got %q", got)
	}
}

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"--help"}, 0, "Ctrl-C stops it politely", ""},
		{[]string{"run", "--help"}, 0, "--config=PATH", ""},
		{nil, 2, "launcher run", ""},
		{[]string{"version"}, 0, "HNET SMPP Serv launcher ", ""},
		{[]string{"rnu"}, 2, "", "launcher --help shows what there is"},
		{[]string{"run", "--confg", "x"}, 2, "", "--confg"},
	} {
		var stdout, stderr bytes.Buffer
		if code := launch(tt.args, program{Console: commandline.Console{Stdout: &stdout, Stderr: &stderr}}); code != tt.code {
			t.Errorf("%v: exit code %d, want %d", tt.args, code, tt.code)
		}
		if !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) || tt.stderr == "" && stderr.Len() > 0 {
			t.Errorf("%v: stdout %q, stderr %q", tt.args, stdout.String(), stderr.String())
		}
	}
}
