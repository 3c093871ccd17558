package service

import (
	"time"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
)

// Managed tells whether the service control manager started this program.
func Managed() bool {
	is, err := svc.IsWindowsService()
	return err == nil && is
}

// Manager is the service control manager, as what runs as the service sees it.
type Manager struct {
	reports chan State
	stop    chan struct{}
	log     *eventlog.Log // nil = none
}

// Run has serve run as the service, Starting at first, and returns after it. kardianos/service would report Running at
// once, and no progress.
func Run(serve func(*Manager)) error {
	m := &Manager{reports: make(chan State), stop: make(chan struct{})}
	if log, err := eventlog.Open(Name); err == nil { // its source may not be registered: the log files tell the same
		defer log.Close()
		m.log = log
	}
	return svc.Run(Name, &handler{m, serve})
}

// Report says how the service is: Running, Paused or Stopping. It is for serve, and for what ends before serve does.
func (m *Manager) Report(s State) { m.reports <- s }

// StopRequested is closed when the service is to stop. It is Stopping from then on, whatever is reported.
func (m *Manager) StopRequested() <-chan struct{} { return m.stop }

// Note writes to the Event Log.
func (m *Manager) Note(n Notice) {
	if m.log == nil {
		return
	}
	if n.Failure {
		_ = m.log.Error(n.ID, n.Text)
		return
	}
	_ = m.log.Info(n.ID, n.Text)
}

type handler struct {
	*Manager
	serve func(*Manager)
}

const (
	accepts       = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown
	progressEvery = time.Second
	waitHint      = 10_000 // milliseconds to the next sign of progress
	longestStart  = 45 * time.Second
)

// Execute implements svc.Handler.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, changes chan<- svc.Status) (bool, uint32) {
	state, asked := Starting, false
	status := next(svc.Status{}, state)
	changes <- status
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.serve(h.Manager)
	}()
	began := time.Now()
	progress := time.NewTicker(progressEvery)
	defer progress.Stop()
	for {
		select {
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				changes <- request.CurrentStatus
				continue
			case svc.Stop, svc.Shutdown, svc.PreShutdown:
				if !asked {
					asked = true
					close(h.stop)
				}
				state = Stopping
			}
		case reported := <-h.reports:
			if !asked {
				state = reported
			}
		case <-progress.C:
			if state == Starting && time.Since(began) > longestStart {
				state = Paused // a start may not be stopped
			} else if state != Starting && state != Stopping {
				continue
			}
		case <-ended:
			return false, 0
		}
		status = next(status, state)
		changes <- status
	}
}

// next is what is reported in a state; pending states show progress.
func next(last svc.Status, state State) svc.Status {
	switch state {
	case Running:
		return svc.Status{State: svc.Running, Accepts: accepts}
	case Paused:
		return svc.Status{State: svc.Paused, Accepts: accepts}
	}
	s := svc.Status{State: svc.StartPending, CheckPoint: last.CheckPoint + 1, WaitHint: waitHint, Accepts: accepts}
	if state == Stopping {
		s.State, s.Accepts = svc.StopPending, 0
	}
	return s
}

// Note writes to the Event Log, also where the service is not registered: the installer, say, shows nothing of its launcher.
func Note(n Notice) {
	if eventlog.InstallAsEventCreate(Name, eventlog.Error|eventlog.Warning|eventlog.Info) == nil {
		defer func() { _ = eventlog.Remove(Name) }() // it is not installed, and leaves nothing behind
	}
	if log, err := eventlog.Open(Name); err == nil {
		defer log.Close()
		(&Manager{log: log}).Note(n)
	}
}
