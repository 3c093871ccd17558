// Package service registers, starts, queries and removes the service that the launcher is: a Windows service, or a systemd
// unit; and it says who may read its files.
package service

import (
	"errors"
	"fmt"
	"os"
	"time"

	kardianos "github.com/kardianos/service"

	"hnetsmpp/pkg/registration"
)

// Name is the service's for the service manager, and that of its notices in Windows' Event Log.
const Name = registration.Name

const (
	displayName = "HNET SMPP Serv"
	description = "Message centre between the SMS platforms of companies (SMPP) and the contact centre Hermès.Net. " +
		"Keeps smppserv running; config.toml beside its logs says how."
)

// State is what the service manager says of the service.
type State string

// The states.
const (
	NotInstalled State = "not installed"
	Stopped      State = "stopped"
	Starting     State = "starting"
	Running      State = "running"
	Paused       State = "waiting" // for a mended config.toml, a port, a program: not serving, and tried again by itself
	Stopping     State = "stopping"
	Unknown      State = "unknown"
)

// Registration is how the service was installed.
type Registration struct {
	Config  string // the configuration that it was installed for
	Account string // that it runs under, "" = the system's own
	Process int    // of its launcher, 0 = not known, or none
}

// Options are what the service is installed with.
type Options struct {
	Config    string        // the path of config.toml, absolute
	Account   string        // that it runs under; "" = the system's own for Install, the present one for Update
	Password  string        // of Account; "" = it has none, or it stays
	Folders   []string      // that it writes, absolute
	StopGrace time.Duration // that the server takes at most to stop; Windows waits for that when it shuts down
}

func (o Options) account() string {
	if isSystem(o.Account) {
		return systemAccount
	}
	return o.Account
}

// definition describes the service to the service manager.
func (o Options) definition() (kardianos.Service, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return kardianos.New(nil, &kardianos.Config{
		Name: Name, DisplayName: displayName, Description: description,
		Executable: program, Arguments: []string{"run", "--config", o.Config}, UserName: o.account(),
		Option: kardianos.KeyValue{
			"Password":      o.Password,
			"SystemdScript": systemdUnit(program, o.Config, o.account(), o.Folders),
		},
	})
}

// Uninstall removes the registration of the service, which has stopped; its files stay.
func Uninstall() error {
	s, err := Options{}.definition()
	if err != nil {
		return err
	}
	return s.Uninstall()
}

const (
	statePoll = 100 * time.Millisecond
	// startPatience is for a service that starts, and hears nothing meanwhile.
	startPatience = time.Minute
	// stopMargin is for what a stop takes besides the server's grace.
	stopMargin = 15 * time.Second
)

// errBusy means that the service hears nothing while it starts or stops.
var errBusy = errors.New("the service is starting or stopping; try again")

// Stop asks the service to stop. While it starts it may not hear that: it is asked again, for a minute at most.
// The error wraps os.ErrPermission where the account may not do that.
func Stop() error {
	err := requestStop()
	for end := time.Now().Add(startPatience); err != nil; err = requestStop() {
		if state, _, _ := Query(); state == Stopping || state == Stopped {
			return nil // somebody else has asked
		}
		if !errors.Is(err, errBusy) || time.Now().After(end) {
			return err
		}
		time.Sleep(statePoll)
	}
	return nil
}

// AwaitStopped returns when the service has stopped. It waits longer than grace, after which the server is killed.
func AwaitStopped(grace time.Duration) error {
	for end := time.Now().Add(grace + stopMargin); ; time.Sleep(statePoll) {
		state, _, err := Query()
		switch {
		case err != nil:
			return err
		case state == Stopped, state == NotInstalled:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("the service %s does not stop; launcher status tells more", Name)
		}
	}
}

// Notice is an entry of Windows' Event Log. Administrators filter by its number.
type Notice struct {
	ID      uint32
	Failure bool
	Text    string
}
