package operators

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/diskspace"
	"hnetsmpp/smppserv/hermes"
)

const (
	statusGood = time.Second
	// diskGood is how long what was seen of the disk is good, lowGood while little is free.
	diskGood, lowGood = 10 * time.Second, time.Second
	// Below so much free disk somebody should look, and work is about to stand still.
	lowDisk, noDisk = 2 << 30, 200 << 20
	// A write-ahead log of so many octets is not copied into the database as it should be.
	largeLog = 1 << 30
)

// statusHere is how this node stands.
func (ops *Operators) statusHere(ctx context.Context) (adminapi.Status, error) {
	s, err := ops.status.get(func() (adminapi.Status, time.Duration, error) {
		now := time.Now()
		cfg := ops.o.Config()
		waiting, err := ops.waitingHere(ctx)
		if err != nil {
			return adminapi.Status{}, 0, err
		}
		trouble := ops.check()
		s := adminapi.Status{Node: ops.o.Node, Version: ops.o.Version, Started: ops.o.Started, Mode: cfg.Mode, Ready: true,
			Parts: ops.standingParts(now, trouble)}
		if trouble != nil {
			s.Ready, s.Why = false, oneLine(trouble.Error())
		}
		if lost := ops.Lease(); lost != nil {
			s.Ready, s.Why = false, lost.Error()
		}
		own := ops.ownNotices(&cfg, s.Parts, now)
		clients := ops.clientsToSeeTo(&cfg, waiting, ops.standingHere)
		s.Attention = ops.sorted("notice ", append(own, clients...), now)
		q := ops.parts.Queue.Stats()
		texts := min(ops.parts.Queue.Texts(), q.Waiting)
		s.Load = adminapi.Load{Waiting: q.Waiting, Texts: texts, Receipts: q.Waiting - texts, InFlight: q.InFlight, Oldest: oldestOf(waiting),
			Sessions: len(ops.parts.SMSC.Sessions()), Unwritten: q.Unwritten}
		if r, err := ops.reportToday(ctx); err == nil {
			s.Today = adminapi.Counts{Submitted: r.Sum.Received, Delivered: r.Sum.Pushed + r.Sum.Delivered, Failed: r.Sum.Failed, Deleted: r.Sum.Deleted,
				Receipts: r.Sum.Receipts, Parts: r.Sum.Parts}
		}
		return s, statusGood, nil
	})
	s.Now = time.Now()
	return s, err
}

// standingParts tells how each part stands, and the store's with what is wrong with it. It costs little: it is asked once a second.
func (ops *Operators) standingParts(now time.Time, trouble error) []adminapi.Part {
	cfg := ops.o.Config()
	parts := []adminapi.Part{ops.smppPart(&cfg), ops.hermesPart(&cfg), ops.tcpPart(&cfg), ops.storePart(&cfg, trouble), ops.diskPart(&cfg), configurationPart(&cfg)}
	for i := range parts {
		p := &parts[i]
		at := p.Since
		if at.IsZero() {
			at = now
			if now.Sub(ops.o.Started) < 2*lookEvery {
				at = ops.o.Started
			}
		}
		since := ops.since("part "+p.Name, string(p.Level)+p.Text.Format, at)
		if p.Since.IsZero() {
			p.Since = since
		}
	}
	return parts
}

func (ops *Operators) smppPart(cfg *Config) adminapi.Part {
	return smppPart(cfg, ops.parts.SMSC.Bound(), len(ops.parts.SMSC.Sessions()))
}

// smppPart is how the SMPP side stands with so many clients bound, on so many sessions.
func smppPart(cfg *Config, bound, sessions int) adminapi.Part {
	p := adminapi.Part{Name: adminapi.PartSMPP, Level: adminapi.Good}
	enabled := 0
	for i := range cfg.Clients {
		if !cfg.Clients[i].Disabled {
			enabled++
		}
	}
	p.Figures = map[string]int64{"bound": int64(bound), "configured": int64(enabled), "sessions": int64(sessions)}
	switch {
	case enabled == 0:
		p.Level, p.Text = adminapi.Neutral, adminapi.Say("every client is disabled")
	case bound == 0:
		p.Level, p.Text = adminapi.Neutral, adminapi.Say("listening on %s; no client is bound", cfg.SMPP)
	default:
		p.Text = adminapi.Say("listening on %s; %d of %d clients are bound", cfg.SMPP, bound, enabled)
	}
	return p
}

