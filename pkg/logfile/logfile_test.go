package logfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
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

func TestLinesAreErasedFromTheFileAndFromThoseThatWereRotated(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "messages.log")
	f := New(path, 1, 10)
	line := func(text string) {
		t.Helper()
		if _, err := f.Write([]byte(text + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	line("a secret")
	line("first")
	line(strings.Repeat("x", 1<<20-20))
	line("second") // in a new file
	line("a secret")
	packed := filepath.Join(folder, "messages-2026-01-02T03-04-05.000.log.gz")
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte("old\na secret\nno end of line"))
	_ = w.Close()
	other := filepath.Join(folder, "launcher.log")
	for name, data := range map[string][]byte{packed: b.Bytes(), other: []byte("a secret\n"), packed + erasing: []byte("a secret"), filepath.Join(folder, "messages-2025-01-02T03-04-05.000.log") + erasing: []byte("a secret of a file that is gone")} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n, err := f.Erase(func(line []byte) bool { return bytes.Contains(line, []byte("secret")) })
	if n != 3 || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
	line("third")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	var all []byte
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(file.Name()) == ".gz" {
			r, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if data, err = io.ReadAll(r); err != nil || string(data) != "old\nno end of line" {
				t.Errorf("%q, %v", data, err)
			}
		}
		if file.Name() != "launcher.log" {
			all = append(all, data...)
		}
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "second\nthird\n" {
		t.Errorf("%q, %v", data, err)
	}
	if bytes.Contains(all, []byte("secret")) || !bytes.Contains(all, []byte("first\n")) {
		t.Errorf("%.200q", all)
	}
}

func TestWhatACrashLeftOfAnErasureGoesWhenTheLogIsOpened(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "messages.log")
	kept := []string{"launcher.log" + erasing, "messages.log", "messages-2026-01-02T03-04-05.000.log.gz"}
	for _, name := range append(kept, "messages.log"+erasing, "messages-2026-01-02T03-04-05.000.log.gz"+erasing, "messages-2025-01-02T03-04-05.000.log"+erasing) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("a secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := New(path, 1, 0)
	if _, err := f.Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name())
	}
	slices.Sort(kept)
	if !slices.Equal(names, kept) {
		t.Errorf("there are %q, want %q", names, kept)
	}
}

// full is a disk with room for so many octets.
type full int

func (f *full) Write(p []byte) (int, error) {
	if *f -= full(len(p)); *f < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

func TestADiskThatIsFullWhileALogIsWrittenAnewIsNoticed(t *testing.T) {
	text := []byte("old\na secret\nmore\n")
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text)
	_ = w.Close()
	for name, data := range map[string][]byte{"a.log": text, "a.log.gz": b.Bytes()} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for room := range full(15) {
			if _, err := filter(path, &room, func([]byte) bool { return false }); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s, with room for %d octets: %v", name, room, err)
			}
		}
	}
}
