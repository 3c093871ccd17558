package main

import (
	"io"
	"time"

	"hnetsmpp/launcher/supervise"
)

// twiceRetry is the time between two looks whether another launcher has let go.
const twiceRetry = 2 * time.Second

// runService is run under the service control manager. While another launcher keeps the server of the same configuration
// it waits, Paused.
func runService(path string, _ *program) error {
	return Run(func(m *Manager) {
		var c chronicle
		state := Starting
		report := func(s State) {
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
			k, err := keep(path, io.Discard, onEvent, func(err error) { m.Note(logsNotice(err)) })
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
			if state != Paused {
				m.Note(Notice{noticeTwice, true, "The service waits: " + err.Error()})
				report(Paused)
			}
			select {
			case <-m.StopRequested():
				return
			case <-time.After(twiceRetry):
			}
		}
	})
}
