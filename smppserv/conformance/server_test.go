package conformance

import (
	"bytes"
	"context"
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

// server is a running smppserv.
type server struct {
	process *worker.Process
	ready   worker.Ready
	dir     string
	log     *logBuffer
}

// startServer starts smppserv as the launcher does, with a config.toml and a store of its own, and returns once it is
// ready. It is stopped politely at the test's end, which fails the test when it does not end with code 0.
func startServer(t *testing.T, changes settings) *server {
	t.Helper()
	s := &server{dir: t.TempDir()}
	s.start(t, writeConfig(t, s.dir, changes))
	return s
}

// start starts the program on a config.toml, also once more after its end.
func (s *server) start(t *testing.T, config string) {
	t.Helper()
	s.log = &logBuffer{}
	process, err := worker.Start(context.Background(), worker.Options{
		Path:   program(t, "smppserv"),
		Config: config,
		Dir:    s.dir,
		Stderr: s.log,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.process = process
	log := s.log
	t.Cleanup(func() {
		// Kill, where a test has ended the process itself, is no news.
		select {
		case <-process.Done():
		default:
			if exit := process.Stop(stopGrace); exit.Code != worker.ExitStopped {
				t.Errorf("smppserv ended: %s", exit.Reason())
			}
		}
		if strings.Contains(log.String(), "WARNING: DATA RACE") {
			t.Error("smppserv has a data race")
		}
		if t.Failed() {
			t.Logf("smppserv's log:\n%s", log)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if s.ready, err = process.Ready(ctx); err != nil {
		t.Fatalf("smppserv: %v", err)
	}
}

// stopGrace is longer than the 25 s after which a worker that hangs ends by itself.
const stopGrace = 30 * time.Second

// endpoint is where clients bind.
func (s *server) endpoint() endpoint {
	host, port, _ := net.SplitHostPort(s.ready.SMPP)
	number, _ := strconv.Atoi(port)
	return endpoint{Host: host, Port: number, SystemID: testClient, Password: testPassword}
}

// logBuffer keeps a log that is read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
