package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/mattn/go-colorable"
	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/store"
)

// stopLimit is how long a stop may take. Then the worker says where it hangs and ends by itself,
// before its launcher's grace is over.
const stopLimit = 25 * time.Second

type runCommand struct {
	Supervised bool `help:"Follow the worker contract: end of file on the standard input stops the server. For the launcher."`
}

func (r runCommand) Run(ctx context.Context, line *commandLine, c *console) error {
	reporter := worker.NewReporter(io.Discard)
	if r.Supervised {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		eof := worker.StopOnEOF(c.stdin)
		go func() {
			select {
			case <-eof:
				cancel()
			case <-ctx.Done():
			}
		}()
		reporter = worker.NewReporter(c.stdout)
		go reporter.RunAlive(ctx)
	}
	path, err := line.find()
	if err != nil {
		return err
	}
	read := stamp(path)
	cfg, err := loadFile(path)
	if err != nil {
		return err
	}
	log := newLog(c.stderr, r.Supervised)
	return run(ctx, configFile{path, read, cfg}, log, func(ready worker.Ready) {
		if err := reporter.Ready(ready); err != nil {
			log.Error().Err(err).Msg("cannot tell the launcher that the server is ready")
		}
	})
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

// run opens everything, serves until ctx ends, and closes everything in reverse. ready is called when every port
// listens and the store is recovered. The error tells how the worker is to exit.
func run(ctx context.Context, file configFile, log zerolog.Logger, ready func(worker.Ready)) error {
	cfg := file.cfg
	setLevel(cfg.Log)
	for _, w := range cfg.Warnings() {
		log.Warn().Str("key", w.Key).Msg(w.Text)
	}
	s, err := open(ctx, cfg, log)
	if err != nil {
		return held(err)
	}
	addrs := s.serve()
	addrs.PID, addrs.Version = os.Getpid(), versionText()
	log.Info().Str("version", addrs.Version).Str("config", file.path).Str("smpp", addrs.SMPP).Str("smpp_tls", addrs.SMPPTLS).
		Str("tcp", addrs.TCP).Str("admin", addrs.Admin).Msg("ready")
	ready(addrs)

	jobs, stopJobs := context.WithCancel(ctx)
	defer stopJobs()
	go s.watch(jobs, file)
	go s.purgeDaily(jobs)
	go s.sweep(jobs)
	go s.outbinds(jobs)
	<-ctx.Done()
	stopJobs()

	log.Info().Msg("stopping")
	hung := time.AfterFunc(stopLimit, func() {
		log.Error().Stringer("after", stopLimit).Msg("the stop hangs; the stacks of all goroutines follow")
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		os.Exit(int(worker.ExitCrashed))
	})
	defer hung.Stop()
	if err := s.close(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	log.Info().Msg("stopped")
	return nil
}

// setLevel is global, as it is for every logger that was given out.
func setLevel(l config.Log) {
	level, err := zerolog.ParseLevel(l.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	zerolog.SetGlobalLevel(level)
}

// wsaAddrInUse is Windows' EADDRINUSE, which package syscall does not map.
const wsaAddrInUse = syscall.Errno(10048)

// held marks the errors that pass when another process lets go.
func held(err error) error {
	if errors.Is(err, store.ErrHeld) || errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaAddrInUse) {
		return &exitError{worker.ExitHeld, err}
	}
	return err
}
