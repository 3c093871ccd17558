package supervise

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long a changed file must rest: editors and copies write in steps.
const settleTime = time.Second

// fingerprint changes whenever the file is written, replaced or removed.
func fingerprint(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "none"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "unreadable"
	}
	return fmt.Sprintf("%d %d %x", info.ModTime().UnixNano(), info.Size(), sha256.Sum256(data))
}

// awaitChange returns when the file differs from the fingerprint before, or
// the supervisor is to end. It watches the folder, since editors replace
// files, and looks by itself now and then, since not every folder can be watched.
func (s *Supervisor) awaitChange(ctx context.Context, path, before string) {
	var events chan fsnotify.Event
	var errors chan error
	if watcher, err := fsnotify.NewWatcher(); err == nil {
		defer watcher.Close()
		if watcher.Add(filepath.Dir(path)) == nil {
			events, errors = watcher.Events, watcher.Errors
		}
	}
	poll := time.NewTicker(s.opts.ConfigPoll)
	defer poll.Stop()
	for {
		if now := fingerprint(path); now != before {
			s.sleep(ctx, settleTime)
			if fingerprint(path) == now || s.asked(ctx) {
				return
			}
			continue
		}
		select {
		case <-events:
		case <-errors: // looking by itself makes up for it
		case <-poll.C:
		case <-ctx.Done():
			return
		case <-s.killed:
			return
		}
	}
}
