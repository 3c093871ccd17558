//go:build unix

package config

import (
	"os"
	"syscall"
)

// giveToOwner gives what root writes to whom the folder belongs: the service's account must read it.
func giveToOwner(f *os.File, folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		return f.Chown(int(owner.Uid), int(owner.Gid))
	}
	return nil
}
