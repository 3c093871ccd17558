package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/kardianos/service"

	"hnetsmpp/launcher/supervise"
	"hnetsmpp/pkg/config"
)

const (
	serviceName        = "HNET_SMPP_Serv"
	serviceDisplayName = "HNET SMPP Serv"
	serviceDescription = "Message centre between the SMS platforms of companies (SMPP) and the contact centre Hermès.Net. " +
		"Keeps smppserv running; config.toml beside its logs says how."
)

// registration is how the service was installed.
type registration struct {
	config  string // the configuration that it was installed for
	account string // that it runs under, "" = the system's own
	process int    // of its launcher, 0 = not known, or none
}

// serviceState is what the service manager says of the service.
type serviceState string

const (
	notInstalled   serviceState = "not installed"
	stopped        serviceState = "stopped"
	startPending   serviceState = "starting"
	running        serviceState = "running"
	paused         serviceState = "waiting" // for a mended config.toml, a port, a program: not serving, and tried again by itself
	stopPending    serviceState = "stopping"
	unknownService serviceState = "unknown"
)

// aMoment is the first wait of a crashed server.
const aMoment = time.Second

// after is the state of the service after an event: Running only once the server is ready. One that has crashed after a
// good life is back in a moment, and stays Running; whatever else keeps the server from its work is shown.
func (s serviceState) after(e supervise.Event) serviceState {
	switch {
	case e.Kind == supervise.EventReady:
		return running
	case e.Kind == supervise.EventStopping:
		return stopPending
	case e.Kind != supervise.EventExited:
		return s
	case e.State == supervise.AwaitingConfig, e.State == supervise.BackingOff && (s != running || e.Wait > aMoment):
		return paused
	}
	return s
}

// definition describes the service to the service manager.
func definition(configPath, user, password string) (service.Service, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return service.New(nil, &service.Config{
		Name: serviceName, DisplayName: serviceDisplayName, Description: serviceDescription,
		Executable: program, Arguments: []string{"run", "--config", configPath}, UserName: user,
		Option: service.KeyValue{
			"Password":      password,
			"SystemdScript": systemdUnit(program, configPath, user),
		},
	})
}

type installCommand struct {
	DefaultConfig string `hidden:"" placeholder:"PATH" help:"The configuration where no service is registered yet. For the installer."`
	User          string `placeholder:"NAME" help:"The account that the service runs under; its password, if it has one, is read from the standard input. Default: the system's own account."`
	Update        bool   `help:"Renew the registration where there is one; its account stays."`
}

// Run registers the service. It does not start it.
func (c installCommand) Run(line *commandLine, p *program) error {
	err := c.install(line, p)
	if err != nil {
		noteRefusal(err) // the installer shows nothing of it
	}
	return err
}

func (c installCommand) install(line *commandLine, p *program) error {
	if isSystem(c.User) {
		c.User = systemAccount
	}
	state, registered, err := queryService()
	if err != nil {
		return err
	}
	named := line.Config
	if named == "" && c.Update {
		named = cmp.Or(registered.config, c.DefaultConfig) // not what lies in the current folder
	}
	path, err := config.Find(named)
	if errors.Is(err, os.ErrPermission) {
		return needsRights("install the service", err)
	}
	if err != nil {
		return badConfigError{err}
	}
	if err := checkWorker(workerPath(config.LoadLauncher(path))); err != nil {
		return err
	}
	if state != notInstalled && !c.Update {
		return fmt.Errorf("the service %s is installed already; launcher install --update renews it, launcher uninstall removes it", serviceName)
	}
	if err := checkOwners(path); errors.Is(err, os.ErrPermission) {
		return needsRights("install the service", err)
	} else if err != nil {
		return err
	}
	password, err := c.password(p)
	if err != nil {
		return err
	}
	if state != notInstalled {
		err = updateService(path, c.User, password)
	} else {
		err = installService(path, c.User, password)
	}
	if err != nil {
		return needsRights("install the service", err)
	}
	account := c.User
	switch {
	case account == "":
		account = registered.account
	case isSystem(account):
		account = ""
	}
	for _, fault := range append(giveAccess(path, account), writableFaults(path)...) {
		fmt.Fprintln(p.stderr, "launcher: warning:", fault)
	}
	fmt.Fprintf(p.stdout, "The service %s is installed for %s. To start it: launcher start\n", serviceName, path)
	return nil
}

// password is what the account that was named needs, after a look whether there is such an account.
func (c installCommand) password(p *program) (string, error) {
	if c.User == "" {
		return "", nil
	}
	if err := checkAccount(c.User); err != nil || !needsPassword(c.User) {
		return "", err
	}
	return readPassword(p)
}

type uninstallCommand struct{}

