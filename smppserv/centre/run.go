package centre

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/operators"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/transfer"
)

// stopLimit is how long a stop may take. Then the worker says where it hangs and ends by itself,
// before its launcher's grace is over.
const stopLimit = 25 * time.Second

// lastWords is how long it may take to say that.
const lastWords = 2 * time.Second

// Options of Run.
type Options struct {
	File    File
	Version string // of this program
	Log     zerolog.Logger
	Lines   *operators.Lines // that Log writes to, too; nil = operators see none of its lines
	// Ready is called once, when every port listens and the store is recovered.
	Ready func(worker.Ready)
	// Flush waits, a bounded time, until what was logged has been taken; nil = the log waits for that by itself.
	Flush func()
	// Launcher is who started the server; nil = nobody did.
	Launcher *worker.Launcher
}

// Run opens everything, serves until ctx ends, and closes everything in reverse. IsHeld knows the errors of a start
// that pass when another process lets go; an error after Ready was called is of the stop: not everything is on disk.
func Run(ctx context.Context, o Options) error {
	ready := o.Ready
	o.Ready = func(r worker.Ready) {
		ready(r)
		o.Ready = func(worker.Ready) {}
	}
	for {
		err := run(ctx, o)
		if !errors.Is(err, errTakenOver) || ctx.Err() != nil {
			return err
		}
		if again, err := Read(o.File.Path); err == nil { // as it is now
			o.File = again
		}
	}
}

// run is one life: until ctx ends, or another worker takes over from this one.
func run(ctx context.Context, o Options) error {
	cfg, log := o.File.Config, o.Log
	setLevel(cfg.Log)
	defer collectEvenly()()
	for _, w := range cfg.Warnings() {
		log.Warn().Str("key", w.Key).Msg(w.Text)
	}
	if o.File.Blind != nil {
		log.Warn().Err(o.File.Blind).Msg("the configuration is taken for whole")
	}
	mc, err := begin(o.File.Path, cfg, o.Version, o.Lines, log)
	if err != nil {
		return err
	}
	mc.launcher, mc.flush = o.Launcher, o.Flush
	if cfg.Store.Driver == config.DriverPostgres { // other workers are told as soon as this one joins
		sums := hashes(&o.File.File)
		mc.sums.Store(&sums)
	}
	if err := mc.open(ctx, o.Version); err != nil {
		if isStopped(ctx, err) {
			return nil
		}
		return err
	}
	mc.started = o.File.File
	mc.show(&mc.started, "")
	mc.messages.configure(o.File.Path, cfg)
	mc.warnStranded()
	addrs := mc.serve()
	addrs.PID, addrs.Version = os.Getpid(), o.Version
	log.Info().Str("version", addrs.Version).Str("config", o.File.Path).Str("smpp", addrs.SMPP).Str("smpp_tls", addrs.SMPPTLS).
		Str("tcp", addrs.TCP).Str("tcp_tls", addrs.TCPTLS).Str("admin", addrs.Admin).Msg("ready")
	o.Ready(addrs)
	mc.file = o.File.File
	mc.judged = o.File.read.time
	mc.tell(o.File.Path, addrs, mc.judged)
	mc.record(&mc.file, mc.file.Record())

	jobs, stopJobs := context.WithCancel(ctx)
	defer stopJobs()
	go mc.watch(jobs, o.File)
	go mc.purgeDaily(jobs, dailyLook)
	go mc.sweep(jobs)
	go mc.outbinds(jobs)
	go mc.watchStranded(jobs)
	select {
	case <-ctx.Done():
		log.Info().Msg("stopping")
	case <-mc.lost():
		log.Warn().Msg("closing everything, to begin afresh")
	}
	stopJobs()

	hung := time.AfterFunc(stopLimit, func() {
		// Nobody may read any more what is written.
		time.AfterFunc(lastWords, func() { os.Exit(int(worker.ExitCrashed)) })
		log.Error().Stringer("after", stopLimit).Msg("the stop hangs; the stacks of all goroutines follow")
		if o.Flush != nil {
			o.Flush()
		}
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		os.Exit(int(worker.ExitCrashed))
	})
	defer hung.Stop()
	if mc.notice != nil {
		defer mc.notice.Close()
	}
	if err := mc.close(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if mc.takenOver() && ctx.Err() == nil {
		return errTakenOver
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

// IsHeld knows the errors that pass when another process lets go of a port or of the store, or the database is put right, as when a copy
// of it is finished.
func IsHeld(err error) bool {
	_, isRefused := errors.AsType[*refused](err)
	return isRefused || errors.Is(err, store.ErrHeld) || errors.Is(err, transfer.ErrMoved) || errors.Is(err, transfer.ErrUnfinished) ||
		errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaAddrInUse)
}
