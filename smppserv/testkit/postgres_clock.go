package testkit

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

//go:embed testdata/clock.c
var clockLibrary []byte

// PostgresClock is Postgres with a clock that can be set: set has it go on so much ahead of the machine's.
func PostgresClock(t testing.TB, settings ...string) (pg *PG, set func(ahead time.Duration)) {
	t.Helper()
	programs := postgresPrograms(t)
	compiler, err := exec.LookPath("gcc")
	if err != nil || runtime.GOOS != "linux" {
		Missing(t, "gcc", "apt-get install gcc libc6-dev")
	}
	if pg, err = newPostgres(programs, settings); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.remove)
	source, library, file := filepath.Join(pg.folder, "clock.c"), filepath.Join(pg.folder, "clock.so"), filepath.Join(pg.folder, "ahead")
	set = func(ahead time.Duration) { // in the file's own pages: they are mapped
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644)
		if err == nil {
			err = binary.Write(f, binary.NativeEndian, int64(ahead.Seconds()))
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	set(0)
	if err := os.WriteFile(source, clockLibrary, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pg.environment = []string{"LD_PRELOAD=" + library, "CLOCK_AHEAD=" + file}
	if err = pg.initialise(); err == nil {
		err = pg.start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return pg, set
}
