package main

import (
	"time"

	"hnetsmpp/launcher/service"
	"hnetsmpp/launcher/supervise"
)

// aMoment is the first wait of a crashed server.
const aMoment = time.Second

// stateAfter is the state of a service that was in state s, after an event: Running only once the server is ready. One
// that has crashed after a good life is back in a moment, and stays Running; whatever else keeps the server from its work
// is shown.
func stateAfter(s service.State, e supervise.Event) service.State {
	switch {
	case e.Kind == supervise.EventReady:
		return service.Running
	case e.Kind == supervise.EventStopping:
		return service.Stopping
	case e.Kind != supervise.EventExited:
		return s
	case e.State == supervise.AwaitingConfig, e.State == supervise.BackingOff && (s != service.Running || e.Wait > aMoment):
		return service.Paused
	}
	return s
}
