// Package logfile is a log file that is appended to, whoever cuts, moves or deletes it meanwhile, and rotated by its size.
package logfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"gopkg.in/natefinch/lumberjack.v2"
)

// File is one. Its methods may be called from any goroutine.
type File struct {
	path string
	max  int64 // octets

	mu      sync.Mutex
	rotated *lumberjack.Logger
	info    fs.FileInfo // of the file that is open; nil = none is
	size    int64       // that rotated takes it to have
}

// New makes a File that is opened with its first line. One that would grow beyond maxMB MiB is rotated; keep are the old ones that
// stay, 0 = all.
func New(path string, maxMB, keep int) *File {
	f := &File{path: path, max: int64(maxMB) << 20}
	f.rotated = &lumberjack.Logger{Filename: path, MaxSize: maxMB, MaxBackups: keep, LocalTime: true}
	return f
}

// Write appends whole lines. While the file cannot be rotated (on Windows it cannot be renamed while somebody reads it) it grows:
// no line is lost.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.prepare(len(p))
	if err == nil {
		_, err = f.rotated.Write(p)
	}
	if err != nil {
		f.info = nil
		_ = f.rotated.Close()
		err = appendTo(f.path, p)
	}
	f.size += int64(len(p))
	return len(p), err
}

// prepare has the file there and opened for appending: lumberjack opens one that it makes itself at its beginning, and would
// write behind a hole after somebody cut it.
func (f *File) prepare(n int) error {
	info, err := os.Stat(f.path)
	if err != nil || f.info == nil || !os.SameFile(info, f.info) {
		if info, err = Touch(f.path); err != nil {
			return err
		}
		_ = f.removeLeft() // an erasure tells what cannot be removed
		f.info, f.size = info, -1
	}
	if f.size != info.Size() { // it is another one, or was cut: lumberjack learns that when it opens it
		f.size = info.Size()
		if err := f.rotated.Close(); err != nil {
			return err
		}
	}
	if f.size == 0 || f.size+int64(n) < f.max {
		return nil
	}
	if err := f.rotated.Rotate(); err != nil {
		return err
	}
	f.info = nil
	return f.rotated.Close() // what is there then is opened to append
}

// Close closes the file; a line that comes later opens it again.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.info = nil
	return f.rotated.Close()
}

// Touch makes the file, and its folder, where they are missing, and finds out whether it can be written.
func Touch(path string) (fs.FileInfo, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	return info, errors.Join(err, f.Close())
}

func appendTo(path string, p []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(p)
	return errors.Join(err, f.Close())
}
