package centre

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/running"
)

const (
	// Editors and copies write a file in several steps: it is read when it has stayed the same for so long.
	settleTime = time.Second
	// Where the system tells nothing of changes (network drives), the file is looked at so often.
	pollTime = 2 * time.Second
)

// watch takes up config.toml whenever it is another than the one that was read.
func (mc *centre) watch(ctx context.Context, file File) {
	var events <-chan fsnotify.Event
	if w := watchFolder(file); w != nil {
		defer w.Close()
		events = w.Events
		go func() {
			for range w.Errors { // polling goes on
			}
		}()
	}
	mc.watchFile(ctx, file.Path, file.read, events)
}

// watchFolder has the system tell of changes in the folder of config.toml, because many editors put a new file in the old one's place. nil = it
// tells nothing: it cannot, or the database is in that folder, too, and it would tell of each page that is written.
func watchFolder(file File) *fsnotify.Watcher {
	folder := filepath.Dir(file.Path)
	if s := file.Config.Store; s.Driver == config.DriverSQLite && filepath.Dir(s.DSN) == folder {
		return nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil
	}
	if w.Add(folder) != nil {
		w.Close()
		return nil
	}
	return w
}

// watchFile is watch with what the system tells of changes; nil = nothing.
func (mc *centre) watchFile(ctx context.Context, path string, last fileStamp, events <-chan fsnotify.Event) {
	poll := time.NewTicker(pollTime)
	defer poll.Stop()
	settled := time.NewTimer(0) // the file may have changed since the start
	seen := last
	var others []string // that the configuration is read from besides its own file
	if mc.file.Config != nil {
		others = mc.file.Config.Files()
	}
	changed := func() bool {
		now := stamp(path, others...)
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
			if f.Config != nil && !slices.Equal(others, f.Config.Files()) { // it names others now: from here on they are watched
				others = f.Config.Files()
				seen = stamp(path, others...)
				settled.Reset(0)
				continue
			}
			last = seen
			mc.judged = last.time
			mc.reload(f, err)
		}
	}
}

type fileStamp struct {
	time   time.Time
	size   int64
	others string // the same of the files that the configuration is read from besides its own
}

func stamp(path string, others ...string) fileStamp {
	var s fileStamp
	if info, err := os.Stat(path); err == nil {
		s.time, s.size = info.ModTime(), info.Size()
	}
	for _, other := range others {
		o := stamp(other)
		s.others += fmt.Sprintln(other, o.time.UnixNano(), o.size)
	}
	return s
}

// reload takes up what can change while the server runs, and tells the log and the commands of this machine what it did.
func (mc *centre) reload(f config.File, err error) {
	before := mc.waiting()
	r := mc.takeUp(f, err)
	mc.show(&mc.file, r.Fault)
	switch by := (adminapi.Actor{Name: adminapi.ActorFile}); {
	case r.Fault != "":
		mc.operators.Note(by, "reload refused", "", r.Fault)
	case !slices.Equal(r.Pending, before):
		mc.operators.Note(by, "reload", "", strings.Join(append(r.Keys[:len(r.Keys):len(r.Keys)], "for a restart: "+cmp.Or(strings.Join(r.Pending, ", "), "nothing any more")), ", "))
	case len(r.Keys) > 0:
		mc.operators.Note(by, "reload", "", strings.Join(r.Keys, ", "))
	}
	r.At, r.Changed = time.Now(), mc.judged
	mc.announce(r)
}

