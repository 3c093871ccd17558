//go:build !windows

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strings"

	"hnetsmpp/launcher/supervise"
)

const unitFile = "/etc/systemd/system/" + serviceName + ".service"

var errNoSystemd = errors.New("services are managed through systemd, and this system does not run it; launcher run works without")

// managed tells whether systemd started this program as the service.
func managed() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// runService is run under systemd, which hears how the server is.
func runService(path string, p *program) error {
	tell := newSystemdNotifier()
	k, err := keep(path, p.stderr, func(e supervise.Event) {
		switch e.Kind {
		case supervise.EventReady:
			tell("READY=1\nSTATUS=ready, process %d", e.PID)
		case supervise.EventStopping:
			tell("STOPPING=1\nSTATUS=stopping")
		case supervise.EventExited:
			tell("STATUS=%s: %s", e.State, e.LastReason)
		}
	}, nil)
	if err != nil {
		return err
	}
	defer k.close()
	return k.waitForSignals(p)
}

// newSystemdNotifier sends what sd_notify(3) describes, a line for each variable; a reason of several lines becomes one.
func newSystemdNotifier() func(format string, args ...any) {
	address := os.Getenv("NOTIFY_SOCKET")
	if name, ok := strings.CutPrefix(address, "@"); ok {
		address = "\x00" + name
	}
	os.Unsetenv("NOTIFY_SOCKET") // it is not for the server
	return func(format string, args ...any) {
		for i, arg := range args {
			if text, ok := arg.(string); ok {
				args[i] = strings.ReplaceAll(text, "\n", " ")
			}
		}
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, format, args...)
	}
}

func systemctl(args ...string) (string, error) {
	out, err := exec.Command("systemctl", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

func queryService() (serviceState, registration, error) {
	unit, err := os.ReadFile(unitFile)
	if errors.Is(err, fs.ErrNotExist) {
		return notInstalled, registration{}, nil
	}
	if err != nil {
		return unknownService, registration{}, err
	}
	r := registeredInUnit(string(unit))
	out, err := systemctl("show", "--property=ActiveState", serviceName)
	if err != nil {
		return unknownService, r, err
	}
	switch strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(out), "ActiveState=")) {
	case "active", "reloading":
		return running, r, nil
	case "activating":
		return startPending, r, nil
	case "deactivating":
		return stopPending, r, nil
	case "inactive", "failed":
		return stopped, r, nil
	}
	return unknownService, r, nil
}

func needsPassword(string) bool { return false }

// isSystem tells the system's own account from those that need rights.
func isSystem(account string) bool { return account == "root" }

func checkAccount(name string) error {
	if _, err := user.Lookup(name); err != nil {
		return fmt.Errorf("there is no account %s: %w", name, err)
	}
	return nil
}

// writableFaults are what lets others than administrators decide what runs as the service. On Unix that is the packager's.
func writableFaults(string) []error { return nil }

// noteRefusal is for where nobody reads the console.
func noteRefusal(error) {}

const systemAccount = "root"

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

func installService(configPath, account, password string) error {
	if err := checkUnit(configPath); err != nil {
		return err
	}
	s, err := definition(configPath, account, password)
	if err != nil {
		return err
	}
	return s.Install()
}

// updateService writes the unit anew; the account stays unless another is named.
func updateService(configPath, account, password string) error {
	if err := checkUnit(configPath); err != nil {
		return err // the old unit stays
	}
	if unit, err := os.ReadFile(unitFile); err == nil && account == "" {
		account = registeredInUnit(string(unit)).account
	}
	if err := os.Remove(unitFile); err != nil {
		return err
	}
	return installService(configPath, account, password)
}

func requestStart() error {
	_, err := systemctl("start", "--no-block", serviceName)
	return err
}

func requestStop() error {
	_, err := systemctl("stop", "--no-block", serviceName)
	return err
}
