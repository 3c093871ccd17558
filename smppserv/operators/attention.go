package operators

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// The codes of notices: the same in each language and version.
const (
	CodeHermesSilent     = adminapi.CodeHermesSilent
	CodeHermesPausing    = "hermes_pausing"
	CodeStandIn          = "stand_in"
	CodeStoreUnwritable  = adminapi.CodeStoreUnwritable
	CodeStoreParked      = "store_parked"
	CodeStoreUnsafe      = "store_unsafe"
	CodeLogLarge         = "log_large"
	CodeDiskLow          = "disk_low"
	CodeConfigRefused    = adminapi.CodeConfigRefused
	CodeRestartPending   = "restart_pending"
	CodeClientUnbound    = "client_unbound"
	CodeClientPaused     = "client_paused"
	CodeClientUnknown    = "client_unknown"
	CodeClientDisabled   = "client_disabled"
	CodeShippedPassword  = "shipped_password"
	CodeNumberShared     = "number_shared"
	CodeLineRefused      = "line_refused"
	CodeCertificateEnds  = "certificate_ends"
	CodeCertificateEnded = "certificate_ended"
	CodeConfigWarning    = "config_warning"
	CodeLeaseLost        = "lease_lost"
	CodeNodeSilent       = "node_silent"
	CodeNodeGone         = "node_gone"
	CodeNodesDiffer      = "nodes_differ"
)

// Codes are all of them.
var Codes = []string{CodeHermesSilent, CodeHermesPausing, CodeStandIn, CodeStoreUnwritable, CodeStoreParked, CodeStoreUnsafe, CodeLogLarge, CodeDiskLow, CodeConfigRefused,
	CodeRestartPending, CodeClientUnbound, CodeClientPaused, CodeClientUnknown, CodeClientDisabled, CodeShippedPassword, CodeNumberShared, CodeLineRefused,
	CodeCertificateEnds, CodeCertificateEnded, CodeConfigWarning, CodeLeaseLost, CodeNodeSilent, CodeNodeGone, CodeNodesDiffer}

const (
	// maxClientNotices bounds the clients that are named for one reason; the others are summed up.
	maxClientNotices = 20
	// certificateNotice is how long before its end a certificate is worth a look.
	certificateNotice = 30 * 24 * time.Hour
)

// ownNotices lists what an operator should see to of this node itself.
func (ops *Operators) ownNotices(cfg *Config, parts []adminapi.Part, now time.Time) []adminapi.Notice {
	a := attention{all: []adminapi.Notice{}}
	if ops.Lease() != nil {
		a.add(adminapi.Notice{Code: CodeLeaseLost, Level: adminapi.Bad, Since: ops.parts.Others.LapsedAt(), Link: "/nodes", Text: adminapi.Say("the lease is not held: nothing is accepted and nothing delivered here until the database renews it"),
			ToDo: adminapi.Say("see whether the database answers, and this machine's way to it; the node goes on by itself, and meanwhile others take over what it holds")})
	}
	for i := range parts {
		a.part(&parts[i], cfg)
	}
	for _, w := range cfg.Warnings {
		n := adminapi.Notice{Code: w.Code, About: w.Key, Level: adminapi.Warning, Since: cfg.Settings.Taken, Text: adminapi.Verbatim(w.Key + " " + w.Text), Link: "/settings"}
		switch w.Code {
		case CodeStandIn:
			continue // Hermès' part tells
		case CodeShippedPassword:
			n.Text = adminapi.Say("a client has the password that the program is shipped with, which everybody knows")
			n.ToDo = adminapi.Say("change %s in config.toml, and in the client", w.Key)
		case CodeNumberShared:
			n.ToDo = adminapi.Say("leave the number to one of the two clients in config.toml, unless that is meant")
		case CodeStoreUnsafe:
			n.ToDo = adminapi.Say("set it so in PostgreSQL, then start this node again: it looks at that when it starts")
		default:
			n.ToDo = adminapi.Say("see to %s in config.toml, unless that is meant", w.Key)
		}
		a.add(n)
	}
	for _, c := range ops.certificates.ends(cfg.Certificates, now) {
		n := adminapi.Notice{Code: CodeCertificateEnds, About: c.key, Level: adminapi.Warning, Link: "/settings",
			Text: adminapi.Say("the certificate of %s ends at %s", c.key, c.ends), ToDo: adminapi.Say("put a new one into %s: it is taken up by itself", c.file)}
		switch {
		case now.After(c.ends):
			n.Code, n.Level, n.Since = CodeCertificateEnded, adminapi.Bad, c.ends
			n.Text = adminapi.Say("the certificate of %s has ended at %s", c.key, c.ends)
		case c.ends.Sub(now) > certificateNotice:
			continue
		}
		a.add(n)
	}
	return a.all
}

