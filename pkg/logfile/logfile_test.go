package logfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, f *File, line string) {
	t.Helper()
	if n, err := f.Write([]byte(line)); n != len(line) || err != nil {
		t.Fatalf("wrote %d octets, %v", n, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The first file, which it made itself, and one that came of a rotation.
func TestALogThatSomebodyCutsGoesOnAtItsBeginning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "x.log")
	f := New(path, 1, 10)
	defer f.Close()
	for range 3 {
		write(t, f, "a line\n")
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		write(t, f, "after the cut\n")
		if got := read(t, path); got != "after the cut\n" {
			t.Fatalf("the log is %q", got)
		}
		write(t, f, strings.Repeat("x", 1<<20-len("after the cut\n")-2)+"\n") // the next one has no room
		write(t, f, "after the rotation\n")
		if got := read(t, path); got != "after the rotation\n" {
			t.Fatalf("the log has %d octets and ends with %q", len(got), got[max(0, len(got)-40):])
		}
	}
	if all, err := filepath.Glob(filepath.Join(filepath.Dir(path), "x-*.log")); err != nil || len(all) != 3 {
		t.Errorf("rotated: %q, %v", all, err)
	}
}

func TestALineThatIsLongerThanAFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	f := New(path, 1, 0)
	defer f.Close()
	write(t, f, strings.Repeat("x", 2<<20)+"\n")
	write(t, f, "and on\n")
	if got := read(t, path); got != "and on\n" {
		t.Errorf("the log has %d octets", len(got))
	}
}

func TestALogThatIsThereIsContinued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	for range 2 {
		f := New(path, 1, 0)
		write(t, f, "a\n")
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, f, "b\n")
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, path); got != "a\nb\na\nb\n" {
		t.Errorf("the log is %q", got)
	}
}
