//go:build !windows

package service

import (
	"net"
	"os"
	"strings"
)

// Managed tells whether systemd started this program as the service.
func Managed() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// SystemdNotifier takes the address of systemd's socket out of the environment, since it is not for the server. What it
// returns sends systemd the variables of sd_notify(3), such as READY=1; a value of several lines becomes one. What
// systemd does not hear is lost.
func SystemdNotifier() func(variables ...string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if name, ok := strings.CutPrefix(address, "@"); ok {
		address = "\x00" + name
	}
	os.Unsetenv("NOTIFY_SOCKET")
	return func(variables ...string) {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
		if err != nil {
			return
		}
		defer conn.Close()
		for i, variable := range variables {
			variables[i] = strings.ReplaceAll(variable, "\n", " ")
		}
		_, _ = conn.Write([]byte(strings.Join(variables, "\n")))
	}
}
