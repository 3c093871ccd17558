package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"hnetsmpp/launcher/logging"
	"hnetsmpp/launcher/service"
	"hnetsmpp/launcher/supervise"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/worker"
)

// keeper keeps the server of one configuration running, with its logs and its
// status file: in a console and as a service alike.
type keeper struct {
	logs       *logging.Logs
	supervisor *supervise.Supervisor
	stop       context.CancelFunc // asks for a polite end
	ended      chan struct{}      // closed when the server has ended, and is not started again
	report     *supervise.Reporter
}

// keptTwice is the error where another launcher, process 0 if it has not said, keeps the server of this configuration.
func keptTwice(configPath string, process int) error {
	return &commandline.Error{Code: int(worker.ExitHeld),
		Err: fmt.Errorf("another launcher, process %d, keeps the server of %s running; launcher status tells more", process, configPath)}
}

// keep begins, unless another launcher does the same. Each event goes to the logs, to the status file and to notify;
// note hears of what an administrator should know besides: of log files that take no more lines, of what the server says of itself. Both
// may be nil.
func keep(path string, console io.Writer, notify func(supervise.Event), note func(service.Notice)) (*keeper, error) {
	if note == nil {
		note = func(service.Notice) {}
	}
	k := &keeper{ended: make(chan struct{}), report: supervise.NewReporter(logging.Folder(path), versionText())}
	if !k.report.Acquire() {
		other := 0
		if rep, err := supervise.ReadReport(logging.Folder(path)); err == nil && rep != nil {
			other = rep.Launcher
		}
		return nil, keptTwice(path, other)
	}
	section := config.LoadLauncher(path)
	k.logs = logging.Open(logging.Options{Folder: logging.Folder(path), MaxMB: section.LogMaxMB, Keep: section.LogKeep, Console: console, OnFault: func(err error) { note(logsNotice(err)) }})
	k.logs.Launcher.Info().Str("version", versionText()).Str("config", path).Msg("launcher started")
	k.supervisor = newSupervisor(path, k.logs, func(e supervise.Event) {
		if err := k.report.Write(e.Status); err != nil {
			k.logs.Launcher.Warn().Err(err).Msg("launcher status will not know of this")
		}
		if notify != nil {
			notify(e)
		}
	})
	var ctx context.Context
	ctx, k.stop = context.WithCancel(context.Background())
	w := &watch{config: path, worker: func() int { return k.supervisor.Status().PID }, tell: func(n service.Notice) {
		line := k.logs.Launcher.Info()
		if n.Failure {
			line = k.logs.Launcher.Error()
		}
		line.Msg(n.Text)
		note(n)
	}}
	go func() {
		defer close(k.ended)
		var watching sync.WaitGroup
		watching.Go(func() { w.run(ctx) })
		k.supervisor.Run(ctx)
		k.stop()
		watching.Wait()
	}()
	return k, nil
}

// close is for after the end.
func (k *keeper) close() {
	k.stop()
	k.report.Close()
	k.logs.Close()
}
