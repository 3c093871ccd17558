//go:build !windows

package logging

import (
	"os"
	"path/filepath"
	"testing"
)

// preventRename keeps a file from being renamed: its folder lets nobody, but for root, who may do everything.
func preventRename(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("root may rename every file")
	}
	if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(path), 0o700) })
}
