package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"hnetsmpp/pkg/worker"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// stopGrace is longer than the 25 s after which a worker that hangs ends by itself.
const stopGrace = 30 * time.Second

// programFolder is where this run's programs are built; TestMain removes it.
var programFolder string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "hnetsmpp-faults")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		programFolder = folder
		return m.Run()
	}())
}

// buildPrograms builds launcher and smppserv, once; with the race detector when the tests have it.
var buildPrograms = sync.OnceValue(func() error {
	if err := dependOnSources(); err != nil {
		return err
	}
	args := []string{"build", "-buildvcs=false", "-o", programFolder + string(filepath.Separator)}
	if raceDetector {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "hnetsmpp/launcher", "hnetsmpp/smppserv")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
})

// dependOnSources looks at every source file of the programs. go test keeps a result as long as the files that the test
// has looked at stay as they are, and does not see what go build reads.
func dependOnSources() error {
	root := filepath.Join("..", "..")
	for _, folder := range []string{"launcher", "smppserv", "pkg", "go.mod", "go.sum"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && entry.Name() == "node_modules" {
				return fs.SkipDir
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			return fmt.Errorf("looking at the sources: %w", err)
		}
	}
	return nil
}

// program returns the path of a built program: launcher or smppserv.
func program(t *testing.T, name string) string {
	t.Helper()
	if err := buildPrograms(); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(programFolder, name)
}

// settings are keys of config.toml with their sections, like "hermes.url".
type settings map[string]any

const (
	testClient   = "esme1"
	testPassword = "secret1"
)

// needed is what a file must say.
const needed = "[hermes]\nurl = \"simulator\"\n[[clients]]\nsystem_id = \"" + testClient + "\"\npassword = \"" + testPassword + "\"\n"

func testSettings() settings {
	return settings{
		"server.listen_host":       "127.0.0.1",
		"server.listen_port":       0,
		"server.failed_bind_delay": "0s",
		"tcp.listen_host":          "127.0.0.1",
		"tcp.listen_port":          0,
		"admin.listen":             "",
		"store.dsn":                "messages.db",
		"clients":                  clients(testPassword),
		"hermes.url":               "simulator",
	}
}

// clients is the section of one client that may bind twice.
func clients(password string) []map[string]any {
	return []map[string]any{{"system_id": testClient, "password": password, "bind_policy": "pair"}}
}

// configText is the text of a config.toml with the test's settings and these.
func configText(t *testing.T, changes settings) []byte {
	t.Helper()
	tree := map[string]any{}
	for _, set := range []settings{testSettings(), changes} {
		for key, value := range set {
			at, sections := tree, strings.Split(key, ".")
			for _, section := range sections[:len(sections)-1] {
				if at[section] == nil {
					at[section] = map[string]any{}
				}
				at = at[section].(map[string]any)
			}
			at[sections[len(sections)-1]] = value
		}
	}
	text, err := toml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// writeConfig writes such a config.toml into dir and returns its path.
func writeConfig(t *testing.T, dir string, changes settings) string {
	t.Helper()
	path := filepath.Join(dir, "config.toml")
	writeFile(t, path, configText(t, changes))
	return path
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// freePort returns a loopback port that nothing listens on. It is below those that systems give to outgoing
// connections: one of these could take it, or meet itself on it, while no worker listens.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 12000 + rand.IntN(18000)
		l, err := net.Listen("tcp", loopback(port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// startWorker starts smppserv as the launcher does and returns once it is ready. It is stopped politely at the test's
// end, which fails the test when it does not end with code 0.
func startWorker(t *testing.T, config string) (*worker.Process, worker.Ready, *log) {
	t.Helper()
	written := newLog()
	p, err := worker.Start(context.Background(), worker.Options{
		Path: program(t, "smppserv"), Config: config, Dir: filepath.Dir(config), Stderr: written,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-p.Done(): // the test has ended it
		default:
			if exit := p.Stop(stopGrace); exit.Code != worker.ExitStopped {
				t.Errorf("smppserv ended: %s", exit.Reason())
			}
		}
		written.judge(t, "smppserv")
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ready, err := p.Ready(ctx)
	if err != nil {
		t.Fatalf("smppserv: %v", err)
	}
	return p, ready, written
}

// stopWorker stops it politely, before the test's end.
func stopWorker(t *testing.T, p *worker.Process) {
	t.Helper()
	if exit := p.Stop(stopGrace); exit.Code != worker.ExitStopped {
		t.Fatalf("smppserv ended: %s", exit.Reason())
	}
}

// A result is how a command ended and what it printed.
type result struct {
	code           int
	stdout, stderr string
}

// command runs a program to its end.
func command(t *testing.T, name, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, name), args...)
	cmd.Dir = t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) || ctx.Err() != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, args, err, &stdout, &stderr)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// refuses requires that smppserv, run by a person, ends with that code and one line that holds every word.
func refuses(t *testing.T, config string, code worker.ExitCode, words ...string) {
	t.Helper()
	r := command(t, "smppserv", "", "run", "--config", config)
	if r.code != int(code) {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	oneLine(t, r.stderr, words...)
	if r.stdout != "" {
		t.Errorf("printed %q", r.stdout)
	}
}

// oneLine requires that text is one line that holds every word.
func oneLine(t *testing.T, text string, words ...string) {
	t.Helper()
	if strings.Count(strings.TrimSpace(text), "\n") > 0 || strings.TrimSpace(text) == "" {
		t.Errorf("want one line, got:\n%s", text)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in: %s", word, text)
		}
	}
}

// log keeps what a program writes and can be waited on.
type log struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed and replaced with every write
}

func newLog() *log { return &log{changed: make(chan struct{})} }

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

func (l *log) read() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.changed
}

// await returns the first whole line that matches, waiting for it.
func (l *log) await(t *testing.T, what string, match func(line string) bool) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		text, changed := l.read()
		for line := range strings.Lines(text) {
			if strings.HasSuffix(line, "\n") && match(line) {
				return line
			}
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no line of the log says %s within %v:\n%s", what, patience, text)
		}
	}
}

// awaitWords returns the first whole line that holds every word.
func (l *log) awaitWords(t *testing.T, words ...string) string {
	t.Helper()
	return l.await(t, strings.Join(words, " … "), func(line string) bool {
		for _, word := range words {
			if !strings.Contains(line, word) {
				return false
			}
		}
		return true
	})
}

// judge fails the test for a data race, and shows the end of the log of a test that failed.
func (l *log) judge(t *testing.T, name string) {
	text, _ := l.read()
	if strings.Contains(text, "WARNING: DATA RACE") {
		t.Errorf("%s has a data race", name)
	}
	if t.Failed() {
		t.Logf("%s's log:\n%s", name, text[max(0, len(text)-8000):])
	}
}
