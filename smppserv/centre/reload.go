package centre

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/hermes"
)

const (
	// Editors write a file in several steps: it is read when it has been left alone for so long.
	settleTime = 200 * time.Millisecond
	// Where the system tells nothing of changes (network drives), the file is looked at so often.
	pollTime = 2 * time.Second
)

// File is a configuration as it was read. What changes in the file after that is taken up while the server runs.
type File struct {
	Path   string
	Config *config.Config
	read   fileStamp // taken before it was read
}

// Read reads a configuration and finds, besides config.Load's, the faults that only a try shows.
// Its error is a *config.Error, or Check's behind the path.
func Read(path string) (File, error) {
	f := File{Path: path, read: stamp(path)}
	var err error
	if f.Config, err = config.Load(path); err != nil {
		return File{}, err
	}
	if err = Check(f.Config); err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Check finds the faults of a valid configuration that only a try shows: of Hermès' certificates, and of the field names
// in the push's template.
func Check(cfg *config.Config) error {
	o, err := pushOptions(cfg, zerolog.Nop())
	if err == nil {
		_, err = hermes.NewPush(o)
	}
	return err
}

// watch takes up config.toml whenever it is another than the one that was read.
func (mc *centre) watch(ctx context.Context, file File) {
	path, last := file.Path, file.read
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
				mc.reload(path)
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
func (mc *centre) reload(path string) {
	cfg, err := config.Load(path)
	if err == nil {
		err = mc.apply(cfg)
	}
	if err != nil {
		mc.log.Error().Err(err).Str("config", path).Msg("the changed configuration is not taken up; mend it and save it again")
		return
	}
	mc.mu.Lock()
	applied, needRestart := config.Diff(mc.cfg, cfg)
	mc.cfg = cfg
	mc.mu.Unlock()
	defer mc.warnStranded()
	for _, w := range cfg.Warnings() {
		mc.log.Warn().Str("key", w.Key).Msg(w.Text)
	}
	mc.log.Info().Str("config", path).Strs("changed", applied).Msg("configuration taken up")
	if len(needRestart) > 0 {
		mc.log.Warn().Strs("changed", needRestart).Msg("these changes take effect after a restart")
	}
}

// apply gives every package its new settings, or none of them.
func (mc *centre) apply(cfg *config.Config) error {
	push, err := pushOptions(cfg, mc.log)
	if err != nil {
		return err
	}
	if err := mc.push.Reload(push); err != nil {
		return err
	}
	setLevel(cfg.Log)
	mc.queue.Configure(queueSettings(cfg))
	mc.smsc.Reload(smscSettings(cfg))
	mc.port.SetAllow(prefixes(cfg.TCP.Allow))
	mc.port.SetToken(cfg.TCP.Token)
	mc.port.SetValidity(cfg.Hermes.Validity)
	return nil
}
