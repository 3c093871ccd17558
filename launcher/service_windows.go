package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"

	"hnetsmpp/launcher/supervise"
	"hnetsmpp/pkg/config"
)

// managed tells whether the service control manager started this program.
func managed() bool {
	is, err := svc.IsWindowsService()
	return err == nil && is
}

// runService is run under the service control manager. kardianos/service would report Running at once, and no progress.
func runService(path string, _ *program) error {
	w := &windowsService{path: path, events: make(chan supervise.Event, 64)}
	if log, err := eventlog.Open(serviceName); err == nil { // its source may not be registered: the log files tell the same
		defer log.Close()
		w.log = log
	}
	return svc.Run(serviceName, w)
}

type windowsService struct {
	path      string
	events    chan supervise.Event
	chronicle chronicle
	log       *eventlog.Log // nil = none
	waited    bool          // for another launcher
}

const (
	accepts       = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown
	progressEvery = time.Second
	waitHint      = 10_000 // milliseconds to the next sign of progress
	longestStart  = 45 * time.Second
	twiceRetry    = 2 * time.Second
)

// keep begins. While another launcher keeps the server of the same configuration it waits, Paused; nil = asked to stop.
func (w *windowsService) keep(requests <-chan svc.ChangeRequest, changes chan<- svc.Status) *keeper {
	for ; ; w.waited = true {
		k, err := keep(w.path, io.Discard, func(e supervise.Event) { w.events <- e }, func(err error) { w.write(logsNotice(err)) })
		if err == nil {
			return k
		}
		if !w.waited {
			w.write(notice{noticeTwice, true, "The service waits: " + err.Error()})
		}
		changes <- svc.Status{State: svc.Paused, Accepts: accepts}
		for retry := time.After(twiceRetry); retry != nil; {
			select {
			case request := <-requests:
				if request.Cmd != svc.Interrogate {
					return nil
				}
				changes <- request.CurrentStatus
			case <-retry:
				retry = nil
			}
		}
	}
}

// Execute implements svc.Handler: it keeps the server running until it is asked to stop.
func (w *windowsService) Execute(_ []string, requests <-chan svc.ChangeRequest, changes chan<- svc.Status) (bool, uint32) {
	status := next(svc.Status{}, startPending)
	changes <- status
	k := w.keep(requests, changes)
	if k == nil {
		return false, 0
	}
	defer k.close()
	state := startPending
	if w.waited {
		state = paused
	}
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
				k.stop()
				state = stopPending
			}
		case e := <-w.events:
			if n := w.chronicle.notice(e); n != nil {
				w.write(*n)
			}
			if state != stopPending {
				state = state.after(e)
			}
		case <-progress.C:
			if state == startPending && time.Since(began) > longestStart {
				state = paused // a start may not be stopped
			} else if state != startPending && state != stopPending {
				continue
			}
		case <-k.ended:
			for len(w.events) > 0 {
				if n := w.chronicle.notice(<-w.events); n != nil {
					w.write(*n)
				}
			}
			return false, 0
		}
		status = next(status, state)
		changes <- status
	}
}

// next is what is reported in a state; pending states show progress.
func next(last svc.Status, state serviceState) svc.Status {
	switch state {
	case running:
		return svc.Status{State: svc.Running, Accepts: accepts}
	case paused:
		return svc.Status{State: svc.Paused, Accepts: accepts}
	}
	s := svc.Status{State: svc.StartPending, CheckPoint: last.CheckPoint + 1, WaitHint: waitHint, Accepts: accepts}
	if state == stopPending {
		s.State, s.Accepts = svc.StopPending, 0
	}
	return s
}

func (w *windowsService) write(n notice) {
	if w.log == nil {
		return
	}
	if n.failure {
		_ = w.log.Error(n.id, n.text)
		return
	}
	_ = w.log.Info(n.id, n.text)
}

