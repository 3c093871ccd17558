package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/worker"
)

// launcherEnv makes this test binary the launcher itself.
const launcherEnv = "HNET_TEST_LAUNCHER"

// long is a time that no passing test comes near to.
const long = 30 * time.Second

// TestMain lets the test binary be what the launcher starts, too.
func TestMain(m *testing.M) {
	switch {
	case slices.Contains(os.Args, "--supervised"):
		os.Exit(int(fakeWorker(os.Args[3])))
	case os.Getenv(launcherEnv) != "":
		main()
	default:
		os.Exit(m.Run())
	}
}

const (
	chatter     = 3000 // lines of 1000 octets: more than the console's buffer holds
	lastChatter = "that is all"
)

// fakeWorker behaves as the first line of its configuration says.
func fakeWorker(configPath string) worker.ExitCode {
	report := worker.NewReporter(os.Stdout)
	stop := worker.StopOnEOF(os.Stdin)
	data, err := os.ReadFile(configPath)
	if err != nil {
		return worker.ExitBadConfig
	}
	first, _, _ := strings.Cut(string(data), "\n")
	switch strings.TrimPrefix(first, "# ") {
	case "good":
		_ = report.Ready(worker.Ready{Version: "9.9", SMPP: "127.0.0.1:2346"})
		fmt.Fprintln(os.Stderr, `{"level":"info","message":"hello from the worker"}`)
		<-stop
		fmt.Fprintln(os.Stderr, `{"level":"info","message":"stopped politely"}`)
		_ = os.WriteFile(filepath.Join(filepath.Dir(configPath), "stopped"), []byte("politely"), 0o600)
		return worker.ExitStopped
	case "chatty":
		for range chatter {
			fmt.Fprintln(os.Stderr, strings.Repeat("x", 1000))
		}
		fmt.Fprintln(os.Stderr, lastChatter)
		_ = os.WriteFile(filepath.Join(filepath.Dir(configPath), "said"), []byte("all"), 0o600)
		_ = report.Ready(worker.Ready{})
		<-stop
		_ = os.WriteFile(filepath.Join(filepath.Dir(configPath), "stopped"), []byte("politely"), 0o600)
		return worker.ExitStopped
	case "deaf":
		_ = report.Ready(worker.Ready{})
		for {
			time.Sleep(time.Hour)
		}
	case "crash":
		panic("out of luck")
	default:
		fmt.Fprintln(os.Stderr, "config.toml:1: it is wrong")
		return worker.ExitBadConfig
	}
}

// launched is a launcher in this process.
type launched struct {
	t       *testing.T
	dir     string
	signals chan os.Signal
	stderr  *lockedBuffer
	exit    chan int
}

func (r *launched) config() string { return filepath.Join(r.dir, "config.toml") }

// configure writes a config.toml that has the fake worker behave as told.
func (r *launched) configure(behaviour string) {
	r.t.Helper()
	grace := long
	if behaviour == "deaf" {
		grace = time.Second
	}
	text := fmt.Sprintf("# %s\n[launcher]\nworker = '%s'\nstop_grace = '%s'\n", behaviour, os.Args[0], grace)
	if err := os.WriteFile(r.config(), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func newRunning(t *testing.T, behaviour string) *launched {
	r := &launched{t: t, dir: t.TempDir(), signals: make(chan os.Signal), stderr: &lockedBuffer{}, exit: make(chan int, 1)}
	r.configure(behaviour)
	return r
}

func (r *launched) start() *launched { return r.startOn(r.stderr) }

func (r *launched) startOn(console io.Writer) *launched {
	go func() {
		r.exit <- launch([]string{"run", "--config", r.config()}, program{commandline.Console{Stdout: &lockedBuffer{}, Stderr: console}, r.signals})
	}()
	return r
}

// waitForConsole waits until the console shows text.
func (r *launched) waitForConsole(text string) {
	r.t.Helper()
	for deadline := time.Now().Add(long); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(r.stderr.String(), text) {
			return
		}
	}
	r.t.Fatalf("the console does not show %q:\n%s", text, r.stderr)
}

// heldConsole takes nothing until it is opened.
type heldConsole struct {
	open  chan struct{}
	shown lockedBuffer
}

func (c *heldConsole) Write(p []byte) (int, error) {
	<-c.open
	return c.shown.Write(p)
}

func (r *launched) signal() {
	r.t.Helper()
	select {
	case r.signals <- os.Interrupt:
	case <-time.After(long):
		r.t.Fatal("nobody takes the signal")
	}
}

func (r *launched) wantExit(code int) {
	r.t.Helper()
	select {
	case got := <-r.exit:
		if got != code {
			r.t.Errorf("exit code %d, want %d", got, code)
		}
	case <-time.After(long):
		r.t.Fatal("the launcher does not end")
	}
}

// waitFor waits until text stands in a file of the launcher's folder.
func (r *launched) waitFor(file, text string) {
	r.t.Helper()
	var data []byte
	for deadline := time.Now().Add(long); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		data, _ = os.ReadFile(filepath.Join(r.dir, file))
		if bytes.Contains(data, []byte(text)) {
			return
		}
	}
	r.t.Fatalf("%s has no %q:\n%s", file, text, data)
}

// launcherLines are the messages of launcher.log.
func (r *launched) launcherLines() []map[string]any {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, "logs", "launcher.log"))
	if err != nil {
		r.t.Fatal(err)
	}
	var all []map[string]any
	for line := range strings.Lines(string(data)) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			r.t.Fatalf("%q: %v", line, err)
		}
		all = append(all, entry)
	}
	return all
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
