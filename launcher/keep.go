package main

import (
	"context"
	"io"

	"hnetsmpp/launcher/supervise"
	"hnetsmpp/pkg/config"
)

// keeper keeps the server of one configuration running, with its logs and its
// status file: in a console and as a service alike.
type keeper struct {
	logs       *logs
	supervisor *supervise.Supervisor
	stop       context.CancelFunc // asks for a polite end
	ended      chan struct{}      // closed when the server has ended, and is not started again
	report     *reporter
}

// keep begins. Each event goes to the logs, to the status file and to notify,
// which may be nil; onLogFault hears once when the logs can no longer be
// written.
func keep(path string, console io.Writer, notify func(supervise.Event), onLogFault func(error)) *keeper {
	k := &keeper{ended: make(chan struct{})}
	k.logs = openLogs(path, config.LoadLauncher(path), console, onLogFault)
	k.report = newReporter(path)
	k.logs.launcher.Info().Str("version", versionText()).Str("config", path).Msg("launcher started")
	k.supervisor = newSupervisor(path, k.logs.launcher, k.logs.worker, func(e supervise.Event) {
		if err := k.report.write(e.Status); err != nil {
			k.logs.launcher.Warn().Err(err).Msg("launcher status will not know of this")
		}
		if notify != nil {
			notify(e)
		}
	})
	var ctx context.Context
	ctx, k.stop = context.WithCancel(context.Background())
	go func() {
		defer close(k.ended)
		k.supervisor.Run(ctx)
	}()
	return k
}

// close is for after the end.
func (k *keeper) close() {
	k.stop()
	k.report.close()
	k.logs.close()
}
