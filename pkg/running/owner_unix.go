//go:build !windows

package running

import (
	"os"
	"syscall"
)

// giveToOwner gives a file that root made to the owner of its folder, as whom the service may run.
func giveToOwner(file, folder string) {
	info, err := os.Stat(folder)
	if err != nil || os.Geteuid() != 0 {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(file, int(owner.Uid), int(owner.Gid))
	}
}
