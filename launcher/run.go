package main

import (
	"errors"

	"hnetsmpp/launcher/service"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/registration"
	"hnetsmpp/pkg/worker"
)

type runCommand struct{}

var errKilled = errors.New("the server was killed")

// Run supervises the worker until a signal: in the foreground, or as the service when the system's service manager
// started this program.
func (runCommand) Run(line *commandLine, p *program) error {
	if service.Managed() && line.Config != "" {
		return runService(line.Config, p)
	}
	path, err := config.Find(line.Config, registration.Config)
	if err != nil {
		return badConfig(err)
	}
	if err := checkWorker(workerPath(config.LoadLauncher(path))); err != nil {
		return err
	}
	k, err := keep(path, p.Stderr, nil, nil)
	if err != nil {
		return err
	}
	defer k.close()
	return k.waitForSignals(p)
}

// waitForSignals returns at the end. The first signal asks for a stop, the second kills.
func (k *keeper) waitForSignals(p *program) error {
	select {
	case <-p.signals:
		k.logs.Launcher.Info().Msg("asked to stop; a second Ctrl-C kills")
		k.stop()
	case <-k.ended:
		return nil
	}
	select {
	case <-p.signals:
		k.supervisor.Kill()
		<-k.ended
		return errKilled
	case <-k.ended:
		return nil
	}
}

// badConfig ends the launcher with the contract's code for it.
func badConfig(err error) error {
	return &commandline.Error{Code: int(worker.ExitBadConfig), Err: err}
}
