//go:build !windows

package main

import (
	"fmt"

	"hnetsmpp/launcher/service"
	"hnetsmpp/launcher/supervise"
)

// runService is run under systemd, which hears how the server is.
func runService(path string, p *program) error {
	tell := service.SystemdNotifier()
	k, err := keep(path, p.Stderr, func(e supervise.Event) {
		switch e.Kind {
		case supervise.EventReady:
			tell("READY=1", fmt.Sprintf("STATUS=ready, process %d", e.PID))
		case supervise.EventStopping:
			tell("STOPPING=1", "STATUS=stopping")
		case supervise.EventExited:
			tell(fmt.Sprintf("STATUS=%s: %s", e.State, e.LastReason))
		}
	}, nil)
	if err != nil {
		return err
	}
	defer k.close()
	return k.waitForSignals(p)
}
