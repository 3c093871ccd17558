// Package livefile is a file in which a process says how it is, as JSON, and which counts while the process lives: it holds a
// lock beside the file.
package livefile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// ErrHeld means that another process holds the lock.
var ErrHeld = errors.New("another process holds the lock")

// File is one, for who writes it and for who reads it.
type File struct {
	path string
	mode fs.FileMode
	lock *flock.Flock
}

// New names a file, its mode, and its lock. Nothing is opened.
func New(path, lock string, mode fs.FileMode) *File {
	return &File{path: path, mode: mode, lock: flock.New(lock)}
}

const (
	tries = 50
	pause = 10 * time.Millisecond
)

// insist tries again for a while: a reader looks whether the lock is free, and on Windows a file cannot be replaced while it is
// read, nor read while it is replaced.
func insist(do func() error) (err error) {
	for range tries {
		if err = do(); err == nil || errors.Is(err, fs.ErrNotExist) {
			return err
		}
		time.Sleep(pause)
	}
	return err
}

// Hold takes the lock, until Release or the end of the process. The error is ErrHeld, or why nobody can tell.
func (f *File) Hold() error { return insist(f.TryHold) }

// TryHold is Hold, at once or not at all.
func (f *File) TryHold() error {
	held, err := f.lock.TryLock()
	if err == nil && !held {
		err = ErrHeld
	}
	return err
}

// Write says how things are now. The file is written whole or not at all. Only who holds the lock may call it.
func (f *File) Write(v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	next := f.path + ".new"
	_ = os.Remove(next) // of one that a crash left
	file, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.mode)
	if err != nil {
		return err
	}
	_, err = file.Write(append(data, '\n'))
	if err = errors.Join(err, file.Close()); err == nil {
		err = insist(func() error { return os.Rename(next, f.path) })
	}
	if err != nil {
		_ = os.Remove(next)
	}
	return err
}

// Read reads what was said last, and tells whether who said it lives. The error may wrap fs.ErrNotExist: nobody has said anything.
func (f *File) Read() (data []byte, alive bool, err error) {
	err = insist(func() (err error) {
		data, err = os.ReadFile(f.path)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if free, err := f.lock.TryLock(); err == nil && free {
		_ = f.lock.Unlock()
		return data, false, nil
	}
	return data, true, nil
}

// Remove takes the file away.
func (f *File) Remove() { _ = os.Remove(f.path) }

// Release lets the lock go.
func (f *File) Release() { _ = f.lock.Unlock() }
