//go:build unix

package diskspace

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Of is how much of a file's volume an ordinary account may still write, and how large that is.
func Of(file string) (free, total int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(file), &s); err != nil {
		return 0, 0, err
	}
	block := int64(s.Bsize)
	return int64(s.Bavail) * block, int64(s.Blocks) * block, nil
}
