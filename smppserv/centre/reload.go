package centre

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"hnetsmpp/pkg/config"
)

const (
	// Editors and copies write a file in several steps: it is read when it has stayed the same for so long.
	settleTime = time.Second
	// Where the system tells nothing of changes (network drives), the file is looked at so often.
	pollTime = 2 * time.Second
)

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
	mc.watchFile(ctx, path, last, events)
}

// watchFile is watch with what the system tells of changes; nil = nothing.
func (mc *centre) watchFile(ctx context.Context, path string, last fileStamp, events <-chan fsnotify.Event) {
	poll := time.NewTicker(pollTime)
	defer poll.Stop()
	settled := time.NewTimer(0) // the file may have changed since the start
	seen := last
	changed := func() bool {
		now := stamp(path)
		if now == seen {
			return false
		}
		seen = now
		settled.Reset(settleTime)
		return true
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			if filepath.Base(e.Name) == filepath.Base(path) && !changed() {
				settled.Reset(settleTime) // the time of change may be too coarse to tell
			}
		case <-poll.C:
			changed()
		case <-settled.C:
			if changed() || seen == last {
				continue
			}
			f, err := config.Read(path)
			if changed() { // while it was read
				continue
			}
			last = seen
			mc.reload(f, err)
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

// reload takes up what can change while the server runs, of a file as it was read. One with a fault, or one that may be
// less than was meant, changes nothing.
func (mc *centre) reload(f config.File, err error) {
	records, blind := config.ReadRecords(config.RecordFiles(f.Path, f.Config))
	switch lost, is := mc.lostEnd(&f, records); {
	case is && err != nil:
		err = alsoLost(err, &f, lost)
	case is && lost == nil && reflect.DeepEqual(f.Config, mc.config()):
		mc.log.Info().Str("config", f.Path).Msg("the configuration is the same as before")
		return
	case is:
		err = &config.Error{Problems: []config.Problem{f.LostEnd(lost, "smppserv reload --shorter")}}
		if f.Outline.Lost(mc.file.Outline) == nil { // a start, which sees names only, could not tell
			r := mc.file.Record()
			r.Refused = f.Sum()
			mc.record(&mc.file, r)
		}
	}
	if err == nil {
		err = mc.apply(f.Config)
	}
	if err != nil {
		mc.log.Error().Err(err).AnErr("record", blind).Str("config", f.Path).Msg("the changed configuration is not taken up; mend it and save it again")
		return
	}
	mc.mu.Lock()
	applied, needRestart := config.Diff(mc.cfg, f.Config)
	mc.cfg = f.Config
	mc.mu.Unlock()
	defer mc.warnStranded()
	mc.file = f
	mc.record(&f, f.Record())
	for _, w := range f.Config.Warnings() {
		mc.log.Warn().Str("key", w.Key).Msg(w.Text)
	}
	mc.log.Info().Str("config", f.Path).Strs("changed", applied).Msg("configuration taken up")
	if len(needRestart) > 0 {
		mc.log.Warn().Strs("changed", needRestart).Msg("these changes take effect after a restart")
	}
}

// lostEnd tells whether a changed file may have lost its end, which keys are missing, and none where it is the beginning of
// the one in force and has all of its keys.
func (mc *centre) lostEnd(f *config.File, records []config.Record) (lost []string, is bool) {
	if !f.IsTOML() || accepted(f, records) {
		return nil, false
	}
	if lost = f.Outline.Lost(mc.file.Outline); lost != nil {
		return lost, true
	}
	// One that has gained keys may still be written. Where nothing that guards is missing, it is taken for another file.
	if lost = f.Outline.LostAmid(mc.file.Outline); slices.ContainsFunc(lost, guards) {
		return lost, true
	}
	return nil, len(f.Octets) < len(mc.file.Octets) && bytes.HasPrefix(mc.file.Octets, f.Octets)
}

// guards tells whether without the key somebody might bind, connect or read who may not, or messages go elsewhere.
func guards(key string) bool {
	for _, table := range [...]string{"clients", "hermes", "tcp", "admin", "store", "server.tls", "server.proxy_networks", "mode"} {
		if rest, ok := strings.CutPrefix(strings.TrimPrefix(key, "the rest of "), table); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// record notes what is in force, for the next start.
func (mc *centre) record(f *config.File, r config.Record) {
	if err := config.WriteRecord(config.RecordFiles(f.Path, f.Config), r); err != nil {
		mc.log.Warn().Err(err).Msg("the names of the configuration's keys cannot be kept: a start would not notice that the file has lost its end")
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
