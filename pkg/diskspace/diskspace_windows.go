package diskspace

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// Of is how much of a file's volume this account may still write, and how large that is for it.
func Of(file string) (free, total int64, err error) {
	folder, err := windows.UTF16PtrFromString(filepath.Dir(file))
	if err != nil {
		return 0, 0, err
	}
	var mine, all, any uint64
	if err := windows.GetDiskFreeSpaceEx(folder, &mine, &all, &any); err != nil {
		return 0, 0, err
	}
	return int64(mine), int64(all), nil
}
