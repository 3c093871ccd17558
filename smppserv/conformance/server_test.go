package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
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

// programFolder is where this run's programs are built; TestMain removes it.
var programFolder string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "hnetsmpp")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		programFolder = folder
		flag.Parse()
		chosen := false
		flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
		if !chosen { // the rows of TestConformance mostly wait for timers
			if err := flag.Set("test.parallel", "8"); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return m.Run()
	}())
}

// buildPrograms builds launcher and smppserv, once; with the race detector when the tests have it.
var buildPrograms = sync.OnceValue(func() error {
	args := []string{"build", "-buildvcs=false", "-o", programFolder + string(filepath.Separator)}
	if raceDetector {
		args = append(args, "-race")
	}
	if err := dependOnSources(); err != nil {
		return err
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
	if path := os.Getenv("SMPPSERV"); path != "" && name == "smppserv" {
		return path
	}
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

// testSettings are those that every server of a test begins with: any free loopback ports, one client.
func testSettings() settings {
	return settings{
		"server.listen_host": "127.0.0.1",
		"server.listen_port": 0,
		"tcp.listen_host":    "127.0.0.1",
		"tcp.listen_port":    0,
		"admin.listen":       "127.0.0.1:0",
		"store.dsn":          "messages.db",
		"log.level":          "debug",
		"log.content":        true,
		"clients":            []map[string]any{{"system_id": testClient, "password": testPassword}},
		"hermes.url":         "simulator",
	}
}

const (
	testClient   = "esme1"
	testPassword = "secret1"
)

// writeConfig writes a config.toml of the test's settings and these into dir and returns its path.
func writeConfig(t *testing.T, dir string, changes settings) string {
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
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// server is a running smppserv under its launcher.
type server struct {
	ready worker.Ready
	log   *logBuffer // of both programs
}

// startServer starts the launcher, which starts smppserv, with a config.toml and a store of their own, and returns once
// smppserv is ready. Both are stopped politely at the test's end, which fails the test when that does not succeed.
func startServer(t *testing.T, changes settings) *server {
	t.Helper()
	dir := t.TempDir()
	if changes == nil {
		changes = settings{}
	}
	changes["launcher.worker"] = program(t, "smppserv")
	s := &server{log: &logBuffer{ready: make(chan worker.Ready, 1)}}
	launcher := exec.Command(program(t, "launcher"), "run", "--config", writeConfig(t, dir, changes))
	launcher.Dir, launcher.Stderr = dir, s.log
	if err := launcher.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- launcher.Wait() }()
	t.Cleanup(func() {
		if err := launcher.Process.Signal(stopSignal); err != nil {
			t.Errorf("stop the launcher: %v", err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the launcher ended: %v", err)
			}
		case <-time.After(stopGrace):
			_ = launcher.Process.Kill()
			t.Errorf("the launcher did not end within %s", stopGrace)
		}
		if strings.Contains(s.log.String(), "WARNING: DATA RACE") {
			t.Error("a program has a data race")
		}
		if t.Failed() {
			t.Logf("the programs' log:\n%s", s.log)
		}
	})
	select {
	case s.ready = <-s.log.ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("the launcher ended before smppserv was ready: %v", err)
	case <-time.After(patience):
		t.Fatal("smppserv did not become ready")
	}
	return s
}

// stopGrace is longer than the launcher's own.
const stopGrace = 40 * time.Second

// endpoint is where clients bind.
func (s *server) endpoint() endpoint {
	host, port, _ := net.SplitHostPort(s.ready.SMPP)
	number, _ := strconv.Atoi(port)
	return endpoint{Host: host, Port: number, SystemID: testClient, Password: testPassword}
}

// logBuffer keeps a log that is read while it is written, and finds the line that says where smppserv listens.
type logBuffer struct {
	ready chan worker.Ready

	mu   sync.Mutex
	text bytes.Buffer
	line []byte // that has no end yet
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(p)
	b.line = append(b.line, p...)
	for {
		line, rest, whole := bytes.Cut(b.line, []byte{'\n'})
		if !whole {
			return len(p), nil
		}
		b.line = rest
		var said struct{ Message, SMPP, TCP string }
		if json.Unmarshal(line, &said) == nil && said.Message == "ready" && said.SMPP != "" {
			select {
			case b.ready <- worker.Ready{SMPP: said.SMPP, TCP: said.TCP}:
			default:
			}
		}
	}
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
