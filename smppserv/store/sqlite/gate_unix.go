//go:build unix

package sqlite

import (
	"os"
	"syscall"
)

// writeNothing is a write that waits as others do while the file system takes none, and leaves nothing to be written.
func writeNothing(f *os.File) { _, _ = syscall.Pwrite(int(f.Fd()), nil, 0) }
