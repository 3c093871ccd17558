package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"hnetsmpp/pkg/config"
)

const (
	// Editors write a file in several steps: it is read when it has been left alone for so long.
	settleTime = 200 * time.Millisecond
	// Where the system tells nothing of changes (network drives), the file is looked at so often.
	pollTime = 2 * time.Second
)

// configFile is the configuration that the server was started with.
type configFile struct {
	path string
	read fileStamp // taken before it was read
	cfg  *config.Config
}

// watch takes up config.toml whenever it is another than the one that was read.
func (s *server) watch(ctx context.Context, file configFile) {
	path, last := file.path, file.read
	var events <-chan fsnotify.Event
	if w, err := fsnotify.NewWatcher(); err == nil {
		defer w.Close()
		// The folder, because many editors put a new file in the old one's place.
		if err := w.Add(filepath.Dir(path)); err == nil {
			events = w.Events
			go func() {
				for range w.Errors { // polling goes on
				}
			}()
		}
	}
	poll := time.NewTicker(pollTime)
	defer poll.Stop()
	settled := time.NewTimer(0) // the file may have changed since the start
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			if filepath.Base(e.Name) == filepath.Base(path) {
				settled.Reset(settleTime)
			}
		case <-poll.C:
			if stamp(path) != last {
				settled.Reset(settleTime)
			}
		case <-settled.C:
			if now := stamp(path); now != last {
				last = now
				s.reload(path)
			}
		}
	}
}

type fileStamp struct {
	time time.Time
	size int64
}

func stamp(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info.ModTime(), info.Size()}
}

// reload takes up what can change while the server runs. A file with a fault changes nothing.
func (s *server) reload(path string) {
	cfg, err := config.Load(path)
	if err == nil {
		err = s.apply(cfg)
	}
	if err != nil {
		s.log.Error().Err(err).Str("config", path).Msg("the changed configuration is not taken up; mend it and save it again")
		return
	}
	s.mu.Lock()
	applied, needRestart := config.Diff(s.cfg, cfg)
	s.cfg = cfg
	s.mu.Unlock()
	for _, w := range cfg.Warnings() {
		s.log.Warn().Str("key", w.Key).Msg(w.Text)
	}
	s.log.Info().Str("config", path).Strs("changed", applied).Msg("configuration taken up")
	if len(needRestart) > 0 {
		s.log.Warn().Strs("changed", needRestart).Msg("these changes take effect after a restart")
	}
}

// apply gives every package its new settings, or none of them.
func (s *server) apply(cfg *config.Config) error {
	push, err := pushOptions(cfg, s.log)
	if err != nil {
		return err
	}
	if err := s.push.Reload(push); err != nil {
		return err
	}
	setLevel(cfg.Log)
	s.queue.Configure(queueSettings(cfg))
	s.smsc.Reload(smscSettings(cfg))
	s.port.SetAllow(prefixes(cfg.TCP.Allow))
	s.port.SetToken(cfg.TCP.Token)
	s.port.SetValidity(cfg.Hermes.Validity)
	return nil
}