// sorted puts the worst first, and tells of each since when it is so; prefix is before the names of those that belong together.
func (ops *Operators) sorted(prefix string, all []adminapi.Notice, now time.Time) []adminapi.Notice {
	still := map[string]bool{}
	for i := range all {
		n := &all[i]
		key := prefix + n.Code + " " + n.About + " " + n.Node
		still[key] = true
		if at := ops.since(key, string(n.Level), now); n.Since.IsZero() {
			n.Since = at
		}
	}
	ops.over(still, prefix)
	rank := map[adminapi.Level]int{adminapi.Bad: 0, adminapi.Warning: 1}
	slices.SortStableFunc(all, func(a, b adminapi.Notice) int { return cmp.Compare(rank[a.Level], rank[b.Level]) })
	return all
}

type attention struct{ all []adminapi.Notice }

func (a *attention) add(n adminapi.Notice) { a.all = append(a.all, n) }

// part adds what a part that does not stand well needs.
func (a *attention) part(p *adminapi.Part, cfg *Config) {
	if cfg.StandIn && p.Name == adminapi.PartHermes {
		a.add(adminapi.Notice{Code: CodeStandIn, About: "hermes.url", Level: adminapi.Warning, Text: adminapi.Say("messages go to the stand-in for Hermès, and reach nobody"),
			ToDo: adminapi.Say("write Hermès' address into hermes.url of config.toml when it is there"), Link: "/settings"})
		if p.Level == adminapi.Warning {
			return
		}
	}
	if p.Level != adminapi.Bad && p.Level != adminapi.Warning {
		return
	}
	n := adminapi.Notice{About: p.Name, Level: p.Level, Since: p.Since, Text: p.Text, Link: "/"}
	switch p.Name {
	case adminapi.PartHermes:
		n.Code, n.ToDo = CodeHermesSilent, adminapi.Say("see whether Hermès runs and hermes.url leads to it; what waits goes by itself when it answers")
		if p.Level == adminapi.Warning {
			n.Code, n.ToDo = CodeHermesPausing, adminapi.Say("see how busy Hermès is; what waits goes by itself as it takes it")
		}
		n.Link = "/messages?state=waiting&direction=in"
	case adminapi.PartTCP:
		n.Code, n.ToDo = CodeLineRefused, adminapi.Say("mend what Hermès writes, or tcp.allow and tcp.token of config.toml, by what the reason says")
	case adminapi.PartStore:
		switch {
		case p.Level == adminapi.Bad:
			n.Code, n.ToDo = CodeStoreUnwritable, adminapi.Say("see to the disk and to the rights of the service's account; the server goes on by itself")
			if cfg.Database == "" {
				n.ToDo = adminapi.Say("see to PostgreSQL and this machine's way to it, by what the reason says; the server goes on by itself")
			}
		case p.Figures["parked"] > 0:
			n.Code, n.ToDo = CodeStoreParked, adminapi.Say("the log names the first ones and the reason: mend it, else they are tried again after the next start")
		default:
			n.Code, n.ToDo = CodeLogLarge, adminapi.Say("see whether another program holds the database open, such as a backup or a viewer, and end it")
		}
	case adminapi.PartDisk:
		n.Code, n.ToDo = CodeDiskLow, adminapi.Say("free room on the volume of the database, or shorten jobs.retention in config.toml")
		if cfg.Database == "" {
			n.ToDo = adminapi.Say("free room on the volume that the server keeps its logs and its folder data on")
		}
	case adminapi.PartConfiguration:
		n.Link = "/settings"
		n.Code, n.ToDo = CodeConfigRefused, adminapi.Say("mend config.toml and save it again; the server works on with what it said before")
		pending := adminapi.Notice{Code: CodeRestartPending, About: n.About, Level: n.Level, Link: n.Link, Text: restartPending(cfg), ToDo: adminapi.Say("restart the service when it suits")}
		switch {
		case cfg.Settings.Fault == "":
			pending.Since, n = n.Since, pending
		case len(cfg.Settings.Pending) > 0:
			defer a.add(pending)
		}
	default:
		return
	}
	a.add(n)
}

