package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/mattn/go-colorable"
	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/centre"
)

type runCommand struct {
	Supervised bool `help:"Follow the worker contract: end of file on the standard input stops the server. For the launcher."`
}

func (r runCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	reporter := worker.NewReporter(io.Discard)
	if r.Supervised {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		eof := worker.StopOnEOF(c.Stdin)
		go func() {
			select {
			case <-eof:
				cancel()
			case <-ctx.Done():
			}
		}()
		reporter = worker.NewReporter(c.Stdout)
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
	log := newLog(c.Stderr, r.Supervised)
	err = centre.Run(ctx, centre.Options{File: file, Version: versionText(), Log: log, Ready: func(ready worker.Ready) {
		if err := reporter.Ready(ready); err != nil {
			log.Error().Err(err).Msg("cannot tell the launcher that the server is ready")
		}
	}})
	if centre.IsHeld(err) {
		return &commandline.Error{Code: int(worker.ExitHeld), Err: err}
	}
	return err
}

// newLog writes JSON when a launcher reads it, else lines for people.
func newLog(w io.Writer, supervised bool) zerolog.Logger {
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00"
	if f, ok := w.(*os.File); ok && !supervised {
		tty := isatty.IsTerminal(f.Fd())
		if tty {
			w = colorable.NewColorable(f)
		}
		w = zerolog.ConsoleWriter{Out: w, NoColor: !tty, TimeFormat: time.DateTime}
	}
	return zerolog.New(w).With().Timestamp().Logger()
}
