package logfile

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// erasing ends the name of what a file is written anew as; one that a crash left is of no use.
const erasing = ".erasing"

// Erase takes the lines that match out of the file and of those that were rotated away, packed ones too, and returns how many. Each
// is written anew beside it and takes its place, whole or not at all; one of which that fails does not stop the others. Lines that are
// written meanwhile wait.
func (f *File) Erase(match func(line []byte) bool) (lines int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.info = nil
	err = errors.Join(f.rotated.Close(), f.removeLeft())
	files, e := f.all("")
	err = errors.Join(err, e)
	for _, path := range files {
		n, e := eraseIn(path, match)
		lines += n
		err = errors.Join(err, e)
	}
	return lines, err
}

// removeLeft removes what a crash left of files that were being written anew.
func (f *File) removeLeft() error {
	left, err := f.all(erasing)
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// all are the file and those that were rotated away; with an ending, those beside them whose names end with that, too.
func (f *File) all(ending string) (files []string, err error) {
	extension := filepath.Ext(f.path)
	beginning := strings.TrimSuffix(filepath.Base(f.path), extension)
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ending)
		if !ok {
			continue
		}
		plain := strings.TrimSuffix(name, ".gz")
		if name == filepath.Base(f.path) || strings.HasPrefix(plain, beginning+"-") && strings.HasSuffix(plain, extension) {
			files = append(files, filepath.Join(filepath.Dir(f.path), e.Name()))
		}
	}
	return files, err
}

func eraseIn(path string, match func([]byte) bool) (lines int, err error) {
	defer func() {
		if err != nil {
			lines, err = 0, fmt.Errorf("lines are not taken out of %s: %w", path, err)
		}
	}()
	next := path + erasing
	if lines, err = filter(path, io.Discard, match); err != nil || lines == 0 {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	file, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(next)
		}
	}()
	lines, err = filter(path, file, match)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	_ = os.Chtimes(next, info.ModTime(), info.ModTime()) // what goes by them takes the file for an older one
	return lines, os.Rename(next, path)
}

// filter copies the lines that do not match, and counts the others.
func filter(path string, to io.Writer, match func([]byte) bool) (lines int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var from io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		unpacked, damaged := gzip.NewReader(file)
		if damaged != nil {
			return 0, damaged
		}
		packed := gzip.NewWriter(to)
		defer func() { err = errors.Join(err, packed.Close()) }() // which writes the last of it
		from, to = unpacked, packed
	}
	r, w := bufio.NewReaderSize(from, 1<<16), bufio.NewWriterSize(to, 1<<16)
	for {
		line, end := r.ReadBytes('\n')
		switch {
		case len(line) == 0:
		case match(line):
			lines++
		default:
			if _, err := w.Write(line); err != nil {
				return lines, err
			}
		}
		if errors.Is(end, io.EOF) {
			return lines, w.Flush()
		}
		if end != nil {
			return lines, end
		}
	}
}