// Run stops the service and removes its registration. config.toml, data and logs stay.
func (uninstallCommand) Run(_ *commandLine, p *program) error {
	state, registered, err := installedService()
	if err != nil {
		return err
	}
	if state != stopped {
		if err := stopService(); err != nil {
			return err
		}
	}
	s, err := definition(registered.config, "", "")
	if err == nil {
		err = s.Uninstall()
	}
	if err != nil {
		return needsRights("remove the service", err)
	}
	fmt.Fprintf(p.stdout, "The service %s is removed. Its configuration, data and logs are still there: %s\n", serviceName, filepath.Dir(registered.config))
	return nil
}

type startCommand struct{}

// Run starts the service and returns when its server is ready.
func (startCommand) Run(_ *commandLine, p *program) error {
	state, _, err := installedService()
	switch {
	case err != nil:
		return err
	case state == running:
		if o, err := look(""); err == nil && o.serves() {
			fmt.Fprintf(p.stdout, "The service %s runs already.\n", serviceName)
			return nil
		}
	case state == stopPending:
		if err := awaitStopped(); err != nil {
			return err
		}
		state = stopped
	}
	if state == stopped {
		if err := requestStart(); err != nil {
			return needsRights("start the service", err)
		}
	}
	return awaitReady(p)
}

type stopCommand struct{}

// Run stops the service and returns when it has stopped.
func (stopCommand) Run(_ *commandLine, p *program) error {
	state, _, err := installedService()
	switch {
	case err != nil:
		return err
	case state == stopped:
		fmt.Fprintf(p.stdout, "The service %s does not run.\n", serviceName)
		return nil
	}
	if err := stopService(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "The service %s has stopped.\n", serviceName)
	return nil
}

type restartCommand struct{}

// Run stops the service if it runs, and starts it.
func (restartCommand) Run(line *commandLine, p *program) error {
	if err := (stopCommand{}).Run(line, p); err != nil {
		return err
	}
	return startCommand{}.Run(line, p)
}

func installedService() (serviceState, registration, error) {
	state, registered, err := queryService()
	if err == nil && state == notInstalled {
		err = fmt.Errorf("the service %s is not installed; launcher install does that", serviceName)
	}
	return state, registered, err
}

const (
	statePoll = 100 * time.Millisecond
	// readyPatience is for the server to open its store; it goes on starting after that.
	readyPatience = time.Minute
	stopMargin    = 15 * time.Second
)

// awaitReady returns when the server is ready, or with the reason why it is not.
func awaitReady(p *program) error {
	for end := time.Now().Add(readyPatience); ; time.Sleep(statePoll) {
		o, err := look("")
		if err != nil {
			return err
		}
		switch {
		case o.serves():
			fmt.Fprintf(p.stdout, "The service %s runs.\n", serviceName)
			o.print(p.stdout)
			return nil
		case o.Service == paused && o.State == supervise.Running && o.LauncherPID != o.process:
			return fmt.Errorf("the service %s waits: %w", serviceName, errTwice{o.Config, o.LauncherPID})
		case o.Service == paused, o.State == supervise.AwaitingConfig, o.State == supervise.BackingOff:
			return fmt.Errorf("the service %s has started, but the server has not; it is tried again by itself: %w", serviceName, o.why())
		case o.Service == stopped, o.Service == notInstalled:
			return fmt.Errorf("the service %s does not run: %w", serviceName, o.why())
		case time.Now().After(end):
			return fmt.Errorf("the service %s is still starting after %s; launcher status tells more", serviceName, readyPatience)
		}
	}
}

// stopService asks the service to stop and returns when it has. While it starts it may not hear that: it is asked again.
func stopService() error {
	err := requestStop()
	for end := time.Now().Add(readyPatience); err != nil; err = requestStop() {
		if state, _, _ := queryService(); state == stopPending || state == stopped {
			break // somebody else has asked
		}
		if !errors.Is(err, errBusy) || time.Now().After(end) {
			return needsRights("stop the service", err)
		}
		time.Sleep(statePoll)
	}
	return awaitStopped()
}

// errBusy means that the service hears nothing while it starts or stops.
var errBusy = errors.New("the service is starting or stopping; try again")

// awaitStopped waits longer than the grace after which the server is killed.
func awaitStopped() error {
	_, registered, err := queryService()
	if err != nil {
		return err
	}
	end := time.Now().Add(config.LoadLauncher(registered.config).StopGrace + stopMargin)
	for ; ; time.Sleep(statePoll) {
		state, _, err := queryService()
		switch {
		case err != nil:
			return err
		case state == stopped, state == notInstalled:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("the service %s does not stop; launcher status tells more", serviceName)
		}
	}
}

// needsRights tells what to do where the system refuses.
func needsRights(what string, err error) error {
	if !errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("cannot %s: %w", what, err)
	}
	if runtime.GOOS == "windows" {
		return fmt.Errorf("cannot %s: that takes an administrator; open the console with \"Run as administrator\"", what)
	}
	return fmt.Errorf("cannot %s: that takes root (%w)", what, err)
}