func (ops *Operators) hermesPart(cfg *Config) adminapi.Part {
	f := ops.parts.Push.Facts()
	p := adminapi.Part{Name: adminapi.PartHermes, Level: adminapi.Good, Since: f.Since,
		Figures: map[string]int64{"window": int64(f.Window), "most": int64(f.Most), "in_flight": int64(f.InFlight)}}
	switch f.State { // the figure up is there when it is known
	case hermes.Up, hermes.Pausing, hermes.Silent:
		p.Figures["up"] = 1
	case hermes.Dead:
		p.Figures["up"] = 0
	}
	why := ops.whyHermes(cfg)
	switch {
	case cfg.HermesURL == "":
		p.Level, p.Text, p.Since = adminapi.Neutral, why, time.Time{}
	case f.State == hermes.Unknown && cfg.StandIn:
		p.Level, p.Text = adminapi.Warning, adminapi.Say("the stand-in is in use: messages reach nobody")
	case f.State == hermes.Unknown:
		p.Level, p.Text = adminapi.Neutral, adminapi.Say("nothing was pushed since the start: it is not known whether Hermès answers")
	case f.State == hermes.Dead:
		p.Level, p.Text = adminapi.Bad, why
	case !why.IsZero():
		p.Level, p.Text = adminapi.Warning, why
	case cfg.StandIn:
		p.Level, p.Text = adminapi.Warning, adminapi.Say("the stand-in is in use: messages reach nobody; it took the last one at %s", f.Answered)
	case f.Answered.IsZero():
		p.Text = adminapi.Say("Hermès answers")
	default:
		p.Text = adminapi.Say("Hermès answers; it took the last message at %s", f.Answered)
	}
	return p
}

// recentRejections is how long a rejected line is worth a look.
const recentRejections = time.Hour

func (ops *Operators) tcpPart(cfg *Config) adminapi.Part {
	f := ops.parts.Port.Facts()
	p := adminapi.Part{Name: adminapi.PartTCP, Level: adminapi.Good, Text: adminapi.Say("listening on %s; %d connections", cfg.TCP, f.Connections),
		Figures: map[string]int64{"connections": int64(f.Connections), "accepted": f.Accepted, "rejected": f.Rejected}}
	refused := slices.IndexFunc(f.Rejections, func(r hermes.Rejection) bool { return r.From != "" }) // an operator has seen why
	if refused >= 0 && time.Since(f.Rejections[refused].At) < recentRejections {
		r := f.Rejections[refused]
		p.Level, p.Text = adminapi.Warning, adminapi.Say("the last line from %s at %s was refused (%s): %s", r.From, r.At, r.Code, adminapi.Verbatim(r.Why))
		if f.Last.After(r.At) {
			p.Level, p.Text = adminapi.Good, adminapi.Say("listening on %s; %d connections; a line from %s at %s was refused (%s): %s", cfg.TCP, f.Connections,
				r.From, r.At, r.Code, adminapi.Verbatim(r.Why))
		}
	}
	return p
}

