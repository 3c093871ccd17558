package main

import (
	"fmt"

	"hnetsmpp/launcher/service"
	"hnetsmpp/launcher/supervise"
	"hnetsmpp/pkg/worker"
)

// The numbers of the notices in the Event Log.
const (
	noticeReady   = 1
	noticeStopped = 2
	noticeEnded   = 10 // crashed, killed, or could not be started
	noticeConfig  = 11 // config.toml has a fault
	noticeHung    = 12
	noticeLogs    = 20 // cannot be written
	noticeTwice   = 21 // another launcher keeps this configuration's server
	noticeRefused = 22 // install, which the .msi calls, failed

	noticeHermesSilent  = 30
	noticeHermesBack    = 31
	noticeStoreSilent   = 32 // cannot be written
	noticeStoreBack     = 33
	noticeReloadRefused = 34 // the changed config.toml is not in force
	noticeReloadTaken   = 35
)

// chronicle makes notices of events. A server that fails again and again for the same reason is told once.
type chronicle struct{ last string }

// notice is nil for what nobody needs to read.
func (c *chronicle) notice(e supervise.Event) *service.Notice {
	switch e.Kind {
	case supervise.EventReady:
		c.last = ""
		return &service.Notice{ID: noticeReady, Text: fmt.Sprintf("The server is ready: SMPP %s, Hermès %s, process %d, version %s, restarts so far: %d.",
			e.Ready.SMPP, e.Ready.TCP, e.PID, e.Ready.Version, e.Restarts)}
	case supervise.EventHung:
		return &service.Notice{ID: noticeHung, Failure: true, Text: "The server hangs (" + e.LastReason + ") and is killed."}
	case supervise.EventStopped:
		return &service.Notice{ID: noticeStopped, Text: "The service has stopped; there was no server to stop."}
	case supervise.EventExited:
	default:
		return nil
	}
	if e.State == supervise.Stopped {
		polite := e.LastReason == worker.ExitStopped.String()
		return &service.Notice{ID: noticeStopped, Failure: !polite, Text: "The server has stopped: " + e.LastReason + "."}
	}
	if e.LastReason == c.last {
		return nil
	}
	c.last = e.LastReason
	if e.State == supervise.AwaitingConfig {
		return &service.Notice{ID: noticeConfig, Failure: true, Text: "The server was not started: " + e.LastReason + ". It is started by itself when config.toml has changed."}
	}
	return &service.Notice{ID: noticeEnded, Failure: true, Text: fmt.Sprintf("The server has ended: %s. It is started again in %s, and so on; restarts so far: %d.", e.LastReason, e.Wait, e.Restarts)}
}

func logsNotice(err error) service.Notice {
	return service.Notice{ID: noticeLogs, Failure: true, Text: "The log files cannot be written: " + err.Error() + ". The server goes on without them."}
}
