package main

import (
	"context"
	"errors"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/worker"
)

type runCommand struct{}

var errKilled = errors.New("the server was killed")

// Run supervises the worker in the foreground until a signal.
func (runCommand) Run(line *commandLine, p *program) error {
	path, err := config.Find(line.Config)
	if err != nil {
		return badConfigError{err}
	}
	section := config.LoadLauncher(path)
	if err := checkWorker(workerPath(section)); err != nil {
		return err
	}
	logs := openLogs(path, section, p.stderr)
	defer logs.close()

	logs.launcher.Info().Str("version", versionText()).Str("config", path).Msg("launcher started")
	supervisor := newSupervisor(path, logs.launcher, logs.worker, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		supervisor.Run(ctx)
	}()

	select {
	case <-p.signals:
		logs.launcher.Info().Msg("asked to stop; a second Ctrl-C kills")
		cancel()
	case <-ended:
		return nil
	}
	select {
	case <-p.signals:
		supervisor.Kill()
		<-ended
		return errKilled
	case <-ended:
		return nil
	}
}

// badConfigError ends the launcher with the contract's code for it.
type badConfigError struct{ error }

func exitCode(err error) int {
	if _, ok := errors.AsType[badConfigError](err); ok {
		return int(worker.ExitBadConfig)
	}
	return exitFailed
}