// clientsToSeeTo lists the clients that messages wait for and that do not take them; of tells how one stands.
func (ops *Operators) clientsToSeeTo(cfg *Config, waiting []adminapi.Waiting, of func(systemID string) standing) []adminapi.Notice {
	var a attention
	named, more := 0, 0
	paused := map[string]bool{}
	notice := func(n adminapi.Notice) {
		if named++; named > maxClientNotices {
			more++
			return
		}
		n.Link = "/clients/" + url.PathEscape(n.About)
		a.add(n)
	}
	for _, w := range waiting {
		if w.Recipient == adminapi.Hermes {
			continue
		}
		c, known := cfg.client(w.Recipient)
		n := adminapi.Notice{About: w.Recipient, Level: adminapi.Warning, Since: w.Oldest}
		pause, isPaused := ops.paused(w.Recipient)
		st := of(w.Recipient)
		switch {
		case !known:
			n.Code, n.Text = CodeClientUnknown, adminapi.Say("%d messages wait for %s, which config.toml does not have", w.Count, w.Recipient)
			n.ToDo = adminapi.Say("hand over what waits to another client, or add a client of this system_id to config.toml; else they end with their validity")
		case c.Disabled:
			n.Code, n.Text = CodeClientDisabled, adminapi.Say("%d messages wait for %s, which is disabled", w.Count, w.Recipient)
			n.ToDo = adminapi.Say("enable it in config.toml (disabled = false), or hand over what waits to another client; else they end with their validity")
		case isPaused:
			paused[w.Recipient] = true
			n.Code, n.Since, n.Text = CodeClientPaused, pause.Since, adminapi.Say("%s is paused by %s; %d messages wait for it", w.Recipient, pause.By, w.Count)
			n.ToDo = adminapi.Say("resume it when what it was paused for is over")
		case !st.Receives:
			if since := ops.unboundSince(st); since.After(w.Oldest) {
				n.Since = since
			}
			n.Code, n.Text = CodeClientUnbound, adminapi.Say("%d messages wait for %s: %s", w.Count, w.Recipient, w.Why)
			n.ToDo = adminapi.Say("see why the client does not bind: its events tell what the server saw of it")
		default:
			continue
		}
		notice(n)
	}
	ops.mu.Lock()
	pauses := make(map[string]adminapi.Pause, len(ops.pauses))
	for systemID, p := range ops.pauses {
		pauses[systemID] = p
	}
	ops.mu.Unlock()
	for systemID, p := range pauses {
		if !paused[systemID] {
			notice(adminapi.Notice{Code: CodeClientPaused, About: systemID, Level: adminapi.Warning, Since: p.Since,
				Text: adminapi.Say("%s is paused by %s", systemID, p.By), ToDo: adminapi.Say("resume it when what it was paused for is over")})
		}
	}
	if more > 0 {
		a.add(adminapi.Notice{Code: CodeClientUnbound, Level: adminapi.Warning, Text: adminapi.Say("%d more clients do not take what waits for them", more),
			ToDo: adminapi.Say("the list of what waits names them"), Link: "/messages?state=waiting&direction=out"})
	}
	return a.all
}
