package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/rs/zerolog"

	"hnetsmpp/launcher/logging"
	"hnetsmpp/launcher/supervise"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/worker"
)

// newSupervisor supervises the worker of the configuration at path. The
// [launcher] section is read anew before each start. notify may be nil.
func newSupervisor(path string, logs *logging.Logs, notify func(supervise.Event)) *supervise.Supervisor {
	log, stderr := logs.Launcher, logs.Worker
	return supervise.New(supervise.Options{
		Erase: logs.Erase,
		Child: func() supervise.Child {
			section := config.LoadLauncher(path)
			return supervise.Child{
				Options:   worker.Options{Path: workerPath(section), Config: path, Stderr: stderr},
				StopGrace: section.StopGrace,
			}
		},
		Notify: func(e supervise.Event) {
			logEvent(log, e)
			if notify != nil {
				notify(e)
			}
		},
	})
}

// workerPath is the configured worker, else smppserv beside this program.
func workerPath(section config.Launcher) string {
	if section.Worker != "" {
		return section.Worker
	}
	name := "smppserv"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	launcher, err := os.Executable()
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(launcher), name)
}

// checkWorker finds out early that there is no worker to start.
func checkWorker(path string) error {
	_, err := exec.LookPath(path)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("the server program is missing: %s; put smppserv beside the launcher, or set launcher.worker in config.toml", path)
	default:
		if quoted, ok := errors.AsType[*exec.Error](err); ok { // it doubles the backslashes of the path
			err = quoted.Err
		}
		return fmt.Errorf("the server program cannot be started: %s: %w", path, err)
	}
}

func logEvent(log zerolog.Logger, e supervise.Event) {
	switch {
	case e.Kind == supervise.EventExited && e.State != supervise.Stopped:
		log.Error().Str("reason", e.LastReason).Int("restarts", e.Restarts).Msg(e.String())
	case e.Kind == supervise.EventExited:
		log.Info().Str("reason", e.LastReason).Msg(e.String())
	case e.Kind == supervise.EventHung:
		log.Error().Int("pid", e.PID).Str("reason", e.LastReason).Msg(e.String())
	case e.Kind == supervise.EventReady:
		line := log.Info().Int("pid", e.PID).Str("version", e.Ready.Version)
		for _, port := range []struct{ name, address string }{
			{"smpp", e.Ready.SMPP}, {"smpp_tls", e.Ready.SMPPTLS}, {"tcp", e.Ready.TCP}, {"tcp_tls", e.Ready.TCPTLS}, {"admin", e.Ready.Admin},
		} {
			if port.address != "" {
				line = line.Str(port.name, port.address)
			}
		}
		line.Msg(e.String())
	default:
		log.Info().Int("restarts", e.Restarts).Msg(e.String())
	}
}
