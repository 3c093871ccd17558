package alerts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// sight is how everything stands at one time.
type sight struct {
	now     time.Time
	status  adminapi.Status
	clients []adminapi.Client
	waiting []adminapi.Waiting
}

func (a *Alerts) see(ctx context.Context) (*sight, error) {
	s := &sight{now: time.Now()}
	var err error
	if s.status, err = a.o.Source.Status(ctx); err != nil {
		return nil, err
	}
	if s.clients, err = a.o.Source.Clients(ctx); err != nil {
		return nil, err
	}
	s.waiting, err = a.o.Source.Waiting(ctx)
	return s, err
}

// finding is something that holds.
type finding struct {
	about string    // a client, "" = the whole
	since time.Time // it holds
	text  string
}

// doubt tells whether it is not known if a rule holds of something; nil = it is known of all.
type doubt func(about string) bool

func everywhere(string) bool { return true }

// of tells what holds of a rule, or would in time, and of what that cannot be seen.
func (s *sight) of(r *Rule) (all []finding, unseen doubt) {
	switch r.When {
	case HermesSilent:
		return s.each(adminapi.PartHermes, func(node string, p adminapi.Part) (f finding, holds, known bool) {
			up, known := p.Figures["up"]
			text := fmt.Sprintf("Hermès has not taken messages since %s; %s.", clock(p.Since), s.load(adminapi.Hermes))
			if node != "" {
				text = fmt.Sprintf("Hermès has not taken messages of %s since %s; %s.", node, clock(p.Since), s.load(adminapi.Hermes))
			}
			return finding{node, notAfter(p.Since, s.now), text}, up == 0, known
		})
	case ClientUnbound:
		return s.unbound(r), s.whole()
	case OldestWaiting:
		var oldest adminapi.Waiting
		for _, w := range s.waiting {
			if s.counts(r, &w) && w.Scheduled < w.Count && !w.Oldest.IsZero() && (oldest.Oldest.IsZero() || w.Oldest.Before(oldest.Oldest)) {
				oldest = w
			}
		}
		if oldest.Oldest.IsZero() || s.now.Sub(oldest.Oldest) < r.Lasts {
			return nil, s.whole()
		}
		return []finding{{"", notAfter(oldest.Oldest, s.now), fmt.Sprintf("The oldest message for %s was accepted at %s; %s.", named(oldest.Recipient), clock(oldest.Oldest), s.load(oldest.Recipient))}}, nil
	case Waiting:
		n := 0
		for _, w := range s.waiting {
			if s.counts(r, &w) {
				n += w.Count
			}
		}
		if n <= r.Count {
			return nil, s.whole()
		}
		return []finding{{"", s.now, waits(n) + forWhom(r.Client) + "."}}, nil
	case DiskFree:
		return s.each(adminapi.PartDisk, func(node string, p adminapi.Part) (f finding, holds, known bool) {
			free, known := p.Figures["disk_free"]
			text := fmt.Sprintf("Only %d MB are free where the database is.", free>>20)
			if node != "" {
				text = fmt.Sprintf("Only %d MB are free on the disk of %s.", free>>20, node)
			}
			return finding{node, s.now, text}, free < r.Octets, known
		})
	}
	return nil, nil
}

// whole is whether every worker on the store was seen.
func (s *sight) whole() doubt {
	if len(s.status.Lacks) > 0 {
		return everywhere
	}
	return nil
}

// each looks at a part of each node, or of the one that has its store to itself, which needs no name.
func (s *sight) each(part string, judge func(node string, p adminapi.Part) (f finding, holds, known bool)) (all []finding, unseen doubt) {
	nodes := s.status.Nodes
	if len(nodes) == 0 {
		nodes = []adminapi.Node{{Parts: s.status.Parts}}
	}
	unknown := map[string]bool{}
	for _, n := range nodes {
		var p adminapi.Part
		if at := slices.IndexFunc(n.Parts, func(p adminapi.Part) bool { return p.Name == part }); at >= 0 {
			p = n.Parts[at]
		}
		switch f, holds, known := judge(n.Name, p); {
		case !known:
			unknown[n.Name] = true
		case holds:
			all = append(all, f)
		}
	}
	return all, func(about string) bool { return unknown[about] }
}

func (s *sight) unbound(r *Rule) (all []finding) {
	for i := range s.clients {
		c := &s.clients[i]
		if !c.Configured || c.Disabled || r.Client != "" && r.Client != c.SystemID || c.Waiting.Count == 0 ||
			strings.Contains(c.State, "_RX") || strings.Contains(c.State, "_TRX") {
			continue
		}
		since := s.now // it is not known since when
		if !c.Since.IsZero() && c.State == "UNBOUND" {
			since = notAfter(c.Since, s.now)
		}
		text := fmt.Sprintf("%s is not bound to receive, and %s for it", c.SystemID, waits(c.Waiting.Count))
		if c.State == "UNBOUND" && !c.Since.IsZero() {
			text += "; its last session ended at " + clock(c.Since)
		}
		all = append(all, finding{c.SystemID, since, text + "."})
	}
	return all
}

// counts tells whether a rule is about what waits for a recipient.
func (s *sight) counts(r *Rule, w *adminapi.Waiting) bool {
	return r.Client == "" || r.Client == w.Recipient
}

// load tells what waits for a recipient.
func (s *sight) load(recipient string) string {
	for _, w := range s.waiting {
		if w.Recipient == recipient {
			return waits(w.Count) + " for it"
		}
	}
	return "no messages wait for it"
}

func waits(n int) string {
	if n == 1 {
		return "1 message waits"
	}
	return fmt.Sprint(n, " messages wait")
}

func named(recipient string) string {
	if recipient == adminapi.Hermes {
		return "Hermès"
	}
	return recipient
}

func forWhom(client string) string {
	if client == "" {
		return ""
	}
	return " for " + named(client)
}

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

// notAfter is for a clock that was set back.
func notAfter(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now) {
		return now
	}
	return t
}
