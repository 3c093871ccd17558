package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"hnetsmpp/launcher/logging"
	"hnetsmpp/launcher/service"
	"hnetsmpp/launcher/supervise"
	"hnetsmpp/pkg/config"
)

type installCommand struct {
	DefaultConfig string `hidden:"" placeholder:"PATH" help:"The configuration where no service is registered yet. For the installer."`
	User          string `placeholder:"NAME" help:"The account that the service runs under; its password, if it has one, is read from the standard input. Default: the system's own account."`
	Update        bool   `help:"Renew the registration where there is one; its account stays."`
}

// Run registers the service. It does not start it.
func (c installCommand) Run(line *commandLine, p *program) error {
	err := c.install(line, p)
	if err != nil {
		service.Note(service.Notice{ID: noticeRefused, Failure: true, Text: "launcher install: " + err.Error()}) // the installer shows nothing of it
	}
	return err
}

func (c installCommand) install(line *commandLine, p *program) error {
	state, registered, err := service.Query()
	if err != nil {
		return err
	}
	named := line.Config
	if named == "" && c.Update {
		named = cmp.Or(registered.Config, c.DefaultConfig) // not what lies in the current folder
	}
	path, err := config.Find(named, nil)
	if errors.Is(err, os.ErrPermission) {
		return needsRights("install the service", err)
	}
	if err != nil {
		return badConfig(err)
	}
	if err := checkWorker(workerPath(config.LoadLauncher(path))); err != nil {
		return err
	}
	if state != service.NotInstalled && !c.Update {
		return fmt.Errorf("the service %s is installed already; launcher install --update renews it, launcher uninstall removes it", service.Name)
	}
	files := filesOf(path)
	if err := files.CheckOwners(); errors.Is(err, os.ErrPermission) {
		return needsRights("install the service", err)
	} else if err != nil {
		return err
	}
	password, err := c.password(p)
	if err != nil {
		return err
	}
	options := service.Options{Config: path, Account: c.User, Password: password, StopGrace: config.LoadLauncher(path).StopGrace, Folders: files.Folders}
	if state != service.NotInstalled {
		err = service.Update(options)
	} else {
		err = service.Install(options)
	}
	if err != nil {
		return needsRights("install the service", err)
	}
	for _, fault := range append(files.Restrict(cmp.Or(c.User, registered.Account)), files.WritableByOthers()...) {
		fmt.Fprintln(p.Stderr, "launcher: warning:", fault)
	}
	fmt.Fprintf(p.Stdout, "The service %s is installed for %s. To start it: launcher start\n", service.Name, path)
	return nil
}

// password is what the account that was named needs, after a look whether there is such an account.
func (c installCommand) password(p *program) (string, error) {
	if needed, err := service.NeedsPassword(c.User); err != nil || !needed {
		return "", err
	}
	text, err := p.ReadPassword(context.Background(), "Password of the account: ")
	if err != nil {
		return "", fmt.Errorf("read the account's password: %w", err)
	}
	if text == "" {
		return "", errors.New("the account needs its password on the standard input")
	}
	return text, nil
}

// filesOf are what the service of a configuration uses.
func filesOf(configPath string) service.Files {
	folders := []string{logging.Folder(configPath), filepath.Dir(filepath.Join(filepath.Dir(configPath), config.Default().Store.DSN))}
	if cfg, err := config.Load(configPath); err == nil && cfg.Store.Driver == "sqlite" && filepath.Dir(cfg.Store.DSN) != folders[1] {
		folders = append(folders, filepath.Dir(cfg.Store.DSN)) // data beside config.toml keeps the names of its keys all the same
	}
	return service.Files{
		Config:  configPath,
		Folders: folders,
		Worker:  workerPath(config.LoadLauncher(configPath)),
	}
}

type uninstallCommand struct{}

// Run stops the service and removes its registration. config.toml, data and logs stay.
func (uninstallCommand) Run(_ *commandLine, p *program) error {
	state, registered, err := installedService()
	if err != nil {
		return err
	}
	if state != service.Stopped {
		if err := stopService(registered); err != nil {
			return err
		}
	}
	if err := service.Uninstall(); err != nil {
		return needsRights("remove the service", err)
	}
	fmt.Fprintf(p.Stdout, "The service %s is removed. Its configuration, data and logs are still there: %s\n", service.Name, filepath.Dir(registered.Config))
	return nil
}

type startCommand struct{}

// Run starts the service and returns when its server is ready.
func (startCommand) Run(_ *commandLine, p *program) error {
	state, registered, err := installedService()
	switch {
	case err != nil:
		return err
	case state == service.Running:
		if o, err := look(""); err == nil && o.serves() {
			fmt.Fprintf(p.Stdout, "The service %s runs already.\n", service.Name)
			return nil
		}
	case state == service.Stopping:
		if err := service.AwaitStopped(stopGrace(registered)); err != nil {
			return err
		}
		state = service.Stopped
	}
	if state == service.Stopped {
		if err := service.Start(); err != nil {
			return needsRights("start the service", err)
		}
	}
	return awaitReady(p)
}

type stopCommand struct{}

// Run stops the service and returns when it has stopped.
func (stopCommand) Run(_ *commandLine, p *program) error {
	state, registered, err := installedService()
	switch {
	case err != nil:
		return err
	case state == service.Stopped:
		fmt.Fprintf(p.Stdout, "The service %s does not run.\n", service.Name)
		return nil
	}
	if err := stopService(registered); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "The service %s has stopped.\n", service.Name)
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

func installedService() (service.State, service.Registration, error) {
	state, registered, err := service.Query()
	if err == nil && state == service.NotInstalled {
		err = fmt.Errorf("the service %s is not installed; launcher install does that", service.Name)
	}
	return state, registered, err
}

const (
	readyPoll = 100 * time.Millisecond
	// readyPatience is for the server to open its store; it goes on starting after that.
	readyPatience = time.Minute
)

// awaitReady returns when the server is ready, or with the reason why it is not.
func awaitReady(p *program) error {
	for end := time.Now().Add(readyPatience); ; time.Sleep(readyPoll) {
		o, err := look("")
		if err != nil {
			return err
		}
		switch {
		case o.serves():
			fmt.Fprintf(p.Stdout, "The service %s runs.\n", service.Name)
			o.print(p.Stdout)
			return nil
		case o.Service == service.Paused && o.State == supervise.Running && o.LauncherPID != o.process:
			return fmt.Errorf("the service %s waits: %w", service.Name, keptTwice(o.Config, o.LauncherPID))
		case o.Service == service.Paused, o.State == supervise.AwaitingConfig, o.State == supervise.BackingOff:
			return fmt.Errorf("the service %s has started, but the server has not; it is tried again by itself: %w", service.Name, o.why())
		case o.Service == service.Stopped, o.Service == service.NotInstalled:
			return fmt.Errorf("the service %s does not run: %w", service.Name, o.why())
		case time.Now().After(end):
			return fmt.Errorf("the service %s is still starting after %s; launcher status tells more", service.Name, readyPatience)
		}
	}
}

// stopService returns when the service has stopped.
func stopService(registered service.Registration) error {
	if err := service.Stop(); err != nil {
		return needsRights("stop the service", err)
	}
	return service.AwaitStopped(stopGrace(registered))
}

func stopGrace(registered service.Registration) time.Duration {
	return config.LoadLauncher(registered.Config).StopGrace
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
