package service

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"

	"hnetsmpp/pkg/registration"
)

// openService opens the service with no more rights than are needed.
func openService(access uint32) (*mgr.Service, error) {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return nil, err
	}
	defer windows.CloseServiceHandle(manager)
	name, err := windows.UTF16PtrFromString(Name)
	if err != nil {
		return nil, err
	}
	handle, err := windows.OpenService(manager, name, access)
	if err != nil {
		return nil, err
	}
	return &mgr.Service{Name: Name, Handle: handle}, nil
}

// Query asks the service control manager for the service's state, and for how it was installed.
func Query() (State, Registration, error) {
	s, err := openService(windows.SERVICE_QUERY_CONFIG | windows.SERVICE_QUERY_STATUS)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return NotInstalled, Registration{}, nil
	}
	if err != nil {
		return Unknown, Registration{}, fmt.Errorf("ask for the service %s: %w", Name, err)
	}
	defer s.Close()
	r, err := registered(s)
	if err != nil {
		return Unknown, Registration{}, fmt.Errorf("ask for the service %s: %w", Name, err)
	}
	status, err := s.Query()
	if err != nil {
		return Unknown, r, fmt.Errorf("ask for the service %s: %w", Name, err)
	}
	r.Process = int(status.ProcessId)
	switch status.State {
	case svc.Stopped:
		return Stopped, r, nil
	case svc.StartPending, svc.ContinuePending:
		return Starting, r, nil
	case svc.Running:
		return Running, r, nil
	case svc.Paused, svc.PausePending:
		return Paused, r, nil
	case svc.StopPending:
		return Stopping, r, nil
	}
	return Unknown, r, nil
}

// registered reads how the service was installed. mgr's own function asks for more, which not every account may read.
func registered(s *mgr.Service) (Registration, error) {
	r, err := registration.Of(s.Handle)
	if isSystem(r.Account) {
		r.Account = ""
	}
	return Registration{Config: r.Config, Account: r.Account}, err
}

// Install registers the service; it does not start it. The error wraps os.ErrPermission where this account may not do that.
func Install(o Options) error {
	s, err := o.definition()
	if err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return err
	}
	installed, err := openService(windows.SERVICE_ALL_ACCESS)
	if err == nil {
		defer installed.Close()
		err = errors.Join(setOptions(installed), setPreshutdown(installed, o.StopGrace))
	}
	if err != nil {
		return errors.Join(err, s.Uninstall())
	}
	return nil
}

// Update registers this program anew, in the place of the one that is registered; the account stays unless another is
// named. Its errors are those of Install.
func Update(o Options) error {
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
	for i, text := range []string{windows.ComposeCommandLine([]string{program, "run", "--config", o.Config}), o.account(), o.Password, displayName} {
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
	if err := eventlog.InstallAsEventCreate(Name, eventlog.Error|eventlog.Warning|eventlog.Info); err != nil &&
		!strings.Contains(err.Error(), "exists") {
		return fmt.Errorf("register the source %s of the Event Log: %w", Name, err)
	}
	return setPreshutdown(s, o.StopGrace)
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
func setPreshutdown(s *mgr.Service, grace time.Duration) error {
	wait := max(shutdownTime, grace+stopMargin)
	milliseconds := uint32(wait.Milliseconds())
	err := windows.ChangeServiceConfig2(s.Handle, windows.SERVICE_CONFIG_PRESHUTDOWN_INFO, (*byte)(unsafe.Pointer(&milliseconds)))
	if err != nil && !errors.Is(err, windows.ERROR_INVALID_LEVEL) {
		return fmt.Errorf("set how long a shutdown waits for the service: %w", err)
	}
	return nil
}

// Start asks the service control manager to start the service, and does not wait for that.
func Start() error {
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
