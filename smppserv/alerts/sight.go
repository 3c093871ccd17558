package alerts

import (
	"context"
	"fmt"
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

func (s *sight) part(name string) adminapi.Part {
	for _, p := range s.status.Parts {
		if p.Name == name {
			return p
		}
	}
	return adminapi.Part{}
}

// of tells what holds of a rule, or would in time; known is false when that cannot be seen.
func (s *sight) of(r *Rule) (all []finding, known bool) {
	switch r.When {
	case HermesSilent:
		p := s.part(adminapi.PartHermes)
		up, known := p.Figures["up"]
		if !known || up == 1 {
			return nil, known
		}
		return []finding{{"", notAfter(p.Since, s.now), fmt.Sprintf("Hermès has not taken messages since %s; %s.", clock(p.Since), s.load(adminapi.Hermes))}}, true
	case ClientUnbound:
		return s.unbound(r), true
	case OldestWaiting:
		var oldest adminapi.Waiting
		for _, w := range s.waiting {
			if s.counts(r, &w) && w.Scheduled < w.Count && !w.Oldest.IsZero() && (oldest.Oldest.IsZero() || w.Oldest.Before(oldest.Oldest)) {
				oldest = w
			}
		}
		if oldest.Oldest.IsZero() || s.now.Sub(oldest.Oldest) < r.Lasts {
			return nil, true
		}
		return []finding{{"", notAfter(oldest.Oldest, s.now), fmt.Sprintf("The oldest message for %s was accepted at %s; %s.", named(oldest.Recipient), clock(oldest.Oldest), s.load(oldest.Recipient))}}, true
	case Waiting:
		n := 0
		for _, w := range s.waiting {
			if s.counts(r, &w) {
				n += w.Count
			}
		}
		if n <= r.Count {
			return nil, true
		}
		return []finding{{"", s.now, waits(n) + forWhom(r.Client) + "."}}, true
	case DiskFree:
		free, known := s.part(adminapi.PartDisk).Figures["disk_free"]
		if !known || free >= r.Octets {
			return nil, known
		}
		return []finding{{"", s.now, fmt.Sprintf("Only %d MB are free where the database is.", free>>20)}}, true
	}
	return nil, true
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
