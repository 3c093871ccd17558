package main

import (
	"context"
	"io"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/centre"
	"hnetsmpp/smppserv/operators"
)

type runCommand struct {
	Supervised bool `help:"Follow the worker contract: end of file on the standard input stops the server. For the launcher."`
}

func (r runCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	reporter := worker.NewReporter(io.Discard)
	var launcher *worker.Launcher
	if r.Supervised {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		reporter = worker.NewReporter(c.Stdout)
		launcher = worker.Hear(c.Stdin, reporter)
		go func() {
			select {
			case <-launcher.Stop():
				cancel()
			case <-ctx.Done():
			}
		}()
		go reporter.RunAlive(ctx)
	}
	path, err := line.find()
	if err != nil {
		return err
	}
	file, err := read(path)
	if err != nil {
		return err
	}
	lines := operators.NewLines()
	log := newLog(c.Stderr, r.Supervised, lines)
	err = centre.Run(ctx, centre.Options{File: file, Version: versionText(), Log: log, Lines: lines, Flush: func() { flush(c.Stderr) }, Launcher: launcher, Ready: func(ready worker.Ready) {
		if err := reporter.Ready(ready); err != nil {
			log.Error().Err(err).Msg("cannot tell the launcher that the server is ready")
		}
	}})
	switch {
	case centre.IsBadConfig(err):
		return &commandline.Error{Code: int(worker.ExitBadConfig), Err: err}
	case centre.IsHeld(err):
		return &commandline.Error{Code: int(worker.ExitHeld), Err: err}
	}
	return err
}
