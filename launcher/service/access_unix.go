//go:build !windows

package service

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// restrict gives a file or a folder, with what is in it, to the account: to read as a member of its group, or to own.
func restrict(path, account string, u use) error {
	if u == readFolder {
		return nil
	}
	write := u == writeFolder
	mode, uid, gid := os.FileMode(0o640), 0, 0
	if write {
		mode = 0o750
	}
	if account != "" {
		u, err := user.Lookup(account)
		if err != nil {
			return err
		}
		if gid, err = strconv.Atoi(u.Gid); err != nil {
			return err
		}
		if write {
			if uid, err = strconv.Atoi(u.Uid); err != nil {
				return err
			}
		}
	}
	if err := os.Chown(path, uid, gid); err != nil {
		return err
	}
	if err := os.Chmod(path, mode); err != nil || !write {
		return err
	}
	files, err := filepath.Glob(filepath.Join(path, "*"))
	for _, file := range files {
		if err == nil {
			err = os.Lchown(file, uid, gid)
		}
	}
	return err
}

// checkOwner leaves it to the administrator who may write config.toml.
func checkOwner(string) error { return nil }

// WritableByOthers tells what lets others than administrators decide what runs as the service. On Unix that is the packager's.
func (f Files) WritableByOthers() []error { return nil }
