package testkit

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// built is set once there is a folder of programs to remove.
var built atomic.Bool

// Run runs the tests of a binary and then removes the programs that they built, and their PostgreSQL. It is for TestMain, and returns the exit
// code.
func Run(m *testing.M) int {
	code := m.Run()
	RemovePrograms()
	RemovePostgres()
	return code
}

// RemovePrograms removes what Program built. It is for whoever does not call Run.
func RemovePrograms() {
	if built.Load() {
		folder, _ := programs()
		_ = os.RemoveAll(folder)
	}
}

// Program returns the path of launcher or smppserv, which are built once for all tests of a binary; with the race
// detector when the tests have it. SMPPSERV names a built smppserv to test instead.
func Program(t testing.TB, name string) string {
	t.Helper()
	if path := os.Getenv("SMPPSERV"); path != "" && name == "smppserv" {
		return path
	}
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(folder, name)
}

// programs builds launcher and smppserv into a folder.
var programs = sync.OnceValues(func() (string, error) {
	if err := dependOnSources(); err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "hnetsmpp")
	if err != nil {
		return "", err
	}
	built.Store(true)
	args := []string{"build", "-buildvcs=false", "-o", folder + string(filepath.Separator)}
	if RaceDetector {
		args = append(args, "-race", "-gcflags=modernc.org/sqlite/lib=-race=false") // as the tests are: see .ci/run
	}
	out, err := exec.Command("go", append(args, "hnetsmpp/launcher", "hnetsmpp/smppserv")...).CombinedOutput()
	if err != nil {
		return folder, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return folder, nil
})

// dependOnSources looks at every source file of the programs. go test keeps a result as long as the files that the test
// has looked at stay as they are, and does not see what go build reads.
func dependOnSources() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
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

// moduleRoot is the folder of go.mod: tests run in the folder of their package.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if parent := filepath.Dir(folder); parent != folder {
			folder = parent
			continue
		}
		err = fmt.Errorf("no go.mod above the folder of the tests")
	}
	return "", err
}