// takeUp takes up what can change, of a file as it was read. One with a fault, or one that may be less than was meant, changes
// nothing.
func (mc *centre) takeUp(f config.File, err error) (r running.Reload) {
	records, blind := config.ReadRecords(config.RecordFiles(f.Path, f.Config))
	switch lost, is := mc.lostEnd(&f, records); {
	case is && err != nil:
		err = alsoLost(err, &f, lost)
	case is && lost == nil && reflect.DeepEqual(f.Config, mc.config()):
		mc.log.Info().Str("config", f.Path).Msg("the configuration is the same as before")
		r.Pending = mc.waiting()
		return r
	case is:
		err = &config.Error{Problems: []config.Problem{f.LostEnd(lost, "smppserv reload --shorter")}}
		if f.Outline.Lost(mc.file.Outline) == nil { // a start, which sees names only, could not tell
			r := mc.file.Record()
			r.Refused = f.Sum()
			mc.record(&mc.file, r)
		}
	}
	var renewed []string
	if err == nil {
		err = mc.keysFit(f.Config)
	}
	if err == nil {
		renewed, err = mc.apply(f.Config)
	}
	if err != nil {
		mc.log.Error().Err(err).AnErr("record", blind).Str("config", f.Path).Msg("the changed configuration is not taken up; mend it and save it again")
		r.Fault, r.Pending = err.Error(), mc.waiting()
		return r
	}
	mc.mu.Lock()
	r.Keys, _ = config.Diff(mc.cfg, f.Config)
	_, r.Pending = config.Diff(mc.runs, f.Config)
	undone := len(r.Pending) == 0 && len(mc.pending) > 0
	mc.cfg, mc.pending = f.Config, r.Pending
	mc.mu.Unlock()
	for _, key := range renewed {
		if !slices.Contains(r.Keys, key) {
			r.Keys = append(r.Keys, key)
		}
	}
	defer mc.warnStranded()
	mc.messages.configure(f.Path, f.Config)
	mc.file = f
	mc.record(&f, f.Record())
	for _, w := range f.Config.Warnings() {
		mc.log.Warn().Str("key", w.Key).Msg(w.Text)
	}
	mc.log.Info().Str("config", f.Path).Strs("changed", r.Keys).Msg("configuration taken up")
	switch {
	case len(r.Pending) > 0:
		mc.log.Warn().Strs("changed", r.Pending).Msg("these changes take effect after a restart")
	case undone:
		mc.log.Info().Msg("nothing waits for a restart any more")
	}
	return r
}

// waiting are the keys that wait for a restart.
func (mc *centre) waiting() []string {
	mc.mu.Lock()
	defer mc.mu.Unlock()
	return mc.pending
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

// apply gives every package its new settings, or none of them. It names the keys whose certificates are others now, although
// the file says the same.
func (mc *centre) apply(cfg *config.Config) (renewed []string, err error) {
	certificates := digests(cfg.Certificates()) // before they are read: a change meanwhile is seen the next time
	push, err := pushOptions(cfg, mc.log)
	if err != nil {
		return nil, err
	}
	secure, err := secureConfig("server.tls", cfg.Server.TLS, mc.secure != nil)
	if err != nil {
		return nil, err
	}
	port, err := secureConfig("tcp.tls", cfg.TCP.TLS, mc.portConf.Load() != nil)
	if err != nil {
		return nil, err
	}
	operators, err := adminConfig(cfg.Admin)
	if err != nil {
		return nil, err
	}
	if err := mc.push.Reload(push); err != nil {
		return nil, err
	}
	for key, digest := range certificates {
		if mc.certificates[key] != digest {
			renewed = append(renewed, key)
		}
	}
	slices.Sort(renewed)
	mc.certificates = certificates
	if secure != nil {
		mc.secureConf.Store(secure)
	}
	if port != nil {
		mc.portConf.Store(port)
	}
	if operators != nil && mc.adminConf.Load() != nil { // whether it speaks TLS at all is settled at the start
		mc.adminConf.Store(operators)
	}
	setLevel(cfg.Log)
	settings := queueSettings(cfg)
	mc.queue.Configure(settings)
	if mc.database != nil {
		mc.database.Gather(settings.Reassemble)
	}
	mc.smsc.Reload(smscSettings(cfg))
	clients := systemIDs(cfg)
	mc.traces.Retain(func(systemID string) bool { return slices.Contains(clients, systemID) })
	mc.counters.Clients(clients)
	mc.alerts.Configure(alertSettings(cfg))
	mc.port.SetAllow(prefixes(cfg.TCP.Allow))
	mc.port.SetBalancers(prefixes(cfg.Server.ProxyNetworks))
	mc.port.SetToken(cfg.TCP.Token)
	mc.port.SetValidity(cfg.Hermes.Validity)
	mc.mu.Lock()
	defer mc.mu.Unlock()
	if len(mc.users) > 0 && len(cfg.Admin.Users) > 0 {
		for _, u := range mc.users {
			if !slices.ContainsFunc(cfg.Admin.Users, func(now config.User) bool { return now.Name == u.Name && now.Password == u.Password }) {
				mc.admin.EndVisits(u.Name)
			}
		}
		mc.users = cfg.Admin.Users
	}
	return renewed, nil
}
