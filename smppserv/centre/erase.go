package centre

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/livefile"
	"hnetsmpp/pkg/logfile"
	"hnetsmpp/pkg/mention"
	"hnetsmpp/pkg/worker"
)

// logFiles are those that tell of messages. It implements operators.Logs.
type logFiles struct {
	messages *messages
	launcher *worker.Launcher // nil = nobody supervises this worker
	flush    func()           // hands on what was logged; nil = it is by then
	folder   string
	keep     config.Launcher
}

func (mc *centre) logFiles() *logFiles {
	return &logFiles{messages: mc.messages, launcher: mc.launcher, flush: mc.flush, folder: filepath.Join(filepath.Dir(mc.path), logsFolder), keep: mc.runs.Launcher}
}

// The files that a launcher has open, and what tells that one runs.
const (
	launcherLock   = "launcher.lock"
	launcherStatus = "launcher.status.json"
)

var launcherLogs = [...]string{"launcher.log", "smppserv.log"}

// Erase implements operators.Logs: the file of this worker, and through its launcher those of that. Where none runs, what an earlier one
// has left is this worker's to clean.
func (l *logFiles) Erase(ctx context.Context, number string) (lines int, err error) {
	holds := mention.Of(number).In
	lines, err = l.messages.erase(ctx, holds)
	var n int
	var fault error
	if l.launcher != nil {
		if l.flush != nil {
			l.flush()
		}
		n, fault = l.launcher.Erase(ctx, number)
	} else {
		n, fault = l.eraseLeft(holds)
	}
	return lines + n, errors.Join(err, fault)
}

func (l *logFiles) eraseLeft(holds func([]byte) bool) (lines int, err error) {
	lock := livefile.New(filepath.Join(l.folder, launcherStatus), filepath.Join(l.folder, launcherLock), 0o644)
	if err := lock.TryHold(); err != nil {
		return 0, fmt.Errorf("a launcher runs that has not started this server, so its log files in %s are as they were: stop it, and ask again", l.folder)
	}
	defer lock.Release()
	for _, name := range launcherLogs {
		n, e := logfile.New(filepath.Join(l.folder, name), l.keep.LogMaxMB, l.keep.LogKeep).Erase(holds)
		lines += n
		err = errors.Join(err, e)
	}
	return lines, err
}
