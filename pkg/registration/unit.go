//go:build !windows

package registration

import (
	"errors"
	"io/fs"
	"os"
)

// UnitFile is the service's for systemd.
const UnitFile = "/etc/systemd/system/" + Name + ".service"

// Read reads how the service was installed; without a service it is zero.
func Read() (Registration, error) {
	unit, err := os.ReadFile(UnitFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Registration{}, nil
	}
	return InUnit(string(unit)), err
}
