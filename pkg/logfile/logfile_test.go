package logfile

import (
	"os"
	"path/filepath"
	"runtime"
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

func TestALogThatSomebodyMovesOrDeletesBeginsAnew(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open cannot be moved there")
	}
	path := filepath.Join(t.TempDir(), "x.log")
	f := New(path, 1, 0)
	defer f.Close()
	write(t, f, "a\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, f, "b\n")
	if moved, now := read(t, path+".1"), read(t, path); moved != "a\n" || now != "b\n" {
		t.Errorf("the moved one is %q, the log %q", moved, now)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, f, "c\n")
	write(t, f, "d\n")
	if got := read(t, path); got != "c\nd\n" {
		t.Errorf("the log is %q", got)
	}
}

func TestALogThatAnotherWritesToTooIsRotatedByItsSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	f := New(path, 1, 0)
	defer f.Close()
	write(t, f, "a\n")
	other, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.WriteString(strings.Repeat("x", 1<<20) + "\n"); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, f, "b\n")
	if got := read(t, path); got != "b\n" {
		t.Errorf("the log has %d octets", len(got))
	}
}
