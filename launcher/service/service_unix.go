//go:build !windows

package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"hnetsmpp/pkg/registration"
)

var errNoSystemd = errors.New("services are managed through systemd, and this system does not run it; launcher run works without")

func systemctl(args ...string) (string, error) {
	out, err := exec.Command("systemctl", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// Query asks systemd for the service's state, and reads how it was installed.
func Query() (State, Registration, error) {
	if _, err := os.Stat(registration.UnitFile); errors.Is(err, fs.ErrNotExist) {
		return NotInstalled, Registration{}, nil
	}
	unit, err := registration.Read()
	if err != nil {
		return Unknown, Registration{}, err
	}
	r := Registration{Config: unit.Config, Account: unit.Account}
	out, err := systemctl("show", "--property=ActiveState", Name)
	if err != nil {
		return Unknown, r, err
	}
	switch strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(out), "ActiveState=")) {
	case "active", "reloading":
		return Running, r, nil
	case "activating":
		return Starting, r, nil
	case "deactivating":
		return Stopping, r, nil
	case "inactive", "failed":
		return Stopped, r, nil
	}
	return Unknown, r, nil
}

// checkUnit tells why there can be no unit.
func checkUnit(configPath string) error {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return errNoSystemd
	}
	if strings.Contains(configPath, "{{") {
		return fmt.Errorf("%s: the path must not contain {{", configPath) // which the service library reads as its own
	}
	return nil
}

// Install registers the service; it does not start it. The error wraps os.ErrPermission where this account may not do that.
func Install(o Options) error {
	if err := checkUnit(o.Config); err != nil {
		return err
	}
	s, err := o.definition()
	if err != nil {
		return err
	}
	return s.Install()
}

// Update writes the unit anew; the account stays unless another is named. Its errors are those of Install.
func Update(o Options) error {
	if err := checkUnit(o.Config); err != nil {
		return err // the old unit stays
	}
	if unit, err := registration.Read(); err == nil && o.Account == "" {
		o.Account = unit.Account
	}
	if err := os.Remove(registration.UnitFile); err != nil {
		return err
	}
	return Install(o)
}

// Start asks systemd to start the service, and does not wait for that.
func Start() error {
	_, err := systemctl("start", "--no-block", Name)
	return err
}

func requestStop() error {
	_, err := systemctl("stop", "--no-block", Name)
	return err
}

// Note is for Windows, where nobody reads the console.
func Note(Notice) {}
