//go:build unix

package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// giveTo gives a file that root has made to the owner of another one, which the service's account may be.
func giveTo(like fs.FileInfo, file string) error {
	owner, ok := like.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	if err := os.Lchown(file, int(owner.Uid), int(owner.Gid)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
