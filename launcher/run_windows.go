package main

import (
	"io"
	"time"

	"hnetsmpp/launcher/service"
	"hnetsmpp/launcher/supervise"
)

// twiceRetry is the time between two looks whether another launcher has let go.
const twiceRetry = 2 * time.Second

// runService is run under the service control manager. While another launcher keeps the server of the same configuration
// it waits, Paused.
func runService(path string, _ *program) error {
	return service.Run(func(m *service.Manager) {
		var c chronicle
		state := service.Starting
		report := func(s service.State) {
			if s != state {
				state = s
				m.Report(s)
			}
		}
		onEvent := func(e supervise.Event) {
			if n := c.notice(e); n != nil {
				m.Note(*n)
			}
			report(stateAfter(state, e))
		}
		for {
			k, err := keep(path, io.Discard, onEvent, m.Note)
			if err == nil {
				defer k.close()
				select {
				case <-m.StopRequested():
					k.stop()
					<-k.ended
				case <-k.ended:
				}
				return
			}
			if state != service.Paused {
				m.Note(service.Notice{ID: noticeTwice, Failure: true, Text: "The service waits: " + err.Error()})
				report(service.Paused)
			}
			select {
			case <-m.StopRequested():
				return
			case <-time.After(twiceRetry):
			}
		}
	})
}