func (ops *Operators) storePart(cfg *Config, trouble error) adminapi.Part {
	p := adminapi.Part{Name: adminapi.PartStore, Level: adminapi.Good, Text: adminapi.Say("messages are written to disk")}
	if cfg.Database == "" {
		p.Text = adminapi.Say("messages are written to PostgreSQL")
	}
	d := ops.disk(cfg)
	p.Figures = map[string]int64{"database": d.database, "log": d.log, "parked": int64(ops.parts.Store.Parked())}
	ops.troubled.Store(trouble != nil)
	switch {
	case trouble != nil:
		p.Level, p.Text = adminapi.Bad, adminapi.Say("the database cannot be written: %s", adminapi.Verbatim(oneLine(trouble.Error())))
	case ops.parts.Store.Parked() > 0:
		p.Level, p.Text = adminapi.Warning, adminapi.Say("the database refuses the final states of %d messages", ops.parts.Store.Parked())
	case d.log > largeLog:
		p.Level, p.Text = adminapi.Warning, adminapi.Say("the write-ahead log has grown to %s", adminapi.Size(d.log))
	}
	return p
}

func (ops *Operators) diskPart(cfg *Config) adminapi.Part {
	d := ops.disk(cfg)
	p := adminapi.Part{Name: adminapi.PartDisk, Level: adminapi.Good, Figures: map[string]int64{"database": d.database, "log": d.log}}
	switch {
	case d.err != nil:
		p.Level, p.Text = adminapi.Neutral, adminapi.Say("it is not known how much of the disk is free: %s", adminapi.Verbatim(oneLine(d.err.Error())))
		return p
	case d.free < noDisk:
		p.Level, p.Text = adminapi.Bad, adminapi.Say("only %s are free: soon nothing can be written", adminapi.Size(d.free))
	case d.free < lowDisk || d.free < d.total/50:
		p.Level, p.Text = adminapi.Warning, adminapi.Say("only %s are free", adminapi.Size(d.free))
	case cfg.Database == "":
		p.Text = adminapi.Say("%s are free for the server's own files; the database is PostgreSQL's", adminapi.Size(d.free))
	default:
		p.Text = adminapi.Say("%s are free; the database has %s", adminapi.Size(d.free), adminapi.Size(d.database))
	}
	p.Figures["disk_free"], p.Figures["disk_total"] = d.free, d.total
	return p
}

func configurationPart(cfg *Config) adminapi.Part {
	p := adminapi.Part{Name: adminapi.PartConfiguration, Level: adminapi.Good, Since: cfg.Settings.Taken,
		Text: adminapi.Say("config.toml is in force as it is"), Figures: map[string]int64{"warnings": int64(len(cfg.Warnings)), "pending": int64(len(cfg.Settings.Pending))}}
	switch {
	case cfg.Settings.Fault != "":
		p.Figures["refused"] = 1
		p.Level, p.Since = adminapi.Warning, cfg.Settings.Faulty
		p.Text = adminapi.Say("the changed config.toml is not in force: %s", adminapi.Verbatim(oneLine(cfg.Settings.Fault)))
	case len(cfg.Settings.Pending) > 0:
		p.Level, p.Text = adminapi.Warning, restartPending(cfg)
	}
	return p
}

func restartPending(cfg *Config) adminapi.Text {
	return adminapi.Say("changes wait for a restart: %s", strings.Join(cfg.Settings.Pending, ", "))
}

// room is what is known of the disk.
type room struct {
	free, total, database, log int64
	err                        error
}

type rooms struct {
	mu    sync.Mutex
	of    string
	seen  room
	until time.Time
}

// disk is what is known of the volume that the database is on, or, where that is on a server, the files of this worker.
func (ops *Operators) disk(cfg *Config) room {
	r := &ops.rooms
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); cfg.Folder+cfg.Database != r.of || now.After(r.until) {
		r.of, r.until, r.seen = cfg.Folder+cfg.Database, now.Add(diskGood), look(cfg.Folder, cfg.Database)
		if r.seen.free < lowDisk {
			r.until = now.Add(lowGood)
		}
	}
	return r.seen
}

func look(folder, database string) (r room) {
	switch {
	case folder != "":
		r.free, r.total, r.err = diskspace.Of(filepath.Join(folder, "a file"))
	case database != "":
		r.free, r.total, r.err = diskspace.Of(database)
	}
	if database != "" {
		r.database, r.log = octets(database), octets(database+"-wal")
	}
	return r
}

func octets(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
