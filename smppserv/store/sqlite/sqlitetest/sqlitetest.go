// Package sqlitetest has an empty database for tests, so that not each of them makes one: that is done once in each test program.
package sqlitetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/store/sqlite"
)

const name = "messages.db"

// Blank puts an empty database of the newest version into a folder, and returns its file.
func Blank(t testing.TB, folder string) (file string) {
	t.Helper()
	files, err := blank()
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(folder, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, name)
}

// blank are the files of an empty database that was closed.
var blank = sync.OnceValues(func() (files map[string][]byte, err error) {
	folder, err := os.MkdirTemp("", "hnetsmpp-blank")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	s, err := sqlite.Open(context.Background(), sqlite.Options{File: filepath.Join(folder, name), Log: zerolog.Nop()})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	files = map[string][]byte{}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		content, failed := os.ReadFile(filepath.Join(folder, e.Name()))
		if failed != nil {
			return nil, failed
		}
		files[e.Name()] = content
	}
	return files, err
})
