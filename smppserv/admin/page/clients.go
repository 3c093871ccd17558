package page

import (
	"cmp"
	"context"
	"slices"

	"hnetsmpp/pkg/adminapi"
)

type clientsData struct {
	Clients []adminapi.Client
	Bound   int
}

func (p *page) clients(ctx context.Context, v *view) (any, error) {
	v.Section, v.Title, v.Topics = "clients", v.T("Clients"), "clients waiting"
	all, err := p.o.Operators.Clients(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b adminapi.Client) int { return cmp.Compare(a.SystemID, b.SystemID) })
	d := clientsData{Clients: all}
	for _, c := range all {
		if len(c.Sessions) > 0 {
			d.Bound++
		}
	}
	return d, nil
}

type clientData struct {
	adminapi.Client
	Others []string // to hand over to
}

func (p *page) client(ctx context.Context, v *view) (any, error) {
	id := v.r.PathValue("id")
	v.Section, v.Title, v.Topics = "clients", v.T("Client %s", id), "clients waiting"
	c, err := p.o.Operators.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	d := clientData{Client: c}
	if c.Waiting.Count > 0 && !v.Live {
		all, err := p.o.Operators.Clients(ctx)
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if other.Configured && other.SystemID != id {
				d.Others = append(d.Others, other.SystemID)
			}
		}
	}
	return d, nil
}

// ClientState is how a client stands, as a tag.
func (v *view) ClientState(c adminapi.Client) any {
	switch {
	case !c.Configured:
		return v.tag(adminapi.Warning, v.T("not in config.toml"), "")
	case c.Disabled:
		return v.tag(adminapi.Neutral, v.T("disabled"), "disabled = true")
	case c.Paused != nil:
		return v.tag(adminapi.Warning, v.T("paused"), c.State)
	}
	return v.State(c.State)
}

// ClientWhy is since when and why a client is as it is.
func (v *view) ClientWhy(c adminapi.Client) string {
	if c.Paused != nil {
		return v.T("since %s, by %s", c.Paused.Since, c.Paused.By)
	}
	if why := v.Say(c.Why); why != "" {
		return why
	}
	if c.Since.IsZero() {
		return ""
	}
	return v.T("since %s", c.Since)
}

// WaitingLine is how much waits, and for how long.
func (v *view) WaitingLine(w adminapi.Waiting) string {
	if w.Count == 0 {
		return v.T("nothing")
	}
	if w.Oldest.IsZero() {
		return v.Number(int64(w.Count))
	}
	return v.T("%d, the oldest %s", w.Count, v.Now.Sub(w.Oldest))
}
