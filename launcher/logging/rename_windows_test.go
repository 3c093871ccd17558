package logging

import (
	"os"
	"testing"
)

// preventRename keeps a file open as many readers do: Windows lets nobody rename it meanwhile.
func preventRename(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
}
