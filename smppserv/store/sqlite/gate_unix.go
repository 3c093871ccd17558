//go:build unix

package sqlite

import (
	"os"
	"syscall"
)

// writeNothing is a write that waits as others do while the file system takes none, and leaves nothing to be written. A file that
// is closed meanwhile stays open until it ends.
func writeNothing(f *os.File) {
	conn, err := f.SyscallConn()
	if err == nil {
		_ = conn.Control(func(fd uintptr) { _, _ = syscall.Pwrite(int(fd), nil, 0) })
	}
}