// noteRefusal tells the Event Log, where nobody reads the console: the installer shows nothing of its launcher.
func noteRefusal(err error) {
	if eventlog.InstallAsEventCreate(serviceName, eventlog.Error|eventlog.Warning|eventlog.Info) == nil {
		defer func() { _ = eventlog.Remove(serviceName) }() // it is not installed, and leaves nothing behind
	}
	if log, failed := eventlog.Open(serviceName); failed == nil {
		defer log.Close()
		_ = log.Error(noticeRefused, "launcher install: "+err.Error())
	}
}

// openService opens the service with no more rights than are needed.
func openService(access uint32) (*mgr.Service, error) {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return nil, err
	}
	defer windows.CloseServiceHandle(manager)
	name, err := windows.UTF16PtrFromString(serviceName)
	if err != nil {
		return nil, err
	}
	handle, err := windows.OpenService(manager, name, access)
	if err != nil {
		return nil, err
	}
	return &mgr.Service{Name: serviceName, Handle: handle}, nil
}

func queryService() (serviceState, registration, error) {
	s, err := openService(windows.SERVICE_QUERY_CONFIG | windows.SERVICE_QUERY_STATUS)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return notInstalled, registration{}, nil
	}
	if err != nil {
		return unknownService, registration{}, fmt.Errorf("ask for the service %s: %w", serviceName, err)
	}
	defer s.Close()
	r, err := registered(s)
	if err != nil {
		return unknownService, registration{}, fmt.Errorf("ask for the service %s: %w", serviceName, err)
	}
	status, err := s.Query()
	if err != nil {
		return unknownService, r, fmt.Errorf("ask for the service %s: %w", serviceName, err)
	}
	r.process = int(status.ProcessId)
	switch status.State {
	case svc.Stopped:
		return stopped, r, nil
	case svc.StartPending, svc.ContinuePending:
		return startPending, r, nil
	case svc.Running:
		return running, r, nil
	case svc.Paused, svc.PausePending:
		return paused, r, nil
	case svc.StopPending:
		return stopPending, r, nil
	}
	return unknownService, r, nil
}

// registered reads how the service was installed. mgr's own function asks for more, which not every account may read.
func registered(s *mgr.Service) (r registration, err error) {
	size := uint32(8 << 10) // the most that Windows returns
	buffer := make([]byte, size)
	c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buffer[0]))
	if err := windows.QueryServiceConfig(s.Handle, c, size, &size); err != nil {
		return r, err
	}
	if account := windows.UTF16PtrToString(c.ServiceStartName); !isSystem(account) {
		r.account = account
	}
	args, err := windows.DecomposeCommandLine(windows.UTF16PtrToString(c.BinaryPathName))
	if err != nil {
		return r, err
	}
	if i := slices.Index(args, "--config"); i >= 0 && i+1 < len(args) {
		r.config = args[i+1]
	}
	return r, nil
}

// needsPassword tells the accounts of people from those that Windows itself gives a password, or none.
func needsPassword(user string) bool {
	domain, name, found := strings.Cut(strings.ToLower(user), `\`)
	if !found {
		domain, name = "", domain
	}
	switch {
	case domain == "nt authority", domain == "nt service", strings.HasSuffix(name, "$"):
		return false
	}
	return name != "localsystem" && name != "localservice" && name != "networkservice"
}

const systemAccount = "LocalSystem"

// isSystem tells the system's own account from those that need rights.
func isSystem(account string) bool {
	return slices.ContainsFunc([]string{"LocalSystem", `.\LocalSystem`, `NT AUTHORITY\SYSTEM`, "SYSTEM"},
		func(name string) bool { return strings.EqualFold(name, account) })
}

// checkAccount knows the service's own virtual account, which Windows makes with the service.
func checkAccount(name string) error {
	if isSystem(name) || strings.EqualFold(name, `NT SERVICE\`+serviceName) {
		return nil
	}
	if _, _, _, err := windows.LookupSID("", strings.TrimPrefix(name, `.\`)); err != nil {
		return fmt.Errorf("there is no account %s: %w", name, err)
	}
	return nil
}

func installService(configPath, user, password string) error {
	s, err := definition(configPath, user, password)
	if err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return err
	}
	installed, err := openService(windows.SERVICE_ALL_ACCESS)
	if err == nil {
		defer installed.Close()
		err = errors.Join(setOptions(installed), setPreshutdown(installed, configPath))
	}
	if err != nil {
		return errors.Join(err, s.Uninstall())
	}
	return nil
}

// updateService registers this program anew, in the place of the one that is registered; the account stays unless
// another is named.
func updateService(configPath, user, password string) error {
	s, err := openService(windows.SERVICE_ALL_ACCESS)
	if err != nil {
		return err
	}
	defer s.Close()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	texts := [4]*uint16{} // nil changes nothing
	for i, text := range []string{windows.ComposeCommandLine([]string{program, "run", "--config", configPath}), user, password, serviceDisplayName} {
		if text == "" {
			continue
		}
		if texts[i], err = windows.UTF16PtrFromString(text); err != nil {
			return err
		}
	}
	err = windows.ChangeServiceConfig(s.Handle, windows.SERVICE_NO_CHANGE, windows.SERVICE_NO_CHANGE, windows.SERVICE_NO_CHANGE,
		texts[0], nil, nil, nil, texts[1], texts[2], texts[3])
	if err != nil {
		return err
	}
	if err := eventlog.InstallAsEventCreate(serviceName, eventlog.Error|eventlog.Warning|eventlog.Info); err != nil &&
		!strings.Contains(err.Error(), "exists") {
		return fmt.Errorf("register the source %s of the Event Log: %w", serviceName, err)
	}
	return setPreshutdown(s, configPath)
}

// setOptions has Windows start the service after the others, and restart a launcher that ends by itself: after 5 s, 30 s
// and then every minute, the failures of a day being counted. What this Windows does not know is left out.
func setOptions(s *mgr.Service) error {
	delayed := windows.SERVICE_DELAYED_AUTO_START_INFO{IsDelayedAutoStartUp: 1}
	for _, err := range []error{
		windows.ChangeServiceConfig2(s.Handle, windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, (*byte)(unsafe.Pointer(&delayed))),
		s.SetRecoveryActions([]mgr.RecoveryAction{
			{Type: mgr.ServiceRestart, Delay: 5 * time.Second},
			{Type: mgr.ServiceRestart, Delay: 30 * time.Second},
			{Type: mgr.ServiceRestart, Delay: time.Minute},
		}, uint32((24 * time.Hour).Seconds())),
		s.SetRecoveryActionsOnNonCrashFailures(true),
	} {
		if err != nil && !errors.Is(err, windows.ERROR_INVALID_LEVEL) {
			return fmt.Errorf("set the service's delayed start and recovery actions: %w", err)
		}
	}
	return nil
}

// shutdownTime is the least that Windows waits for the service when the machine shuts down.
const shutdownTime = 3 * time.Minute

// setPreshutdown gives messages under way their time in a shutdown, too: Windows' own is 10 s.
func setPreshutdown(s *mgr.Service, configPath string) error {
	wait := max(shutdownTime, config.LoadLauncher(configPath).StopGrace+stopMargin)
	milliseconds := uint32(wait.Milliseconds())
	err := windows.ChangeServiceConfig2(s.Handle, windows.SERVICE_CONFIG_PRESHUTDOWN_INFO, (*byte)(unsafe.Pointer(&milliseconds)))
	if err != nil && !errors.Is(err, windows.ERROR_INVALID_LEVEL) {
		return fmt.Errorf("set how long a shutdown waits for the service: %w", err)
	}
	return nil
}

func requestStart() error {
	s, err := openService(windows.SERVICE_START)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Start()
}

func requestStop() error {
	s, err := openService(windows.SERVICE_STOP | windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return err
	}
	defer s.Close()
	switch _, err = s.Control(svc.Stop); {
	case errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE):
		return nil
	case errors.Is(err, windows.ERROR_SERVICE_CANNOT_ACCEPT_CTRL), errors.Is(err, windows.ERROR_INVALID_SERVICE_CONTROL):
		return errBusy
	}
	return err
}
